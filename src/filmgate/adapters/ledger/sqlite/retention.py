"""Retention: the reads that it needs, and the round that removes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from filmgate.adapters.ledger.rows import json
from filmgate.adapters.ledger.sqlite.reader import Reader
from filmgate.adapters.ledger.sqlite.statements import SQL
from filmgate.adapters.ledger.sqlite.store import Store
from filmgate.adapters.ledger.transactions import idempotency, retention
from filmgate.domain.limits import Limits
from filmgate.ports.accounts import CollectedFiles


class SqliteRetention:
    """Implements `filmgate.ports.accounts.Retention` for the ledger of which it is a part."""

    def __init__(self, store: Callable[[], Store], limits: Limits) -> None:
        """Take a function that returns the open store, and the limits of applications that have none of their own."""
        self._store = store
        self._limits = limits

    async def applications(self) -> list[str]:
        """List the applications with a rule by which something is removed."""
        every = "list_applications" if self._limits.collects else "limited"
        return [row[0] for row in self._store().reader.rows(SQL[every])]

    async def collect(self, application_id: str, now: float, limit: int) -> CollectedFiles:
        """Remove tasks and files of an application, up to a limit."""
        act = partial(retention.collect, who=application_id, limits=self._limits, now=now, limit=limit)
        return await self._store().writer.run(act)

    async def forget_submits(self, now: float, limit: int) -> int:
        """Remove expired records of submissions, up to a limit."""
        return await self._store().writer.run(partial(idempotency.forget, now=now, limit=limit))

    async def strays(self, keys: Sequence[str]) -> list[str]:
        """Return which of these keys of the store no row refers to."""
        return await self._store().background.run(partial(_strays, keys=keys))


def _strays(reader: Reader, *, keys: Sequence[str]) -> list[str]:
    folders = {key: key.partition("/")[0] for key in keys}
    ids = json(sorted(set(folders.values())))
    ended = {task_id: bool(over) for task_id, over in reader.rows(SQL["ends_of"], {"ids": ids})}
    kept = {row[0] for row in reader.rows(SQL["keys_of_tasks"], {"ids": ids})}
    kept |= {row[0] for row in reader.rows(SQL["keys_of_uploads"], {"keys": json(list(keys))})}
    return [key for key in keys if key not in kept and ended.get(folders[key], True)]
