"""The answers of the OpenAI videos API."""

from __future__ import annotations

from typing import Literal

from typing_extensions import TypedDict

from filmgate.adapters.dialects.serving.remarks import Metadata
from filmgate.domain.capabilities import InputOption
from filmgate.domain.generation import Kind, Operation

Word = Literal["queued", "in_progress", "completed", "failed"]


class OpenAIVideoFailure(TypedDict):
    """Why a video failed."""

    code: str
    message: str


class OpenAIVideo(Metadata):
    """A video job: the same keys in every state.

    Times are unix seconds, `progress` is percent, `size` pixels as WIDTHxHEIGHT, `seconds` the whole length.
    """

    id: str
    object: Literal["video"]
    model: str
    status: Word
    progress: int
    created_at: int
    completed_at: int | None
    expires_at: int | None
    error: OpenAIVideoFailure | None
    prompt: str
    remixed_from_video_id: str | None
    seconds: str
    size: str


class OpenAIVideos(TypedDict):
    """Some of the videos; `last_id` is where the next page goes on."""

    object: Literal["list"]
    data: list[OpenAIVideo]
    first_id: str | None
    last_id: str | None
    has_more: bool


class OpenAIModel(TypedDict):
    """A model. `owned_by` names the engines that make it, `created` is when the service started, in unix seconds.

    What it can be asked for: `durations` in seconds, `sizes` as WIDTHxHEIGHT where those are all there are, else
    `aspect_ratios` and `resolutions` decide.
    """

    id: str
    object: Literal["model"]
    created: int
    owned_by: str
    kinds: list[Kind]
    operations: list[Operation]
    durations: list[int]
    aspect_ratios: list[str]
    resolutions: list[str]
    sizes: list[str]
    inputs: list[InputOption]
    loop: bool
    concepts: bool
    needs_prompt: bool


class OpenAIModels(TypedDict):
    """The models there are."""

    object: Literal["list"]
    data: list[OpenAIModel]


class OpenAIEventData(Metadata):
    """What an event is about."""

    id: str


class OpenAIEvent(TypedDict):
    """What a callback is posted: that a video has ended."""

    id: str
    object: Literal["event"]
    created_at: int
    type: Literal["video.completed", "video.failed"]
    data: OpenAIEventData


class OpenAIDeletedVideo(TypedDict):
    """A video that is gone."""

    id: str
    object: Literal["video.deleted"]
    deleted: bool


class OpenAIErrorWords(TypedDict):
    """What went wrong. `param` names the part of the request that was wrong, where there is one."""

    message: str
    type: str
    param: str | None
    code: str


class OpenAIError(TypedDict):
    """An error."""

    error: OpenAIErrorWords
