"""Figures of all tasks: each read walks an index of unfinished rows, or a piece of a table of limited length."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from filmgate.adapters.ledger.sqlite.reader import Reader
from filmgate.adapters.ledger.sqlite.statements import SQL
from filmgate.adapters.ledger.sqlite.store import Store
from filmgate.domain.states import Stage, State
from filmgate.domain.work import LEASE_SECONDS, Queue
from filmgate.ports.figures import Backlog, StoredTotals, TaskEnd, UnfinishedWork


class SqliteFigures:
    """Implements `filmgate.ports.figures.Figures` for the ledger of which it is a part."""

    def __init__(self, store: Callable[[], Store]) -> None:
        """Take a function that returns the open store, and raises Unavailable while there is none."""
        self._store = store

    async def standing(self, now: float) -> UnfinishedWork:
        """Count the unfinished work, in one moment."""
        return await self._store().background.run(partial(_standing, now=now))

    async def list_ended(self, after: int, limit: int) -> tuple[list[TaskEnd], int]:
        """List the ends among the changes behind a number, and return the number up to which the list is complete."""
        values = {"after": after, "limit": limit}
        rows = await self._store().background.run(lambda reader: reader.rows(SQL["ended_behind"], values))
        ends = [
            TaskEnd(number, engine, State(state), code, waited, took)
            for number, engine, state, code, waited, took in rows
            if engine is not None
        ]
        return ends, rows[-1][0] if rows else after

    async def last_change(self) -> int:
        """Return the number of the last change of any task, 0 if there is none."""
        ((number,),) = self._store().reader.rows(SQL["last_change_of_all"])
        return number or 0

    async def sum_held(self, after: int, limit: int) -> StoredTotals:
        """Add up the next files behind a place, in the order in which they came."""
        values = {"after": after, "limit": limit}
        rows = await self._store().background.run(lambda reader: reader.rows(SQL["held_behind"], values))
        ((files, size, last),) = rows
        return StoredTotals(files, int(size), last if files == limit else None)


def _standing(reader: Reader, now: float) -> UnfinishedWork:
    tasks = {
        (engine, State(state), Stage(stage)): count
        for engine, state, stage, count in reader.rows(SQL["standing_tasks"])
    }
    work = reader.rows(SQL["standing_work"], {"now": now, "lease": LEASE_SECONDS})
    ((new, retried),) = reader.rows(SQL["standing_callbacks"], {"queue": Queue.WEBHOOK})
    ((pages,),), ((page,),) = reader.rows("PRAGMA page_count"), reader.rows("PRAGMA page_size")
    backlogs = [Backlog(queue, due, every - due - taken, taken, oldest) for queue, due, every, taken, oldest in work]
    return UnfinishedWork(tasks, backlogs, new, retried, pages * page)
