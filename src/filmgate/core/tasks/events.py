"""Streams of changes: of one task, or of all tasks of an application."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import Final, NamedTuple

from filmgate.core.tasks.service import TaskService
from filmgate.domain.errors import TooManyRequests, Unavailable
from filmgate.domain.task import Task
from filmgate.ports.change_feed import ChangeFeed
from filmgate.ports.context import RequestContext
from filmgate.ports.tasks import TaskChange, TaskChanges

HEARTBEAT: Final = 15.0
"""Seconds of silence after which a stream says that it is still there, and looks at the ledger by itself."""

_PAGE: Final = 50


class News(StrEnum):
    """What an event says."""

    OPENED = "opened"
    TASK = "task"
    DELETED = "deleted"


class Event(NamedTuple):
    """One event. `number` is where to resume behind it, `task` is there unless the task was deleted."""

    kind: News
    number: int | None = None
    task_id: str = ""
    task: Task | None = None


class Events:
    """Gives streams, a limited number for each API key.

    A stream keeps nothing but its place: whenever it is woken, and when its reader is ready for more, it reads from the
    ledger what has changed since. So a slow reader skips states in between, and whoever comes back misses no task.
    """

    def __init__(self, tasks: TaskService, ledger: TaskChanges, feed: ChangeFeed, *, max_streams: int) -> None:
        self._tasks = tasks
        self._ledger = ledger
        self._feed = feed
        self._max_streams = max_streams
        self._streams: Counter[str] = Counter()
        self._open: set[asyncio.Event] = set()
        self._closed = False

    def close(self) -> None:
        """End all streams; their readers resume elsewhere or later."""
        self._closed = True
        for changed in self._open:
            changed.set()

    async def is_over(self, context: RequestContext, task_id: str, after: int) -> bool:
        """Return whether nothing comes behind this place: the task has ended, and the end was told. Raises NotFound."""
        await self._tasks.get(context, task_id)
        now = await self._ledger.change(context.caller.application_id, task_id)
        return now.number == after and now.task is not None and now.task.final

    async def of_task(
        self, context: RequestContext, task_id: str, after: int | None
    ) -> AsyncGenerator[Event | None, None]:
        """Yield a task as it is, if that is not what `after` stands for, and after every change, up to its end.

        None is a sign of life. Raises NotFound, TooManyRequests.
        """
        await self._tasks.get(context, task_id)
        with self._stream(context, task_id) as changed:
            yield Event(News.OPENED)
            while True:
                changed.clear()
                now = await self._ledger.change(context.caller.application_id, task_id)
                if now.number != after:
                    after = now.number
                    yield _event(now)
                if now.task is None or now.task.final or self._closed or self._feed.closed:
                    return
                del now  # thousands may wait here
                if not await _happens(changed):
                    yield None

    async def of_application(self, context: RequestContext, after: int | None) -> AsyncGenerator[Event | None, None]:
        """Yield every task of the caller's application that has changed since `after`, and whatever changes from then.

        Without a place, or with one that lies ahead of the ledger, it begins now. None is a sign of life. Raises
        TooManyRequests.
        """
        owner = context.caller.application_id
        with self._stream(context, owner) as changed:
            last = await self._ledger.last_change(owner)
            after = last if after is None else min(after, last)
            yield Event(News.OPENED, after)
            while True:
                changed.clear()
                while page := await self._ledger.changes(owner, after, _PAGE):
                    for change in page:
                        after = change.number
                        yield _event(change)
                if self._closed or self._feed.closed:
                    return
                if not await _happens(changed):
                    yield None

    @contextmanager
    def _stream(self, context: RequestContext, name: str) -> Iterator[asyncio.Event]:
        key = context.caller.credential_id
        if self._closed:
            raise Unavailable("The service is stopping.")
        if self._max_streams and context.caller.limited and self._streams[key] >= self._max_streams:
            raise TooManyRequests(f"{self._max_streams} streams of this key are open already", retry_after=10)
        self._streams[key] += 1
        try:
            with (
                self._tasks.places.place(context.caller.application_id) as free,
                self._feed.watch(name) as changed,
            ):
                if not free:
                    raise TooManyRequests("too many requests of this application wait already", retry_after=10)
                self._open.add(changed)
                try:
                    yield changed
                finally:
                    self._open.discard(changed)
        finally:
            self._streams[key] -= 1
            if not self._streams[key]:
                del self._streams[key]


def _event(changed: TaskChange) -> Event:
    kind = News.DELETED if changed.task is None else News.TASK
    return Event(kind, changed.number, changed.task_id, changed.task)


async def _happens(changed: asyncio.Event) -> bool:
    try:
        async with asyncio.timeout(HEARTBEAT):
            return await changed.wait()
    except TimeoutError:
        return False
