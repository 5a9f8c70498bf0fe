"""Server-sent events of the service: the requests of a stream, and how its bytes become events."""

from __future__ import annotations

import time
from typing import Literal

import msgspec

from filmgate.client import calls
from filmgate.client.errors import (
    ConnectionFailed,
    FilmgateClientError,
    ServiceUnavailable,
    TooManyRequests,
    UnreadableAnswer,
)
from filmgate.client.results import Task
from filmgate.domain.backoff import exponential

_PATIENCE = 60.0
"""Seconds a stream outlasts a service that is being restarted."""

_FIRST_PATIENCE = 1.5
"""The same before it has begun."""

_FIRST_PAUSE = 0.1
_LAST_PAUSE = 1.0
_PASSING = frozenset({502, 503, 504})


class Event(msgspec.Struct, frozen=True):
    """A change of a task: `task` is its new state, None if it was deleted.

    `id` is the place in the stream: a stream that starts `after` it goes on with the next event.
    """

    kind: Literal["task", "deleted"]
    task_id: str
    task: Task | None = None
    id: int | None = None


class _Deleted(msgspec.Struct):
    id: str


class Following:
    """One stream of events, over as many connections as it takes; each begins behind the last event that was read.

    `task_id` is None for the stream of all tasks, `after` is None to begin now. `over` is true once the task has ended.
    """

    def __init__(self, task_id: str | None, after: int | None) -> None:
        self.over = False
        self._task_id = task_id
        self._after = after
        self._opened = False
        self._failing_since: float | None = None
        self._failures = 0
        self._rest = b""

    def next(self) -> calls.Call[None]:
        """Return the request that opens the stream at the present place."""
        self._rest = b""  # half an event of a connection that broke is sent again as a whole
        return calls.events(self._task_id, self._after)

    def read(self, chunk: bytes) -> tuple[Event, ...]:
        """Return the events that are complete with these bytes. Raises UnreadableAnswer."""
        self._opened = True
        self._failing_since = None
        *blocks, self._rest = (self._rest + chunk).split(b"\n\n")
        return tuple(event for block in blocks if (event := self._parse(block)) is not None)

    def mark(self, event: Event) -> None:
        """Remember that an event is being handed over, so that the stream resumes behind it."""
        self._failures = 0
        if event.id is not None:
            self._after = event.id
        ended = event.task is None or event.task.final
        self.over = self._task_id is not None and ended

    def pause(self, error: FilmgateClientError | None = None) -> float:
        """Return the seconds until the next connection. Raises the error if there is to be none."""
        now = time.monotonic()
        if self._failing_since is None:
            self._failing_since = now
        spent = now - self._failing_since
        if error is not None and not (self._is_passing(error) and spent < self._patience()):
            raise error
        if isinstance(error, TooManyRequests):
            return error.retry_after
        self._failures += 1
        return exponential(self._failures - 1, _FIRST_PAUSE, _LAST_PAUSE)

    def _patience(self) -> float:
        return _PATIENCE if self._opened else _FIRST_PATIENCE

    def _is_passing(self, error: FilmgateClientError) -> bool:
        """Return whether a later connection may succeed. The service may still count a stream that has just broken."""
        if isinstance(error, TooManyRequests):
            return self._opened
        if isinstance(error, ServiceUnavailable):
            return error.status in _PASSING
        return isinstance(error, ConnectionFailed)

    def _parse(self, block: bytes) -> Event | None:
        fields = dict(line.split(b": ", 1) for line in block.split(b"\n") if b": " in line)
        try:
            place = int(fields[b"id"]) if b"id" in fields else None
            kind, data = fields.get(b"event"), fields.get(b"data", b"")
            if kind == b"task":
                task = msgspec.json.decode(data, type=Task)
                return Event("task", task.id, task, place)
            if kind == b"deleted":
                return Event("deleted", msgspec.json.decode(data, type=_Deleted).id, None, place)
        except (msgspec.MsgspecError, ValueError) as error:
            raise UnreadableAnswer(f"an event of the service cannot be read: {error}") from error
        if kind is None and place is not None:
            self._after = place  # the place where the stream begins
        return None
