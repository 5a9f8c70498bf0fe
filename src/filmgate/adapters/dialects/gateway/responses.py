"""The answers of the gateway API, and tasks written as them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Final, Literal, NotRequired, TypeAlias

import msgspec
from typing_extensions import TypedDict

from filmgate.adapters.dialects.gateway.requests import NAME, NAMES
from filmgate.adapters.dialects.serving.codec import array, rfc3339
from filmgate.adapters.dialects.serving.remarks import Remarks, add_remarks
from filmgate.domain.errors import FilmgateError, InvalidRequest
from filmgate.domain.media import Media
from filmgate.domain.states import State
from filmgate.domain.task import Task
from filmgate.ports.media import StoredMedia
from filmgate.ports.tasks import RawRequest

Word = Literal["pending", "processing", "completed", "failed"]
Status = Literal["QUEUED", "IN_PROGRESS", "SUCCESS", "FAILURE"]


class GatewayVideo(TypedDict):
    """A finished video. `download_url` is free of watermarks, as `url` is."""

    url: str
    width: int
    height: int
    download_url: str
    thumbnail: str


class GatewayImage(TypedDict):
    """A generated picture."""

    url: str
    width: int
    height: int
    media_type: Literal["image"]


class GatewayPalette(TypedDict):
    """The base64 of 25 RGB triples: a 5x5 grid of average colours, row by row."""

    grid: str


class GatewayThumbnail(TypedDict):
    """A still of the video."""

    url: str
    width: int
    height: int
    palette: GatewayPalette
    media_type: Literal["image"]


class GatewayRawVideo(TypedDict):
    """The video as a file; `duration` is in seconds."""

    url: str
    width: int
    height: int
    duration: float
    media_type: Literal["video"]


class GatewayLastFrame(TypedDict):
    """The last frame of the video, to go on from."""

    url: str
    width: int
    height: int
    palette: None
    media_type: Literal["image"]


class GatewayArtifact(TypedDict):
    """All files of a finished task, and when they were made."""

    video: GatewayVideo
    thumbnail: GatewayThumbnail
    video_raw: GatewayRawVideo
    created_at: str
    last_frame: GatewayLastFrame


class GatewayRequest(TypedDict):
    """What was asked for."""

    prompt: str
    aspect_ratio: str


class GatewayTask(Remarks):
    """A task. The files are null until it is completed; a failed one has the reason, under two names.

    A task that made a picture, which another dialect can ask for, has an `image` instead of a video.
    """

    id: str
    state: Word
    prompt: str
    liked: None
    queue_state: None
    estimate_wait_seconds: None
    batch_id: str
    user_id: str
    pipeline_id: str
    created_at: str
    request: GatewayRequest
    video: GatewayVideo | None
    video_raw: GatewayRawVideo | None
    thumbnail: GatewayThumbnail | None
    last_frame: GatewayLastFrame | None
    artifact: GatewayArtifact | None
    image: NotRequired[GatewayImage]
    failure_reason: NotRequired[str]
    fail_reason: NotRequired[str]


class GatewaySubmission(TypedDict):
    """A new task as the gateways with an envelope describe it; times are unix seconds."""

    task_id: str
    task_status: Word
    created_at: int
    updated_at: int


class GatewayCreated(GatewayTask):
    """A new task: the object itself, and on top of it what gateways with an envelope answer."""

    code: int
    message: str
    request_id: str
    data: GatewaySubmission


class GatewayItem(TypedDict):
    """A task in the envelope of a batch. Times are unix seconds, 0 for what has not happened yet."""

    id: int
    created_at: int
    updated_at: int
    task_id: str
    platform: Literal["luma"]
    action: Literal["LUMA_VIDEO"]
    status: Status
    fail_reason: str
    submit_time: int
    start_time: int
    finish_time: int
    progress: str
    data: GatewayTask


class GatewayBatch(TypedDict):
    """A batch in its envelope."""

    code: Literal["success"]
    message: str
    data: list[GatewayItem]


class GatewaySecondTask(TypedDict):
    """A task in the second version's wrapping: a list of one."""

    data: list[GatewayTask]


class GatewaySecondCreated(Remarks):
    """A new task in the second version."""

    task_id: str


class GatewayUpload(TypedDict):
    """A stored file. Both links are the same: what is kept here needs no signature."""

    id: str
    public_url: str
    presigned_url: str


class GatewayDownload(TypedDict):
    """The link of a finished video."""

    url: str


class GatewayUser(TypedDict):
    """Who asks, and the credits that are left, null where nothing limits them."""

    id: str
    user_id: str
    application_id: str
    credential_id: str
    credits: float | None


class GatewayUsage(TypedDict):
    """The credits used and to be used in the present period, and the numbers of tasks by state.

    `capacity` null means that nothing limits the credits, `max_unfinished` 0 that nothing limits the unfinished tasks.
    """

    consumed: float
    capacity: float | None
    generations: dict[str, int]
    max_unfinished: int


class GatewayPong(TypedDict):
    """An answer to a ping."""

    message: Literal["pong"]


class GatewayErrorWords(TypedDict):
    """What went wrong, for programs and for people."""

    code: str
    message: str
    type: str


class GatewayErrorDetail(TypedDict):
    """The same in the words of the original proxy."""

    reason: str
    code: int


class GatewayError(TypedDict):
    """An error, in both forms that gateway clients read."""

    error: GatewayErrorWords
    detail: GatewayErrorDetail
    trace_id: str


BatchAnswer: TypeAlias = list[GatewayTask] | GatewayBatch
ErrorAnswer: TypeAlias = GatewayError

_WORDS: Final[dict[State, Word]] = {
    State.PENDING: "pending",
    State.PROCESSING: "processing",
    State.COMPLETED: "completed",
    State.FAILED: "failed",
}
_STATUS: Final[dict[State, Status]] = {
    State.PENDING: "QUEUED",
    State.PROCESSING: "IN_PROGRESS",
    State.COMPLETED: "SUCCESS",
    State.FAILED: "FAILURE",
}
STATES: Final[dict[str, State]] = {
    **{word: state for state, word in _WORDS.items()},
    **{status.lower(): state for state, status in _STATUS.items()},
    "not_start": State.PENDING,
    "submitted": State.PENDING,
    "dreaming": State.PROCESSING,
}
"""The states that the words of all gateways mean, in lower case."""

_TYPES: Final = {401: "authentication_error", 403: "permission_error", 404: "not_found_error", 429: "rate_limit_error"}


def write_upload(stored: StoredMedia, base: str) -> dict[str, str]:
    """Write a stored file."""
    link = base + stored.media.path
    return {"id": stored.media.token, "public_url": link, "presigned_url": link}


def task_object(task: Task, base: str) -> GatewayTask:
    """Write a task: the same keys in every state, its files null until it is completed."""
    artifact = _artifact(task, base)
    written: GatewayTask = {
        "id": task.id,
        "state": _WORDS[task.state],
        "prompt": task.generation.prompt,
        "liked": None,
        "queue_state": None,
        "estimate_wait_seconds": None,
        "batch_id": "",
        "user_id": "",
        "pipeline_id": "",
        "created_at": rfc3339(task.created_at),
        "request": {"prompt": task.generation.prompt, "aspect_ratio": task.generation.aspect_ratio},
        "video": artifact and artifact["video"],
        "video_raw": artifact and artifact["video_raw"],
        "thumbnail": artifact and artifact["thumbnail"],
        "last_frame": artifact and artifact["last_frame"],
        "artifact": artifact,
    }
    if task.output is not None and task.output.image is not None:
        written["thumbnail"] = _thumbnail(task.output.thumbnail, base)
        written["image"] = _picture(task.output.image, base)
    if task.state is State.FAILED:
        written["failure_reason"] = written["fail_reason"] = _reason(task)
    return add_remarks(written, task, NAMES)


def write_created(task: Task, base: str, trace_id: str) -> GatewayCreated:
    """Write a new task in the union of the documented forms."""
    moment = int(task.created_at)
    submission: GatewaySubmission = {
        "task_id": task.id,
        "task_status": _WORDS[task.state],
        "created_at": moment,
        "updated_at": moment,
    }
    return {**task_object(task, base), "code": 0, "message": "", "request_id": trace_id, "data": submission}


def write_error(error: FilmgateError, trace_id: str) -> bytes:
    """Write an error in both forms that gateway clients read."""
    fallback = "invalid_request_error" if error.status < 500 else "api_error"
    written: GatewayError = {
        "error": {"code": error.code, "message": error.message, "type": _TYPES.get(error.status, fallback)},
        "detail": {"reason": error.message, "code": 1},
        "trace_id": trace_id,
    }
    return msgspec.json.encode(written)


class ArrayForm:
    """A task as it is, a batch as a bare array."""

    name = NAME
    wants_echo = False
    wants_times = False

    def one(self, task: Task, echo: RawRequest | None, base: str) -> bytes:
        """Write one task."""
        del echo
        return msgspec.json.encode(task_object(task, base))

    def many(self, items: Sequence[bytes]) -> bytes:
        """Write a batch."""
        return array(items)


class EnvelopeForm:
    """A batch in the envelope of new-api's gateways."""

    name = "gateway-envelope"
    wants_echo = False
    wants_times = False

    def one(self, task: Task, echo: RawRequest | None, base: str) -> bytes:
        """Write one item."""
        del echo
        return msgspec.json.encode(_item(task, base))

    def many(self, items: Sequence[bytes]) -> bytes:
        """Write the envelope."""
        return b'{"code":"success","message":"","data":' + array(items) + b"}"


class SecondForm(ArrayForm):
    """A task as `/luma/v2` wraps it: a list of one under `data`."""

    name = "gateway-v2"

    def one(self, task: Task, echo: RawRequest | None, base: str) -> bytes:
        """Write one task."""
        return b'{"data":[' + super().one(task, echo, base) + b"]}"


FORM: Final = ArrayForm()
ENVELOPE: Final = EnvelopeForm()
SECOND: Final = SecondForm()


def batch_form(asked: str | None, configured: str) -> ArrayForm | EnvelopeForm:
    """Choose the form of a batch: the one asked for, else the admin's. Raises InvalidRequest."""
    wanted = configured if asked is None else asked
    if wanted not in ("array", "envelope"):
        raise InvalidRequest("format must be array or envelope", field="format")
    return FORM if wanted == "array" else ENVELOPE


def _artifact(task: Task, base: str) -> GatewayArtifact | None:
    output = task.output
    if task.state is not State.COMPLETED or output is None or output.video is None or output.last_frame is None:
        return None
    return {
        "video": {
            "url": _link(output.video, base),
            "width": output.video.facts.width,
            "height": output.video.facts.height,
            "download_url": _link(output.video, base),
            "thumbnail": _link(output.thumbnail, base),
        },
        "thumbnail": _thumbnail(output.thumbnail, base),
        "video_raw": {
            "url": _link(output.video, base),
            "width": output.video.facts.width,
            "height": output.video.facts.height,
            "duration": round(output.video.facts.duration or 0.0, 6),
            "media_type": "video",
        },
        "created_at": rfc3339(task.finished_at or task.updated_at),
        "last_frame": {
            "url": _link(output.last_frame, base),
            "width": output.last_frame.facts.width,
            "height": output.last_frame.facts.height,
            "palette": None,
            "media_type": "image",
        },
    }


def _thumbnail(media: Media, base: str) -> GatewayThumbnail:
    return {
        "url": _link(media, base),
        "width": media.facts.width,
        "height": media.facts.height,
        "palette": {"grid": media.facts.palette or ""},
        "media_type": "image",
    }


def _picture(media: Media, base: str) -> GatewayImage:
    return {
        "url": _link(media, base),
        "width": media.facts.width,
        "height": media.facts.height,
        "media_type": "image",
    }


def _link(media: Media, base: str) -> str:
    return base + media.path


def _reason(task: Task) -> str:
    return task.failure.message if task.failure else "The generation failed."


def _item(task: Task, base: str) -> GatewayItem:
    return {
        "id": int(hashlib.sha256(task.id.encode()).hexdigest()[:12], 16),
        "created_at": int(task.created_at),
        "updated_at": int(task.updated_at),
        "task_id": task.id,
        "platform": "luma",
        "action": "LUMA_VIDEO",
        "status": _STATUS[task.state],
        "fail_reason": _reason(task) if task.state is State.FAILED else "",
        "submit_time": int(task.created_at),
        "start_time": int(task.started_at or 0),
        "finish_time": int(task.finished_at or 0),
        "progress": "100%" if task.final else f"{task.percent}%",
        "data": task_object(task, base),
    }
