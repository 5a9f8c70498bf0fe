"""Every scene of the catalogue, one like the other: loops, motion, reproducible frames, light."""

from __future__ import annotations

import hashlib
import subprocess
import sys

import numpy as np
import pytest

from filmgate.adapters.engines.studio.model.catalogue import PLACES
from filmgate.adapters.engines.studio.model.palettes import PALETTES
from filmgate.adapters.engines.studio.pixels.picture import Picture
from filmgate.adapters.engines.studio.prompt.imagine import imagine
from filmgate.adapters.engines.studio.render.quality import QUALITIES
from filmgate.adapters.engines.studio.render.renderer import probe, renderer_for
from tests.engines.test_studio_frames import psnr

WIDTH, HEIGHT = 160, 90
EVERY = pytest.mark.parametrize("place", PLACES)


def word(place: str) -> str:
    """A word that leads to the place."""
    return PLACES[place].words.split()[0]


def drawn(prompt: str, moments: list[float], *, period: float = 0.0, seed: int = 5) -> list[Picture]:
    """Draw moments with the best renderer there is."""
    renderer = renderer_for(probe(), imagine(prompt, seed).scene, WIDTH, HEIGHT, period)
    try:
        return [renderer.frame(moment) for moment in moments]
    finally:
        renderer.close()


@EVERY
@pytest.mark.parametrize("frames", [121, 25])
def test_frame_n_is_frame_0(place: str, frames: int) -> None:
    """A loop of any length comes back to its first frame within 60 dB, and moves in between without a jump."""
    period = frames / 24
    first, second, middle, last = drawn(word(place), [0.0, 1 / 24, period / 2, period], period=period)
    assert psnr(first, last) >= 60
    assert psnr(first, middle) < 55
    assert psnr(first, second) > 18


@EVERY
def test_a_take_is_reproducible(place: str) -> None:
    """The same prompt, seed and version give the same frames in another process; another seed gives others."""
    program = "import sys; from tests.engines.test_studio_scenes import digest; print(digest(sys.argv[1], 5))"
    command = [sys.executable, "-c", program, word(place)]
    other = subprocess.run(command, check=True, capture_output=True, text=True, timeout=120)
    assert other.stdout.strip() == digest(word(place), 5) != digest(word(place), 6)


def digest(prompt: str, seed: int) -> str:
    """The digest of two frames."""
    return hashlib.sha256(b"".join(frame.tobytes() for frame in drawn(prompt, [0.0, 1.3], seed=seed))).hexdigest()


@EVERY
def test_a_scene_has_light_and_shade(place: str) -> None:
    """No scene is flat, black or burnt out, at its own time and weather and at others."""
    outdoors = PLACES[place].outdoors
    for more in ("", "at night", "at sunset", "in fog", "in the rain") if outdoors else ("",):
        [frame] = drawn(f"{word(place)} {more}", [1.0])
        grey = frame.mean(axis=2)
        assert grey.std() > 9, more
        assert 12 < grey.mean() < 225, more
        assert (grey > 250).mean() < 0.12, more


@EVERY
def test_an_extend_finds_the_same_scene(place: str) -> None:
    """Time may be far from the first clip, on both sides of it: neighbours stay neighbours."""
    frames = drawn(word(place), [-10.0, -10.0 + 1 / 24, 30.0, 30.0 + 1 / 24])
    assert min(psnr(frames[0], frames[1]), psnr(frames[2], frames[3])) > 20


@EVERY
def test_an_entry_is_complete(place: str) -> None:
    """Words lead back to their place, and the palettes it names exist."""
    entry = PLACES[place]
    for each in entry.words.split():
        assert imagine(each, 1).scene.name == place, each
    for each in entry.hints.split():
        assert imagine(each, 1).scene.name in PLACES
    assert set(entry.palettes.values()) | set(entry.choices) <= set(PALETTES)


def test_qualities_differ_in_what_is_rendered() -> None:
    """A draft is coarser than the standard, and high is finer; all three draw the same scene."""
    scene = imagine("ocean", 5).scene
    frames = {}
    for quality in QUALITIES:
        renderer = renderer_for(probe(), scene, 960, 540, 0.0, quality=quality)
        frames[quality] = renderer.frame(0.0)
        renderer.close()
    sizes = [frames[quality].shape[0] for quality in ("draft", "standard", "high")]
    assert sizes == sorted(set(sizes))
    assert abs(float(np.mean(frames["draft"])) - float(np.mean(frames["high"]))) < 6
