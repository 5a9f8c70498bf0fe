"""The readers for lists: how many there are, whose they are, and for how long."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from filmgate.adapters.ledger.sqlite import SqliteLedger
from filmgate.adapters.ledger.sqlite.connection import connect
from filmgate.adapters.ledger.sqlite.reader import ListReaders, Reader
from filmgate.domain.errors import Unavailable

_LONG = "WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n LIMIT 20000000) SELECT count(*) FROM n"
"""A read that takes seconds, so that one that nobody gives up ends all the same."""


@pytest.fixture
async def readers(tmp_path: Path) -> AsyncIterator[ListReaders]:
    """Return readers of a new ledger, with a short limit."""
    path = tmp_path / "ledger.db"
    ledger = SqliteLedger(path)
    await ledger.open()
    await ledger.close()
    readers = ListReaders(path, busy=1.0, seconds=0.05)
    yield readers
    await readers.close()


async def test_a_read_that_takes_too_long_is_given_up(readers: ListReaders):
    """It raises a sentence that says what to do, and its reader goes on with the next one."""
    for _ in range(9):
        with pytest.raises(Unavailable, match="took too long to read"):
            await readers.run("app-a", lambda reader: reader.rows(_LONG))
        assert await readers.run("app-a", lambda reader: reader.rows("SELECT 1")) == [(1,)]


async def test_one_application_has_half_of_the_readers(readers: ListReaders):
    """While one application's lists hang, however many, another one's is read."""
    go_on = threading.Event()
    begun = threading.Semaphore(0)
    running: list[Reader] = []

    def hang(reader: Reader) -> None:
        running.append(reader)
        begun.release()
        go_on.wait()

    hung = [asyncio.ensure_future(readers.run("app-a", hang)) for _ in range(20)]
    try:
        for _ in range(2):
            assert await asyncio.to_thread(begun.acquire, timeout=30)
        async with asyncio.timeout(30):
            assert await readers.run("app-b", lambda reader: reader.rows("SELECT 1")) == [(1,)]
        assert len(running) == 2
    finally:
        go_on.set()
        await asyncio.gather(*hung)
    assert len(running) == 20


async def test_lists_are_read_in_one_moment(readers: ListReaders, tmp_path: Path):
    """A page and its total agree, whatever is written between them."""
    writer = connect(tmp_path / "ledger.db", writes=True)
    writer.execute("CREATE TABLE seen (n INTEGER)").fetchall()

    def twice(reader: Reader) -> list[object]:
        before = reader.rows("SELECT count(*) FROM seen")
        writer.execute("INSERT INTO seen VALUES (1)").fetchall()
        return [before, reader.rows("SELECT count(*) FROM seen")]

    assert await readers.run("app-a", twice) == [[(0,)], [(0,)]]
    writer.close()
