"""The answers of Filmgate's own API: the service writes these structs, and the clients read them.

The service writes every field, in this order. A client leaves out the fields that a newer service adds, and takes words
that it does not know: a text that is one of some words today says so with `Annotated`, for the API's description.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from filmgate.domain.capabilities import InputOption
from filmgate.domain.generation import Kind, Operation
from filmgate.domain.periods import Period
from filmgate.domain.roles import KeyRole
from filmgate.domain.states import FINAL, Stage, State, WaitsFor

ErrorType = Literal[
    "invalid_request_error", "authentication_error", "permission_error", "rate_limit_error", "api_error"
]
StateWord = Literal["pending", "processing", "completed", "failed"]


class NativeFailure(msgspec.Struct, frozen=True):
    """Why a task failed: a code for programs and a sentence for people."""

    code: str
    message: str


class NativeVideo(msgspec.Struct, frozen=True):
    """A finished video. Sizes are pixels and bytes, `duration` is seconds, `type` the media type."""

    url: str
    width: int
    height: int
    duration: float | None = None
    frames: int | None = None
    bytes: int = 0
    type: str = ""


class NativeImage(msgspec.Struct, frozen=True):
    """A finished picture. Sizes are pixels and bytes, `type` the media type."""

    url: str
    width: int
    height: int
    bytes: int
    type: str


class NativeAdjustment(msgspec.Struct, frozen=True):
    """A value that is not used as it was asked for; `used` is null where there is no such thing in what is made."""

    field: str
    asked: str | int | float | bool | None = None
    used: str | int | float | bool | None = None
    reason: str = ""


class NativeTask(msgspec.Struct, frozen=True, kw_only=True):
    """A task.

    `stage` is the step that the work has reached, `waiting_for` what it waits for: its inputs to be fetched, a turn at
    its engine, or the provider that has it. Times are RFC 3339, `elapsed` and `duration` seconds, `progress`
    percent, `metadata` what the engine noted, `credits` what it costs; since `media_expired_at` its files are gone.
    `next_attempt_at` is when its provider is asked next: to make it, or how far it is.
    A `preview` draws a scene from the words it knows; `ignored_words` are the others, known once it is completed.
    `adjustments` are the values that are not used as they were asked for.
    """

    id: str
    video_id: str = ""
    state: Annotated[str, StateWord]
    stage: Annotated[str, Stage] = ""
    waiting_for: Annotated[str | None, WaitsFor | None] = None
    progress: int = 0
    engine: str = ""
    dialect: str = ""
    kind: Annotated[str, Kind] = Kind.VIDEO.value
    operation: Annotated[str, Operation] = ""
    prompt: str = ""
    aspect_ratio: str = ""
    resolution: str | None = None
    duration: int = 0
    loop: bool = False
    enhance: bool = True
    model: str | None = None
    created_at: str = ""
    started_at: str | None = None
    finished_at: str | None = None
    next_attempt_at: str | None = None
    elapsed: float | None = None
    failure: NativeFailure | None = None
    video: NativeVideo | None = None
    image: NativeImage | None = None
    thumbnail: str | None = None
    last_frame: str | None = None
    preview: bool = False
    ignored_words: tuple[str, ...] = ()
    adjustments: tuple[NativeAdjustment, ...] = ()
    metadata: dict[str, Any] = {}
    credits: float = 0.0
    media_expired_at: str | None = None
    trace_id: str = ""

    @property
    def final(self) -> bool:
        """Whether the task has reached its one end."""
        return self.state in FINAL

    @property
    def completed(self) -> bool:
        """Whether the task has ended with a video."""
        return self.state == State.COMPLETED


class NativePage(msgspec.Struct, frozen=True, kw_only=True):
    """Some of the tasks that match, how many match in all as far as 10,000, and whether more follow."""

    tasks: tuple[NativeTask, ...]
    total: int
    has_more: bool = False
    limit: int
    offset: int


class NativeEngine(msgspec.Struct, frozen=True):
    """An engine: which models it makes ("*" for every model), how many tasks at once (null: its own default)."""

    name: str
    type: str = ""
    slots: int | None = None
    models: tuple[str, ...] = ()
    default: bool = False


class NativeEngines(msgspec.Struct, frozen=True):
    """The engines there are."""

    engines: tuple[NativeEngine, ...]


class NativeModel(msgspec.Struct, frozen=True):
    """A model, the engines that make it, and what it can be asked for: anything else is refused or changed.

    `durations` are seconds, none for a model of pictures. `resolutions` are empty where the size cannot be chosen;
    `sizes`, as WIDTHxHEIGHT, are all there are where they are given, else ratio and resolution decide.
    """

    name: str
    engines: tuple[str, ...] = ()
    kinds: Annotated[tuple[str, ...], list[Kind]] = ()
    operations: Annotated[tuple[str, ...], list[Operation]] = ()
    durations: tuple[int, ...] = ()
    aspect_ratios: tuple[str, ...] = ()
    resolutions: tuple[str, ...] = ()
    sizes: tuple[str, ...] = ()
    inputs: Annotated[tuple[str, ...], list[InputOption]] = ()
    loop: bool = False
    concepts: bool = False
    needs_prompt: bool = False


class NativeModels(msgspec.Struct, frozen=True):
    """The models there are. `default_model` is meant where none is named, if one is set.

    `others` tells what makes models of other names, null where such a model is unknown.
    """

    models: tuple[NativeModel, ...]
    default_model: str | None = None
    others: NativeModel | None = None


class NativeEngineStatus(msgspec.Struct, frozen=True):
    """How an engine is.

    `models` are the credits of one task by model, null where they follow from what is asked for; `address` and
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


class NativeEngineStatuses(msgspec.Struct, frozen=True):
    """How the engines are."""

    engines: tuple[NativeEngineStatus, ...]


class NativeCandidate(msgspec.Struct, frozen=True):
    """An engine that was looked at for a request, what speaks for or against it, and its price in credits."""

    engine: str
    verdict: Annotated[str, Literal["chosen", "standby", "troubled", "refuses"]]
    reason: str
    credits: float = 0.0


class NativeRoute(msgspec.Struct, frozen=True):
    """Where a request would go now: the engine, and all that were looked at, in order."""

    engine: str
    candidates: tuple[NativeCandidate, ...]


class NativeResemblance(msgspec.Struct, frozen=True):
    """A generation at a provider that resembles a task, by its id there."""

    id: str
    created_at: str | None = None


class NativeUnknownSubmit(msgspec.Struct, frozen=True):
    """A task whose provider did not say whether it accepted it. It is held until `ends_at`; `age` is in seconds."""

    id: str
    application_id: str
    engine: str
    prompt: str = ""
    submitted_at: str | None = None
    lookups: int = 0
    age: float = 0.0
    ends_at: str | None = None
    candidates: tuple[NativeResemblance, ...] = ()


class NativeUnknownSubmits(msgspec.Struct, frozen=True):
    """The tasks whose submit has no known outcome, oldest first."""

    submits: tuple[NativeUnknownSubmit, ...]


class NativeNotImported(msgspec.Struct, frozen=True):
    """A task that could not be imported, and why."""

    id: str
    code: str
    message: str


class NativeImported(msgspec.Struct, frozen=True):
    """The tasks that were imported, and those that could not be."""

    tasks: tuple[NativeTask, ...]
    failed: tuple[NativeNotImported, ...] = ()


class NativeWebhook(msgspec.Struct, frozen=True):
    """What became of a webhook; its address is without the query string.

    `tries` counts the deliveries since it was to be sent, `answer` is the status of the last one, and `trouble` says
    why it has not arrived.
    """

    id: str
    task_id: str
    state: str
    status: Annotated[str, Literal["pending", "delivered", "failed", "superseded", "skipped"]]
    url: str = ""
    created_at: str = ""
    tries: int = 0
    next_at: str | None = None
    last_at: str | None = None
    answer: int | None = None
    trouble: str | None = None


class NativeWebhooks(msgspec.Struct, frozen=True, kw_only=True):
    """Some of the webhooks that match, how many match in all as far as 10,000, and whether more follow."""

    webhooks: tuple[NativeWebhook, ...]
    total: int
    has_more: bool = False
    limit: int
    offset: int


class NativeDelivery(msgspec.Struct, frozen=True):
    """One delivery: when, how long it took, what was answered, and what went wrong."""

    at: str
    seconds: float = 0.0
    answer: int | None = None
    trouble: str | None = None


class NativeToldWebhook(NativeWebhook, frozen=True):
    """A webhook with its deliveries, oldest first."""

    deliveries: tuple[NativeDelivery, ...] = ()


class NativeWebhookSecret(msgspec.Struct, frozen=True):
    """A secret that signs webhooks; `ends_at` is there for one that was rotated out."""

    secret: str
    created_at: str = ""
    ends_at: str | None = None


class NativeWebhookSecrets(msgspec.Struct, frozen=True):
    """What signs webhooks now, newest first."""

    secrets: tuple[NativeWebhookSecret, ...]


class NativeAccount(msgspec.Struct, frozen=True):
    """The ids behind the API key. `limited` says whether it has rate limits, `role` what it may do."""

    application_id: str
    user_id: str = ""
    credential_id: str = ""
    limited: bool = True
    role: Annotated[str, KeyRole] = KeyRole.MEMBER.value


class NativeErrorWords(msgspec.Struct, frozen=True):
    """What went wrong. `field` names the part of the request that was wrong, where there is one.

    `type` groups the codes by who can do something about them. `doc_url` is the section about the code, relative to the
    address of the service, which serves it where its documentation is installed.
    """

    code: str
    message: str
    type: Annotated[str, ErrorType] = ""
    field: str | None = None
    doc_url: str = ""
    trace_id: str = ""


class NativeError(msgspec.Struct, frozen=True):
    """An error."""

    error: NativeErrorWords


class NativeLimits(msgspec.Struct, frozen=True):
    """The rules for an application; 0 switches one off. Bytes are those of its files, credits those of its tasks."""

    task_days: float = 0.0
    media_days: float = 0.0
    media_bytes: int = 0
    credits: float = 0.0
    credits_per: Annotated[str, Period] = Period.MONTH.value


class NativeOwnLimits(msgspec.Struct, frozen=True):
    """The rules that an application has of its own; null is what holds for all."""

    task_days: float | None = None
    media_days: float | None = None
    media_bytes: int | None = None
    credits: float | None = None
    credits_per: Annotated[str | None, Period | None] = None


class NativeCredits(msgspec.Struct, frozen=True):
    """The credits of the present period: `limit` and `left` are null where nothing limits them.

    `renews` is the day on which there are as many again, null where they do not renew.
    """

    used: float
    limit: float | None = None
    left: float | None = None
    per: Annotated[str, Period] = Period.MONTH.value
    renews: str | None = None


class NativeStanding(msgspec.Struct, frozen=True):
    """How an application stands: its rules, those that are its own, its credits, and what it has and holds now."""

    application_id: str
    application: str
    limits: NativeLimits
    own: NativeOwnLimits
    credits: NativeCredits
    unfinished: int = 0
    files_held: int = 0
    bytes_held: int = 0


class NativeStandings(msgspec.Struct, frozen=True):
    """How the applications stand."""

    applications: tuple[NativeStanding, ...]


class NativeTally(msgspec.Struct, frozen=True):
    """Numbers of tasks, seconds of video and bytes of what was made, and the credits that tasks have cost."""

    submitted: int = 0
    completed: int = 0
    failed: int = 0
    cancelled: int = 0
    seconds: float = 0.0
    bytes: int = 0
    credits: float = 0.0


class NativeDay(NativeTally, frozen=True, kw_only=True):
    """What was counted on a day, in UTC."""

    day: str


class NativeUsage(msgspec.Struct, frozen=True):
    """What an application has used from the day `since` to the day `until`, and how it stands now."""

    since: str
    until: str
    total: NativeTally
    failures: dict[str, int]
    days: tuple[NativeDay, ...]
    now: NativeStanding


class NativeUsages(msgspec.Struct, frozen=True):
    """What the applications have used."""

    applications: tuple[NativeUsage, ...]
