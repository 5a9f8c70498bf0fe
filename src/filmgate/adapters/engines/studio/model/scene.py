"""What the studio renders: a scene, small enough to be stored with the task and rendered again."""

from __future__ import annotations

import math

import msgspec

VERSION = 2
"""Of the scenes' looks. Same prompt, seed and version give the same frames on one machine."""

Colour = tuple[float, float, float]
"""Linear red, green and blue, 0 to 1."""


class Palette(msgspec.Struct, frozen=True):
    """The colours of a scene: from the top of the sky to the ground, the light in it and one accent."""

    zenith: Colour
    sky: Colour
    horizon: Colour
    light: Colour
    accent: Colour
    ground: Colour


class Camera(msgspec.Struct, frozen=True):
    """How the camera moves: speeds at the start, per second. One unit is the square root of the frame's area.

    `shake` is how far a hand lets it tremble.
    """

    pan: float = 0.006
    rise: float = 0.0
    zoom: float = 0.0
    roll: float = 0.0
    shake: float = 0.0


class Grade(msgspec.Struct, frozen=True):
    """How the film is developed: exposure, contrast and saturation as factors, warmth from -1, blue, to 1, amber."""

    exposure: float = 1.0
    contrast: float = 1.0
    saturation: float = 1.0
    warmth: float = 0.0


class Figure(msgspec.Struct, frozen=True):
    """One subject in a scene: which one, where it is and what it does.

    `x` and `y` are where its foot is, in units from the middle of the frame, when the camera is at rest; `y` holds for
    what has no ground under it. `depth` is 1 for near and goes towards 0 far away, see `Stage`; `metres` is its
    height, `way` how it is in its place and `action` what it does, see `Subject`. `facing` is 1 for right, -1 for left,
    `phase` a number between 0 and 1 by which two of a kind differ.
    """

    name: str
    x: float
    y: float
    depth: float
    metres: float
    way: str
    action: str
    facing: int = 1
    phase: float = 0.0
    colour: Colour | None = None


class Scene(msgspec.Struct, frozen=True):
    """Everything a renderer needs to draw any moment of a scene.

    `name` is a place of the catalogue; `time`, `weather` and `season` are words of the vocabulary, `features` switch
    parts on, `light_at` is where the sun or moon stands relative to the horizon in the middle of the frame, `cloud`,
    `wind` and `fog` go from 0 to 1. The figures go from far to near.
    """

    name: str
    version: int
    seed: int
    time: str
    weather: str
    season: str
    palette: Palette
    camera: Camera
    light_at: tuple[float, float]
    cloud: float
    wind: float
    fog: float
    grade: Grade = Grade()
    features: tuple[str, ...] = ()
    figures: tuple[Figure, ...] = ()


class Pose(msgspec.Struct, frozen=True):
    """Where the camera is at one moment: shift, magnification as width of view, and turn in radians."""

    x: float
    y: float
    view: float
    roll: float


_SWING = 48.0
"""Seconds of one full swing of the camera in a clip that does not loop: slow, and it never runs away."""


def pose(camera: Camera, seconds: float, period: float) -> Pose:
    """Return the camera's place at a moment, counted from the start of the first clip; may be negative.

    It depends on nothing else, so a clip goes on from another one without a seam. With a `period` above 0 it is
    the same again after each period, in seconds.
    """
    turn = 2 * math.pi / (period or _SWING)
    swing = math.sin(turn * seconds) / turn
    closed = (1 - math.cos(turn * seconds)) / turn / 2 if period else swing
    return Pose(
        camera.pan * swing + camera.shake * _tremble(seconds, period, 0.0),
        camera.rise * closed + camera.shake * _tremble(seconds, period, 2.0),
        math.exp(-camera.zoom * closed),
        camera.roll * swing + camera.shake * _tremble(seconds, period, 4.0),
    )


def reach(camera: Camera) -> float:
    """Return how far to a side the camera can ever be, in units."""
    return abs(camera.pan) * _SWING / (2 * math.pi) + camera.shake


def _tremble(seconds: float, period: float, phase: float) -> float:
    """Wander between about -1 and 1 as a hand does; the same again after a period."""
    slow, fast = beat(2.3 + phase / 5, period), beat(5.1 + phase / 3, period)
    return 0.7 * math.sin(slow * seconds + phase) + 0.3 * math.sin(fast * seconds + 2.0 * phase)


def beat(frequency: float, period: float) -> float:
    """Return an angular frequency, in a loop of `period` seconds moved to the nearest whole number of turns."""
    if not period:
        return frequency
    turn = 2 * math.pi / period
    return max(1, round(frequency / turn)) * turn
