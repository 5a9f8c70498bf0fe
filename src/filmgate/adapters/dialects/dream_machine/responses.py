"""The answers of Dream Machine v1, and tasks written as them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Literal, NotRequired

import msgspec
from typing_extensions import TypedDict

from filmgate.adapters.dialects.dream_machine.requests.builder import default_model, request_of
from filmgate.adapters.dialects.dream_machine.requests.vocabulary import NAME
from filmgate.adapters.dialects.serving.codec import array, rfc3339
from filmgate.adapters.dialects.serving.remarks import Metadata, metadata
from filmgate.domain.errors import FilmgateError, NotFound
from filmgate.domain.generation import Kind
from filmgate.domain.states import State
from filmgate.domain.task import Task
from filmgate.ports.tasks import Page, RawRequest, TaskFilter

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


CREDITS: Final = 1_000_000.0
"""The balance in US cents. Nothing is billed; clients that look before they submit must not find it empty."""
_WORDS: Final[dict[State, Word]] = {
    State.PENDING: "queued",
    State.PROCESSING: "dreaming",
    State.COMPLETED: "completed",
    State.FAILED: "failed",
}
_NOTHING: Final = NotFound().message

STATES: Final[dict[str, State]] = {word: state for state, word in _WORDS.items()}
"""The states that the words of an answer mean."""


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


def write_page(generations: bytes, found: Page, wanted: TaskFilter) -> bytes:
    """Write a page of a list, of generations already written."""
    rest = {
        "count": len(found.tasks),
        "limit": wanted.limit,
        "offset": wanted.offset,
        "has_more": found.more,
    }
    return b'{"generations":' + generations + b"," + msgspec.json.encode(rest)[1:]


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
