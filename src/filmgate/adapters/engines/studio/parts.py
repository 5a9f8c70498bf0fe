"""How a scene's frame is divided: a CPU renderer pays for every branch of a shader, so each part has its own."""

from __future__ import annotations

import math

import msgspec

from filmgate.adapters.engines.studio.scene import Pose, Scene, SceneName


class Box(msgspec.Struct, frozen=True):
    """A rectangle of pixels; y counts from the top."""

    x: int
    y: int
    width: int
    height: int


_PARTS = {SceneName.OCEAN: 2, SceneName.SPACE: 2, SceneName.FOREST: 2, SceneName.ABSTRACT: 1}

_OCEAN_HORIZON = 0.035
_FOREST_FLOOR = -0.13
"""Below this the land hides the sky."""

_PLANET = (0.20, -0.03)
_PLANET_REACH = 0.24
_RING_REACH = 0.52


def parts(scene: Scene) -> int:
    """Give the number of parts, drawn one over the other."""
    return _PARTS[scene.name]


def box(scene: Scene, part: int, at: Pose, size: tuple[int, int]) -> Box:
    """Give the pixels a part can touch at a pose of the camera, in a frame of a size in pixels."""
    width, height = size
    unit = math.sqrt(width * height)
    whole = Box(0, 0, width, height)

    def row(y: float) -> int:
        return min(height, max(0, round(height / 2 - y * unit)))

    match scene.name, part:
        case SceneName.OCEAN, _:
            scale = 0.65 + 0.35 * at.view
            horizon = row((_OCEAN_HORIZON - 0.35 * at.y) / scale)
            return Box(0, 0, width, horizon) if part == 0 else Box(0, horizon, width, height - horizon)
        case SceneName.FOREST, 0:
            floor = min(height, row(_FOREST_FLOOR - abs(at.y)) + round(abs(at.roll) * width))
            return Box(0, 0, width, floor)
        case SceneName.SPACE, 1:
            reach = _RING_REACH if "rings" in scene.features else _PLANET_REACH
            x, y = (_PLANET[0] - at.x) / at.view, (_PLANET[1] - at.y) / at.view
            x, y = x * math.cos(at.roll) - y * math.sin(at.roll), y * math.cos(at.roll) + x * math.sin(at.roll)
            left = max(0, math.floor(width / 2 + (x - reach / at.view) * unit))
            right = min(width, math.ceil(width / 2 + (x + reach / at.view) * unit))
            top, bottom = row(y + reach / at.view), row(y - reach / at.view)
            return Box(left, top, max(0, right - left), max(0, bottom - top))
        case _:
            return whole
