"""What the notes of an earlier clip tell about its scene."""

from __future__ import annotations

from typing import Any

import msgspec

from filmgate.adapters.engines.studio.model.scene import VERSION, Scene
from filmgate.adapters.engines.studio.render.quality import QUALITIES, STANDARD
from filmgate.adapters.engines.studio.render.renderer import RenderBackend


class Past(msgspec.Struct, frozen=True):
    """The scene of one of our own clips or pictures, which of its frames were drawn, and how well."""

    scene: Scene
    renderer: str
    first_frame: int
    frames: int
    loop: int
    quality: str = STANDARD


def past_of(notes: dict[str, Any], means: RenderBackend) -> Past | None:
    """Read the scene of an earlier work, None unless this very studio would draw it in the same way again."""
    if notes.get("engine") != "studio" or not notes.get("scene"):
        return None
    try:
        past = msgspec.convert(notes, Past)
    except msgspec.ValidationError:
        return None  # noted by another version
    same = past.scene.version == VERSION and past.renderer == means.renderer and past.quality in QUALITIES
    return past if same else None
