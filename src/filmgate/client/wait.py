"""How long to go on asking for a task."""

from __future__ import annotations

import time

from filmgate.client import calls
from filmgate.client.errors import WaitTimeout
from filmgate.client.results import Task

_HOLD = 25.0
"""Seconds the service may hold a question until the task ends: below what proxies cut off."""

_WATCHED_HOLD = 0.5
"""The same when somebody watches the progress."""

_PATIENCE = 60.0
"""Seconds a wait outlasts a service that is being restarted."""


class Waiting:
    """The questions of one wait for a task, at most `timeout` seconds (None: without end)."""

    def __init__(self, task_id: str, timeout: float | None, *, watched: bool) -> None:
        self._task_id = task_id
        self._until = None if timeout is None else time.monotonic() + timeout
        self._hold = _WATCHED_HOLD if watched else _HOLD
        self._asked = not watched
        self._timeout = timeout

    def next(self) -> calls.Call[Task]:
        """Return the next question. The first one of a watched wait is answered at once."""
        left = self._left()
        hold = min(self._hold, left) if self._asked else 0.0
        self._asked = True
        return calls.get(self._task_id, hold=hold, patience=min(_PATIENCE, left), backoff=min(_PATIENCE, left))

    def check(self) -> None:
        """Raise WaitTimeout if the time is up."""
        if self._left() <= 0:
            raise WaitTimeout(
                f"task {self._task_id} was not finished within {self._timeout:g} seconds; it goes on",
                task_id=self._task_id,
            )

    def _left(self) -> float:
        return _PATIENCE if self._until is None else max(0.0, self._until - time.monotonic())
