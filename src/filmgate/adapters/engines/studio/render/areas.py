"""Which pixels of a frame a part of a scene can touch."""

from __future__ import annotations

import math
from collections.abc import Iterable

import msgspec

from filmgate.adapters.engines.studio.model.place import PlaceLayer
from filmgate.adapters.engines.studio.model.scene import Pose


class Box(msgspec.Struct, frozen=True):
    """A rectangle of pixels; y counts from the top."""

    x: int
    y: int
    width: int
    height: int


def area(part: PlaceLayer, at: Pose, size: tuple[int, int]) -> Box:
    """Return the pixels a part can touch at a pose of the camera, in a frame of a size in pixels."""
    if part.disc is not None:
        x, y, reach = part.disc
        return disc((x, y), reach, part.depth, at, size)
    width, height = size
    unit = math.sqrt(width * height)
    # How far a line that is level in the scene reaches up and down at the sides of the frame, and a pixel more.
    aslant = abs(math.sin(at.roll)) * width / unit / 2 + 2 / unit

    def row(y: float) -> int:
        seen = (y - part.depth * at.y) / (1 + part.depth * (at.view - 1))
        return min(height, max(0, round(height / 2 - seen * unit)))

    top = 0 if part.top is None else row(part.top + aslant)
    bottom = height if part.bottom is None else row(part.bottom - aslant)
    return Box(0, top, width, max(0, bottom - top))


def disc(middle: tuple[float, float], reach: float, depth: float, at: Pose, size: tuple[int, int]) -> Box:
    """Return the pixels around a point of the scene: `middle` and `reach` in units, at a depth."""
    width, height = size
    unit = math.sqrt(width * height)
    view = 1 + depth * (at.view - 1)
    x, y = (middle[0] - depth * at.x) / view, (middle[1] - depth * at.y) / view
    x, y = x * math.cos(at.roll) + y * math.sin(at.roll), y * math.cos(at.roll) - x * math.sin(at.roll)
    left, right = (width / 2 + (x + side * reach / view) * unit for side in (-1, 1))
    top, bottom = (height / 2 - (y - side * reach / view) * unit for side in (-1, 1))
    x0, x1 = max(0, math.floor(left)), min(width, math.ceil(right))
    y0, y1 = max(0, math.floor(top)), min(height, math.ceil(bottom))
    return Box(x0, y0, max(0, x1 - x0), max(0, y1 - y0))


def around(corners: Iterable[tuple[float, float]], depth: float, at: Pose, size: tuple[int, int]) -> Box:
    """Return the pixels between points of the scene, in units, at a depth."""
    width, height = size
    unit = math.sqrt(width * height)
    view = 1 + depth * (at.view - 1)
    cos, sin = math.cos(at.roll), math.sin(at.roll)
    seen = [((x - depth * at.x) / view, (y - depth * at.y) / view) for x, y in corners]
    columns = [width / 2 + (x * cos + y * sin) * unit for x, y in seen]
    rows = [height / 2 - (y * cos - x * sin) * unit for x, y in seen]
    x0, x1 = max(0, math.floor(min(columns))), min(width, math.ceil(max(columns)))
    y0, y1 = max(0, math.floor(min(rows))), min(height, math.ceil(max(rows)))
    return Box(x0, y0, max(0, x1 - x0), max(0, y1 - y0))
