"""Filmgate's own wire format, spoken by its command line and its Python client."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Any, Final, Self, TypeVar

import msgspec
from pydantic import Field, WithJsonSchema, model_validator

from filmgate.adapters.dialects.native.responses import NativeError, NativeImage, NativeTask, NativeVideo, Word
from filmgate.adapters.dialects.serving.codec import (
    Body,
    Callback,
    Flag,
    Name,
    Prompt,
    Ratio,
    Resolution,
    Seconds,
    address,
    array,
    first_given,
    rfc3339,
)
from filmgate.adapters.dialects.serving.inputs import InputField, InputFields
from filmgate.adapters.dialects.serving.remarks import adjustments
from filmgate.adapters.dialects.serving.terms import terms
from filmgate.domain.adjustments import Terms
from filmgate.domain.errors import FilmgateError, InvalidRequest, QuotaExceeded
from filmgate.domain.generation import Generation, Reference, ReferenceKind, check
from filmgate.domain.media_fields import END_NAMES, LIST_NAMES, START_NAMES
from filmgate.domain.sizes import DEFAULT_ASPECT_RATIO, DEFAULT_SECONDS
from filmgate.domain.states import State
from filmgate.domain.task import Task
from filmgate.ports.tasks import Page, RawRequest, TaskFilter

Choice = TypeVar("Choice", bound=StrEnum)

NAME: Final = "native"

MAX_PAGE: Final = 100
"""Tasks in one page of a list, at most."""

_PAGE: Final = 20
_VALUES: Final = {name: name for name in ("aspect_ratio", "resolution", "duration", "loop", "enhance")}


def _side_of(address: str) -> dict[str, str]:
    return {ReferenceKind.IMAGE.value: address}


INPUTS: Final = InputFields(
    (
        InputField("start", "the first frame", START_NAMES, write=_side_of, typed=True),
        InputField("end", "the last frame", END_NAMES, write=_side_of, typed=True),
    ),
    LIST_NAMES,
)
_MAX_OFFSET: Final = 2**31
_OWN_CODES: Final = {QuotaExceeded.code: "quota_exceeded"}
"""Codes that have another name here than in the other dialects, whose clients know AceData's word."""

_WORDS: Final[dict[State, Word]] = {
    State.PENDING: "pending",
    State.PROCESSING: "processing",
    State.COMPLETED: "completed",
    State.FAILED: "failed",
}
_KINDS: Final = {
    ReferenceKind.IMAGE: address("image") | {"description": "An http(s) address or a base64 data URI of a picture."},
    ReferenceKind.VIDEO: address("video") | {"description": "An http(s) address or a base64 data URI of a video."},
    ReferenceKind.TASK: {"type": "string", "pattern": r"\S", "description": "The id of a completed task."},
}


def _side(description: str) -> dict[str, Any]:
    kinds = [
        {
            "type": "object",
            "required": [kind.value],
            "properties": {kind.value: schema},
            "minProperties": 1,
            "maxProperties": 1,
        }
        for kind, schema in _KINDS.items()
    ]
    return {"description": description, "anyOf": [*kinds, {"type": "null"}]}


class TaskBody(Body):
    """A new task. `prompt` is required unless there is something to start from or to end at."""

    prompt: Prompt = None
    aspect_ratio: Ratio = None
    resolution: Resolution = None
    duration: Seconds = DEFAULT_SECONDS
    loop: Flag = None
    enhance: Flag = Field(default=None, description="Let the prompt be enhanced; true if not given.")
    model: Name = Field(default=None, description="Which model, and with it which engine, makes the video.")
    start: Annotated[
        dict[str, Any] | None, WithJsonSchema(_side("What the clip starts from: a picture, a clip, a task."))
    ] = None
    end: Annotated[dict[str, Any] | None, WithJsonSchema(_side("What the clip ends at."))] = None
    webhook_url: Callback = None
    callback_url: Callback = None

    @model_validator(mode="after")
    def check_webhook(self) -> Self:
        """Raise InvalidRequest if both names of the webhook's address are given and differ."""
        if self.webhook_url and self.callback_url and self.webhook_url != self.callback_url:
            raise InvalidRequest(
                "webhook_url and callback_url are two names of one field with different addresses: give one of them",
                field="webhook_url",
            )
        return self

    @property
    def webhook(self) -> str | None:
        """The address that the ended task is posted to."""
        return self.webhook_url or self.callback_url or None

    def terms(self, sent: dict[str, Any]) -> Terms:
        """Return the terms of the body as it was sent."""
        return terms(sent, self, _VALUES, INPUTS)

    def generation(self) -> Generation:
        """Understand the body. Raises InvalidRequest."""
        generation = Generation(
            prompt=self.prompt or "",
            aspect_ratio=first_given(self.aspect_ratio) or DEFAULT_ASPECT_RATIO,
            resolution=first_given(self.resolution),
            duration=self.duration,
            loop=bool(self.loop),
            enhance=self.enhance is not False,
            model=first_given(self.model),
            start=_reference(self.start, "start"),
            end=_reference(self.end, "end"),
        )
        return check(generation)


def _reference(side: dict[str, Any] | None, field: str) -> Reference | None:
    """Read a side of the clip. Raises InvalidRequest."""
    if side is None:
        return None
    given_kinds = {kind: value for kind, value in side.items() if value is not None and value not in ("", [])}
    kind, value = next(iter(given_kinds.items()), ("", None))
    if len(given_kinds) != 1 or kind not in tuple(ReferenceKind) or not isinstance(value, str) or not value.strip():
        raise InvalidRequest(f"{field} must have exactly one of {', '.join(ReferenceKind)}, a text", field=field)
    return Reference(ReferenceKind(kind), value)


def task_object(task: Task, base: str) -> NativeTask:
    """Write a task: the same keys in every state."""
    generation, output = task.generation, task.output
    return {
        "id": task.id,
        "video_id": task.video_id,
        "state": _WORDS[task.state],
        "stage": task.stage,
        "waiting_for": task.waiting_for,
        "progress": 100 if task.state is State.COMPLETED else task.percent,
        "engine": task.engine,
        "dialect": task.dialect,
        "kind": generation.kind,
        "operation": generation.operation,
        "prompt": generation.prompt,
        "aspect_ratio": generation.aspect_ratio,
        "resolution": generation.resolution,
        "duration": generation.duration,
        "loop": generation.loop,
        "enhance": generation.enhance,
        "model": generation.model,
        "created_at": rfc3339(task.created_at),
        "started_at": _time(task.started_at),
        "finished_at": _time(task.finished_at),
        "next_attempt_at": _time(task.next_attempt_at),
        "elapsed": _elapsed_seconds(task),
        "failure": {"code": task.failure.code, "message": task.failure.message} if task.failure else None,
        "video": _video(task, base),
        "image": _image(task, base),
        "thumbnail": task.link(output.thumbnail if output else None, base),
        "last_frame": task.link(output.last_frame if output else None, base),
        "preview": task.preview,
        "ignored_words": task.ignored_words,
        "adjustments": adjustments(task),
        "metadata": task.work.notes,
        "credits": task.work.credits,
        "media_expired_at": _time(output.expired_at if output else None),
        "trace_id": task.trace_id,
    }


def write_error(error: FilmgateError, trace_id: str) -> bytes:
    """Write an error."""
    code = _OWN_CODES.get(error.code, error.code)
    written: NativeError = {
        "error": {"code": code, "message": error.message, "field": error.field, "trace_id": trace_id}
    }
    return msgspec.json.encode(written)


class TaskForm:
    """A task as it is, several as an array."""

    name = NAME
    wants_echo = False
    wants_times = True

    def one(self, task: Task, echo: RawRequest | None, base: str) -> bytes:
        """Write one task."""
        del echo
        return msgspec.json.encode(task_object(task, base))

    def many(self, items: Sequence[bytes]) -> bytes:
        """Write several tasks."""
        return array(items)


FORM: Final = TaskForm()


def page(tasks: bytes, found: Page, wanted: TaskFilter) -> bytes:
    """Write a page of a list, of tasks already written."""
    rest = msgspec.json.encode(
        {"total": found.total, "has_more": found.more, "limit": wanted.limit, "offset": wanted.offset}
    )
    return b'{"tasks":' + tasks + b"," + rest[1:]


def listing(limit: str | None, offset: str | None, state: str | None, newest: str | None) -> TaskFilter:
    """Read the parameters of a list. Raises InvalidRequest."""
    if newest not in (None, "true", "false"):
        raise InvalidRequest("newest must be true or false", field="newest")
    words = [] if state is None else state.split(",")
    if any(word not in tuple(State) for word in words):
        raise InvalidRequest(f"state must be one of {', '.join(State)}, or several with commas", field="state")
    return TaskFilter(
        states=tuple(State(word) for word in words) or None,
        newest=newest != "false",
        counted=True,
        limit=_whole(limit, "limit", _PAGE, 1, MAX_PAGE),
        offset=_whole(offset, "offset", 0, 0, _MAX_OFFSET),
    )


def one_of(words: type[Choice], value: str, field: str) -> Choice:
    """Read one of an enumeration's words. Raises InvalidRequest."""
    try:
        return words(value)
    except ValueError as error:
        raise InvalidRequest(f"{field} must be one of {', '.join(words)}", field=field) from error


def _whole(text: str | None, field: str, default: int, least: int, most: int) -> int:
    if text is None:
        return default
    number = int(text) if text.isascii() and text.isdigit() and len(text) <= 10 else -1
    if not least <= number <= most:
        raise InvalidRequest(f"{field} must be a whole number from {least} to {most}", field=field)
    return number


def _time(seconds: float | None) -> str | None:
    return None if seconds is None else rfc3339(seconds)


def _elapsed_seconds(task: Task) -> float | None:
    if task.finished_at is None:
        return None
    return round(max(0.0, task.finished_at - (task.started_at or task.created_at)), 3)


def _image(task: Task, base: str) -> NativeImage | None:
    image = task.output.image if task.output else None
    if image is None:
        return None
    return {
        "url": base + image.path,
        "width": image.facts.width,
        "height": image.facts.height,
        "bytes": image.bytes,
        "type": image.facts.type,
    }


def _video(task: Task, base: str) -> NativeVideo | None:
    video = task.output.video if task.output else None
    if video is None:
        return None
    return {
        "url": base + video.path,
        "width": video.facts.width,
        "height": video.facts.height,
        "duration": video.facts.duration,
        "frames": video.facts.frames,
        "bytes": video.bytes,
        "type": video.facts.type,
    }
