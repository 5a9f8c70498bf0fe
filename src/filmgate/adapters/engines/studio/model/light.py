"""The light that falls on the subjects of a scene, and the air between them and the camera."""

from __future__ import annotations

import msgspec

from filmgate.adapters.engines.studio.model.catalogue import PLACES
from filmgate.adapters.engines.studio.model.place import Vector
from filmgate.adapters.engines.studio.model.scene import Colour, Palette, Scene


class Light(msgspec.Struct, frozen=True):
    """Light on a subject; colours are linear and may exceed 1.

    `towards` is the direction to the key light: right, up, towards the viewer (negative: the subject is lit from
    behind). `key` is its colour on a surface that faces it, `fill` the colour of the light from all around. A
    subject at depth d is mixed with the colour `air` by `1 - exp(-haze * (1 / d - 1))`.
    """

    towards: Vector
    key: Colour
    fill: Colour
    air: Colour
    haze: float


def light(scene: Scene) -> Light:
    """Light the subjects like their scene."""
    place, palette = PLACES[scene.name], scene.palette
    clear = 1.0 - 0.85 * scene.cloud**2 if place.outdoors else 1.0
    strength = 1.7 * clear * (0.35 if scene.time == "night" and place.outdoors else 1.0)
    right, up, away = sun(scene)
    sky = _mix(palette.sky, palette.horizon, 0.35)
    lamps = _times(palette.light, place.stage.lamps if scene.time == "night" else 0.0)
    return Light(
        towards=_unit(place.stage.key) if place.stage.key else (right, up, -away),
        key=_times(palette.light, strength),
        fill=_plus(_times(sky, 0.8 * place.stage.fill), lamps),
        air=_air(palette),
        haze=place.stage.haze * (1.0 + 9.0 * scene.fog**2),
    )


def sun(scene: Scene) -> Vector:
    """Return the direction to the sun or moon: right, up, away from the camera. Beside the frame it is behind us."""
    x, y = scene.light_at
    beside = min(1.0, max(0.0, (abs(x) - 0.5) / 0.6))
    return _unit((x, y, 1.15 - 1.5 * beside))


def _air(palette: Palette) -> Colour:
    return _times(_mix(palette.horizon, palette.sky, 0.35), 0.92)


def _unit(vector: Vector) -> Vector:
    x, y, z = vector
    length = (x * x + y * y + z * z) ** 0.5
    return x / length, y / length, z / length


def _times(colour: Colour, factor: float) -> Colour:
    return colour[0] * factor, colour[1] * factor, colour[2] * factor


def _plus(a: Colour, b: Colour) -> Colour:
    return a[0] + b[0], a[1] + b[1], a[2] + b[2]


def _mix(a: Colour, b: Colour, amount: float) -> Colour:
    return (
        a[0] + (b[0] - a[0]) * amount,
        a[1] + (b[1] - a[1]) * amount,
        a[2] + (b[2] - a[2]) * amount,
    )
