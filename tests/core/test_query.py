"""Queries by id: answers of ended tasks come from the cache, and only to their owner."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from filmgate.adapters.ledger.sqlite import SqliteLedger
from filmgate.core.query.cache import Query
from filmgate.domain.errors import InvalidRequest, NotFound
from filmgate.domain.task import Task
from filmgate.ports.context import Caller, RequestContext
from filmgate.ports.keys import Application
from filmgate.ports.tasks import RawRequest
from tests.ledger.examples import CANCELLED, A, B, submitted

BASE = "http://127.0.0.1:8484"


class Plain:
    """Writes the id and the prompt of a task, and counts how often."""

    name = "plain"
    wants_echo = False
    wants_times = False

    def __init__(self) -> None:
        self.written = 0

    def one(self, task: Task, echo: RawRequest | None, base: str) -> bytes:
        """Write one task."""
        self.written += 1
        return f"{task.id} {task.state} {base}".encode()

    def many(self, items: Sequence[bytes]) -> bytes:
        """Write several."""
        return b",".join(items)


def of(application: Application, base: str = BASE) -> RequestContext:
    """Return a request of an application."""
    return RequestContext(Caller(application.id, application.user_id, "key"), "trace", base)


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[SqliteLedger]:
    """Open a ledger with two applications."""
    opened = SqliteLedger(tmp_path / "ledger.db")
    await opened.open()
    await opened.add_application(A)
    await opened.add_application(B)
    yield opened
    await opened.close()


def query_of(ledger: SqliteLedger, cache_bytes: int = 10_000) -> Query:
    """Return a query service with a cache of some bytes."""
    return Query(ledger, cache_bytes=cache_bytes, max_batch=3)


async def ended(ledger: SqliteLedger) -> Task:
    """Return a task of A that has ended."""
    task = await submitted(ledger)
    found = await ledger.cancel(A.id, task.id, CANCELLED, 5.0)
    assert found is not None
    return found


async def test_an_end_is_written_once(ledger: SqliteLedger):
    """The answer of an ended task is written once for each base address, alone and in batches."""
    query, form, task = query_of(ledger), Plain(), await ended(ledger)
    first = await query.one(of(A), task.id, form)
    assert await query.one(of(A), task.id, form) == first
    assert await query.many(of(A), [task.id, task.id], form) == first
    assert form.written == 1
    assert await query.one(of(A, "https://films.example"), task.id, form) != first
    assert form.written == 2


async def test_a_stranger_finds_nothing_in_the_cache(ledger: SqliteLedger):
    """What the owner's query has put into the cache is neither found nor told to exist by another application."""
    query, form, task = query_of(ledger), Plain(), await ended(ledger)
    await query.one(of(A), task.id, form)
    with pytest.raises(NotFound) as foreign:
        await query.one(of(B), task.id, form)
    with pytest.raises(NotFound) as unknown:
        await query.one(of(B), "0" * 36, form)
    assert str(foreign.value) == str(unknown.value)
    assert await query.many(of(B), [task.id], form) == b""


async def test_a_deleted_task_is_not_answered_from_the_cache(ledger: SqliteLedger):
    """Once a task is deleted, its owner finds it no more, whatever was cached."""
    query, form, task = query_of(ledger), Plain(), await ended(ledger)
    await query.one(of(A), task.id, form)
    assert await ledger.delete(A.id, task.id, 6.0)
    query.forget(task.id)
    with pytest.raises(NotFound):
        await query.one(of(A), task.id, form)
    assert await query.many(of(A), [task.id], form) == b""


async def test_an_unfinished_task_is_read_each_time(ledger: SqliteLedger):
    """The answer of a task that goes on is not kept."""
    query, form, task = query_of(ledger), Plain(), await submitted(ledger)
    await query.one(of(A), task.id, form)
    await query.one(of(A), task.id, form)
    assert form.written == 2


async def test_an_end_that_is_known_is_not_read(ledger: SqliteLedger):
    """A task that was waited for is written as it is; such answers are not kept, for they may be old."""
    query, form, task = query_of(ledger), Plain(), await ended(ledger)
    assert await query.one(of(A), task.id, form, task) == await query.write(of(A), task, form)
    assert await query.write_batch(of(A), [task], form) == await query.write(of(A), task, form)
    await query.one(of(A), task.id, form)
    assert form.written == 5


@pytest.mark.parametrize(("room", "written"), [(10, 4), (100, 4), (300, 2)])
async def test_the_cache_is_bounded(ledger: SqliteLedger, room: int, written: int):
    """The oldest answers go when there is no room, and one that is larger than all room is not kept."""
    query, form = query_of(ledger, room), Plain()
    one, other = await ended(ledger), await ended(ledger)
    for task in (one, other, one, other):
        await query.one(of(A), task.id, form)
    assert form.written == written


async def test_a_batch_has_a_limit(ledger: SqliteLedger):
    """More ids than are allowed are refused with the number."""
    with pytest.raises(InvalidRequest, match="at most 3"):
        await query_of(ledger).many(of(A), ["a", "b", "c", "d"], Plain())


async def test_ids_may_be_written_otherwise(ledger: SqliteLedger):
    """An id in capitals finds its task, alone and in a batch."""
    query, form, task = query_of(ledger), Plain(), await ended(ledger)
    plain = await query.one(of(A), task.id, form)
    assert await query.one(of(A), task.id.upper(), form) == plain
    assert await query.many(of(A), [task.id.upper()], form) == plain


async def test_what_is_missing_is_looked_for_elsewhere(ledger: SqliteLedger):
    """An id that the ledger lacks is looked for once more after whoever imports tasks has found it."""
    task = await ended(ledger)
    asked: list[str] = []

    async def find(_: RequestContext, ids: Sequence[str]) -> bool:
        asked.extend(ids)
        return True

    query = Query(ledger, cache_bytes=1_000, max_batch=0, missing=find)
    assert await query.many(of(A), [task.id, "00000000"], Plain()) == await query.one(of(A), task.id, Plain())
    with pytest.raises(NotFound):
        await query.one(of(A), "00000000", Plain())
    assert asked == ["00000000", "00000000"]
