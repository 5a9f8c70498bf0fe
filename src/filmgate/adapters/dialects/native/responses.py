"""The answers of Filmgate's own API."""

from __future__ import annotations

from typing import Any, Literal

from typing_extensions import TypedDict

from filmgate.adapters.dialects.serving.remarks import AdjustedValue
from filmgate.domain.capabilities import InputOption
from filmgate.domain.generation import Kind, Operation
from filmgate.domain.periods import Period
from filmgate.domain.roles import KeyRole
from filmgate.domain.states import Stage, WaitsFor

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

    `stage` is the step that the work has reached, `waiting_for` what it waits for: its inputs to be fetched, a turn at
    its engine, or the provider that has it. Times are RFC 3339, `elapsed` and `duration` seconds, `progress`
    percent, `metadata` what the engine noted, `credits` what it costs; since `media_expired_at` its files are gone.
    `next_attempt_at` is when its provider is asked next: to make it, or how far it is.
    A `preview` draws a scene from the words it knows; `ignored_words` are the others, known once it is completed.
    `adjustments` are the values that are not used as they were asked for.
    """

    id: str
    video_id: str
    state: Word
    stage: Stage
    waiting_for: WaitsFor | None
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
    next_attempt_at: str | None
    elapsed: float | None
    failure: NativeFailure | None
    video: NativeVideo | None
    image: NativeImage | None
    thumbnail: str | None
    last_frame: str | None
    preview: bool
    ignored_words: list[str]
    adjustments: list[AdjustedValue]
    metadata: dict[str, Any]
    credits: float
    media_expired_at: str | None
    trace_id: str


class NativePage(TypedDict):
    """Some of the tasks that match, how many match in all as far as 10,000, and whether more follow."""

    tasks: list[NativeTask]
    total: int
    has_more: bool
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


class NativeModel(TypedDict):
    """A model, the engines that make it, and what it can be asked for: anything else is refused or changed.

    `durations` are seconds, none for a model of pictures. `resolutions` are empty where the size cannot be chosen;
    `sizes`, as WIDTHxHEIGHT, are all there are where they are given, else ratio and resolution decide.
    """

    name: str
    engines: list[str]
    kinds: list[Kind]
    operations: list[Operation]
    durations: list[int]
    aspect_ratios: list[str]
    resolutions: list[str]
    sizes: list[str]
    inputs: list[InputOption]
    loop: bool
    concepts: bool
    needs_prompt: bool


class NativeModels(TypedDict):
    """The models there are. `default_model` is meant where none is named, if one is set.

    `others` tells what makes models of other names, null where such a model is unknown.
    """

    models: list[NativeModel]
    default_model: str | None
    others: NativeModel | None


class NativeEngineStatus(TypedDict):
    """How an engine is.

    `models` are the credits of one task by model, null where they follow from what is asked for; `address` and
    `trouble` are of providers, `retry_in` is in seconds; `waiting`, `in_flight` and `unknown` count tasks in line, at
    work, and submitted with an unknown outcome.
    """

    name: str
    type: str
    address: str | None
    models: dict[str, float | None]
    priority: int
    weight: float
    slots: int | None
    healthy: bool
    trouble: str | None
    retry_in: float
    waiting: int
    in_flight: int
    unknown: int


class NativeEngineStatuses(TypedDict):
    """How the engines are."""

    engines: list[NativeEngineStatus]


class NativeCandidate(TypedDict):
    """An engine that was looked at for a request, what speaks for or against it, and its price in credits."""

    engine: str
    verdict: Literal["chosen", "standby", "troubled", "refuses"]
    reason: str
    credits: float


class NativeRoute(TypedDict):
    """Where a request would go now: the engine, and all that were looked at, in order."""

    engine: str
    candidates: list[NativeCandidate]


class NativeResemblance(TypedDict):
    """A generation at a provider that resembles a task, by its id there."""

    id: str
    created_at: str | None


class NativeUnknownSubmit(TypedDict):
    """A task whose provider did not say whether it accepted it. It is held until `ends_at`; `age` is in seconds."""

    id: str
    application_id: str
    engine: str
    prompt: str
    submitted_at: str | None
    lookups: int
    age: float
    ends_at: str | None
    candidates: list[NativeResemblance]


class NativeUnknownSubmits(TypedDict):
    """The tasks whose submit has no known outcome, oldest first."""

    submits: list[NativeUnknownSubmit]


class NativeNotImported(TypedDict):
    """A task that could not be imported, and why."""

    id: str
    code: str
    message: str


class NativeImported(TypedDict):
    """The tasks that were imported, and those that could not be."""

    tasks: list[NativeTask]
    failed: list[NativeNotImported]


class NativeWebhook(TypedDict):
    """What became of a webhook; its address is without the query string.

    `tries` counts the deliveries since it was to be sent, `answer` is the status of the last one, and `trouble` says
    why it has not arrived.
    """

    id: str
    task_id: str
    state: str
    status: Literal["pending", "delivered", "failed", "superseded", "skipped"]
    url: str
    created_at: str
    tries: int
    next_at: str | None
    last_at: str | None
    answer: int | None
    trouble: str | None


class NativeWebhooks(TypedDict):
    """Some of the webhooks that match, how many match in all as far as 10,000, and whether more follow."""

    webhooks: list[NativeWebhook]
    total: int
    has_more: bool
    limit: int
    offset: int


class NativeDelivery(TypedDict):
    """One delivery: when, how long it took, what was answered, and what went wrong."""

    at: str
    seconds: float
    answer: int | None
    trouble: str | None


class NativeToldWebhook(NativeWebhook):
    """A webhook with its deliveries, oldest first."""

    deliveries: list[NativeDelivery]


class NativeWebhookSecret(TypedDict):
    """A secret that signs webhooks; `ends_at` is there for one that was rotated out."""

    secret: str
    created_at: str
    ends_at: str | None


class NativeWebhookSecrets(TypedDict):
    """What signs webhooks now, newest first."""

    secrets: list[NativeWebhookSecret]


class NativeAccount(TypedDict):
    """The ids behind the API key. `limited` says whether it has rate limits, `role` what it may do."""

    application_id: str
    user_id: str
    credential_id: str
    limited: bool
    role: KeyRole


class NativeErrorWords(TypedDict):
    """What went wrong. `field` names the part of the request that was wrong, where there is one."""

    code: str
    message: str
    field: str | None
    trace_id: str


class NativeError(TypedDict):
    """An error."""

    error: NativeErrorWords


class NativeLimits(TypedDict):
    """The rules for an application; 0 switches one off. Bytes are those of its files, credits those of its tasks."""

    task_days: float
    media_days: float
    media_bytes: int
    credits: float
    credits_per: Period


class NativeOwnLimits(TypedDict):
    """The rules that an application has of its own; null is what holds for all."""

    task_days: float | None
    media_days: float | None
    media_bytes: int | None
    credits: float | None
    credits_per: Period | None


class NativeCredits(TypedDict):
    """The credits of the present period: `limit` and `left` are null where nothing limits them.

    `renews` is the day on which there are as many again, null where they do not renew.
    """

    used: float
    limit: float | None
    left: float | None
    per: Period
    renews: str | None


class NativeStanding(TypedDict):
    """How an application stands: its rules, those that are its own, its credits, and what it has and holds now."""

    application_id: str
    application: str
    limits: NativeLimits
    own: NativeOwnLimits
    credits: NativeCredits
    unfinished: int
    files_held: int
    bytes_held: int


class NativeStandings(TypedDict):
    """How the applications stand."""

    applications: list[NativeStanding]


class NativeTally(TypedDict):
    """Numbers of tasks, seconds of video and bytes of what was made, and the credits that tasks have cost."""

    submitted: int
    completed: int
    failed: int
    cancelled: int
    seconds: float
    bytes: int
    credits: float


class NativeDay(NativeTally):
    """What was counted on a day, in UTC."""

    day: str


class NativeUsage(TypedDict):
    """What an application has used from the day `since` to the day `until`, and how it stands now."""

    since: str
    until: str
    total: NativeTally
    failures: dict[str, int]
    days: list[NativeDay]
    now: NativeStanding


class NativeUsages(TypedDict):
    """What the applications have used."""

    applications: list[NativeUsage]
