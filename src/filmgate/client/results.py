"""What the service answers. Fields that a newer service adds are left out."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import msgspec

from filmgate.domain.states import FINAL, State

Decision: TypeAlias = Literal["accepted", "submit_again", "fail"]
"""What becomes of a submit whose outcome is not known."""


class Failure(msgspec.Struct, frozen=True):
    """Why a task failed: a code for programs and a sentence for people."""

    code: str
    message: str


class Video(msgspec.Struct, frozen=True):
    """The clip of a completed task. Sizes are pixels and bytes, `duration` is seconds, `type` the media type."""

    url: str
    width: int
    height: int
    duration: float | None = None
    frames: int | None = None
    bytes: int | None = None
    type: str | None = None


class Image(msgspec.Struct, frozen=True):
    """A finished picture. `width` and `height` are pixels."""

    url: str
    width: int
    height: int
    bytes: int
    type: str


class Adjustment(msgspec.Struct, frozen=True):
    """A value that is not used as it was asked for; `used` is None where there is no such thing in what is made."""

    field: str
    asked: str | int | float | bool | None = None
    used: str | int | float | bool | None = None
    reason: str = ""


class Task(msgspec.Struct, frozen=True):
    """One generation and all that is known of it.

    `state` is "pending", "processing", "completed" or "failed", `progress` percent, times are RFC 3339, `duration` and
    `elapsed` seconds, `thumbnail` and `last_frame` links to pictures, `metadata` what the engine noted, `credits` what
    it costs, `media_expired_at` since when its files are gone, `next_attempt_at` when its provider is asked next.
    `waiting_for` is "inputs" that are fetched, "engine" for a turn there, or the "provider" that has it.
    A `preview` draws a scene from the words of the prompt that it knows; `ignored_words` are the others, known once it
    is completed. `adjustments` are the values that are not used as they were asked for.
    """

    id: str
    state: str
    video_id: str | None = None
    progress: int = 0
    engine: str | None = None
    dialect: str | None = None
    kind: str = "video"
    operation: str | None = None
    prompt: str = ""
    aspect_ratio: str | None = None
    resolution: str | None = None
    duration: int | None = None
    loop: bool = False
    enhance: bool = True
    model: str | None = None
    created_at: str | None = None
    started_at: str | None = None
    finished_at: str | None = None
    next_attempt_at: str | None = None
    waiting_for: str | None = None
    elapsed: float | None = None
    failure: Failure | None = None
    video: Video | None = None
    image: Image | None = None
    thumbnail: str | None = None
    last_frame: str | None = None
    preview: bool = False
    ignored_words: tuple[str, ...] = ()
    adjustments: tuple[Adjustment, ...] = ()
    metadata: dict[str, Any] | None = None
    credits: float = 0.0
    media_expired_at: str | None = None
    trace_id: str | None = None

    @property
    def final(self) -> bool:
        """Whether the task has reached its one end."""
        return self.state in FINAL

    @property
    def completed(self) -> bool:
        """Whether the task has ended with a video."""
        return self.state == State.COMPLETED


def id_of(task: Task | str) -> str:
    """Return the id of what may be a task or its id."""
    return task if isinstance(task, str) else task.id


class TaskPage(msgspec.Struct, frozen=True):
    """Some of the tasks that match, how many match in all as far as 10,000, and whether more follow."""

    tasks: tuple[Task, ...]
    total: int
    limit: int
    offset: int
    has_more: bool = False


class Engine(msgspec.Struct, frozen=True):
    """One engine of the service: the models it makes ("*" for every one), how many tasks at once (None: its own way).

    `default` is true for the one that makes what no other claims.
    """

    name: str
    type: str | None = None
    models: tuple[str, ...] = ()
    slots: int | None = None
    default: bool = False


class EngineList(msgspec.Struct, frozen=True):
    """How the service lists its engines."""

    engines: tuple[Engine, ...]


class Model(msgspec.Struct, frozen=True):
    """A model, the engines that make it, and what it can be asked for; anything else is refused or changed.

    `durations` are seconds. `sizes`, as "1280x720", are all there are where they are given; else ratio and resolution
    decide, and `resolutions` are empty where the size cannot be chosen.
    """

    name: str
    engines: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    operations: tuple[str, ...] = ()
    durations: tuple[int, ...] = ()
    aspect_ratios: tuple[str, ...] = ()
    resolutions: tuple[str, ...] = ()
    sizes: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    loop: bool = False
    concepts: bool = False
    needs_prompt: bool = False


class ModelList(msgspec.Struct, frozen=True):
    """The models there are; `default_model` is meant where none is named.

    `others` tells what makes models of other names, None where such a model is unknown.
    """

    models: tuple[Model, ...]
    default_model: str | None = None
    others: Model | None = None


class EngineStatus(msgspec.Struct, frozen=True):
    """How an engine is, for admins.

    `models` are the credits of one task by model, None where they follow from what is asked for; `address` and
    `trouble` are of providers, `retry_in` is in seconds; `waiting`, `in_flight` and `unknown` count tasks in line, at
    work, and submitted with an unknown outcome.
    """

    name: str
    type: str
    address: str | None = None
    models: dict[str, float | None] = {}
    priority: int = 0
    weight: float = 1.0
    slots: int | None = None
    healthy: bool = True
    trouble: str | None = None
    retry_in: float = 0.0
    waiting: int = 0
    in_flight: int = 0
    unknown: int = 0


class EngineStatusList(msgspec.Struct, frozen=True):
    """How the service lists how its engines are."""

    engines: tuple[EngineStatus, ...]


class Candidate(msgspec.Struct, frozen=True):
    """An engine that was looked at for a request.

    `verdict` is "chosen", "standby", "troubled" or "refuses", `reason` says why, `credits` is its price.
    """

    engine: str
    verdict: str
    reason: str
    credits: float = 0.0


class Route(msgspec.Struct, frozen=True):
    """Where a request would go now: the engine, and all that were looked at, the best first."""

    engine: str
    candidates: tuple[Candidate, ...]


class Resemblance(msgspec.Struct, frozen=True):
    """A generation at a provider whose prompt and time are those of a task; it may be somebody else's."""

    id: str
    created_at: str | None = None


class UnknownSubmit(msgspec.Struct, frozen=True):
    """A task whose provider did not say whether it accepted it, for `age` seconds; it is held until `ends_at`.

    `lookups` counts how often it was looked up there, `candidates` are what resembled it the last time.
    """

    id: str
    application_id: str
    engine: str
    prompt: str = ""
    submitted_at: str | None = None
    lookups: int = 0
    age: float = 0.0
    ends_at: str | None = None
    candidates: tuple[Resemblance, ...] = ()


class UnknownSubmitList(msgspec.Struct, frozen=True):
    """How the service lists such tasks."""

    submits: tuple[UnknownSubmit, ...]


class TaskList(msgspec.Struct, frozen=True):
    """How the service lists tasks that it has imported."""

    tasks: tuple[Task, ...]


class Upload(msgspec.Struct, frozen=True):
    """The link of a file that the service keeps."""

    public_url: str


class Account(msgspec.Struct, frozen=True):
    """Who the holder of a key is; `limited` says whether rates are counted, `role` what the key may do."""

    application_id: str
    user_id: str | None = None
    credential_id: str | None = None
    limited: bool = True
    role: str = "member"
