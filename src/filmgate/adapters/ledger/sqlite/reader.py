"""The two ways to read: at once on the caller's thread, or beside the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from filmgate.adapters.ledger.sqlite.connection import FAULTS, connect, unavailable
from filmgate.adapters.ledger.sqlite.statements import Row

T = TypeVar("T")

_PROMPT_SECONDS = 0.25
"""How long a read on the event loop may wait for a lock; readers of a write-ahead log hardly ever meet one."""


class Reader:
    """A connection that only reads, to be used from one thread at a time."""

    def __init__(self, path: Path, *, busy: float = _PROMPT_SECONDS) -> None:
        """Open the file; it must exist."""
        self._connection = connect(path, busy=busy)
        self._cursor = self._connection.cursor()

    def rows(self, statement: str, values: dict[str, Any] | tuple[Any, ...] = ()) -> list[Row]:
        """Give every row, so that no statement is left open: it would hold back the log, and the one cursor."""
        try:
            return self._cursor.execute(statement, values).fetchall()
        except FAULTS as error:
            raise unavailable(error) from error

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
    """A reader with a thread of its own, for reads whose length nobody knows."""

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
