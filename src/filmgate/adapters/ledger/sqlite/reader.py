"""The two ways to read: at once on the caller's thread, or beside the event loop."""

from __future__ import annotations

import asyncio
import contextlib
import queue
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import apsw

from filmgate.adapters.ledger.sqlite.connection import FAULTS, connect, unavailable
from filmgate.adapters.ledger.statements import Row
from filmgate.core.fairness import FairQueue
from filmgate.domain.errors import Unavailable

T = TypeVar("T")

_READERS = 4
"""How many lists are read at once."""

_STEPS = 20_000
"""After how many steps of SQLite's machine the time is looked at: well under a millisecond's worth."""

_PROMPT_SECONDS = 0.25
"""How long a read on the event loop may wait for a lock; readers of a write-ahead log hardly ever meet one."""


class Reader:
    """A connection that only reads, to be used from one thread at a time."""

    def __init__(self, path: Path, *, busy: float = _PROMPT_SECONDS) -> None:
        """Open the file; it must exist."""
        self._connection = connect(path, busy=busy)
        self._cursor = self._connection.cursor()

    def rows(self, statement: str, values: dict[str, Any] | tuple[Any, ...] = ()) -> list[Row]:
        """Return every row, so that no statement is left open: it would hold back the log, and the one cursor."""
        try:
            return self._cursor.execute(statement, values).fetchall()
        except apsw.InterruptError as error:
            raise Unavailable("The list took too long to read. Ask for less: a shorter time, or fewer ids.") from error
        except FAULTS as error:
            raise unavailable(error) from error

    @contextlib.contextmanager
    def limit(self, seconds: float) -> Iterator[None]:
        """Let the statements run so long at most; one that would run longer raises Unavailable."""
        end = time.monotonic() + seconds
        self._connection.set_progress_handler(lambda: time.monotonic() > end, _STEPS)
        try:
            yield
        finally:
            self._connection.set_progress_handler(None)

    def snapshot(self, read: Callable[[Reader], T]) -> T:
        """Run several reads that see the same moment."""
        self.rows("BEGIN")
        try:
            return read(self)
        finally:
            self.rows("ROLLBACK")

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


class BackgroundReader:
    """A reader with a thread of its own, for reads of unknown length."""

    def __init__(self, path: Path, *, busy: float) -> None:
        """Open the file; it must exist."""
        self._reader = Reader(path, busy=busy)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="filmgate-ledger-reader")

    async def run(self, read: Callable[[Reader], T]) -> T:
        """Run a read without holding up the event loop."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._reader.snapshot, read)

    async def close(self) -> None:
        """Wait for the reads that run, then close."""
        await asyncio.to_thread(self._thread.shutdown)
        self._reader.close()


class ListReaders:
    """Readers with a thread each, for the lists that applications ask for: half of them are the share of one."""

    def __init__(self, path: Path, *, busy: float, seconds: float) -> None:
        """Open the file; it must exist. A read that takes longer than `seconds` is given up."""
        self._seconds = seconds
        self._idle: queue.SimpleQueue[Reader] = queue.SimpleQueue()
        for _ in range(_READERS):
            self._idle.put(Reader(path, busy=busy))
        self._threads = ThreadPoolExecutor(_READERS, thread_name_prefix="filmgate-ledger-list")
        self._turns = FairQueue(_READERS // 2, _READERS)

    async def run(self, application_id: str, read: Callable[[Reader], T]) -> T:
        """Run a read for an application without holding up the event loop. Raises Unavailable if it takes too long."""
        async with self._turns.turn(application_id):
            return await asyncio.get_running_loop().run_in_executor(self._threads, self._read, read)

    async def close(self) -> None:
        """Wait for the reads that run, then close."""
        await asyncio.to_thread(self._threads.shutdown)
        for _ in range(_READERS):
            self._idle.get_nowait().close()

    def _read(self, read: Callable[[Reader], T]) -> T:
        reader = self._idle.get_nowait()  # as many as threads
        try:
            with reader.limit(self._seconds):
                return reader.snapshot(read)
        finally:
            self._idle.put(reader)
