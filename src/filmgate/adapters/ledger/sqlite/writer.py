"""The one writer: a thread that commits all waiting rules as a group, with one sync of the disk."""

from __future__ import annotations

import asyncio
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any

import apsw

from filmgate.adapters.ledger.sqlite.connection import translate_error
from filmgate.adapters.ledger.sqlite.transaction import SqliteTransaction, run_at_once
from filmgate.adapters.ledger.transactions.transaction import Rule, T
from filmgate.domain.errors import Unavailable
from filmgate.faults import Point, reach

_Job = tuple[Rule[Any], "asyncio.Future[Any]"]
_Outcome = tuple[Any, Exception | None]


class Writer:
    """Runs rules on its own connection and thread, for the callers of one event loop."""

    def __init__(self, connection: apsw.Connection, loop: asyncio.AbstractEventLoop) -> None:
        """Take over the connection and start the thread."""
        self._connection = connection
        self._transaction = SqliteTransaction(connection)
        self._loop = loop
        self._inbox: SimpleQueue[_Job | None] = SimpleQueue()
        self._open = True
        self._thread = Thread(target=self._work, name="filmgate-ledger-writer", daemon=True)
        self._thread.start()

    async def run(self, rule: Rule[T]) -> T:
        """Return the rule's result once it is on disk; a caller that stops waiting does not undo it."""
        if not self._open:
            raise Unavailable("The ledger is closed.")
        future: asyncio.Future[T] = self._loop.create_future()
        self._inbox.put((rule, future))
        return await future

    async def close(self) -> None:
        """Commit what waits, then close the connection."""
        self._open = False
        self._inbox.put(None)
        await asyncio.to_thread(self._thread.join)

    def _work(self) -> None:
        more = True
        while more:
            group, more = self._next_group()
            if group:
                self._deliver(group, self._commit(group))
        self._connection.close()

    def _next_group(self) -> tuple[list[_Job], bool]:
        group: list[_Job] = []
        job = self._inbox.get()
        try:
            while job is not None:
                group.append(job)
                job = self._inbox.get_nowait()
        except Empty:
            return group, True
        return group, False

    def _commit(self, group: list[_Job]) -> list[_Outcome]:
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            outcomes = [self._attempt(rule) for rule, _ in group]
            _come_to(Point.COMMIT_BEGUN, Point.GROUP_BEGUN, len(group))
            self._connection.execute("COMMIT")
            _come_to(Point.COMMIT_DONE, Point.GROUP_DONE, len(group))
        except Exception as error:  # noqa: BLE001 - whatever it is, every caller gets it
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            # Each caller gets an error of its own, for raising one leaves its traces in it.
            return [(None, _copy_error(error)) for _ in group]
        else:
            return outcomes

    def _attempt(self, rule: Rule[Any]) -> _Outcome:
        self._connection.execute("SAVEPOINT rule")
        try:
            result = run_at_once(rule(self._transaction))
        except Exception as error:
            # Some faults, such as a full disk, end the whole transaction.
            if not self._connection.in_transaction:
                raise
            self._connection.execute("ROLLBACK TO rule; RELEASE rule")
            return None, translate_error(error)
        self._connection.execute("RELEASE rule")
        return result, None

    def _deliver(self, group: list[_Job], outcomes: list[_Outcome]) -> None:
        settled = [(future, outcome) for (_, future), outcome in zip(group, outcomes, strict=True)]
        try:
            self._loop.call_soon_threadsafe(_settle, settled)
        except RuntimeError:
            # The loop is closed: nobody waits any more.
            return


def _come_to(point: Point, of_group: Point, size: int) -> None:
    reach(point)
    if size > 1:
        reach(of_group)


def _settle(settled: list[tuple[asyncio.Future[Any], _Outcome]]) -> None:
    for future, (result, error) in settled:
        if future.done():
            continue
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)


def _copy_error(error: Exception) -> Exception:
    own = translate_error(error)
    if own is error:
        own = Unavailable(f"The ledger could not commit: {error}")
        own.__cause__ = error
    return own
