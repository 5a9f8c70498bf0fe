"""The port of the change feed, which wakes those that wait for a change. The ledger has the truth."""

from __future__ import annotations

import asyncio
from contextlib import AbstractContextManager
from typing import Protocol

from filmgate.domain.task import Task


class ChangeFeed(Protocol):
    """Wakes the waiters of a task, or of any task of an application."""

    @property
    def closed(self) -> bool:
        """Whether no news will come any more."""

    def publish(self, task: Task) -> None:
        """Wake every waiter of this task and of its application."""

    def wake(self, name: str) -> None:
        """Wake every waiter of a task, or of the tasks of an application, by its id."""

    def close(self) -> None:
        """Wake everybody, since no news will come any more."""

    def watch(self, name: str) -> AbstractContextManager[asyncio.Event]:
        """Yield an event that is set by every change of a task, or of an application's tasks, by its id."""
