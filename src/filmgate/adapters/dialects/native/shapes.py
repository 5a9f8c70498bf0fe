"""The answers of Filmgate's own API."""

from __future__ import annotations

from typing import Any, Literal

from typing_extensions import TypedDict

from filmgate.domain.generation import Kind, Operation

Word = Literal["pending", "processing", "completed", "failed"]


class NativeFailure(TypedDict):
    """Why a task failed: a code for programs and a sentence for people."""

    code: str
    message: str


class NativeVideo(TypedDict):
    """A finished video. Sizes are pixels and bytes, `duration` is seconds, `type` the media type."""

    url: str
    width: int
    height: int
    duration: float | None
    frames: int | None
    bytes: int
    type: str


class NativeImage(TypedDict):
    """A finished picture. Sizes are pixels and bytes, `type` the media type."""

    url: str
    width: int
    height: int
    bytes: int
    type: str


class NativeTask(TypedDict):
    """A task.

    Times are RFC 3339, `elapsed` and `duration` seconds, `progress` percent, `metadata` what the engine noted.
    """

    id: str
    video_id: str
    state: Word
    progress: int
    engine: str
    dialect: str
    kind: Kind
    operation: Operation
    prompt: str
    aspect_ratio: str
    resolution: str | None
    duration: int
    loop: bool
    enhance: bool
    model: str | None
    created_at: str
    started_at: str | None
    finished_at: str | None
    elapsed: float | None
    failure: NativeFailure | None
    video: NativeVideo | None
    image: NativeImage | None
    thumbnail: str | None
    last_frame: str | None
    metadata: dict[str, Any]
    trace_id: str


class NativePage(TypedDict):
    """Some of the tasks that match, and how many match in all."""

    tasks: list[NativeTask]
    total: int
    limit: int
    offset: int


class NativeEngine(TypedDict):
    """An engine: which models it makes ("*" for every model), how many tasks at once (null: its own default)."""

    name: str
    type: str
    slots: int | None
    models: list[str]
    default: bool


class NativeEngines(TypedDict):
    """The engines there are."""

    engines: list[NativeEngine]


class NativeAccount(TypedDict):
    """The ids behind the API key. `limited` says whether it has rate limits."""

    application_id: str
    user_id: str
    credential_id: str
    limited: bool


class NativeErrorWords(TypedDict):
    """What went wrong. `field` names the part of the request that was wrong, where there is one."""

    code: str
    message: str
    field: str | None
    trace_id: str


class NativeError(TypedDict):
    """An error."""

    error: NativeErrorWords
