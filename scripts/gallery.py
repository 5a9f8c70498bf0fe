"""Render what the studio can do and write `docs/concepts/gallery.md` and its pictures.

python scripts/gallery.py [--only scenes,subjects] [--out docs/concepts]

The frames are the studio's own, drawn at 540p at standard quality as a clip's are, before encoding.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from filmgate.adapters.engines.studio.model.cast import SUBJECTS
from filmgate.adapters.engines.studio.model.catalogue import PLACES
from filmgate.adapters.engines.studio.pixels import motion
from filmgate.adapters.engines.studio.pixels.picture import Picture
from filmgate.adapters.engines.studio.prompt.imagine import imagine
from filmgate.adapters.engines.studio.render.renderer import probe, renderer_for
from filmgate.domain.sizes import ASPECT_RATIOS, frame_size

SEED = 7
MOMENTS = (0.0, 1.5, 3.0, 5.0)
TILE = (240, 135)
MARGIN, LINE = 4, 16
PAPER, INK = 250, 60

SCENES = {
    "ocean": "ocean waves at sunset",
    "storm": "a hurricane at sea, lightning",
    "mountains": "mountains by a lake",
    "snow": "a snowfield at dawn, clear sky",
    "forest": "a misty forest at dawn",
    "desert": "desert dunes",
    "city": "neon city street in the rain",
    "space": "saturn, a ringed planet",
    "aurora": "aurora borealis",
    "volcano": "a volcano erupting at night",
    "underwater": "underwater, a coral reef",
    "ink": "flowing ink",
}
MODIFIERS = (
    "mountains at dawn",
    "mountains at sunset",
    "mountains at night",
    "mountains in fog",
    "mountains, stormy clouds, rain",
    "mountains in winter",
    "forest in spring",
    "forest in autumn",
    "winter forest at night, snow falling",
    "city by day",
    "city at night",
    "city at sunset",
    "red ink",
    "green ink",
    "a purple galaxy",
    "calm sea",
    "wild windy sea",
    "dark moody ocean",
    "dreamy ocean",
    "vintage desert",
    "ocean, camera tilts down",
    "ocean, the camera orbits",
    "desert at night",
    "volcano by day",
)
PERFORMANCES = (
    "cat dance",
    "a person dancing in the city at night",
    "a black cat walking in the snow",
    "two dogs running in the desert",
    "a white horse galloping at sunset, mountains",
    "a flock of birds over the ocean",
    "shoal of goldfish",
    "a whale in the ocean at dawn",
    "a dog on the ocean",
    "a red car driving in the desert at night",
    "a train in winter",
    "boat and lighthouse at sunset",
    "a steamer in the storm",
    "an astronaut walking in the desert",
    "a cat floating in space",
    "a man, a dog and a balloon in the mountains",
)
TITLES = {
    "scenes": "Twelve scenes, at 0, 1.5, 3 and 5 seconds",
    "subjects": "Subjects",
    "shapes": "Seven shapes of frame",
    "modifiers": "Time of day, weather, season, colour, mood, wind, camera",
    "images": "Images: start, end, both",
    "extends": "Extends and a loop",
}

PREFACE = """\
What the embedded studio draws, without a key, a model or a GPU. It is a preview engine: it shows the place, the light
and the subjects a prompt names, not the prompt's story. `make gallery` renders this page from the studio's own frames
(540p, standard quality, before encoding); the words it knows are in [studio.md](studio.md)."""

Tile = tuple[str, Picture]


def drawn(
    prompt: str, moments: tuple[float, ...], size: tuple[int, int] = (960, 540), period: float = 0.0
) -> list[Picture]:
    """Draw moments of a prompt's scene as a clip of the size shows them."""
    means = probe()
    scene = imagine(prompt, SEED, peopled=means.renderer == "gl").scene
    renderer = renderer_for(means, scene, *size, period)
    try:
        return [cv2.resize(renderer.frame(each), size, interpolation=cv2.INTER_CUBIC) for each in moments]
    finally:
        renderer.close()


def scenes() -> Iterator[Tile]:
    """Every scene at four moments."""
    for name in PLACES:
        prompt = SCENES.get(name, PLACES[name].words.split()[0])
        frames = drawn(prompt, MOMENTS)
        yield from ((prompt if index == 0 else f"{MOMENTS[index]:g} s", frame) for index, frame in enumerate(frames))


def subjects() -> Iterator[Tile]:
    """Every subject where it is at home, then what they do, where else they can be, and several at a time."""
    prompts = [subject.words.split()[0] for subject in SUBJECTS.values()]
    for prompt in (*prompts, *PERFORMANCES):
        yield prompt, drawn(prompt, (1.5,))[0]


def shapes() -> Iterator[Tile]:
    """One prompt in every shape."""
    for ratio in ASPECT_RATIOS:
        yield ratio, drawn("mountains at sunset", (1.0,), frame_size(ratio, "540p"))[0]


def modifiers() -> Iterator[Tile]:
    """What words beside the place do."""
    for prompt in MODIFIERS:
        yield prompt, drawn(prompt, (1.5,))[0]


def images() -> Iterator[Tile]:
    """Clips from pictures, each at four moments."""
    start, end = drawn("mountains by a lake", (0.0,))[0], drawn("ocean waves at sunset", (0.0,))[0]
    clips: dict[str, Callable[[], Any]] = {
        "start image": lambda: motion.drift(start, 121),
        "end image": lambda: motion.arrive(end, 121),
        "start and end image": lambda: motion.morph(start, end, 121),
    }
    for name, clip in clips.items():
        for step, frame in enumerate(islice(clip(), 0, None, 40)):
            yield (name if step == 0 else f"frame {40 * step}"), frame


def extends() -> Iterator[Tile]:
    """Frames on both sides of where a clip begins and ends, a foreign clip that goes on, and a loop that closes."""
    for label, frame in zip(
        ("5 s before", "first frame", "last frame", "5 s after"), drawn("ocean", (-5, 0, 5, 10)), strict=True
    ):
        yield f"ocean: {label}", frame
    before, last = drawn("desert dunes", (119 / 24, 120 / 24))
    for step, frame in enumerate(islice(motion.drift(last, 121, before=before), 0, None, 40)):
        yield f"foreign clip: {'last frame' if step == 0 else f'{40 * step} frames on'}", frame
    period = 121 / 24
    for label, frame in zip(
        ("0", "N/3", "2N/3", "N"), drawn("aurora", (0, period / 3, period / 1.5, period), period=period), strict=True
    ):
        yield f"loop: frame {label}", frame


SHEETS: dict[str, Callable[[], Iterator[Tile]]] = {
    "scenes": scenes,
    "subjects": subjects,
    "shapes": shapes,
    "modifiers": modifiers,
    "images": images,
    "extends": extends,
}


def sheet(tiles: list[Tile], columns: int = 4) -> Picture:
    """Lay pictures out in rows, each with its caption below; those of another shape are fitted in."""
    width, height = TILE
    cells = []
    for caption, picture in tiles:
        cell = np.full((height + LINE + MARGIN, width + MARGIN, 3), PAPER, np.uint8)
        rows, columns_ = picture.shape[:2]
        scale = min(width / columns_, height / rows)
        size = (round(columns_ * scale), round(rows * scale))
        left, top = (width - size[0]) // 2, (height - size[1]) // 2
        small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
        cell[top : top + size[1], left : left + size[0]] = small
        cv2.putText(cell, caption, (2, height + 12), cv2.FONT_HERSHEY_SIMPLEX, 0.36, (INK,) * 3, 1, cv2.LINE_AA)
        cells.append(cell)
    cells += [np.full_like(cells[0], PAPER)] * (-len(cells) % columns)
    return np.vstack([np.hstack(cells[row : row + columns]) for row in range(0, len(cells), columns)])


def page(names: list[str]) -> str:
    """Write the gallery's page."""
    parts = ["# Gallery", PREFACE]
    parts += [f"## {TITLES[name]}\n\n![{TITLES[name]}](gallery/{name}.jpg)" for name in names]
    return "\n\n".join(parts) + "\n"


def main() -> None:
    """Render the sheets that are asked for and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default=",".join(SHEETS), help="sheets, with commas between")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent.parent / "docs/concepts")
    options = parser.parse_args()
    folder = options.out / "gallery"
    folder.mkdir(parents=True, exist_ok=True)
    for name in options.only.split(","):
        picture = cv2.cvtColor(sheet(list(SHEETS[name]())), cv2.COLOR_RGB2BGR)
        cv2.imwrite(str(folder / f"{name}.jpg"), picture, [cv2.IMWRITE_JPEG_QUALITY, 82, cv2.IMWRITE_JPEG_OPTIMIZE, 1])
        print(f"{folder / name}.jpg", (folder / f"{name}.jpg").stat().st_size // 1024, "KiB")
    (options.out / "gallery.md").write_text(page(list(SHEETS)), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
