"""The answers of Luma's Agents API, and tasks and files written as them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

import msgspec
from typing_extensions import TypedDict

from filmgate.adapters.dialects.agents.requests.vocabulary import (
    IMAGE_MODELS,
    NAME,
    NAMES,
    VIDEO_MODEL,
    Model,
    Type,
    standard_model,
    type_of,
)
from filmgate.adapters.dialects.serving.codec import array, rfc3339
from filmgate.adapters.dialects.serving.remarks import Metadata, metadata
from filmgate.domain.errors import FilmgateError
from filmgate.domain.failures import FailureCode
from filmgate.domain.generation import Generation
from filmgate.domain.states import State
from filmgate.domain.task import Task
from filmgate.ports.media import StoredMedia
from filmgate.ports.tasks import RawRequest

Word = Literal["queued", "processing", "completed", "failed"]
FailureWord = Literal[
    "content_moderated",
    "generation_failed",
    "budget_exhausted",
    "output_not_found",
    "image_too_large",
    "unsupported_format",
    "corrupt_input",
    "invalid_request",
    "rate_limited",
]
FileState = Literal["pending", "ready", "failed", "deleted"]
Purpose = Literal["input", "reference"]


class AgentsOutput(TypedDict):
    """A file that was made."""

    type: Literal["image", "video"]
    url: str


class AgentsGeneration(Metadata):
    """A generation: the same keys in every state. `output` is empty until it is completed."""

    id: str
    created_at: str
    model: Model
    state: Word
    type: Type
    failure_code: FailureWord | None
    failure_reason: str | None
    output: list[AgentsOutput]


class AgentsFile(TypedDict):
    """A file of the caller's: `pending` until its bytes have come, `ready` from then on."""

    id: str
    created_at: str
    mime_type: str
    purpose: Purpose
    size_bytes: int
    state: FileState
    deleted_at: str | None
    expires_at: str | None
    failure_reason: str | None
    filename: str | None
    user_id: str | None


class AgentsSending(TypedDict):
    """Where the bytes of a file are to be sent, and until when."""

    expires_at: str
    method: Literal["PUT"]
    url: str
    headers: dict[str, str]


class AgentsCreatedFile(TypedDict):
    """A new file; `upload` is null if its bytes came with the request."""

    id: str
    file: AgentsFile
    state: FileState
    upload: AgentsSending | None


class AgentsFiles(TypedDict):
    """Some of the files, newest first; `next_cursor` asks for the next ones."""

    data: list[AgentsFile]
    has_more: bool
    next_cursor: str | None


class AgentsError(TypedDict):
    """An error: a sentence for people, a code for programs, the field that was wrong, the name of the request."""

    detail: str
    code: str
    field: str | None
    trace_id: str


_MODELS: Final[tuple[Model, ...]] = (*IMAGE_MODELS, VIDEO_MODEL)
_WORDS: Final[dict[State, Word]] = {
    State.PENDING: "queued",
    State.PROCESSING: "processing",
    State.COMPLETED: "completed",
    State.FAILED: "failed",
}
STATES: Final[dict[str, State]] = {word: state for state, word in _WORDS.items()}
"""The states that the words of an answer mean."""

_FAILURES: Final[dict[str, FailureWord]] = {
    FailureCode.INPUT_UNREACHABLE: "invalid_request",
    FailureCode.INVALID_MEDIA: "corrupt_input",
    FailureCode.OUTPUT_MISSING: "output_not_found",
    FailureCode.UNSUPPORTED_BY_ENGINE: "invalid_request",
    # An engine may use the words of this API itself.
    "budget_exhausted": "budget_exhausted",
    "output_not_found": "output_not_found",
    "image_too_large": "image_too_large",
    "unsupported_format": "unsupported_format",
    "corrupt_input": "corrupt_input",
    "invalid_request": "invalid_request",
    "rate_limited": "rate_limited",
}


class _Submitted(msgspec.Struct, frozen=True):
    type: Type | None = None


_submitted = msgspec.json.Decoder(_Submitted).decode


def generation_object(task: Task, base: str, asked: Type | None = None) -> AgentsGeneration:
    """Write a task. `asked` is the type it was submitted with, None for a task of another dialect."""
    generation = task.generation
    failed = task.state is State.FAILED
    return {
        "id": task.id,
        "created_at": rfc3339(task.created_at),
        "model": _model(generation),
        "state": _WORDS[task.state],
        "type": asked or type_of(generation),
        "failure_code": _failure(task) if failed else None,
        "failure_reason": (task.failure.message if task.failure else "The generation failed.") if failed else None,
        "output": _output(task, base),
        **metadata(task, NAMES),
    }


def _model(generation: Generation) -> Model:
    """Return the model; for one that this API has no name for, its standard model of the kind."""
    return next((model for model in _MODELS if model == generation.model), standard_model(generation))


def _failure(task: Task) -> FailureWord:
    code = task.failure.code if task.failure else ""
    return "content_moderated" if "moderat" in code else _FAILURES.get(code, "generation_failed")


def _output(task: Task, base: str) -> list[AgentsOutput]:
    if task.state is not State.COMPLETED or task.output is None:
        return []
    made: list[AgentsOutput] = []
    if task.output.video is not None:
        made.append({"type": "video", "url": base + task.output.video.path})
    if task.output.image is not None:
        made.append({"type": "image", "url": base + task.output.image.path})
    return made


def write_error(error: FilmgateError, trace_id: str) -> bytes:
    """Write an error."""
    written: AgentsError = {
        "detail": error.message,
        "code": error.code,
        "field": error.field,
        "trace_id": trace_id,
    }
    return msgspec.json.encode(written)


class GenerationForm:
    """A generation as it is, several as an array. What was asked for is seen in the body of the submit."""

    name = NAME
    wants_echo = True
    wants_times = False

    def one(self, task: Task, echo: RawRequest | None, base: str) -> bytes:
        """Write one generation."""
        asked = _submitted(echo.body).type if echo is not None and echo.dialect == NAME else None
        return msgspec.json.encode(generation_object(task, base, asked))

    def many(self, items: Sequence[bytes]) -> bytes:
        """Write several generations."""
        return array(items)


FORM: Final = GenerationForm()


def file_object(stored: StoredMedia) -> AgentsFile:
    """Write a file that is kept. Purpose, name, tag and end of life that were sent with it are not kept."""
    media = stored.media
    return _file(media.token, stored.created_at, media.facts.type, media.bytes) | {
        "state": "ready",
        "filename": media.name,
    }


def write_pending_file(file_id: str, created_at: float, media_type: str, size: int) -> AgentsFile:
    """Write a file without bytes yet."""
    return _file(file_id, created_at, media_type, size)


def _file(file_id: str, created_at: float, media_type: str, size: int) -> AgentsFile:
    return {
        "id": file_id,
        "created_at": rfc3339(created_at),
        "mime_type": media_type,
        "purpose": "input",
        "size_bytes": size,
        "state": "pending",
        "deleted_at": None,
        "expires_at": None,
        "failure_reason": None,
        "filename": None,
        "user_id": None,
    }


def write_files(found: Sequence[StoredMedia], limit: int) -> AgentsFiles:
    """Write a page of files, of which one more than the limit was looked for."""
    shown = found[:limit]
    more = len(found) > limit
    return {
        "data": [file_object(stored) for stored in shown],
        "has_more": more,
        "next_cursor": f"{shown[-1].created_at.hex()}~{shown[-1].media.token}" if more else None,
    }
