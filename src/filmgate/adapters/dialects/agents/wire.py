"""The wire format of Luma's Agents API: tasks and files as it shows them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import msgspec

from filmgate.adapters.dialects.agents.responses import (
    AgentsError,
    AgentsFile,
    AgentsFiles,
    AgentsGeneration,
    AgentsOutput,
    FailureWord,
    Model,
    Type,
    Word,
)
from filmgate.adapters.dialects.serving.codec import array, rfc3339
from filmgate.adapters.dialects.serving.remarks import metadata
from filmgate.domain.errors import FilmgateError, InvalidRequest
from filmgate.domain.failures import FailureCode
from filmgate.domain.generation import Generation, GuideRole, Kind, Operation
from filmgate.domain.states import State
from filmgate.domain.task import Task
from filmgate.ports.media import StoredMedia
from filmgate.ports.tasks import RawRequest

NAME: Final = "agents"
IMAGE_MODEL: Final[Model] = "uni-1"
VIDEO_MODEL: Final[Model] = "ray-3.2"
NAMES: Final = {
    "aspect_ratio": "aspect_ratio",
    **{name: f"video.{name}" for name in ("duration", "resolution", "loop")},
}
"""What the values of a generation are called here."""


IMAGE_MODELS: Final[tuple[Model, ...]] = (IMAGE_MODEL, "uni-1-max")

_MODELS: Final[tuple[Model, ...]] = (*IMAGE_MODELS, VIDEO_MODEL)
_WORDS: Final[dict[State, Word]] = {
    State.PENDING: "queued",
    State.PROCESSING: "processing",
    State.COMPLETED: "completed",
    State.FAILED: "failed",
}
STATES: Final[dict[str, State]] = {word: state for state, word in _WORDS.items()}
"""What the words for states mean."""

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


def type_of(generation: Generation) -> Type:
    """Return the type of this API for a generation."""
    if generation.kind is Kind.IMAGE:
        edited = any(guide.role is GuideRole.MODIFY for guide in generation.guides)
        return "image_edit" if edited or generation.start is not None or generation.named is not None else "image"
    if generation.named is Operation.MODIFY:
        return "video_edit"
    return "video_reframe" if generation.named is Operation.REFRAME else "video"


def _model(generation: Generation) -> Model:
    """Return the model; for one that this API has no name for, its standard model of the kind."""
    return next((model for model in _MODELS if model == generation.model), standard_model(generation))


def standard_model(generation: Generation) -> Model:
    """Return the model that is meant where none is named."""
    return IMAGE_MODEL if generation.kind is Kind.IMAGE else VIDEO_MODEL


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


def files(found: Sequence[StoredMedia], limit: int) -> AgentsFiles:
    """Write a page of files, of which one more than the limit was looked for."""
    shown = found[:limit]
    more = len(found) > limit
    return {
        "data": [file_object(stored) for stored in shown],
        "has_more": more,
        "next_cursor": f"{shown[-1].created_at.hex()}~{shown[-1].media.token}" if more else None,
    }


def place(cursor: str | None) -> tuple[float, str] | None:
    """Read a cursor: the (created_at, id) behind which to go on. Raises InvalidRequest."""
    if not cursor:
        return None
    time, _, token = cursor.partition("~")
    try:
        created_at = float.fromhex(time)
    except (ValueError, OverflowError):
        created_at = math.nan
    if not math.isfinite(created_at) or not token:
        raise InvalidRequest("cursor must be the next_cursor of an earlier answer", field="cursor")
    return created_at, token
