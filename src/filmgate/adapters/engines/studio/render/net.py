"""The relief of a scene: baked once into textures, drawn as triangles that tell where they are, then shaded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import moderngl
import numpy as np
from numpy.typing import NDArray

from filmgate.adapters.engines.studio.model.place import Relief
from filmgate.adapters.engines.studio.render.layers import Layer, Uniforms, text

_HEIGHTS, _SHADE, _SEEN = 0, 1, 2
"""Texture units."""

_BAKED = (512, 400)
"""Points across and away for which height and light are baked; a moving net has one for each of its own."""

_ORDINARY = 480
"""Root of the pixels that are rendered of an ordinary clip."""

_BAKE = "\nout vec4 oBaked;\nvoid main() { oBaked = baked(); }\n"

_POINTS = "#version 330\n#define LOOP 0\n" + "".join(text(f"glsl/{name}.glsl") for name in ("common", "net", "points"))

_TRIANGLES = """#version 330
in vec2 vSeen;
out vec2 oSeen;
void main() { oSeen = vSeen; }
"""

Program = Callable[[str, str], Any]


class Net:
    """The ground of one scene. `sheet` is the vertex shader, `corners` the vertices of a triangle over the frame."""

    def __init__(self, context: Any, program: Program, layer: Layer, still: Uniforms, sheet: str, corners: Any) -> None:
        """Bake the heights, then from them the slopes and the light. `still` is what a camera at rest is told."""
        assert layer.relief is not None
        self._context = context
        count = _count(layer.relief, still["uSize"])
        self._uniforms: Uniforms = layer.relief_uniforms(still) | {
            "uHeights": _HEIGHTS,
            "uShade": _SHADE,
            "uSeen": _SEEN,
            "uCount": count,
        }
        baked = count if layer.relief.moving else _BAKED
        self._heights = context.texture(baked, 1, dtype="f4")
        self._shade = context.texture(baked, 4, dtype="f2")
        self._seen = context.texture(still["uSize"], 2, dtype="f4")
        self._seen.filter = (moderngl.NEAREST, moderngl.NEAREST)
        for texture in (self._heights, self._shade):
            texture.repeat_x = texture.repeat_y = False
        self._moving = layer.relief.moving
        steps = [program(sheet, layer.source(f"BAKE {step}", main=_BAKE)) for step in range(1 if self._moving else 2)]
        self._bakings = [context.vertex_array(step, [(corners, "2f", "corner")]) for step in steps]
        for baking, texture in zip(self._bakings, (self._heights, self._shade), strict=False):
            self._bake(baking, texture, still)
        self._depth = context.depth_renderbuffer(still["uSize"])
        self._target = context.framebuffer([self._seen], self._depth)
        order = _triangles(*count)
        self._order = context.buffer(order.tobytes())
        self._finding = program(_POINTS, _TRIANGLES)
        self._triangles = context.vertex_array(self._finding, [], index_buffer=self._order)
        self._shading = program(sheet, layer.source())
        self._sheet = context.vertex_array(self._shading, [(corners, "2f", "corner")])

    def prepare(self, values: Uniforms) -> None:
        """Find the visible part of the ground."""
        if self._moving:
            self._bake(self._bakings[0], self._heights, values)
        self._target.use()
        self._target.clear(depth=1.0)
        self._context.enable_only(moderngl.DEPTH_TEST | moderngl.CULL_FACE)
        self._heights.use(_HEIGHTS)
        tell(self._finding, values | self._uniforms)
        self._triangles.render(moderngl.TRIANGLES)

    def draw(self, values: Uniforms) -> None:
        """Shade the ground over the frame."""
        self._context.enable_only(moderngl.BLEND)
        for unit, texture in ((_HEIGHTS, self._heights), (_SHADE, self._shade), (_SEEN, self._seen)):
            texture.use(unit)
        tell(self._shading, values | self._uniforms)
        self._sheet.render(moderngl.TRIANGLES)

    def close(self) -> None:
        """Return everything back but the programs."""
        self._context.detect_framebuffer(0).use()
        things = (self._triangles, self._sheet, *self._bakings, self._order, self._target, self._depth)
        for thing in (*things, self._heights, self._shade, self._seen):
            thing.release()

    def _bake(self, baking: Any, texture: Any, values: Uniforms) -> None:
        target = self._context.framebuffer([texture])
        target.use()
        self._context.enable_only(moderngl.NOTHING)
        self._heights.use(_HEIGHTS)
        tell(baking.program, values | self._uniforms)
        baking.render(moderngl.TRIANGLES)
        self._context.detect_framebuffer(0).use()
        target.release()


def tell(program: Any, values: Uniforms) -> None:
    """Set the uniforms that a program has; the compiler drops unused ones."""
    for name, value in values.items():
        if name in program:
            program[name].value = value


def _count(relief: Relief, size: tuple[int, int]) -> tuple[int, int]:
    """Return the points across and away: the relief's number for an ordinary clip, fewer for smaller frames."""
    share = min(1.25, max(0.7, (size[0] * size[1]) ** 0.5 / _ORDINARY))
    return round(relief.columns * share), round(relief.rows * share)


def _triangles(columns: int, rows: int) -> NDArray[np.uint32]:
    """Return two triangles for each mesh of the net, from near to far, so that hidden ones are not drawn."""
    first = np.arange(columns - 1, dtype=np.uint32)[None, :] + columns * np.arange(rows - 1, dtype=np.uint32)[:, None]
    corners = (first, first + columns, first + 1, first + 1, first + columns, first + columns + 1)
    return np.stack(corners, axis=-1).astype(np.uint32).ravel()
