"""The answers of AceData, and tasks written as them."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Sequence
from typing import Any, Final, Literal, NotRequired

import msgspec
from typing_extensions import TypedDict

from filmgate.adapters.dialects.acedata.requests import NAME, NAMES
from filmgate.adapters.dialects.serving.codec import array, rfc3339
from filmgate.adapters.dialects.serving.remarks import Remarks, add_remarks, remarks
from filmgate.domain.errors import FilmgateError, Forbidden, QuotaExceeded, WaitTimeout
from filmgate.domain.failures import Failure
from filmgate.domain.generation import Operation, ReferenceKind
from filmgate.domain.states import State
from filmgate.domain.task import Task
from filmgate.ports.tasks import RawRequest

Word = Literal["pending", "processing", "completed", "failed"]


class AceDataErrorWords(TypedDict):
    """What went wrong: a code for programs and a sentence for people."""

    code: str
    message: str


class AceDataVideo(Remarks):
    """A finished video: what a synchronous submit answers, a callback gets, and `response` of a task holds."""

    success: Literal[True]
    task_id: str
    video_id: str
    prompt: str
    video_url: str
    video_height: int
    video_width: int
    state: Literal["completed"]
    thumbnail_url: str
    thumbnail_width: int
    thumbnail_height: int


class AceDataPicture(Remarks):
    """A finished picture, which another dialect can ask for."""

    success: Literal[True]
    task_id: str
    video_id: str
    prompt: str
    image_url: str
    image_height: int
    image_width: int
    state: Literal["completed"]
    thumbnail_url: str
    thumbnail_width: int
    thumbnail_height: int


class AceDataFailed(Remarks):
    """A task that failed. It was done with, so sending it again would only make it anew."""

    success: Literal[False]
    task_id: str
    trace_id: str
    state: Literal["failed"]
    error: AceDataErrorWords


class AceDataAccepted(Remarks):
    """A task that was accepted and goes on; query it by its id."""

    success: Literal[True]
    task_id: str
    video_id: str
    trace_id: str
    state: Word


class AceDataRunning(Remarks):
    """The response of an unfinished task. `progress` is percent, once the work has begun."""

    task_id: str
    state: Literal["pending", "processing"]
    progress: NotRequired[int]


class AceDataFailure(Remarks):
    """The response of a failed task."""

    success: Literal[False]
    task_id: str
    state: Literal["failed"]
    error: AceDataErrorWords


class AceDataState(Remarks):
    """What the command line client reads of a task without a video."""

    id: str
    state: Literal["pending", "processing", "failed"]


class AceDataResult(AceDataVideo):
    """What the command line client reads of a finished task."""

    id: str
    created_at: str


class AceDataPictureResult(AceDataPicture):
    """The same of a finished picture."""

    id: str
    created_at: str


class AceDataTask(TypedDict):
    """A task. Times are unix seconds; `finished_at` and `elapsed` are there once it has ended.

    `request` is the body it was submitted with; of a task from another dialect, what it would have been here.
    """

    _id: str
    id: str
    api_id: str
    application_id: str
    credential_id: str
    user_id: str
    trace_id: str
    created_at: float
    started_at: NotRequired[float]
    finished_at: NotRequired[float]
    elapsed: NotRequired[float]
    state: Word
    request: dict[str, Any]
    response: AceDataVideo | AceDataPicture | AceDataFailure | AceDataRunning
    data: AceDataResult | AceDataPictureResult | AceDataState


class AceDataBatch(TypedDict):
    """Tasks; `count` is how many of them there are in this answer."""

    items: list[AceDataTask]
    count: int


class AceDataError(TypedDict):
    """An error. `task_id` names the task that goes on after a timeout."""

    success: Literal[False]
    error: AceDataErrorWords
    trace_id: str
    task_id: NotRequired[str]


class UnionDetail(TypedDict):
    """What went wrong in the words of the original proxy."""

    reason: str
    code: int


class UnionError(TypedDict):
    """An error where it is not known which of the two APIs was meant: it can be read as either's."""

    success: Literal[False]
    error: AceDataErrorWords
    detail: UnionDetail
    trace_id: str


_CODES: Final = {401: "invalid_token", 403: "forbidden", 404: "not_found", 429: "too_many_requests", 504: "timeout"}
_API_IDS: Final = {operation: str(uuid.uuid5(uuid.NAMESPACE_URL, f"filmgate:{operation}")) for operation in Operation}
_WORDS: Final[dict[State, Word]] = {
    State.PENDING: "pending",
    State.PROCESSING: "processing",
    State.COMPLETED: "completed",
    State.FAILED: "failed",
}
STATES: Final[dict[str, State]] = {word: state for state, word in _WORDS.items()}
"""The states that the words of an answer mean."""

_NO_FAILURE: Final = Failure("api_error", "The generation failed.")


def write_accepted(task: Task) -> AceDataAccepted:
    """Write an accepted task. No address and no `data`: clients would take either for the finished video."""
    return {
        "success": True,
        "task_id": task.id,
        "video_id": task.video_id,
        "trace_id": task.trace_id,
        "state": _WORDS[task.state],
        **remarks(task, NAMES),
    }


def result(task: Task, base: str) -> AceDataVideo | AceDataPicture | AceDataFailed:
    """Write a finished task, as the synchronous form answers it and a callback gets it."""
    return (
        _video(task, base)
        or _picture(task, base)
        or {
            "success": False,
            "task_id": task.id,
            "trace_id": task.trace_id,
            "state": "failed",
            "error": _error(task),
            **remarks(task, NAMES),
        }
    )


def is_refused(task: Task) -> bool:
    """Return whether the content was refused, which AceData answers with 403; its SDK does not try that again."""
    return task.failure is not None and "moderat" in task.failure.code


def write_error(error: FilmgateError, trace_id: str) -> bytes:
    """Write an error in AceData's documented codes."""
    written: AceDataError = {
        "success": False,
        "error": {"code": _code(error), "message": error.message},
        "trace_id": trace_id,
    }
    if isinstance(error, WaitTimeout):
        written["task_id"] = error.task_id
    return msgspec.json.encode(written)


def write_union_error(error: FilmgateError, trace_id: str) -> bytes:
    """Write an error of `/luma/tasks` so that clients of both APIs that share the path can read it."""
    written: UnionError = {
        "success": False,
        "error": {"code": _code(error), "message": error.message},
        "detail": {"reason": error.message, "code": 1},
        "trace_id": trace_id,
    }
    return msgspec.json.encode(written)


def _code(error: FilmgateError) -> str:
    if isinstance(error, QuotaExceeded):
        return error.code
    if isinstance(error, Forbidden):
        return "disabled"  # AceData's "forbidden" says that the content was refused
    return _CODES.get(error.status) or ("bad_request" if error.status < 500 else "api_error")


class TaskForm:
    """A task with the body it was submitted with; a batch with its count."""

    name = NAME
    wants_echo = True
    wants_times = False

    def one(self, task: Task, echo: RawRequest | None, base: str) -> bytes:
        """Write one task."""
        request = msgspec.Raw(echo.body) if echo is not None and echo.dialect == NAME else _request(task)
        return msgspec.json.encode({**_task(task, base), "request": request})

    def many(self, items: Sequence[bytes]) -> bytes:
        """Write a batch."""
        return b'{"items":' + array(items) + b',"count":%d}' % len(items)


class ResultForm:
    """A finished task as the synchronous form answers it: what is posted to the callback address."""

    name = f"{NAME}-result"
    wants_echo = False
    wants_times = False

    def one(self, task: Task, echo: RawRequest | None, base: str) -> bytes:
        """Write one task."""
        del echo
        return msgspec.json.encode(result(task, base))

    def many(self, items: Sequence[bytes]) -> bytes:
        """Write several."""
        return array(items)


FORM: Final = TaskForm()
HOOK: Final = ResultForm()


def _task(task: Task, base: str) -> AceDataTask:
    video, picture = _video(task, base), _picture(task, base)
    written: AceDataTask = {
        "_id": hashlib.sha256(task.id.encode()).hexdigest()[:24],
        "id": task.id,
        "api_id": _API_IDS[task.generation.operation],
        "application_id": task.application_id,
        "credential_id": task.credential_id,
        "user_id": task.user_id,
        "trace_id": task.trace_id,
        "created_at": task.created_at,
        "state": _WORDS[task.state],
        "request": {},
        "response": video or picture or _response(task),
        "data": _data(task, video, picture),
    }
    if task.started_at is not None:
        written["started_at"] = task.started_at
    if task.final:
        finished = task.finished_at or task.updated_at
        written["finished_at"] = finished
        written["elapsed"] = round(max(0.0, finished - (task.started_at or task.created_at)), 3)
    return written


def _video(task: Task, base: str) -> AceDataVideo | None:
    output = task.output
    if task.state is not State.COMPLETED or output is None or output.video is None:
        return None
    return {
        "success": True,
        "task_id": task.id,
        "video_id": task.video_id,
        "prompt": task.generation.prompt,
        "video_url": base + output.video.path,
        "video_height": output.video.facts.height,
        "video_width": output.video.facts.width,
        "state": "completed",
        "thumbnail_url": base + output.thumbnail.path,
        "thumbnail_width": output.thumbnail.facts.width,
        "thumbnail_height": output.thumbnail.facts.height,
        **remarks(task, NAMES),
    }


def _response(task: Task) -> AceDataRunning | AceDataFailure:
    """Write the response of a task without a video: a state word always, `success` only at the end."""
    if task.final:
        return {"success": False, "task_id": task.id, "state": "failed", "error": _error(task), **remarks(task, NAMES)}
    running: AceDataRunning = {"task_id": task.id, "state": "pending"}
    if task.state is State.PROCESSING:
        # The SDK takes a 1 for the whole, as if progress were a fraction.
        running = {"task_id": task.id, "state": "processing", "progress": task.percent if task.percent != 1 else 0}
    return add_remarks(running, task, NAMES)


def _picture(task: Task, base: str) -> AceDataPicture | None:
    output = task.output
    if task.state is not State.COMPLETED or output is None or output.image is None:
        return None
    return {
        "success": True,
        "task_id": task.id,
        "video_id": task.video_id,
        "prompt": task.generation.prompt,
        "image_url": base + output.image.path,
        "image_height": output.image.facts.height,
        "image_width": output.image.facts.width,
        "state": "completed",
        "thumbnail_url": base + output.thumbnail.path,
        "thumbnail_width": output.thumbnail.facts.width,
        "thumbnail_height": output.thumbnail.facts.height,
        **remarks(task, NAMES),
    }


def _data(
    task: Task, video: AceDataVideo | None, picture: AceDataPicture | None
) -> AceDataResult | AceDataPictureResult | AceDataState:
    if video is not None:
        return {**video, "id": task.id, "created_at": rfc3339(task.created_at)}
    if picture is not None:
        return {**picture, "id": task.id, "created_at": rfc3339(task.created_at)}
    if task.final:
        return {"id": task.id, "state": "failed", **remarks(task, NAMES)}
    return {"id": task.id, "state": "pending" if task.state is State.PENDING else "processing", **remarks(task, NAMES)}


def _error(task: Task) -> AceDataErrorWords:
    failure = task.failure or _NO_FAILURE
    return {"code": failure.code, "message": failure.message}


def _request(task: Task) -> dict[str, Any]:
    """Write a generation from another dialect as a submit of this one; what lies here only has no address to show."""
    generation = task.generation
    written: dict[str, Any] = {
        "action": "generate" if generation.operation is Operation.GENERATE else "extend",
        "prompt": generation.prompt,
        "aspect_ratio": generation.aspect_ratio,
        "loop": generation.loop,
        "enhancement": generation.enhance,
    }
    if generation.model:
        written["model"] = generation.model
    for reference, name in ((generation.start, "start_image_url"), (generation.end, "end_image_url")):
        if reference is not None and reference.value.startswith(("http://", "https://")):
            written["video_url" if reference.kind is ReferenceKind.VIDEO else name] = reference.value
    return written
