"""A ledger in a file, receivers on loopback, and time that passes when a test says so."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from filmgate.adapters.dialects.dream_machine import DIALECT
from filmgate.adapters.ledger.sqlite import SqliteLedger
from filmgate.adapters.outbound.fetcher import CheckedFetcher
from filmgate.core.webhooks.deliver import WebhookSender
from filmgate.domain.states import State
from filmgate.domain.task import Task
from filmgate.domain.work import Queue, WorkItem, WorkKind
from filmgate.ports.tasks import Change
from filmgate.ports.webhooks import WebhookEvent
from filmgate.ports.work import Claim
from tests.http.sites import no_names
from tests.ledger.examples import CANCELLED, A, B, submitted
from tests.support.clock import Clock

START = 1_700_000_000.0


class Post:
    """A ledger with webhooks to deliver, worked off by hand."""

    def __init__(self, ledger: SqliteLedger, webhooks: WebhookSender, clock: Clock) -> None:
        self.ledger = ledger
        self.webhooks = webhooks
        self.clock = clock

    async def task(self, url: str, **fields: Any) -> Task:
        """Return a new task whose owner is to be told at an address."""
        return await submitted(self.ledger, dialect=DIALECT.name, callback_url=url, **fields)

    async def begun(self, task: Task) -> None:
        """Let the work on a task begin, which is to be told."""
        due = WorkItem(WorkKind.WEBHOOK, Queue.WEBHOOK, task.id, task.application_id, self.clock(), State.PROCESSING)
        change = Change(task_id=task.id, fence=task.fence, now=self.clock(), state=State.PROCESSING)
        assert await self.ledger.commit(change, [due])

    async def ended(self, task: Task) -> None:
        """End a task, which is to be told."""
        assert await self.ledger.cancel(task.application_id, task.id, CANCELLED, self.clock())

    async def claims(self, limit: int = 64) -> list[Claim]:
        """Claim what is due now."""
        return await self.ledger.claim(Queue.WEBHOOK, "w", self.clock(), 60.0, limit)

    async def deliver(self) -> int:
        """Deliver what is due now, one after the other; says how much it was."""
        claims = await self.claims()
        for claim in claims:
            await self.webhooks.deliver(claim)
        return len(claims)

    async def next(self) -> float | None:
        """Let time pass until the next webhook is due; gives the seconds, None if there is none."""
        due = await self.ledger.next_work(Queue.WEBHOOK)
        if due is None:
            return None
        passed = due - self.clock()
        self.clock.now = due
        return passed

    async def told(self, task: Task, state: State = State.FAILED) -> WebhookEvent:
        """Return what has become of a webhook."""
        found = await self.ledger.webhooks.get(task.application_id, task.id, state)
        assert found is not None
        return found


@pytest.fixture
async def post(tmp_path: Path) -> AsyncIterator[Post]:
    """Return a ledger of two applications whose webhooks are sent without jitter."""
    clock, ledger, fetcher = (
        Clock(START),
        SqliteLedger(tmp_path / "ledger.db"),
        CheckedFetcher(["127.0.0.0/8"], resolve=no_names),
    )
    await ledger.open()
    for application in (A, B):
        await ledger.add_application(application)
    webhooks = WebhookSender(ledger, fetcher, {DIALECT.name: DIALECT.webhook}, clock, chance=lambda: 0.5)
    yield Post(ledger, webhooks, clock)
    await fetcher.close()
    await ledger.close()
