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


_PARTS = {SceneName.OCEAN: 2, SceneName.SPACE: 2, SceneName.FOREST: 3, SceneName.ABSTRACT: 1}

_OCEAN_HORIZON = 0.035
_OCEAN_DEPTH = 0.35
_FOREST_FAR = 0.15
"""Depth of the mountains; the trees are nearer."""

_FOREST_FLOOR = -0.13
"""Below this the mountains hide the sky."""

_FOREST_PEAK = 0.29
"""Above this there is only sky."""

_FOREST_CEILING = 0.10
"""Above this there are no trees."""

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

    def rise(y: float, depth: float) -> float:
        return (y - depth * at.y) / (1 + depth * (at.view - 1))

    # How far a line that is level in the scene reaches up and down at the sides of the frame, and a pixel more.
    aslant = abs(math.sin(at.roll)) * width / unit / 2 + 2 / unit
    match scene.name, part:
        case SceneName.OCEAN, _:
            horizon = rise(_OCEAN_HORIZON, _OCEAN_DEPTH)
            sky, water = row(horizon - aslant), row(horizon + aslant)
            return Box(0, 0, width, sky) if part == 0 else Box(0, water, width, height - water)
        case SceneName.FOREST, _:
            floor = row(rise(_FOREST_FLOOR, _FOREST_FAR) - aslant)
            peak = row(rise(_FOREST_PEAK, _FOREST_FAR) + aslant)
            trees = max(peak, row(max(rise(_FOREST_CEILING, _FOREST_FAR), rise(_FOREST_CEILING, 1)) + aslant))
            top, bottom = ((0, floor), (peak, trees), (trees, height))[part]
            return Box(0, top, width, bottom - top)
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
