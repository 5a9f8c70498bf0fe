"""The rules of every ledger: they ask a store for its statements alone, and suit one that is waited for as well."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import apsw
import pytest

from filmgate.adapters.ledger import transactions
from filmgate.adapters.ledger.sqlite import SqliteLedger
from filmgate.adapters.ledger.sqlite.migrate import migrate
from filmgate.adapters.ledger.sqlite.statements import SQL
from filmgate.adapters.ledger.sqlite.transaction import SqliteTransaction, run_at_once
from filmgate.adapters.ledger.statements import Row, Values
from filmgate.adapters.ledger.transactions import keys, tasks, work
from filmgate.adapters.ledger.transactions.transaction import Transaction
from filmgate.domain.errors import TooManyRequests
from filmgate.domain.limits import NO_LIMITS
from filmgate.domain.states import State
from filmgate.domain.work import Queue
from filmgate.ports.tasks import Change

from .examples import CANCELLED, ECHO, ENGINE, NOW, A, advance, output, task

RULES = Path(transactions.__file__).parent


class Remote:
    """A transaction whose store is elsewhere: every statement is on its way for a while."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._near = SqliteTransaction(connection)
        self.asked: list[str] = []

    async def run(self, statement: str, values: Values) -> list[Row]:
        """Wait, run a statement, wait."""
        self.asked.append(statement)
        await asyncio.sleep(0)
        rows = await self._near.run(statement, values)
        await asyncio.sleep(0)
        return rows


@pytest.fixture
async def remote() -> AsyncIterator[Remote]:
    """A remote store with one application."""
    connection = apsw.Connection(":memory:")
    migrate(connection)
    there = Remote(connection)
    await keys.add_application(there, A)
    yield there
    connection.close()


def test_a_store_has_each_statement_that_the_rules_run():
    """Each name that a rule runs is a statement of the store, and no rule has SQL of its own."""
    texts = [file.read_text("utf-8") for file in RULES.glob("*.py")]
    names = {
        name for text in texts for name in re.findall(r'(?:\.run\(|_change\(\w+, |statement, values = )"(\w+)"', text)
    }
    assert len(names) > 50
    assert names <= set(SQL)
    assert not [text for text in texts if re.search(r"\b(SELECT|INSERT INTO|UPDATE|DELETE FROM)\b", text)]


async def test_rules_suit_a_store_that_is_waited_for(remote: Remote):
    """A task is accepted, claimed, ended and deleted over a store whose answers take time, by the same rules."""
    accepted, other = task(callback_url="http://example.test/hook"), task()
    for each in (accepted, other):
        await tasks.submit(remote, each, ECHO, [advance(each)], (), 2, None, NO_LIMITS)
    with pytest.raises(TooManyRequests):
        await tasks.submit(remote, task(), ECHO, [], (), 2, None, NO_LIMITS)
    first, second = await work.claim(remote, ENGINE, "w", NOW, NOW + 60, 9, 0)
    assert [claim.due.task_id for claim in (first, second)] == [accepted.id, other.id]
    change = Change(
        task_id=other.id, fence=1, now=NOW, state=State.COMPLETED, finished_at=NOW, output=output(), finished=second.id
    )
    assert (await tasks.commit(remote, change, [])) is not None
    cancelled = await tasks.cancel(remote, A.id, accepted.id, CANCELLED, NOW)
    assert cancelled is not None
    assert cancelled.failure == CANCELLED
    (webhook,) = await work.claim(remote, Queue.WEBHOOK, "w", NOW, NOW + 60, 9, 0)
    assert (webhook.due.task_id, webhook.due.detail) == (accepted.id, State.FAILED)
    assert await tasks.delete(remote, A.id, other.id, NOW)
    (purge,) = await work.claim(remote, Queue.PURGE, "w", NOW, NOW + 60, 9, 0)
    assert purge.due.task_id == other.id
    assert {"change_task", "cancel_task", "delete_task", "count_usage"} <= set(remote.asked)


async def test_a_rule_that_waits_for_something_else_is_undone(tmp_path: Path):
    """It would hold up every other writer: its part is undone, its caller is told, and others are served."""
    ledger = SqliteLedger(tmp_path / "ledger.db")
    await ledger.open()
    await ledger.add_application(A)

    async def waiting(transaction: Transaction) -> None:
        await transaction.run("put_due", {**_values(), "task_id": "one"})
        await asyncio.sleep(0)

    with pytest.raises(RuntimeError, match="waits for something else"):
        await ledger._write(waiting)
    assert await ledger.next_work(ENGINE) is None
    await ledger.enqueue(advance(task(), NOW))
    assert await ledger.next_work(ENGINE) == NOW
    await ledger.close()


def test_a_rule_runs_without_an_event_loop():
    """What it returns and what it raises come out at once."""

    async def answer() -> int:
        return 42

    async def refuse() -> int:
        raise KeyError("no")

    assert run_at_once(answer()) == 42
    with pytest.raises(KeyError):
        run_at_once(refuse())


def _values() -> Values:
    work_item = advance(task())
    return {name: getattr(work_item, name) for name in work_item.__struct_fields__}
