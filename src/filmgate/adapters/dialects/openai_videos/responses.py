"""The answers of the OpenAI videos API, and tasks written as them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Final, Literal

import msgspec
from typing_extensions import TypedDict

from filmgate.adapters.dialects.openai_videos.requests import NAME, NAMES
from filmgate.adapters.dialects.serving.codec import array
from filmgate.adapters.dialects.serving.remarks import Metadata, metadata
from filmgate.domain.capabilities import InputOption
from filmgate.domain.errors import FilmgateError, InvalidRequest, NotFound
from filmgate.domain.generation import Generation, Kind, Operation, ReferenceKind
from filmgate.domain.media import Media
from filmgate.domain.states import State
from filmgate.domain.task import Task
from filmgate.ports.tasks import Page, RawRequest

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


_WORDS: Final[dict[State, Word]] = {
    State.PENDING: "queued",
    State.PROCESSING: "in_progress",
    State.COMPLETED: "completed",
    State.FAILED: "failed",
}
STATES: Final[dict[str, State]] = {word: state for state, word in _WORDS.items()}
"""The states that the words of an answer mean."""

_ERRORS: Final = {
    401: ("invalid_request_error", "invalid_api_key"),
    429: ("rate_limit_error", "rate_limit_exceeded"),
}


def video_object(task: Task) -> OpenAIVideo:
    """Write a task. Size and length are those of the file once there is one, before that those it is made in."""
    failed = task.state is State.FAILED
    words = task.failure.message if task.failure else "The generation failed."
    return {
        "id": task.id,
        "object": "video",
        "model": task.generation.model or task.engine,
        "status": _WORDS[task.state],
        "progress": task.percent,
        "created_at": int(task.created_at),
        "completed_at": int(task.finished_at or task.updated_at) if task.state is State.COMPLETED else None,
        "expires_at": _expiry(task),
        "error": {"code": task.failure.code if task.failure else "failed", "message": words} if failed else None,
        "prompt": task.generation.prompt,
        "remixed_from_video_id": _remix_source(task.generation),
        "seconds": _seconds_of(task),
        "size": "{}x{}".format(*_size_of(task)),
        **metadata(task, NAMES),
    }


def _expiry(task: Task) -> int | None:
    return int(task.output.expired_at) if task.output and task.output.expired_at is not None else None


def _remix_source(generation: Generation) -> str | None:
    start = generation.start
    modified = generation.named is Operation.MODIFY and start is not None and start.kind is ReferenceKind.TASK
    return start.value if start is not None and modified else None


def _main_media(task: Task) -> Media | None:
    return (task.output.video or task.output.image) if task.output and task.state is State.COMPLETED else None


def _seconds_of(task: Task) -> str:
    if task.generation.kind is Kind.IMAGE:
        return "0"
    made = _main_media(task)
    if made is None or made.facts.duration is None:
        return str(task.generation.duration)
    return str(max(1, round(made.facts.duration)))


def _size_of(task: Task) -> tuple[int, int]:
    made = _main_media(task)
    return task.generation.size if made is None else (made.facts.width, made.facts.height)


def choose_content(task: Task, variant: str | None) -> Media:
    """Choose the file of a task: its video or picture, or the thumbnail.

    Raises InvalidRequest for a variant that is not made, NotFound as long as there is no file.
    """
    if variant == "spritesheet":
        raise InvalidRequest("there are no spritesheets here, only video and thumbnail", field="variant")
    if variant not in (None, "", "video", "thumbnail"):
        raise InvalidRequest("variant must be video or thumbnail", field="variant")
    made = _main_media(task)
    if made is None or task.output is None:
        reason = "it failed" if task.state is State.FAILED else f"it is {_WORDS[task.state]}"
        raise NotFound(f"video {task.id} has no content: {reason}")
    return task.output.thumbnail if variant == "thumbnail" else made


def write_page(found: Page, written: bytes) -> bytes:
    """Write a page of a list, of tasks already written."""
    tasks = found.tasks
    ends = {"first_id": tasks[0].id if tasks else None, "last_id": tasks[-1].id if tasks else None}
    rest = msgspec.json.encode({**ends, "has_more": found.more})
    return b'{"object":"list","data":' + written + b"," + rest[1:]


def write_error(error: FilmgateError, trace_id: str) -> bytes:
    """Write an error; its request is named in the headers."""
    del trace_id
    kind = "invalid_request_error" if error.status < 500 else "server_error"
    kind, code = _ERRORS.get(error.status, (kind, error.code))
    written: OpenAIError = {"error": {"message": error.message, "type": kind, "param": error.field, "code": code}}
    return msgspec.json.encode(written)


class VideoForm:
    """A task as it is, several as an array."""

    name = NAME
    wants_echo = False
    wants_times = False

    def one(self, task: Task, echo: RawRequest | None, base: str) -> bytes:
        """Write one task."""
        del echo, base
        return msgspec.json.encode(video_object(task))

    def many(self, items: Sequence[bytes]) -> bytes:
        """Write several tasks."""
        return array(items)


class EventForm:
    """The event that a video has ended, as OpenAI's webhooks have it: it names the video and does not show it."""

    name = f"{NAME}-event"
    wants_echo = False
    wants_times = False

    def one(self, task: Task, echo: RawRequest | None, base: str) -> bytes:
        """Write the event of one ended task."""
        del echo, base
        event: OpenAIEvent = {
            "id": f"evt_{hashlib.sha256(task.id.encode()).hexdigest()[:32]}",
            "object": "event",
            "created_at": int(task.finished_at or task.updated_at),
            "type": "video.completed" if task.state is State.COMPLETED else "video.failed",
            "data": {"id": task.id, **metadata(task, NAMES)},
        }
        return msgspec.json.encode(event)

    def many(self, items: Sequence[bytes]) -> bytes:
        """Write several events."""
        return array(items)


FORM: Final = VideoForm()
HOOK: Final = EventForm()
