"""The Python client of a Filmgate service: `Filmgate` for ordinary code, `AsyncFilmgate` for asyncio."""

from filmgate.client.asynchronous import AsyncFilmgate
from filmgate.client.blocking import Filmgate
from filmgate.client.errors import (
    ConnectionFailed,
    DownloadFailed,
    FilmgateClientError,
    InvalidInput,
    NotFound,
    OutcomeUnknown,
    ServiceUnavailable,
    TooManyRequests,
    Unauthorized,
    UnreadableAnswer,
    WaitTimeout,
)
from filmgate.client.references import Options, Source
from filmgate.client.results import Account, Engine, Failure, Task, TaskPage, Video

__all__ = [
    "Account",
    "AsyncFilmgate",
    "ConnectionFailed",
    "DownloadFailed",
    "Engine",
    "Failure",
    "Filmgate",
    "FilmgateClientError",
    "InvalidInput",
    "NotFound",
    "Options",
    "OutcomeUnknown",
    "ServiceUnavailable",
    "Source",
    "Task",
    "TaskPage",
    "TooManyRequests",
    "Unauthorized",
    "UnreadableAnswer",
    "Video",
    "WaitTimeout",
]
