"""The change feed inside one process."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from filmgate.domain.task import Task


class Feed:
    """Wakes all waiters of a task, or of any task of an application.

    A waiter costs one event; nothing is queued, the ledger has the truth.
    """

    def __init__(self) -> None:
        self._watchers: dict[str, set[asyncio.Event]] = {}
        self.closed = False

    def publish(self, task: Task) -> None:
        """Wake every waiter of this task or its application."""
        self.wake(task.id)
        self.wake(task.application_id)

    def wake(self, name: str) -> None:
        """Wake every waiter of a task, or the tasks of an application, by its id."""
        for event in self._watchers.get(name, ()):
            event.set()

    def close(self) -> None:
        """Wake everybody, since no news will come any more."""
        self.closed = True
        for events in self._watchers.values():
            for event in events:
                event.set()

    @contextmanager
    def watch(self, name: str) -> Iterator[asyncio.Event]:
        """Yield an event that is set by every change from now on; clear it before looking at the ledger.

        `name` is the id of a task, or that of an application for all of its tasks.
        """
        event = asyncio.Event()
        watchers = self._watchers.setdefault(name, set())
        watchers.add(event)
        try:
            yield event
        finally:
            watchers.discard(event)
            if not watchers:
                self._watchers.pop(name, None)
