"""When a task's time is up, and when not yet."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import pytest

from filmgate.adapters.ledger.sqlite import SqliteLedger
from filmgate.core.providers.account import Account
from filmgate.core.tasks.expiry import Expiry
from filmgate.domain.accounts import AccountSettings
from filmgate.domain.failures import Failure
from filmgate.domain.states import Stage, State
from filmgate.domain.task import SubmitAttempt, Task, WorkState
from filmgate.domain.work import Queue, WorkItem, WorkKind
from filmgate.ports.tasks import Change
from tests.core.providers.small import Small
from tests.ledger.examples import NOW, A, submitted

DAY = 86_400.0


class Ends:
    """Ends tasks, and remembers why."""

    def __init__(self, ledger: SqliteLedger) -> None:
        self._ledger = ledger
        self.codes: list[str] = []

    async def end(self, task: Task, failure: Failure) -> None:
        """End a task in the ledger."""
        self.codes.append(failure.code)
        await self._ledger.cancel(task.application_id, task.id, failure, NOW)


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[SqliteLedger]:
    """Open a ledger with one application."""
    opened = SqliteLedger(tmp_path / "ledger.db")
    await opened.open()
    await opened.add_application(A)
    yield opened
    await opened.close()


async def expired(ledger: SqliteLedger, stage: Stage, now: float, **settings: Any) -> tuple[list[str], float | None]:
    """Let the limit of a task come due whose deadline is NOW: why it has ended, and when its limit is due again."""
    work = WorkState(asked=SubmitAttempt("submit-key", NOW - 100))
    task = await submitted(ledger, engine="far", not_before=math.inf)
    due = WorkItem(WorkKind.EXPIRE, Queue.EXPIRE, task.id, A.id, NOW)
    change = Change(task_id=task.id, fence=0, now=NOW, state=State.PROCESSING, stage=stage, work=work, deadline_at=NOW)
    await ledger.commit(change, [due])
    ends = Ends(ledger)
    accounts = {"far": Account("far", Small(), AccountSettings(**settings))} if settings else {}
    keeper = Expiry(ledger, cast("Any", ends), cast("Any", None), lambda: now, accounts)
    (claim,) = await ledger.claim(Queue.EXPIRE, "w", now, 60.0)
    await keeper.expire(claim)
    return ends.codes, await ledger.next_work(Queue.EXPIRE)


@pytest.mark.parametrize(("stage", "code"), [(Stage.POLL, "expired"), (Stage.SUBMIT_UNKNOWN, "submit_unknown")])
async def test_a_task_ends_at_its_deadline(ledger: SqliteLedger, stage: Stage, code: str):
    """An unknown outcome has a deadline of its own, which says so when it comes."""
    assert await expired(ledger, stage, NOW) == ([code], None)


async def test_a_submit_under_way_does_not_expire_at_the_deadline(ledger: SqliteLedger):
    """It may be sent in this moment, or was when a process died: whether it was accepted, somebody will find out."""
    assert await expired(ledger, Stage.SUBMITTING, NOW) == ([], NOW + 60)


@pytest.mark.parametrize(("settings", "days"), [({}, 7.0), ({"unknown_days": 2}, 2.0)])
async def test_a_submit_that_nobody_takes_up_ends_as_an_unknown_outcome(
    ledger: SqliteLedger, settings: dict[str, Any], days: float
):
    """After the days of its account, or of any account where its own is not configured any more."""
    assert await expired(ledger, Stage.SUBMITTING, NOW - 100 + days * DAY, **settings) == (["submit_unknown"], None)
    codes, again = await expired(ledger, Stage.SUBMITTING, NOW - 110 + days * DAY, **settings)
    assert (codes, again) == ([], NOW - 100 + days * DAY)
