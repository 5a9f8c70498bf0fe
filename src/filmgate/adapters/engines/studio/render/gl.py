"""The renderer of the scenes: fragment shaders through OpenGL, on a GPU or on Mesa's CPU driver."""

from __future__ import annotations

import math
import os
from functools import cache, lru_cache
from typing import Any

import moderngl
import numpy as np

from filmgate.adapters.engines.studio.model.catalogue import PLACES
from filmgate.adapters.engines.studio.model.scene import Pose, Scene, pose
from filmgate.adapters.engines.studio.pixels.picture import Picture
from filmgate.adapters.engines.studio.render.layers import SOFT_MAIN, Layer, Moment, Uniforms, layers, uniforms
from filmgate.adapters.engines.studio.render.net import Net, tell
from filmgate.adapters.engines.studio.render.quality import Quality
from filmgate.adapters.engines.worker import WorkerBroken

_CPU_DRIVERS = ("llvmpipe", "softpipe", "swiftshader", "software")

_SOFT = 0.4
"""Share of the rendered width and height on which the soft share of a layer is drawn."""

_PROGRAMS = 32
"""Programs that are kept for the next clip, at most."""

CROWDED, _CROWD = 0.96, 4
"""By what a subject lowers the share of each side that a CPU draws, since it costs as well; and how many count."""

_VERTEX = """#version 330
in vec2 corner;
void main() { gl_Position = vec4(corner, 0.0, 1.0); }
"""


class NoGl(Exception):
    """No OpenGL context can be had on this machine."""


@cache
def context() -> Any:
    """Return the process's OpenGL context. Raises NoGl.

    Libraries are named outright, because searching for them starts a compiler; libEGL alone is enough with Mesa.
    """
    os.environ.setdefault("LP_NUM_THREADS", str(min(os.cpu_count() or 1, 8)))
    reasons = []
    for libgl in ("libEGL.so.1", "libGL.so.1"):
        settings: Any = {"backend": "egl", "libgl": libgl, "libegl": "libEGL.so.1"}
        try:
            made = moderngl.create_standalone_context(require=330, **settings)
        except Exception as error:  # noqa: BLE001 # moderngl raises the bare class
            reasons.append(str(error))
        else:
            made.gc_mode = "auto"  # a program that has left the cache is released: each holds megabytes
            return made
    raise NoGl("; ".join(dict.fromkeys(reasons)))


def renderer_name() -> str:
    """Return the driver's own name, such as `llvmpipe (LLVM 15.0.6, 256 bits)`. Raises NoGl."""
    return str(context().info["GL_RENDERER"])


class GlRenderer:
    """Draws one scene for one size, fewer pixels on a CPU unless it is a still.

    `period` is the loop in seconds, 0 without one.
    """

    def __init__(
        self, scene: Scene, width: int, height: int, period: float, quality: Quality, *, still: bool = False
    ) -> None:
        """Compile the scene and make its frame buffer. Raises NoGl."""
        self._scene = scene
        self._period = period
        self._lost = False
        scale = 1.0 if still else _scale(scene, width * height, quality)
        self._inner = (max(16, round(width * scale)), max(16, round(height * scale)))
        self._target = context().simple_framebuffer(self._inner, 4)
        self._pixels = np.empty((self._inner[1], self._inner[0], 3), np.uint8)
        corners = np.array([-1, -1, 3, -1, -1, 3], np.float32)
        self._corners = context().buffer(corners.tobytes())
        drawings = ((each, self._drawing(each)) for each in layers(scene, period))
        self._drawings: list[tuple[Layer, _Sheet | Net]] = list(drawings)

    def frame(self, seconds: float) -> Picture:
        """Draw the moment, counted from the first clip's start. Raises WorkerBroken when the context is lost."""
        try:
            picture, error = self._draw(seconds), context().error
        except moderngl.Error as failure:
            picture, error = self._pixels, str(failure)
        if error != "GL_NO_ERROR":
            self._lost = True
            raise WorkerBroken(f"OpenGL says {error}")
        return picture

    def _draw(self, seconds: float) -> Picture:
        at = pose(self._scene.camera, seconds, self._period)
        values = uniforms(self._scene, seconds, self._period, at, self._inner)
        for _, drawing in self._drawings:
            drawing.prepare(values)
        self._target.use()
        self._target.scissor = None
        self._target.clear()
        moment = Moment(seconds, at, self._inner)
        for layer, drawing in self._drawings:
            box = layer.area(moment)
            if box.width and box.height:
                self._target.scissor = (box.x, box.y, box.width, box.height)
                drawing.draw(values | layer.own(moment))
        self._target.read_into(self._pixels, components=3, alignment=1)
        return self._pixels.copy()

    def close(self) -> None:
        """Release everything but the programs; unbound, because a driver must not use deleted objects.

        Nothing of a lost context can be released: it goes with the process.
        """
        if self._lost:
            return
        context().detect_framebuffer(0).use()
        for _, drawing in self._drawings:
            drawing.close()
        for thing in (*self._target.color_attachments, self._target.depth_attachment, self._target, self._corners):
            thing.release()

    def _drawing(self, layer: Layer) -> _Sheet | Net:
        if layer.relief is None:
            return _Sheet(layer, self._corners, self._inner)
        at = Pose(0.0, 0.0, 1.0, 0.0)
        still = uniforms(self._scene, 0.0, self._period, at, self._inner)
        return Net(context(), _program, layer, still, _VERTEX, self._corners)


class _Sheet:
    """A layer that is one triangle over the whole frame."""

    def __init__(self, layer: Layer, corners: Any, size: tuple[int, int]) -> None:
        self._program = _program(_VERTEX, layer.source())
        self._triangle = context().vertex_array(self._program, [(corners, "2f", "corner")])
        self._over = not layer.first
        self._soft = _Soft(layer, corners, size) if layer.soft else None

    def prepare(self, values: Uniforms) -> None:
        if self._soft:
            self._soft.draw(values)

    def draw(self, values: Uniforms) -> None:
        context().enable_only(moderngl.BLEND if self._over else moderngl.NOTHING)
        if self._soft:  # else the one of the layer before stays in use
            self._soft.texture.use(0)
        tell(self._program, values | {"uSoft": 0})
        self._triangle.render(moderngl.TRIANGLES)

    def close(self) -> None:
        self._triangle.release()
        if self._soft:
            self._soft.close()


class _Soft:
    """The share of a layer that has no edges, drawn on a sixth of the pixels."""

    def __init__(self, layer: Layer, corners: Any, size: tuple[int, int]) -> None:
        self._size = (max(8, round(size[0] * _SOFT)), max(8, round(size[1] * _SOFT)))
        self.texture = context().texture(self._size, 4, dtype="f2")
        self.texture.repeat_x = self.texture.repeat_y = False
        self._target = context().framebuffer([self.texture])
        self._program = _program(_VERTEX, layer.source("SOFT", main=SOFT_MAIN))
        self._triangle = context().vertex_array(self._program, [(corners, "2f", "corner")])

    def draw(self, values: Uniforms) -> None:
        self._target.use()
        context().enable_only(moderngl.NOTHING)
        tell(self._program, values | {"uSize": self._size})
        self._triangle.render(moderngl.TRIANGLES)

    def close(self) -> None:
        for thing in (self._triangle, self._target, self.texture):
            thing.release()


def _scale(scene: Scene, pixels: int, quality: Quality) -> float:
    if not any(driver in renderer_name().lower() for driver in _CPU_DRIVERS):
        return 1.0
    place = PLACES[scene.name]
    share = place.scales.get(scene.weather, place.scale) * CROWDED ** min(len(scene.figures), _CROWD)
    return min(1.0, share * quality.scale, math.sqrt(quality.pixels / pixels))


@lru_cache(maxsize=_PROGRAMS)
def _program(vertex: str, fragment: str) -> Any:
    return context().program(vertex_shader=vertex, fragment_shader=fragment)
