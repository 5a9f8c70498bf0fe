"""The answers of the AceData API."""

from __future__ import annotations

from typing import Any, Literal, NotRequired

from typing_extensions import TypedDict

from filmgate.adapters.dialects.serving.remarks import Remarks

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
