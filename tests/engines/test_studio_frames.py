"""Frames before they are encoded: scenes, drifts and morphs."""

from __future__ import annotations

import hashlib
import json
import math
import os
import subprocess
import sys
from functools import cache
from itertools import pairwise

import numpy as np
import pytest

from filmgate.adapters.engines.studio.pixels import motion
from filmgate.adapters.engines.studio.pixels.picture import Picture, cover
from filmgate.adapters.engines.studio.prompt.imagine import imagine
from filmgate.adapters.engines.studio.render.gl import NoGl, renderer_name
from filmgate.adapters.engines.studio.render.renderer import CHOICE, RenderBackend, probe, renderer_for
from filmgate.adapters.engines.worker import JobFailed

WIDTH, HEIGHT = 176, 100
PROMPTS = {
    "ocean": "ocean at sunset, clouds",
    "storm": "stormy sea, heavy rain, camera pans left",
    "space": "a ringed planet, orbit",
    "planet": "a planet and a nebula",
    "forest": "misty forest at dawn, zoom in",
    "winter": "winter forest at night, snow falling, aurora",
    "ink": "flowing ink",
}


@pytest.fixture(params=["gl", "reduced"])
def means(request: pytest.FixtureRequest) -> RenderBackend:
    """Both renderers, the one on OpenGL only where there is one."""
    if request.param == "gl":
        try:
            renderer_name()
        except NoGl as error:
            pytest.skip(f"no OpenGL here: {error}")
    return RenderBackend(request.param)


def drawn(
    means: RenderBackend,
    prompt: str,
    moments: list[float],
    *,
    period: float = 0.0,
    seed: int = 3,
    concepts: tuple[str, ...] = (),
) -> list[Picture]:
    """Draw moments of a prompt's scene."""
    renderer = renderer_for(means, imagine(prompt, seed, concepts).scene, WIDTH, HEIGHT, period)
    try:
        return [renderer.frame(moment).copy() for moment in moments]
    finally:
        renderer.close()


LOOP = 121 / 24
LOOP_MOMENTS = [index / 24 for index in (0, 1, 60, 61, 120, 121)]


@cache
def looped(means: RenderBackend, prompt: str) -> list[Picture]:
    """Draw the moments of a loop that several tests look at."""
    return drawn(means, prompt, LOOP_MOMENTS, period=LOOP)


def psnr(a: Picture, b: Picture) -> float:
    """Likeness in decibels; equal pictures are 99."""
    error = float(np.mean((a.astype(np.float64) - b) ** 2))
    return 99.0 if error == 0 else 10 * math.log10(255**2 / error)


def photo(width: int = WIDTH, height: int = HEIGHT, shift: int = 0) -> Picture:
    """A picture with edges and gradients."""
    y, x = np.mgrid[0:height, 0:width]
    red = (x * 3 + y + shift * 5) % 256
    green = 128 + 100 * np.sin((x + shift) / 17) * np.cos(y / 11)
    blue = ((x - width // 2 - shift) ** 2 + (y - height // 2) ** 2 < (height // 3) ** 2) * 200
    return np.stack([red, green, blue], axis=2).astype(np.uint8)


@pytest.mark.parametrize("prompt", PROMPTS.values(), ids=PROMPTS.keys())
def test_frame_n_of_a_loop_is_frame_0(means: RenderBackend, prompt: str) -> None:
    """A loop comes back to its first frame, having moved in between, at whole and at odd lengths."""
    whole, odd = looped(means, prompt), drawn(means, prompt, [0.0, 25 / 48, 25 / 24], period=25 / 24)
    for first, middle, last in ((whole[0], whole[2], whole[-1]), odd):
        assert psnr(first, last) >= 60
        assert psnr(first, middle) < 50


@pytest.mark.parametrize("prompt", PROMPTS.values(), ids=PROMPTS.keys())
def test_the_step_over_the_end_of_a_loop_is_like_any_other(means: RenderBackend, prompt: str) -> None:
    """From the last frame to the first there is no jump that an eye could see."""
    a, b, c, d, e, f = looped(means, prompt)
    assert psnr(e, f) > min(psnr(a, b) - 2, psnr(c, d) - 2, 48)


@pytest.mark.parametrize("prompt", PROMPTS.values(), ids=PROMPTS.keys())
def test_scenes_move_without_jumps_before_and_after_the_first_clip(means: RenderBackend, prompt: str) -> None:
    """A scene can be drawn at any time, so that a clip can be extended both ways; neighbours stay neighbours."""
    moments = [index / 24 for index in (-241, -240, -1, 0, 1, 120, 121, 500, 501)]
    frames = drawn(means, prompt, moments)
    near = [psnr(frames[i], frames[j]) for i, j in ((0, 1), (2, 3), (3, 4), (5, 6), (7, 8))]
    assert min(near) > 22
    assert min(near) > psnr(frames[1], frames[7])
    assert all(frame.std() > 8 for frame in frames)


def test_same_prompt_same_seed_same_frames(means: RenderBackend) -> None:
    """Frames are reproducible to the bit on one machine; another seed is another take."""

    def digest(seed: int) -> str:
        frames = drawn(means, PROMPTS["forest"], [0.0, 1.0], seed=seed)
        return hashlib.sha256(b"".join(frame.tobytes() for frame in frames)).hexdigest()

    assert digest(3) == digest(3) != digest(4)


def test_frames_do_not_depend_on_what_was_drawn_before(means: RenderBackend) -> None:
    """A moment drawn alone equals the same moment drawn in the middle of a clip."""
    alone = drawn(means, PROMPTS["ocean"], [1.0])[0]
    assert np.array_equal(drawn(means, PROMPTS["ocean"], [0.0, 0.5, 1.0])[2], alone)


@pytest.mark.parametrize("concept", ["roll_left", "crane_up", "crane_down", "bolt_cam", "zoom_out"])
@pytest.mark.parametrize("place", ["ocean", "space", "forest"])
def test_the_parts_of_a_frame_cover_it_wherever_the_camera_goes(place: str, concept: str) -> None:
    """However the camera moves, every pixel of a moment is drawn anew: nothing of another moment is left over."""
    means = probe()
    moments = [-10.0, 12.0]
    alone = drawn(means, PROMPTS[place], moments[1:], concepts=(concept,))[0]
    assert np.array_equal(drawn(means, PROMPTS[place], moments, concepts=(concept,))[1], alone)


def test_drift_starts_at_the_picture() -> None:
    """The first frame is the picture itself, to the bit, and the last one is nearer."""
    picture = photo()
    frames = list(motion.drift(picture, 25))
    assert len(frames) == 25
    assert np.array_equal(frames[0], picture)
    assert psnr(frames[-1], picture) < 40


def test_drift_in_a_loop_is_closed() -> None:
    """The step from the last frame to the first is no larger than the largest one within."""
    frames = list(motion.drift(photo(), 25, loop=True))
    steps = [psnr(a, b) for a, b in pairwise(frames)]
    assert psnr(frames[-1], frames[0]) >= min(steps) - 0.1


def test_arrival_ends_at_the_picture() -> None:
    """With only an end image, the last frame is the picture itself."""
    picture = photo()
    frames = list(motion.arrive(picture, 25))
    assert np.array_equal(frames[-1], picture)
    assert not np.array_equal(frames[0], picture)


def test_morph_joins_two_pictures() -> None:
    """A morph begins with one picture and ends with the other, and moves what both have."""
    start, end = photo(), photo(shift=12)
    frames = list(motion.morph(start, end, 25))
    assert np.array_equal(frames[0], start)
    assert np.array_equal(frames[-1], end)
    likeness = [psnr(frame, end) for frame in frames]
    assert likeness[6] < likeness[12] + 3 < likeness[20] + 6


@pytest.mark.parametrize("size", [(240, 136), (100, 300), (300, 100), (37, 21), (1024, 577)])
def test_cover_fills_the_frame(size: tuple[int, int]) -> None:
    """Pictures of any shape are scaled and cropped to the frame, never squeezed or padded."""
    covered = cover(photo(*size), WIDTH, HEIGHT)
    assert covered.shape == (HEIGHT, WIDTH, 3)
    assert not (covered == 0).all(axis=(1, 2)).any()


def test_probe_says_which_renderer_and_what_would_help(monkeypatch: pytest.MonkeyPatch) -> None:
    """The choice can be forced; a word that means nothing is answered with the words that do."""
    monkeypatch.setenv(CHOICE, "reduced")
    assert probe().renderer == "reduced"
    monkeypatch.setenv(CHOICE, "vulkan")
    with pytest.raises(JobFailed, match="auto, gl or reduced"):
        probe()


@pytest.fixture
def blind() -> dict[str, str]:
    """An environment in which no OpenGL driver is found."""
    return os.environ | {"__EGL_VENDOR_LIBRARY_DIRS": "/nonexistent", "EGL_PLATFORM": "surfaceless"}


def probed(environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run the probe as a program."""
    command = [sys.executable, "-m", "filmgate.adapters.engines.studio.probe"]
    return subprocess.run(command, check=False, env=environment, capture_output=True, text=True, timeout=60)


def test_without_opengl_the_reduced_renderer_is_used_and_packages_are_named(blind: dict[str, str]) -> None:
    """Where there is no driver, the probe says so, still gives a renderer, and names what to install."""
    done = probed(blind | {CHOICE: "auto"})
    said = json.loads(done.stdout)
    assert (done.returncode, said["renderer"]) == (0, "reduced")
    assert said["packages"] == ["libegl1", "libgl1-mesa-dri"]
    assert "libegl1" in said["advice"]


def test_demanding_opengl_where_there_is_none_is_an_error(blind: dict[str, str]) -> None:
    """`gl` means gl: the probe fails with the reason instead of using something else."""
    done = probed(blind | {CHOICE: "gl"})
    assert done.returncode == 1
    assert "no OpenGL" in json.loads(done.stdout)["error"]
