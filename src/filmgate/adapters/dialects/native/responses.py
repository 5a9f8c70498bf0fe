"""The answers of Filmgate's own API, written from tasks; `filmgate.api` has their structs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from filmgate.adapters.dialects.serving.codec import (
    array,
    rfc3339,
)
from filmgate.adapters.dialects.serving.openapi import describe_as
from filmgate.adapters.dialects.serving.remarks import AdjustedValue, adjustments
from filmgate.api import (
    ErrorType,
    NativeAdjustment,
    NativeError,
    NativeErrorWords,
    NativeFailure,
    NativeImage,
    NativeTask,
    NativeVideo,
)
from filmgate.domain.errors import FilmgateError, QuotaExceeded
from filmgate.domain.states import State
from filmgate.domain.task import Task
from filmgate.ports.tasks import Page, RawRequest, TaskFilter

NAME: Final = "native"

_ERROR_PAGE = "manual/reference/errors/"
_ERROR_TYPES: dict[int, ErrorType] = {
    401: "authentication_error",
    403: "permission_error",
    429: "rate_limit_error",
}
_OWN_CODES: Final = {QuotaExceeded.code: "quota_exceeded"}
"""Codes that have another name here than in the other dialects, whose clients know AceData's word."""


def task_object(task: Task, base: str) -> NativeTask:
    """Write a task: the same keys in every state."""
    generation, output = task.generation, task.output
    return NativeTask(
        id=task.id,
        video_id=task.video_id,
        state=task.state.value,
        stage=task.stage,
        waiting_for=task.waiting_for,
        progress=100 if task.state is State.COMPLETED else task.percent,
        engine=task.engine,
        dialect=task.dialect,
        kind=generation.kind,
        operation=generation.operation,
        prompt=generation.prompt,
        aspect_ratio=generation.aspect_ratio,
        resolution=generation.resolution,
        duration=generation.duration,
        loop=generation.loop,
        enhance=generation.enhance,
        model=generation.model,
        created_at=rfc3339(task.created_at),
        started_at=optional_time(task.started_at),
        finished_at=optional_time(task.finished_at),
        next_attempt_at=optional_time(task.next_attempt_at),
        elapsed=_elapsed_seconds(task),
        failure=NativeFailure(code=task.failure.code, message=task.failure.message) if task.failure else None,
        video=_video(task, base),
        image=_image(task, base),
        thumbnail=task.link(output.thumbnail if output else None, base),
        last_frame=task.link(output.last_frame if output else None, base),
        preview=task.preview,
        ignored_words=tuple(task.ignored_words),
        adjustments=tuple(NativeAdjustment(**change) for change in adjustments(task)),
        metadata=task.work.notes,
        credits=task.work.credits,
        media_expired_at=optional_time(output.expired_at if output else None),
        trace_id=task.trace_id,
    )


def write_error(error: FilmgateError, trace_id: str) -> bytes:
    """Write an error."""
    code = _OWN_CODES.get(error.code, error.code)
    words = NativeErrorWords(
        code=code,
        message=error.message,
        type=_ERROR_TYPES.get(error.status, "invalid_request_error" if error.status < 500 else "api_error"),
        field=error.field,
        doc_url=f"{_ERROR_PAGE}#{code}",
        trace_id=trace_id,
    )
    return msgspec.json.encode(NativeError(error=words))


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

describe_as(NativeAdjustment, AdjustedValue)


def page(tasks: bytes, found: Page, wanted: TaskFilter) -> bytes:
    """Write a page of a list, of tasks already written."""
    rest = msgspec.json.encode(
        {"total": found.total, "has_more": found.more, "limit": wanted.limit, "offset": wanted.offset}
    )
    return b'{"tasks":' + tasks + b"," + rest[1:]


def optional_time(seconds: float | None) -> str | None:
    """Write a time that there may not be."""
    return None if seconds is None else rfc3339(seconds)


def _elapsed_seconds(task: Task) -> float | None:
    if task.finished_at is None:
        return None
    return round(max(0.0, task.finished_at - (task.started_at or task.created_at)), 3)


def _image(task: Task, base: str) -> NativeImage | None:
    image = task.output.image if task.output else None
    if image is None:
        return None
    facts = image.facts
    return NativeImage(
        url=base + image.path, width=facts.width, height=facts.height, bytes=image.bytes, type=facts.type
    )


def _video(task: Task, base: str) -> NativeVideo | None:
    video = task.output.video if task.output else None
    if video is None:
        return None
    facts = video.facts
    return NativeVideo(
        url=base + video.path,
        width=facts.width,
        height=facts.height,
        duration=facts.duration,
        frames=facts.frames,
        bytes=video.bytes,
        type=facts.type,
    )
