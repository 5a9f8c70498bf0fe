"""Clips that start from pictures and clips of others: crops, drifts, morphs and joins."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest

from filmgate.adapters.decode import SandboxedTools
from filmgate.adapters.engines.studio.pixels import film, motion
from filmgate.adapters.engines.studio.pixels.picture import Picture, _start, cover
from tests.engines.shop import packets, psnr

WIDTH, HEIGHT = 320, 180


def blocks(width: int = WIDTH, height: int = HEIGHT, seed: int = 1) -> Picture:
    """A picture with texture of some size everywhere, so that every movement in it can be measured."""
    coarse = np.random.default_rng(seed).integers(0, 256, (height // 10 + 1, width // 10 + 1, 3), np.uint8)
    return np.ascontiguousarray(coarse.repeat(10, axis=0).repeat(10, axis=1)[:height, :width])


def dot(width: int, height: int, x: int, y: int) -> Picture:
    """A grey picture with one red dot."""
    rows, columns = np.mgrid[0:height, 0:width]
    inside = (columns - x) ** 2 + (rows - y) ** 2 < 20**2
    return np.where(inside[..., None], np.uint8([230, 40, 30]), np.uint8(120)).astype(np.uint8)


def panned(frames: int, step: int = 2) -> list[Picture]:
    """What a camera sees that moves to the right."""
    wide = blocks(WIDTH + frames * step)
    return [np.ascontiguousarray(wide[:, step * i : step * i + WIDTH]) for i in range(frames)]


@pytest.mark.parametrize("axis", [0, 1], ids=["upright", "level"])
def test_drift_neither_leans_nor_bends(axis: int) -> None:
    """Lines that are upright or level in the picture are as straight at the end of the drift."""
    picture = cover(blocks(), 640, 360)
    lines = picture if axis == 0 else picture.swapaxes(0, 1)
    lines[:, ::64] = lines[:, 1::64] = lines[:, 2::64] = 255
    *_, last = motion.drift(picture, 9)
    assert psnr(last, picture) < 20
    white = (last if axis == 0 else last.swapaxes(0, 1)).min(axis=2) > 180
    through = white.mean(axis=0) > 0.95
    assert np.diff(np.flatnonzero(through)).max(initial=0) > 40
    assert through.sum() >= 5


def test_near_things_come_faster_than_far_ones() -> None:
    """A drift has depth: what is low in the picture grows more than what is high."""
    picture = cover(blocks(), 640, 360)
    *_, last = motion.drift(picture, 9)
    flow = motion._flow(picture, last)
    high, low = (np.abs(flow[rows, :100, 0]).mean() for rows in (slice(20, 60), slice(300, 340)))
    assert high > 3
    assert abs(flow[330, :, 1].mean()) > 1.3 * abs(flow[30, :, 1].mean())
    assert abs(high - low) < 2


@pytest.mark.parametrize("x", [60, 320, 580])
def test_crop_keeps_what_tells_most(x: int) -> None:
    """A wide picture made tall keeps the one thing in it, wherever it is."""
    tall = cover(dot(640, 360, x, 180), 180, 320)
    assert tall.shape == (320, 180, 3)
    assert (tall[..., 0] > 200).sum() > 900


def test_crop_of_a_plain_picture_is_even() -> None:
    """Where everything tells the same, the middle of the width stays, and of the height a little more of the top."""
    plain = np.ones(256)
    assert _start(plain, 600, 400, 0.5) == 100
    assert _start(plain, 600, 400, 0.38) == 76
    assert _start(plain, 600, 598, 0.38) == 1


@pytest.mark.parametrize("size", [(4096, 1), (1, 4096), (4000, 20), (20, 4000), (2, 2), (1, 1), (4096, 4096), (16, 9)])
@pytest.mark.parametrize("frame", [(1360, 752), (752, 752), (540, 960)])
def test_crop_costs_what_the_frame_costs(
    size: tuple[int, int], frame: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the shape of a picture, nothing is scaled to more than a few frames: it is cropped before."""
    made: list[tuple[int, int]] = []
    resize = cv2.resize

    def noted(source: Picture, dsize: tuple[int, int], **options: Any) -> Any:
        made.append(dsize)
        return resize(source, dsize, **options)

    monkeypatch.setattr(cv2, "resize", noted)
    assert cover(np.full((size[1], size[0], 3), 90, np.uint8), *frame).shape == (frame[1], frame[0], 3)
    assert max(width * height for width, height in made) <= 8 * max(frame) ** 2


@pytest.mark.parametrize("size", [(640, 200), (200, 640), (1900, 400), (320, 180), (31, 17)])
def test_crop_is_a_part_of_the_scaled_picture(size: tuple[int, int]) -> None:
    """What is shown is a window of the whole picture in the size that covers the frame: nothing is bent."""
    small = np.random.default_rng(4).integers(0, 255, (6, 8, 3), dtype=np.uint8)
    picture = cv2.resize(small, size, interpolation=cv2.INTER_CUBIC)
    shown = cover(picture, 320, 180)
    scale = max(320 / size[0], 180 / size[1])
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    covering = (max(320, round(size[0] * scale)), max(180, round(size[1] * scale)))
    whole = cv2.resize(picture, covering, interpolation=method)
    unlike = cv2.matchTemplate(whole, shown, cv2.TM_SQDIFF).min() / shown.size
    assert unlike < 9  # a mean difference of three levels in 256


def test_unlike_pictures_are_dissolved_without_tearing() -> None:
    """Two pictures that have nothing in common are not bent into each other."""
    start, end = blocks(seed=1), blocks(seed=2)
    way = motion._way(start, end)
    straight = motion._grid(start) - motion._middle(start)
    lean = way - straight * (way * straight).sum() / (straight * straight).sum()
    assert np.abs(lean).mean() < 0.5 * np.abs(motion._flow(start, end)).mean()
    frames = list(motion.morph(start, end, 9))
    assert np.array_equal(frames[0], start)
    assert np.array_equal(frames[-1], end)


def test_camera_of_a_foreign_clip_comes_to_rest() -> None:
    """The first new frame is where the camera would have gone, and nothing is bent on the way."""
    *clip, truth = panned(12)
    after = list(motion.drift(clip[-1], 25, before=clip[-2]))[1:]
    assert psnr(after[0][:, 20:-20], truth[:, 20:-20]) > 25
    assert psnr(after[0][:, 20:-20], truth[:, 20:-20]) > psnr(clip[-1], truth) + 8
    steps = [psnr(a, b) for a, b in pairwise(after)]
    assert steps[12] > steps[0]


def test_camera_of_a_foreign_clip_sets_off() -> None:
    """Backwards the same: the last new frame is where the camera would have come from."""
    truth, *clip = panned(12)
    before = list(motion.arrive(clip[0], 25, after=clip[1]))[:-1]
    assert psnr(before[-1][:, 20:-20], truth[:, 20:-20]) > 25


def test_still_clip_and_chaos_are_not_taken_for_a_movement() -> None:
    """Equal neighbours do not move, and neighbours without anything in common do not either."""
    still = motion._sweep(blocks(), blocks())
    assert still is not None
    assert np.abs(still).max() < 0.05
    assert motion._sweep(blocks(seed=1), blocks(seed=2)) is None
    assert motion._sweep(np.zeros((90, 160, 3), np.uint8), np.zeros((90, 160, 3), np.uint8)) is None


def test_first_and_last_frames_are_decoded_from_either_end(tmp_path: Path) -> None:
    """Two from the start and two from the end, also of clips with several key frames, and of a single frame."""
    for count in (1, 2, 60, 97):
        path = tmp_path / f"{count}.mp4"
        film.write(path, (np.full((64, 96, 3), 2 * index, np.uint8) for index in range(count)), 96, 64)
        first, last = film.first_frames(path), film.last_frames(path)
        expected = (0, min(2, 2 * count - 2), max(0, 2 * count - 4), 2 * count - 2)
        for frame, shade in zip((*first, *last), expected, strict=True):
            assert abs(float(frame.mean()) - shade) < 2


async def test_foreign_clip_is_continued_without_encoding_it_again(tmp_path: Path) -> None:
    """What the service has made of a foreign clip can be copied in front of and behind new frames."""
    source, theirs, ours = tmp_path / "source.mp4", tmp_path / "theirs.mp4", tmp_path / "ours.mp4"
    with av.open(str(source), "w") as container:
        stream = container.add_stream("mpeg4", rate=24)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for picture in panned(30):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    tools = SandboxedTools()
    try:
        await tools.normalise_video(source, theirs)
    finally:
        await tools.close()
    film.write(ours, panned(25), WIDTH, HEIGHT)
    for parts in ([theirs, ours], [ours, theirs], [theirs, ours, theirs]):
        film.join(parts, tmp_path / "joined.mp4")
        assert packets(tmp_path / "joined.mp4") == [packet for part in parts for packet in packets(part)]
        assert film.facts(tmp_path / "joined.mp4").frames == sum(film.facts(part).frames for part in parts)
