"""The words that the Agents API knows: its types of work and its models."""

from __future__ import annotations

from typing import Final, Literal

from filmgate.domain.generation import Generation, GuideRole, Kind, Operation

Type = Literal["image", "image_edit", "video", "video_edit", "video_reframe", "layering"]
Model = Literal["uni-1", "uni-1-max", "ray-3.2"]

NAME: Final = "agents"
IMAGE_MODEL: Final[Model] = "uni-1"
VIDEO_MODEL: Final[Model] = "ray-3.2"
NAMES: Final = {
    "aspect_ratio": "aspect_ratio",
    **{name: f"video.{name}" for name in ("duration", "resolution", "loop")},
}
"""The names of the values of a generation in this API."""

IMAGE_MODELS: Final[tuple[Model, ...]] = (IMAGE_MODEL, "uni-1-max")


def type_of(generation: Generation) -> Type:
    """Return the type of this API for a generation."""
    if generation.kind is Kind.IMAGE:
        edited = any(guide.role is GuideRole.MODIFY for guide in generation.guides)
        return "image_edit" if edited or generation.start is not None or generation.named is not None else "image"
    if generation.named is Operation.MODIFY:
        return "video_edit"
    return "video_reframe" if generation.named is Operation.REFRAME else "video"


def standard_model(generation: Generation) -> Model:
    """Return the model that is meant where none is named."""
    return IMAGE_MODEL if generation.kind is Kind.IMAGE else VIDEO_MODEL
