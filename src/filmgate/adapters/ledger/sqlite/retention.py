"""Removing what the rules do not keep, each time a few, in one transaction with the purge that it makes due."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property, partial

import apsw

from filmgate.adapters.ledger.sqlite import submits
from filmgate.adapters.ledger.sqlite.accounts import limits_of
from filmgate.adapters.ledger.sqlite.due import enqueue
from filmgate.adapters.ledger.sqlite.reader import Reader
from filmgate.adapters.ledger.sqlite.references import Needed, find_needed
from filmgate.adapters.ledger.sqlite.rows import json
from filmgate.adapters.ledger.sqlite.statements import SQL, Row, Values, run
from filmgate.adapters.ledger.sqlite.store import Store
from filmgate.adapters.ledger.sqlite.tasks import remove
from filmgate.domain.limits import Limits
from filmgate.domain.work import RETAINING, Queue, WorkItem, WorkKind
from filmgate.ports.accounts import CollectedFiles

_DAY = 86_400.0
_RETAINING = json(sorted(RETAINING))
_PAGE = 100
_PAGES = 20
"""So many pages at most are looked through for what may go, so that no transaction is long."""


class SqliteRetention:
    """Implements `filmgate.ports.accounts.Retention` for the ledger of which it is a part."""

    def __init__(self, store: Callable[[], Store], limits: Limits) -> None:
        """Take what gives the open store, and the rules for applications that have none of their own."""
        self._store = store
        self._limits = limits

    async def applications(self) -> list[str]:
        """List the applications with a rule by which something is removed."""
        every = "list_applications" if self._limits.collects else "limited"
        return [row[0] for row in self._store().reader.rows(SQL[every])]

    async def collect(self, application_id: str, now: float, limit: int) -> CollectedFiles:
        """Remove tasks and files of an application, up to a limit."""
        act = partial(_collect, who=application_id, limits=self._limits, now=now, limit=limit)
        return await self._store().writer.run(act)

    async def forget_submits(self, now: float, limit: int) -> int:
        """Remove expired records of submissions, up to a limit."""
        return await self._store().writer.run(partial(submits.forget, now=now, limit=limit))

    async def strays(self, keys: Sequence[str]) -> list[str]:
        """Return which of these keys of the store no row refers to."""
        return await self._store().background.run(partial(_strays, keys=keys))


class _Round:
    """What one transaction removes of an application."""

    def __init__(self, connection: apsw.Connection, who: str, now: float, limit: int) -> None:
        self._connection = connection
        self._who = who
        self._now = now
        self._limit = limit
        self.tasks: list[str] = []
        self.media: list[str] = []
        self.keys: list[str] = []

    @cached_property
    def _needed(self) -> Needed:
        """What unfinished tasks go on from; it is looked for only where something may go."""
        return find_needed(self._connection)

    @property
    def full(self) -> bool:
        """Whether as much was removed as may be at a time."""
        return len(self.tasks) + len(self.media) + len(self.keys) >= self._limit

    def remove_tasks(self, before: float) -> None:
        """Remove tasks that ended before a time."""
        for task_id, _ in self._pages("aged_tasks", before, retaining=_RETAINING):
            if self.full:
                return
            if task_id not in self._needed.tasks:
                remove(self._connection, self._who, task_id, self._now)
                self.tasks.append(task_id)

    def remove_media(self, before: float, most: int) -> None:
        """Remove the files of tasks that ended before a time, the oldest first, while there are more than `most` bytes.

        Files of no task go when they are as old.
        """
        for token, _, task_id, key in self._pages("aged_media", before):
            if self.full or (most and self._held_bytes() <= most):
                return
            if token in self._needed.tokens or task_id in self._needed.tasks:
                continue
            if task_id is None:
                run(self._connection, "drop_upload", {"token": token, "application_id": self._who})
                self.keys.append(key)
            elif run(self._connection, "drop_media_of", {"task_id": task_id}):
                self._expire(task_id)

    def _expire(self, task_id: str) -> None:
        run(self._connection, "expire_output", {"task_id": task_id, "now": self._now})
        enqueue(self._connection, [WorkItem(WorkKind.PURGE, Queue.PURGE, task_id, self._who, self._now)])
        self.media.append(task_id)

    def _held_bytes(self) -> int:
        rows = run(self._connection, "held", {"application_id": self._who})
        return int(rows[0][1]) if rows else 0

    def _pages(self, statement: str, before: float, **more: str) -> Iterator[Row]:
        """Yield what may go, oldest first: its id and time, and what else the statement tells of it."""
        values: Values = {"application_id": self._who, "before": before, "limit": _PAGE} | more
        place: Values = {"after_time": -math.inf, "after_id": ""}
        for _ in range(_PAGES):
            rows = run(self._connection, statement, values | place)
            yield from rows
            if len(rows) < _PAGE:
                return
            place = {"after_time": rows[-1][1], "after_id": rows[-1][0]}


def _collect(connection: apsw.Connection, *, who: str, limits: Limits, now: float, limit: int) -> CollectedFiles:
    rules = limits_of(connection, who, limits)
    if not rules.collects:
        return CollectedFiles()
    act = _Round(connection, who, now, limit)
    if rules.task_days:
        act.remove_tasks(now - rules.task_days * _DAY)
    if rules.media_days:
        act.remove_media(now - rules.media_days * _DAY, 0)
    if rules.media_bytes:
        act.remove_media(math.inf, rules.media_bytes)
    return CollectedFiles(tuple(act.tasks), tuple(act.media), tuple(act.keys), act.full)


def _strays(reader: Reader, *, keys: Sequence[str]) -> list[str]:
    folders = {key: key.partition("/")[0] for key in keys}
    ids = json(sorted(set(folders.values())))
    ended = {task_id: bool(over) for task_id, over in reader.rows(SQL["ends_of"], {"ids": ids})}
    kept = {row[0] for row in reader.rows(SQL["keys_of_tasks"], {"ids": ids})}
    kept |= {row[0] for row in reader.rows(SQL["keys_of_uploads"], {"keys": json(list(keys))})}
    return [key for key in keys if key not in kept and ended.get(folders[key], True)]
