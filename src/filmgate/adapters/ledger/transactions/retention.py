"""Retention: the removal of expired tasks and files, a few at a time, with the purge of the files."""

from __future__ import annotations

import math
from collections.abc import AsyncGenerator
from contextlib import aclosing

from filmgate.adapters.ledger.rows import json
from filmgate.adapters.ledger.statements import Row, Values
from filmgate.adapters.ledger.transactions.quota import limits_of
from filmgate.adapters.ledger.transactions.references import Needed, find_needed
from filmgate.adapters.ledger.transactions.tasks import remove
from filmgate.adapters.ledger.transactions.transaction import Transaction
from filmgate.adapters.ledger.transactions.work import enqueue
from filmgate.domain.limits import Limits
from filmgate.domain.work import RETAINING, Queue, WorkItem, WorkKind
from filmgate.ports.accounts import CollectedFiles

_DAY = 86_400.0
_RETAINING = json(sorted(RETAINING))
_PAGE = 100
_PAGES = 20
"""So many pages at most are looked through for what may go, so that no transaction is long."""


async def collect(transaction: Transaction, *, who: str, limits: Limits, now: float, limit: int) -> CollectedFiles:
    """Remove tasks and files of an application that its rules do not keep, up to a limit."""
    rules = await limits_of(transaction, who, limits)
    if not rules.collects:
        return CollectedFiles()
    act = _Round(transaction, who, now, limit)
    if rules.task_days:
        await act.remove_tasks(now - rules.task_days * _DAY)
    if rules.media_days:
        await act.remove_media(now - rules.media_days * _DAY, 0)
    if rules.media_bytes:
        await act.remove_media(math.inf, rules.media_bytes)
    return CollectedFiles(tuple(act.tasks), tuple(act.media), tuple(act.keys), act.full)


class _Round:
    """The removals of one transaction for an application."""

    def __init__(self, transaction: Transaction, who: str, now: float, limit: int) -> None:
        self._transaction = transaction
        self._who = who
        self._now = now
        self._limit = limit
        self._found: Needed | None = None
        self.tasks: list[str] = []
        self.media: list[str] = []
        self.keys: list[str] = []

    @property
    def full(self) -> bool:
        """True once the limit of removals is reached."""
        return len(self.tasks) + len(self.media) + len(self.keys) >= self._limit

    async def remove_tasks(self, before: float) -> None:
        """Remove tasks that ended before a time."""
        async with aclosing(self._pages("aged_tasks", before, retaining=_RETAINING)) as rows:
            async for task_id, _ in rows:
                if self.full:
                    return
                if task_id not in (await self._needed()).tasks:
                    await remove(self._transaction, self._who, task_id, self._now)
                    self.tasks.append(task_id)

    async def remove_media(self, before: float, most: int) -> None:
        """Remove the files of tasks that ended before a time, the oldest first, while there are more than `most` bytes.

        Files of no task go when they are as old.
        """
        async with aclosing(self._pages("aged_media", before)) as rows:
            async for token, _, task_id, key in rows:
                if self.full or (most and await self._held_bytes() <= most):
                    return
                needed = await self._needed()
                if token not in needed.tokens and task_id not in needed.tasks:
                    await self._remove_files(token, task_id, key)

    async def _remove_files(self, token: str, task_id: str | None, key: str) -> None:
        """Remove a file of no task, or all files of a task."""
        if task_id is None:
            await self._transaction.run("drop_upload", {"token": token, "application_id": self._who})
            self.keys.append(key)
        elif await self._transaction.run("drop_media_of", {"task_id": task_id}):
            await self._transaction.run("expire_output", {"task_id": task_id, "now": self._now})
            purge = WorkItem(WorkKind.PURGE, Queue.PURGE, task_id, self._who, self._now)
            await enqueue(self._transaction, [purge])
            self.media.append(task_id)

    async def _needed(self) -> Needed:
        """Return the sources of unfinished tasks, which are read only if something may be removed."""
        if self._found is None:
            self._found = await find_needed(self._transaction)
        return self._found

    async def _held_bytes(self) -> int:
        rows = await self._transaction.run("held", {"application_id": self._who})
        return int(rows[0][1]) if rows else 0

    async def _pages(self, statement: str, before: float, **more: str) -> AsyncGenerator[Row, None]:
        """Yield the candidates of a statement, oldest first: id, time, and its other columns."""
        values: Values = {"application_id": self._who, "before": before, "limit": _PAGE} | more
        place: Values = {"after_time": -math.inf, "after_id": ""}
        for _ in range(_PAGES):
            rows = await self._transaction.run(statement, values | place)
            for row in rows:
                yield row
            if len(rows) < _PAGE:
                return
            place = {"after_time": rows[-1][1], "after_id": rows[-1][0]}
