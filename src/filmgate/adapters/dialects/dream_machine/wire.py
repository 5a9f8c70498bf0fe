"""The wire format of Dream Machine v1: what is answered, in its own words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from filmgate.adapters.dialects.dream_machine.request_builder import default_model, request_of
from filmgate.adapters.dialects.dream_machine.responses import (
    DreamMachineAssets,
    DreamMachineError,
    DreamMachineTask,
    Word,
)
from filmgate.adapters.dialects.serving.codec import array, rfc3339
from filmgate.adapters.dialects.serving.remarks import metadata
from filmgate.domain.errors import FilmgateError, InvalidRequest, NotFound
from filmgate.domain.generation import Kind
from filmgate.domain.states import State
from filmgate.domain.task import Task
from filmgate.ports.tasks import Page, RawRequest, TaskFilter

NAME: Final = "dream_machine"

MAX_PAGE: Final = 100
"""Generations in one page of a list, at most."""

CREDITS: Final = 1_000_000.0
"""The balance in US cents. Nothing is billed; clients that look before they submit must not find it empty."""

_PAGE: Final = 10
_MAX_OFFSET: Final = 2**31
_WORDS: Final[dict[State, Word]] = {
    State.PENDING: "queued",
    State.PROCESSING: "dreaming",
    State.COMPLETED: "completed",
    State.FAILED: "failed",
}
_NOTHING: Final = NotFound().message

STATES: Final[dict[str, State]] = {word: state for state, word in _WORDS.items()}
"""What the words for states mean."""


def generation_object(task: Task, echo: RawRequest | None, base: str) -> DreamMachineTask:
    """Write a task: the same keys in every state."""
    return {
        "id": task.id,
        "generation_type": "image" if task.generation.kind is Kind.IMAGE else "video",
        "state": _WORDS[task.state],
        "failure_reason": _reason(task),
        "created_at": rfc3339(task.created_at),
        "assets": _assets(task, base),
        "model": task.generation.model or default_model(task.generation),
        "request": request_of(task, echo, NAME, base),
        **metadata(task),
    }


def write_error(error: FilmgateError, trace_id: str) -> bytes:
    """Write an error: `detail` is the sentence that clients show."""
    message = "Generation not found" if error.message == _NOTHING else error.message
    written: DreamMachineError = {"detail": message, "code": error.code, "trace_id": trace_id}
    if error.field is not None:
        written["field"] = error.field
    return msgspec.json.encode(written)


class GenerationForm:
    """A generation as it is, several as an array; the `request` is the body of the submit."""

    name = NAME
    wants_echo = True
    wants_times = False

    def one(self, task: Task, echo: RawRequest | None, base: str) -> bytes:
        """Write one generation."""
        return msgspec.json.encode(generation_object(task, echo, base))

    def many(self, items: Sequence[bytes]) -> bytes:
        """Write several generations."""
        return array(items)


FORM: Final = GenerationForm()


def page(generations: bytes, found: Page, wanted: TaskFilter) -> bytes:
    """Write a page of a list, of generations already written."""
    rest = {
        "count": len(found.tasks),
        "limit": wanted.limit,
        "offset": wanted.offset,
        "has_more": found.more,
    }
    return b'{"generations":' + generations + b"," + msgspec.json.encode(rest)[1:]


def listing(limit: str | None, offset: str | None) -> TaskFilter:
    """Read the parameters of a list, which has the newest first. Raises InvalidRequest."""
    return TaskFilter(
        limit=_whole(limit, "limit", _PAGE, 1, MAX_PAGE),
        offset=_whole(offset, "offset", 0, 0, _MAX_OFFSET),
    )


def _whole(text: str | None, field: str, default: int, least: int, most: int) -> int:
    if text is None:
        return default
    number = int(text) if text.isascii() and text.isdigit() and len(text) <= 10 else -1
    if not least <= number <= most:
        raise InvalidRequest(f"{field} must be a whole number from {least} to {most}", field=field)
    return number


def _reason(task: Task) -> str | None:
    if task.state is not State.FAILED:
        return None
    return task.failure.message if task.failure and task.failure.message else "The generation failed."


def _assets(task: Task, base: str) -> DreamMachineAssets | None:
    output = task.output
    if task.state is not State.COMPLETED or output is None:
        return None
    return {
        "video": task.link(output.video, base),
        "image": task.link(output.image or output.thumbnail, base),
        "progress_video": None,
    }
