"""The Python client of a Filmgate service: `Filmgate` for ordinary code, `AsyncFilmgate` for asyncio."""

from filmgate.client.asynchronous import AsyncFilmgate
from filmgate.client.blocking import Filmgate
from filmgate.client.callbacks import Callback, CallbackPage, CallbackSecret, Delivery
from filmgate.client.errors import (
    ConnectionFailed,
    DownloadFailed,
    FilmgateClientError,
    InFlight,
    InvalidInput,
    NotFound,
    OutcomeUnknown,
    ServiceUnavailable,
    TooManyRequests,
    Unauthorized,
    UnreadableAnswer,
    UsedUp,
    WaitTimeout,
)
from filmgate.client.references import Options, Source
from filmgate.client.results import (
    Account,
    Candidate,
    Decision,
    Engine,
    EngineStatus,
    Failure,
    Route,
    Task,
    TaskPage,
    UnknownSubmit,
    Video,
)
from filmgate.client.usage import Standing, Usage

__all__ = [
    "Account",
    "AsyncFilmgate",
    "Callback",
    "CallbackPage",
    "CallbackSecret",
    "Candidate",
    "ConnectionFailed",
    "Decision",
    "Delivery",
    "DownloadFailed",
    "Engine",
    "EngineStatus",
    "Failure",
    "Filmgate",
    "FilmgateClientError",
    "InFlight",
    "InvalidInput",
    "NotFound",
    "Options",
    "OutcomeUnknown",
    "Route",
    "ServiceUnavailable",
    "Source",
    "Standing",
    "Task",
    "TaskPage",
    "TooManyRequests",
    "Unauthorized",
    "UnknownSubmit",
    "UnreadableAnswer",
    "Usage",
    "UsedUp",
    "Video",
    "WaitTimeout",
]
