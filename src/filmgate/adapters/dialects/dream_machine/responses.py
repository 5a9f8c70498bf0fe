"""The answers of the Dream Machine API."""

from __future__ import annotations

from typing import Any, Literal, NotRequired

from typing_extensions import TypedDict

from filmgate.adapters.dialects.serving.remarks import Metadata

Word = Literal["queued", "dreaming", "completed", "failed"]


class DreamMachineAssets(TypedDict):
    """The files of a completed generation: a picture has an `image` alone, a video has its thumbnail there."""

    video: str | None
    image: str | None
    progress_video: None


class DreamMachineGeneration(TypedDict):
    """A generation. `request` is the body of the submit, with its `generation_type`, `model` and `prompt`.

    The `assets` are null until it is completed, the `failure_reason` is a sentence once it has failed.
    """

    id: str
    generation_type: Literal["video", "image"]
    state: Word
    failure_reason: str | None
    created_at: str
    assets: DreamMachineAssets | None
    model: str
    request: dict[str, Any]


class DreamMachineTask(DreamMachineGeneration, Metadata):
    """A generation as it is answered: with what there is to say of it, if anything."""


class DreamMachinePage(TypedDict):
    """Some of the generations, newest first; `count` is how many these are."""

    generations: list[DreamMachineTask]
    count: int
    limit: int
    offset: int
    has_more: bool


class DreamMachineCredits(TypedDict):
    """A balance in US cents. Nothing is billed here: it is a constant that no client takes for empty."""

    credit_balance: float


class DreamMachinePong(TypedDict):
    """An answer to a ping."""

    message: Literal["pong"]


class DreamMachineError(TypedDict):
    """An error: a sentence, Filmgate's own word for it, and the name of the request."""

    detail: str
    code: str
    trace_id: str
    field: NotRequired[str]
