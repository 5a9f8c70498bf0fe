"""Which renderer draws the scenes here, and what would give a better one."""

from __future__ import annotations

import os
from typing import Protocol

import msgspec

from filmgate.adapters.engines.studio.model.scene import Scene
from filmgate.adapters.engines.studio.pixels.picture import Picture
from filmgate.adapters.engines.studio.render.gl import GlRenderer, NoGl, renderer_name
from filmgate.adapters.engines.studio.render.quality import QUALITIES, STANDARD
from filmgate.adapters.engines.studio.render.reduced_renderer import ReducedRenderer
from filmgate.adapters.engines.worker import JobFailed

CHOICE = "FILMGATE_STUDIO_RENDERER"
"""Environment variable: auto (the default), gl or reduced."""

PACKAGES = ("libegl1", "libgl1-mesa-dri")
"""Debian and Ubuntu packages with which the better renderer works on any machine."""

ADVICE = f"For the better renderer, install {' and '.join(PACKAGES)} (Debian and Ubuntu)."


class Renderer(Protocol):
    """Draws the moments of one scene."""

    def frame(self, seconds: float) -> Picture:
        """Draw one moment, in seconds from the start of the first clip; often smaller than the clip."""

    def close(self) -> None:
        """Release the resources of the renderer."""


class RenderBackend(msgspec.Struct, frozen=True, omit_defaults=True):
    """What frames are made with: `gl` or `reduced`, the driver's name, and for the reduced one why and what helps."""

    renderer: str
    gl: str | None = None
    reason: str | None = None
    packages: tuple[str, ...] = ()
    advice: str | None = None


def probe() -> RenderBackend:
    """Find out which renderer will be used. Raises JobFailed if the one that is demanded cannot be had."""
    choice = os.environ.get(CHOICE, "auto").strip().lower() or "auto"
    if choice not in {"auto", "gl", "reduced"}:
        raise JobFailed(f"{CHOICE} must be auto, gl or reduced, not {choice!r}.")
    if choice == "reduced":
        return RenderBackend("reduced", reason=f"{CHOICE} says so")
    try:
        return RenderBackend("gl", gl=renderer_name())
    except NoGl as error:
        if choice == "gl":
            raise JobFailed(f"There is no OpenGL here ({error}). {ADVICE}") from error
        return RenderBackend("reduced", reason=str(error), packages=PACKAGES, advice=ADVICE)


def renderer_for(
    means: RenderBackend,
    scene: Scene,
    width: int,
    height: int,
    period: float,
    *,
    quality: str = STANDARD,
    still: bool = False,
) -> Renderer:
    """Make the renderer of a scene at a size in pixels; `period` is the loop in seconds, 0 without one.

    `quality` is a key of `QUALITIES`. For a still, no pixels are saved that a single frame can afford.
    """
    kind = GlRenderer if means.renderer == "gl" else ReducedRenderer
    return kind(scene, width, height, period, QUALITIES[quality], still=still)
