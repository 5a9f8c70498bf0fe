"""A submit as a provider that speaks the Agents API is sent it."""

from __future__ import annotations

from typing import NotRequired

from typing_extensions import TypedDict

from filmgate.adapters.dialects.agents.requests.vocabulary import Type


class AgentsReference(TypedDict, total=False):
    """A picture or a clip as the API is sent it: an earlier generation, base64 data, or an address."""

    generation_id: str
    data: str
    url: str
    media_type: str


class AgentsVideo(TypedDict, total=False):
    """The part of a submit about the clip to make."""

    duration: str
    resolution: str
    loop: bool
    start_frame: AgentsReference
    end_frame: AgentsReference
    keyframes: list[AgentsReference]
    keyframe_indexes: list[int]


class AgentsSubmit(TypedDict):
    """A submit as the API is sent it."""

    prompt: str
    model: str
    type: Type
    aspect_ratio: NotRequired[str]
    image_ref: NotRequired[list[AgentsReference]]
    output_format: NotRequired[str]
    source: NotRequired[AgentsReference]
    video: NotRequired[AgentsVideo]
