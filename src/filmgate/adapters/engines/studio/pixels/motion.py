"""Clips from pictures: a slow drift into one, and a morph from one to another."""

from __future__ import annotations

import math
from collections.abc import Generator
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from filmgate.adapters.engines.studio.pixels.depth import depth, level, upright
from filmgate.adapters.engines.studio.pixels.picture import Picture

_ZOOM = 0.11
"""How much nearer the nearest place of a drift is, for what is neither near nor far."""

_COAST = 9.0
"""Frames in which a movement that was under way comes to rest, times e."""

_FLOW_WIDTH = 480
"""Columns at which optical flow is measured."""

_FLOW_LIMIT = 0.12
"""Longest movement a morph makes, in frame widths; longer ones are guesses and tear the picture."""

_PUSH = 0.12
"""How much nearer one comes to a picture while it turns into one that has nothing in common with it."""

_MARKS = 12
"""Points that must be found again before a movement of the camera is believed."""

_COAST_LIMIT = 0.012
"""Longest movement from one frame to the next that goes on, in frame widths."""

_NO_MAP: Any = None
"""The second map of `cv2.remap`, which a map of pairs does without."""

Plane = NDArray[Any]
Frames = Generator[Picture, None, None]


def drift(picture: Picture, frames: int, *, loop: bool = False, before: Picture | None = None) -> Frames:
    """Move slowly into the picture, near parts faster than far ones. The first frame is the picture itself.

    A loop goes in and back out: one frame later it would be at the picture again. With the picture `before` this one,
    what moved between the two moves on for a moment.
    """
    lens = _Lens(picture, before)
    for index in range(frames):
        yield lens.at(_close(index / frames) if loop else _ease(index / max(1, frames - 1)), index)


def arrive(picture: Picture, frames: int, *, after: Picture | None = None) -> Frames:
    """Drift out to the picture: the last frame is the picture itself. `after` is the one that follows, if any."""
    lens = _Lens(picture, after)
    for left in reversed(range(frames)):
        yield lens.at(_ease(left / max(1, frames - 1)), left)


def morph(start: Picture, end: Picture, frames: int) -> Frames:
    """Turn one picture into another of the same size; the first and the last frame are the pictures themselves.

    What both pictures have moves from place to place. As far as they have nothing in common, the one is approached
    while it fades, and the other is stepped back from.
    """
    there, back = _way(start, end), _way(end, start)
    grid = _grid(start)
    for index in range(frames):
        share = index / max(1, frames - 1)
        if index in (0, frames - 1):
            yield end if share else start
            continue
        way = _ease(share)
        blend = _ease(min(1.0, max(0.0, (share - 0.2) / 0.6)))
        first = _displace(start, cv2.scaleAdd(there, -way, grid), cv2.INTER_LINEAR)
        second = _displace(end, cv2.scaleAdd(back, way - 1.0, grid), cv2.INTER_LINEAR)
        yield cv2.addWeighted(first, 1.0 - blend, second, blend, 0)


class _Lens:
    """Looks at one picture from ever nearer, while what moved since its neighbour, if there is one, comes to rest."""

    def __init__(self, picture: Picture, neighbour: Picture | None) -> None:
        near = depth(picture)
        self._picture = picture
        # Twice as large, it can be looked up linearly, which costs a third of a cubic look-up and shows the same.
        rows, columns = picture.shape[:2]
        self._fine = cv2.resize(picture, (2 * columns, 2 * rows), interpolation=cv2.INTER_CUBIC)
        grid = _grid(picture)
        self._grid = grid * 2 + np.float32(0.5)
        # To the sides all of an upright thing moves alike, up and down all of a level one: nothing leans or bends.
        speed = np.stack([upright(near), level(near)], axis=2)
        self._pull = (grid - _middle(picture)) * (2 * _ZOOM * (0.5 + speed))
        flow = None if neighbour is None else _sweep(neighbour, picture)
        self._flow = None if flow is None else 2 * flow

    def at(self, way: float, steps: int) -> Picture:
        """Draw the picture from a place between its own, 0, and the nearest, 1, at a distance in frames."""
        if steps == 0 or (way == 0.0 and self._flow is None):
            return self._picture
        source = cv2.scaleAdd(self._pull, -2.0 * way / (1.0 + way), self._grid)
        if self._flow is not None:
            source = cv2.scaleAdd(self._flow, -_COAST * (1.0 - math.exp(-steps / _COAST)), source)
        return _displace(self._fine, source, cv2.INTER_LINEAR)


def _way(a: Picture, b: Picture) -> Plane:
    """Return how far each pixel of one picture moves on its way to the other: (rows, columns, 2), in pixels.

    A flow is believed where the flow back leads to where it came from.
    """
    there, back = _flow(a, b), _flow(b, a)
    grid = _grid(a)
    lost = np.linalg.norm(there + cv2.remap(back, grid + there, _NO_MAP, cv2.INTER_LINEAR), axis=2)
    trust = np.exp(-np.square(lost / (0.01 * a.shape[1])))
    trust = cv2.GaussianBlur(trust, (0, 0), a.shape[1] / 60)[..., None]
    way: Plane = there * trust + (grid - _middle(a)) * np.float32(_PUSH * (1.0 - trust.mean()))
    return way


def _flow(a: Picture, b: Picture) -> Plane:
    """Measure where each pixel of one picture goes in the other: (rows, columns, 2), in pixels."""
    (grey_a, grey_b), scale = _greys(a, b)
    search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    flow: Any = search.calc(grey_a, grey_b, np.zeros((*grey_a.shape, 2), np.float32))
    length = np.hypot(flow[..., 0], flow[..., 1])
    flow = flow * np.minimum(1.0, _FLOW_LIMIT * grey_a.shape[1] / (length + 1e-6))[..., None]
    full: Plane = cv2.resize(cv2.GaussianBlur(flow, (0, 0), 4), (a.shape[1], a.shape[0])).astype(np.float32)
    return full / np.float32(scale)


def _sweep(a: Picture, b: Picture) -> Plane | None:
    """Measure how the camera moved between neighbours, as a flow that bends nothing; None where it cannot be told."""
    (grey_a, grey_b), scale = _greys(a, b)
    marks: Any = cv2.goodFeaturesToTrack(grey_a, 400, 0.01, 6)
    if marks is None:
        return None
    moved, found, _ = cv2.calcOpticalFlowPyrLK(grey_a, grey_b, marks, np.empty_like(marks))
    seen = found.ravel() == 1
    if seen.sum() < _MARKS:
        return None
    change: Any
    change, agree = cv2.estimateAffinePartial2D(marks[seen], moved[seen], ransacReprojThreshold=0.7)
    if change is None or agree.mean() < 0.5:
        return None
    grid = _grid(b)
    flow: Plane = grid @ (change[:, :2].T - np.eye(2)).astype(np.float32) + (change[:, 2] / scale).astype(np.float32)
    longest = np.linalg.norm(flow[:: b.shape[0] - 1, :: b.shape[1] - 1], axis=2).max()
    return flow * np.float32(min(1.0, _COAST_LIMIT * b.shape[1] / (longest + 1e-6)))


def _greys(a: Picture, b: Picture) -> tuple[list[Plane], float]:
    """Return both pictures grey and small, and by how much they were scaled."""
    rows, columns = a.shape[:2]
    scale = min(1.0, _FLOW_WIDTH / columns)
    size = (max(32, round(columns * scale)), max(32, round(rows * scale)))
    small = (cv2.resize(picture, size, interpolation=cv2.INTER_AREA) for picture in (a, b))
    return [cv2.cvtColor(each, cv2.COLOR_RGB2GRAY) for each in small], size[0] / columns


def _grid(picture: Picture) -> Plane:
    """Return the place of each pixel: (rows, columns, 2), x before y."""
    rows, columns = picture.shape[:2]
    y, x = np.mgrid[0:rows, 0:columns].astype(np.float32)
    return np.stack([x, y], axis=2)


def _middle(picture: Picture) -> Plane:
    """Return the point that is approached: a little above the middle, where the horizon and the heads are."""
    rows, columns = picture.shape[:2]
    return np.array((columns / 2, rows * 0.48), np.float32)


def _displace(picture: Picture, source: Plane, method: int) -> Picture:
    """Take each pixel from where it comes from."""
    return cv2.remap(picture, source, _NO_MAP, method, borderMode=cv2.BORDER_REFLECT_101)


def _ease(share: float) -> float:
    return share * share * (3.0 - 2.0 * share)


def _close(share: float) -> float:
    return 0.5 - 0.5 * math.cos(2.0 * math.pi * share)
