"""How often a task is asked about that waits at a provider."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from filmgate.adapters.dispatch.embedded import EmbeddedDispatcher
from filmgate.adapters.ledger.sqlite import SqliteLedger
from filmgate.core.providers.account import Account
from filmgate.core.providers.poll import Polling
from filmgate.core.query.feed import Feed
from filmgate.core.work.attempt import WorkContext
from filmgate.domain.accounts import AccountSettings
from filmgate.domain.generation import Generation
from filmgate.domain.states import Stage, State
from filmgate.domain.task import SubmitAttempt, Task, WorkState
from filmgate.domain.work import Queue, WorkItem, WorkKind, queue_of
from filmgate.ports.provider import Status
from filmgate.ports.work import Claim
from tests.core.providers.small import Small

ENGINE = "luma"
SUBMITTED = 1_000_000.0
POLL, POLL_MAX = 5.0, 30.0


class Watched(Account):
    """An account whose clock goes on by the pause before each question, until it has had enough of them."""

    def __init__(self, now: float, enough: int) -> None:
        super().__init__(ENGINE, Small(), AccountSettings(poll=POLL, poll_max=POLL_MAX))
        self.now = now
        self.enough = enough
        self.pauses: list[float] = []

    async def ask(self, task_id: str, pause: float) -> Status | None:
        """Let the pause go by and ask."""
        if len(self.pauses) == self.enough:
            raise asyncio.CancelledError
        self.pauses.append(pause)
        self.now += pause
        return next(iter(await self.provider.query([task_id])), None)


async def pauses(folder: Path, claims: int, age: float, asked: SubmitAttempt | None, enough: int = 1) -> list[float]:
    """Return the seconds before the first questions about a task that was claimed so often before, at an age."""
    account = Watched(SUBMITTED + age, enough)
    ledger = SqliteLedger(folder / "filmgate.db")

    def clock() -> float:
        return account.now

    work_context = WorkContext(ledger, Feed(), EmbeddedDispatcher(ledger, clock), clock)
    task = Task(
        "task", "app", "key", "user", "trace", "video", "native", ENGINE, Generation("a lake"), "http://127.0.0.1",
        None, SUBMITTED, SUBMITTED, State.PROCESSING, Stage.POLL, work=WorkState(asked=asked), upstream_id="theirs",
    )  # fmt: skip
    due = WorkItem(WorkKind.POLL, queue_of(Queue.POLL, ENGINE), task.id, task.application_id, SUBMITTED)
    with pytest.raises(asyncio.CancelledError):
        await Polling({ENGINE: account}, work_context).follow(Claim(1, due, claims, task))
    return account.pauses


async def test_the_pauses_grow_with_the_age_of_a_task_up_to_the_longest(tmp_path):
    """The first pause is `poll`, each later one about 1.3 times as long, and none much longer than `poll_max`."""
    first, *later = await pauses(tmp_path, 0, 0.0, SubmitAttempt("key", SUBMITTED), 20)
    assert first == POLL
    age = POLL
    for pause in later:
        assert 0.85 <= pause / min(POLL_MAX, POLL + 0.3 * age) <= 1.15
        age += pause
    assert max(later) > 0.85 * POLL_MAX


async def test_a_restart_does_not_begin_anew_with_short_pauses(tmp_path):
    """Tasks that were followed before are asked about within the pause they had come to, spread over all of it."""
    asked = SubmitAttempt("key", SUBMITTED)
    firsts = [(await pauses(tmp_path, 1, 600.0, asked))[0] for _ in range(60)]
    assert max(firsts) <= POLL_MAX
    assert any(first < POLL_MAX / 3 for first in firsts)
    assert any(first > POLL_MAX * 2 / 3 for first in firsts)
    _, second = await pauses(tmp_path, 1, 600.0, asked, 2)
    assert second >= 0.85 * POLL_MAX


async def test_an_adopted_task_is_asked_about_at_once(tmp_path):
    """It may have ended long ago; after a restart it is one among many."""
    assert await pauses(tmp_path, 0, 600.0, None) == [0.0]
    (first,) = await pauses(tmp_path, 1, 600.0, None)
    assert first > 0


async def test_a_clock_that_was_set_back_makes_no_pause_shorter_than_the_first(tmp_path):
    """A task from the future is asked about like a new one."""
    first, second = await pauses(tmp_path, 0, -50.0, SubmitAttempt("key", SUBMITTED), 2)
    assert first == POLL
    assert second >= 0.85 * POLL
