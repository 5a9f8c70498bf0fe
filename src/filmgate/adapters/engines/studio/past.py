"""What the notes of an earlier clip tell about its scene."""

from __future__ import annotations

from typing import Any

import msgspec

from filmgate.adapters.engines.studio.renderer import Means
from filmgate.adapters.engines.studio.scene import VERSION, Scene


class Past(msgspec.Struct, frozen=True):
    """The scene of one of our own clips or pictures, and which of its frames were drawn."""

    scene: Scene
    renderer: str
    first_frame: int
    frames: int
    loop: int


def past_of(notes: dict[str, Any], means: Means) -> Past | None:
    """Read the scene of an earlier work, None unless this very studio would draw it in the same way again."""
    if notes.get("engine") != "studio" or not notes.get("scene"):
        return None
    try:
        past = msgspec.convert(notes, Past)
    except msgspec.ValidationError:
        return None  # noted by another version
    return past if past.scene.version == VERSION and past.renderer == means.renderer else None
