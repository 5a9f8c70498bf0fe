"""The answers of the gateway API."""

from __future__ import annotations

from typing import Literal, NotRequired

from typing_extensions import TypedDict

from filmgate.adapters.dialects.serving.remarks import Remarks

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
