"""What is to be filmed, before it is written."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import msgspec

from filmgate.adapters.engines.studio.model.scene import Scene
from filmgate.adapters.engines.studio.pixels.picture import Picture
from filmgate.adapters.engines.studio.render.quality import STANDARD
from filmgate.adapters.engines.studio.render.renderer import RenderBackend, renderer_for
from filmgate.domain.sizes import FPS

Frames = Generator[Picture, None, None]


class Reel(msgspec.Struct):
    """New frames, how many they are, and what they belong to. `before` and `after` are the clips they are joined to.

    `first` is the number of the whole clip's first frame counted from the scene's start, negative after a reverse
    extend; `loop` the frames of one round, 0 without a loop; `quality` how it is drawn. All matter only with a scene.
    """

    technique: str
    frames: Frames
    count: int
    width: int
    height: int
    before: Path | None = None
    after: Path | None = None
    scene: Scene | None = None
    first: int = 0
    loop: int = 0
    quality: str = STANDARD


class Span(msgspec.Struct, frozen=True):
    """Which frames of a scene: the number of the first, how many, and the frames of one round, 0 without a loop."""

    first: int
    count: int
    loop: int = 0


def moments(
    scene: Scene, means: RenderBackend, size: tuple[int, int], span: Span, quality: str, *, still: bool = False
) -> Frames:
    """Draw frames of a scene for a size in pixels. A still is drawn with all its pixels, see `renderer_for`."""
    renderer = renderer_for(means, scene, *size, span.loop / FPS, quality=quality, still=still)
    try:
        for index in range(span.first, span.first + span.count):
            yield renderer.frame(index / FPS)
    finally:
        renderer.close()
