"""Clips from pictures: a slow drift through one, and a morph from one to another."""

from __future__ import annotations

import math
from collections.abc import Generator
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from filmgate.adapters.engines.studio.picture import Picture

_ZOOM = 0.10
_SHIFT = 0.016
_FLOW_WIDTH = 480
"""Columns at which optical flow is measured."""

_FLOW_LIMIT = 0.12
"""Longest movement a morph makes, in frame widths; longer ones are guesses and tear the picture."""

Plane = NDArray[Any]


def drift(picture: Picture, frames: int, *, loop: bool = False) -> Generator[Picture, None, None]:
    """Move slowly into the picture, near parts faster than far ones. The first frame is the picture itself.

    A loop goes in and back out: one frame later it would be at the picture again.
    """
    lens = _Lens(picture)
    for index in range(frames):
        yield lens.at(_closed(index / frames) if loop else _eased(index / max(1, frames - 1)))


def arrive(picture: Picture, frames: int) -> Generator[Picture, None, None]:
    """Drift out to the picture: the last frame is the picture itself."""
    lens = _Lens(picture)
    for index in range(frames):
        yield lens.at(_eased(1.0 - index / max(1, frames - 1)))


def morph(start: Picture, end: Picture, frames: int) -> Generator[Picture, None, None]:
    """Turn one picture into another of the same size; the first and the last frame are the pictures themselves."""
    there, back = _flow(start, end), _flow(end, start)
    rows, columns = start.shape[:2]
    y, x = np.mgrid[0:rows, 0:columns].astype(np.float32)
    for index in range(frames):
        share = index / max(1, frames - 1)
        if index in (0, frames - 1):
            yield end if share else start
            continue
        way = np.float32(_eased(share))
        blend = _eased(min(1.0, max(0.0, (share - 0.2) / 0.6)))
        first = _moved(start, x, y, there, way)
        second = _moved(end, x, y, back, 1 - way)
        yield cv2.addWeighted(first, 1.0 - blend, second, blend, 0)


class _Lens:
    """Looks at one picture from ever nearer."""

    def __init__(self, picture: Picture) -> None:
        rows, columns = picture.shape[:2]
        y, x = np.mgrid[0:rows, 0:columns].astype(np.float32)
        depth = _depth(picture)
        self._picture = picture
        self._middle = (np.float32(columns / 2), np.float32(rows * 0.48))
        self._x, self._y = x - self._middle[0], y - self._middle[1]
        self._speed = np.float32(_ZOOM) * (0.45 + 0.9 * depth)
        self._sideways = np.float32(_SHIFT * columns) * (depth - 0.35)

    def at(self, way: float) -> Picture:
        """Draw the picture from a place between where it was taken, 0, and the nearest, 1."""
        if way == 0.0:
            return self._picture
        view = 1.0 / (1.0 + np.float32(way) * self._speed)
        from_x = self._x * view + (self._middle[0] + np.float32(way) * self._sideways)
        from_y = self._y * view + self._middle[1]
        return cv2.remap(self._picture, from_x, from_y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101)


def _depth(picture: Picture) -> Plane:
    """Guess nearness, 0 to 1, without a model: low in the frame, unlike the borders, and sharp means near."""
    rows, columns = picture.shape[:2]
    scale = min(1.0, 340 / max(rows, columns))
    size = (max(8, round(columns * scale)), max(8, round(rows * scale)))
    small: Plane = cv2.resize(picture, size, interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    grey: Plane = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY)
    sharp = cv2.GaussianBlur(np.abs(cv2.Laplacian(grey, cv2.CV_32F)), (0, 0), 9)
    lab = cv2.cvtColor(small, cv2.COLOR_RGB2LAB)
    border = np.concatenate([lab[0], lab[:, 0], lab[:, -1]]).mean(axis=0)
    unlike = cv2.GaussianBlur(np.linalg.norm(lab - border, axis=2).astype(np.float32), (0, 0), 6)
    low = np.linspace(0, 1, size[1], dtype=np.float32)[:, None] ** 1.3
    near = 0.55 * low + 0.25 * unlike / (unlike.max() + 1e-6) + 0.2 * sharp / (sharp.max() + 1e-6)
    near = cv2.GaussianBlur(_along_edges(grey, near.astype(np.float32)), (0, 0), 3)
    near = (near - near.min()) / (near.max() - near.min() + 1e-6)
    full: Plane = cv2.resize(near, (columns, rows), interpolation=cv2.INTER_LINEAR).astype(np.float32)
    return full


def _along_edges(guide: Plane, plane: Plane) -> Plane:
    """Smooth a plane, but let it keep the edges of the guide (a guided filter of 25 pixels)."""

    def mean(values: Plane) -> Plane:
        smooth: Plane = cv2.boxFilter(values, -1, (25, 25)).astype(np.float32)
        return smooth

    guide_mean, plane_mean = mean(guide), mean(plane)
    slope = (mean(guide * plane) - guide_mean * plane_mean) / (mean(guide * guide) - guide_mean**2 + 1e-3)
    return mean(slope) * guide + mean(plane_mean - slope * guide_mean)


def _flow(a: Picture, b: Picture) -> Plane:
    """Measure where each pixel of one picture goes in the other: (rows, columns, 2), in pixels."""
    rows, columns = a.shape[:2]
    scale = min(1.0, _FLOW_WIDTH / columns)
    size = (max(32, round(columns * scale)), max(32, round(rows * scale)))
    greys = [cv2.cvtColor(cv2.resize(p, size, interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY) for p in (a, b)]
    search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    flow: Any = search.calc(greys[0], greys[1], np.zeros((size[1], size[0], 2), np.float32))
    length = np.hypot(flow[..., 0], flow[..., 1])
    flow = flow * np.minimum(1.0, _FLOW_LIMIT * size[0] / (length + 1e-6))[..., None]
    flow = cv2.GaussianBlur(flow, (0, 0), 4)
    full: Plane = cv2.resize(flow, (columns, rows)).astype(np.float32)
    return full * np.float32(columns / size[0])


def _moved(picture: Picture, x: Plane, y: Plane, flow: Plane, way: np.float32) -> Picture:
    from_x, from_y = x - way * flow[..., 0], y - way * flow[..., 1]
    return cv2.remap(picture, from_x, from_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)


def _eased(share: float) -> float:
    return share * share * (3.0 - 2.0 * share)


def _closed(share: float) -> float:
    return 0.5 - 0.5 * math.cos(2.0 * math.pi * share)
