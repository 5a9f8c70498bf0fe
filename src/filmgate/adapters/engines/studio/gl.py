"""The renderer of the scenes: fragment shaders through OpenGL, on a GPU or on Mesa's CPU driver."""

from __future__ import annotations

import math
import os
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

import moderngl
import numpy as np

from filmgate.adapters.engines.process import WorkerBroken
from filmgate.adapters.engines.studio.parts import box, parts
from filmgate.adapters.engines.studio.picture import Picture
from filmgate.adapters.engines.studio.scene import Pose, Scene, SceneName, pose

_SCALES = {SceneName.OCEAN: 0.56, SceneName.SPACE: 0.6, SceneName.FOREST: 0.6, SceneName.ABSTRACT: 0.6}
"""Share of the width and height that is rendered on a CPU; the film interpolates the rest."""

_CPU_PIXELS = 1_000_000
"""Rendered pixels of a frame on a CPU, at most: 4k is a preview, too."""

_CPU_DRIVERS = ("llvmpipe", "softpipe", "swiftshader", "software")

_VERTEX = """#version 330
in vec2 corner;
void main() { gl_Position = vec4(corner, 0.0, 1.0); }
"""

_MAIN = "\nvoid main() { vec4 c = scene(); oColour = vec4(develop(c.rgb), c.a); }\n"


class NoGl(Exception):
    """No OpenGL context can be had on this machine."""


@cache
def context() -> Any:
    """Give the process's OpenGL context. Raises NoGl.

    Libraries are named outright, because searching for them starts a compiler; libEGL alone is enough with Mesa.
    """
    os.environ.setdefault("LP_NUM_THREADS", str(min(os.cpu_count() or 1, 8)))
    reasons = []
    for libgl in ("libEGL.so.1", "libGL.so.1"):
        settings: Any = {"backend": "egl", "libgl": libgl, "libegl": "libEGL.so.1"}
        try:
            return moderngl.create_standalone_context(require=330, **settings)
        except Exception as error:  # noqa: BLE001 # moderngl raises the bare class
            reasons.append(str(error))
    raise NoGl("; ".join(dict.fromkeys(reasons)))


def renderer_name() -> str:
    """Give the driver's own name, such as `llvmpipe (LLVM 15.0.6, 256 bits)`. Raises NoGl."""
    return str(context().info["GL_RENDERER"])


class GlRenderer:
    """Draws one scene for one size, fewer pixels on a CPU unless it is a still.

    `period` is the loop in seconds, 0 without one.
    """

    def __init__(self, scene: Scene, width: int, height: int, period: float, *, still: bool = False) -> None:
        """Compile the scene and make its frame buffer. Raises NoGl."""
        self._scene = scene
        self._period = period
        scale = 1.0 if still else _scale(scene.name, width * height)
        self._inner = (max(16, round(width * scale)), max(16, round(height * scale)))
        corners = np.array([-1, -1, 3, -1, -1, 3], np.float32)
        self._buffer = context().buffer(corners.tobytes())
        self._programs = [_program(scene.name, _defines(scene, period, part)) for part in range(parts(scene))]
        self._triangles = [context().vertex_array(p, [(self._buffer, "2f", "corner")]) for p in self._programs]
        self._target = context().simple_framebuffer(self._inner, 4)
        self._pixels = np.empty((self._inner[1], self._inner[0], 3), np.uint8)

    def frame(self, seconds: float) -> Picture:
        """Draw the moment, counted from the first clip's start. Raises WorkerBroken when the context is lost."""
        at = pose(self._scene.camera, seconds, self._period)
        self._target.use()
        for part, program in enumerate(self._programs):
            area = box(self._scene, part, at, self._inner)
            if area.width and area.height:
                self._set_uniforms(program, seconds, at)
                self._target.scissor = (area.x, area.y, area.width, area.height)
                context().enable_only(moderngl.BLEND if part else moderngl.NOTHING)
                self._triangles[part].render(moderngl.TRIANGLES)
        self._target.read_into(self._pixels, components=3, alignment=1)
        if (error := context().error) != "GL_NO_ERROR":
            raise WorkerBroken(f"OpenGL says {error}")
        return self._pixels.copy()

    def close(self) -> None:
        """Give the frame buffer back, unbound: a driver must not be asked for a deleted one."""
        context().detect_framebuffer(0).use()
        for thing in (*self._triangles, self._buffer, self._target):
            thing.release()

    def _set_uniforms(self, program: Any, seconds: float, at: Pose) -> None:
        scene = self._scene
        values: dict[str, Any] = {
            "uSize": self._inner,
            "uSeed": scene.seed,
            "uTime": seconds,
            "uPeriod": self._period or 1.0,
            "uPose": (at.x, at.y, at.view, at.roll),
            "uLightAt": scene.light_at,
            "uCloud": scene.cloud,
            "uWind": scene.wind,
            "uFog": scene.fog,
            "uZenith": scene.palette.zenith,
            "uSky": scene.palette.sky,
            "uHorizon": scene.palette.horizon,
            "uLight": scene.palette.light,
            "uAccent": scene.palette.accent,
            "uGround": scene.palette.ground,
        }
        for name, value in values.items():
            if name in program:  # the compiler drops what a scene does not use
                program[name].value = value


def _scale(name: SceneName, pixels: int) -> float:
    if not any(driver in renderer_name().lower() for driver in _CPU_DRIVERS):
        return 1.0
    return min(_SCALES[name], math.sqrt(_CPU_PIXELS / pixels))


def _defines(scene: Scene, period: float, part: int) -> tuple[tuple[str, str], ...]:
    flags = {
        "LOOP": period > 0,
        "NIGHT": scene.time == "night",
        "CLOUD": scene.cloud > 0.1,
        "RAIN": scene.weather in {"rain", "storm"},
        "SNOW": scene.weather == "snow",
        "RINGS": "rings" in scene.features,
        "AURORA": "aurora" in scene.features,
    }
    values = {"PART": str(part)} | {name: str(int(on)) for name, on in flags.items()}
    return tuple(values.items())


@lru_cache(maxsize=48)
def _program(name: SceneName, defines: tuple[tuple[str, str], ...]) -> Any:
    folder = files(__package__) / "scenes"
    head = "#version 330\n" + "".join(f"#define {key} {value}\n" for key, value in defines)
    body = (folder / "common.glsl").read_text() + (folder / f"{name}.glsl").read_text()
    return context().program(vertex_shader=_VERTEX, fragment_shader=head + body + _MAIN)
