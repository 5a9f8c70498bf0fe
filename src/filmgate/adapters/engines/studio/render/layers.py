"""The layers of a frame: the parts of the scene, then its figures from far to near, each a program of its own."""

from __future__ import annotations

import math
from collections.abc import Callable
from importlib.resources import files
from typing import Any

import msgspec

from filmgate.adapters.engines.studio.model.catalogue import PLACES
from filmgate.adapters.engines.studio.model.light import light, sun
from filmgate.adapters.engines.studio.model.palettes import LEAVES
from filmgate.adapters.engines.studio.model.place import PlaceLayer, Relief, StageArea
from filmgate.adapters.engines.studio.model.scene import Camera, Figure, Pose, Scene, reach
from filmgate.adapters.engines.studio.render.areas import Box, area
from filmgate.adapters.engines.studio.staging import figures

SHARED = ("glsl/common.glsl", "glsl/camera.glsl", "glsl/sky.glsl", "glsl/trees.glsl", "glsl/film.glsl")
"""GLSL that every layer begins with."""

_RELIEF = ("glsl/net.glsl", "glsl/relief.glsl")

Defines = tuple[tuple[str, str], ...]
Uniforms = dict[str, Any]

MAIN = """
out vec4 oColour;
void main() { vec4 c = scene(); oColour = vec4(develop(c.rgb), c.a); }
"""
SOFT_MAIN = "\nout vec4 oColour;\nvoid main() { oColour = soft(); }\n"


class Moment(msgspec.Struct, frozen=True):
    """When and from where a frame is drawn, and its size in pixels."""

    seconds: float
    pose: Pose
    size: tuple[int, int]


class Layer(msgspec.Struct, frozen=True):
    """What a renderer draws in one go: GLSL files under the package, switches, where it can be seen, own uniforms.

    The files define `vec4 scene()`: linear light and how much of the pixel is covered. The `first` layer covers all it
    touches. With `soft` they also define `vec4 soft()`, which is drawn first, much smaller, and which the scene reads
    with `softly()`. A layer without one reads that of the layer before it.
    """

    files: tuple[str, ...]
    defines: Defines
    area: Callable[[Moment], Box]
    own: Callable[[Moment], Uniforms] = lambda _: {}
    first: bool = False
    soft: bool = False
    relief: Relief | None = None
    camera: Camera = Camera()

    def source(self, *extra: str, main: str = MAIN) -> str:
        """Put the whole fragment shader together."""
        head = "#version 330\n" + "".join(f"#define {key} {value}\n" for key, value in self.defines)
        return head + "".join(f"#define {word}\n" for word in extra) + "".join(map(text, self.files)) + main

    def relief_uniforms(self, values: Uniforms) -> Uniforms:
        """Return the relief's uniforms beside the scene's: its measures and its least width."""
        assert self.relief is not None
        relief, (width, height) = self.relief, values["uSize"]
        horizon, near, _ = values["uStage"]
        unit = (width * height) ** 0.5
        camera = self.camera
        half = (math.hypot(width, height) if camera.roll else width) / unit / 2
        aside = reach(camera) + 0.1
        return {
            "uNet": (relief.focal * relief.eye / (horizon - near), relief.far, relief.focal, relief.eye),
            "uReach": (1.02 * half, aside + (0.4 if camera.zoom < 0 else 0.0)),
        }


def text(name: str) -> str:
    """Read a GLSL file of the package."""
    return (files(__package__) / name).read_text(encoding="utf-8")


def layers(scene: Scene, period: float) -> list[Layer]:
    """Return the layers to draw, in order. `period` is the loop in seconds, 0 without one."""
    place = PLACES[scene.name]
    parts = [_part(scene, period, index, part) for index, part in enumerate(place.parts)]
    return parts + [
        _figure(scene, period, figure, piece) for figure in scene.figures for piece in range(figures.pieces(figure))
    ]


def switches(scene: Scene, period: float, *, rest: dict[str, object] | None = None) -> Defines:
    """Return the switches all layers of a scene are compiled with."""
    place = PLACES[scene.name]
    flags: dict[str, object] = {
        "LOOP": period > 0,
        "NIGHT": scene.time == "night",
        "CLOUD": scene.cloud > 0.1,
        "RAIN": scene.weather in {"rain", "storm"} and place.outdoors,
        "SNOW": scene.weather == "snow" and place.outdoors,
        "WET": scene.weather in {"rain", "storm"},
        "WINTER": scene.season == "winter" or scene.weather == "snow",
        **{feature.upper(): feature in scene.features for feature in (*place.options, *place.features)},
        **(rest or {}),
    }
    return tuple((key, str(int(value) if isinstance(value, bool) else value)) for key, value in flags.items())


def uniforms(scene: Scene, seconds: float, period: float, at: Pose, size: tuple[int, int]) -> Uniforms:
    """Return the uniforms of all layers of a scene at a moment."""
    place, grade, palette, lit = PLACES[scene.name], scene.grade, scene.palette, light(scene)
    return {
        "uSize": size,
        "uSeed": scene.seed,
        "uTime": seconds,
        "uPeriod": period or 1.0,
        "uTravel": 0.0 if period else place.travel * seconds,
        "uPose": (at.x, at.y, at.view),
        "uTurn": (math.cos(at.roll), math.sin(at.roll)),
        "uStage": _stage(place.stage),
        "uLightAt": scene.light_at,
        "uSun": sun(scene),
        "uTowards": lit.towards,
        "uKey": lit.key,
        "uFill": lit.fill,
        "uAir": (*lit.air, lit.haze),
        "uCloud": scene.cloud,
        "uWind": scene.wind,
        "uFog": scene.fog,
        "uGrade": (grade.exposure, grade.contrast, grade.saturation, grade.warmth),
        "uZenith": palette.zenith,
        "uSky": palette.sky,
        "uHorizon": palette.horizon,
        "uLight": palette.light,
        "uAccent": palette.accent,
        "uGround": palette.ground,
        "uLeaf": LEAVES[scene.season],
    }


def _stage(stage: StageArea) -> tuple[float, float, float]:
    return stage.horizon, stage.near, stage.metre


def _part(scene: Scene, period: float, index: int, part: PlaceLayer) -> Layer:
    place = PLACES[scene.name]
    relief = place.relief if part.mesh else None
    return Layer(
        files=(*SHARED, *((*_RELIEF, *place.include) if relief else ()), f"scenes/{scene.name}.glsl"),
        defines=switches(scene, period, rest={"PART": index, **place.values}),
        area=lambda moment: area(part, moment.pose, moment.size),
        first=index == 0,
        soft=part.soft,
        relief=relief,
        camera=scene.camera,
    )


def _figure(scene: Scene, period: float, figure: Figure, piece: int) -> Layer:
    stage = PLACES[scene.name].stage

    def stand(moment: Moment) -> figures.Stand:
        width, height = moment.size
        half = width / math.sqrt(width * height) / 2
        return figures.stand(scene, stage, figure, moment.seconds, period, half)

    return Layer(
        files=(*SHARED, *figures.FILES, f"subjects/{figure.name}.glsl"),
        defines=switches(scene, period, rest=figures.switches(figure, piece)),
        area=lambda moment: figures.box(figure, piece, stand(moment), moment.pose, moment.size),
        own=lambda moment: figures.uniforms(figure, stand(moment)),
    )
