"""When a task that its provider does not know is lost."""

from __future__ import annotations

import asyncio
from pathlib import Path

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
from filmgate.ports.keys import Application
from filmgate.ports.provider import ProviderError, Status
from filmgate.ports.tasks import RawRequest
from tests.core.providers.small import Small
from tests.support.clock import Clock

ENGINE = "luma"
BEGUN = 1_000_000.0
HOUR = 3600.0


class Restless(Account):
    """An account in whose time each question is answered at once; others ask about `other` every 30 seconds.

    The provider does not know `theirs` from the beginning, and `other` not after `forgotten` seconds; between `down`
    and `up` it is in trouble, and `alive` says when it knows `theirs` after all.
    """

    def __init__(
        self, forgotten: float, alive: tuple[float, ...] = (), down: float = HOUR, poll_max: float = 30
    ) -> None:
        self.time = Clock(0.0)
        self.small = Small()
        super().__init__(ENGINE, self.small, AccountSettings(poll=5, poll_max=poll_max), self.time)
        self.forgotten = forgotten
        self.alive = alive
        self.down = down
        self.others = 0.0

    async def ask(self, task_id: str, pause: float) -> Status | None:
        """Let the pause go by, ask about the others too, and ask."""
        end = self.time.now + pause
        if end > 2 * HOUR:
            raise asyncio.CancelledError
        while self.others + self.settings.poll_max <= end:
            self.others += self.settings.poll_max
            self.time.now = max(self.time.now, self.others)
            self.small.strange = {"other"} if self.others >= self.forgotten else set()
            await self._answers(["other"])
        self.time.now = end
        if any(at <= end < at + 60 for at in self.alive):
            self.small.strange = set()
        else:
            self.small.strange = {"theirs"}
        if end >= self.down:
            self.small.troubles = [ProviderError("404 page not found")]
        return (await self._answers([task_id])).get(task_id)


async def lost_after(folder: Path, account: Restless) -> float | None:
    """Follow a task until it has failed, and give the seconds after which it had; None if it never does."""
    ledger = SqliteLedger(folder / "filmgate.db")
    await ledger.open()
    await ledger.add_application(Application("app", "app", "user", BEGUN))

    def clock() -> float:
        return BEGUN + account.time.now

    work_context = WorkContext(ledger, Feed(), EmbeddedDispatcher(ledger, clock), clock)
    task = Task(
        "task", "app", "key", "user", "trace", "video", "native", ENGINE, Generation("a lake"), "http://127.0.0.1",
        None, BEGUN, BEGUN, State.PROCESSING, Stage.POLL, work=WorkState(asked=SubmitAttempt("key", BEGUN)),
        upstream_id="theirs",
    )  # fmt: skip
    queue = queue_of(Queue.POLL, ENGINE)
    await ledger.submit(task, RawRequest("native", b"{}"), [WorkItem(WorkKind.POLL, queue, task.id, "app", BEGUN)])
    (claim,) = await ledger.claim(queue, "worker", BEGUN, 3600)
    try:
        await Polling({ENGINE: account}, work_context).follow(claim)
    except asyncio.CancelledError:
        return None
    finally:
        found = await ledger.get("app", "task")
        await ledger.close()
    assert found is not None
    assert found.failure is not None
    assert found.failure.code == "lost_by_provider"
    return account.time.now


async def test_it_is_after_five_minutes_while_another_is_known(tmp_path: Path):
    """It takes that long, and not much longer."""
    after = await lost_after(tmp_path, Restless(forgotten=2 * HOUR))
    assert after is not None
    assert 300 <= after <= 350


async def test_it_is_not_where_no_other_is_known(tmp_path: Path):
    """A provider that has forgotten everything, or has nothing else of ours, is waited for until the deadline."""
    assert await lost_after(tmp_path, Restless(forgotten=0)) is None


async def test_a_witness_from_before_does_not_count(tmp_path: Path):
    """Another task that was known before this one was missed says nothing: both may have gone together."""
    account = Restless(forgotten=0)
    account._note_witness("other")
    assert await lost_after(tmp_path, account) is None


async def test_it_is_not_while_it_turns_up_now_and_then(tmp_path: Path):
    """One of several servers behind a router knows it: the time begins anew."""
    alive = tuple(range(120, 7200, 240))
    assert await lost_after(tmp_path, Restless(forgotten=3 * HOUR, alive=alive)) is None


async def test_trouble_is_no_answer(tmp_path: Path):
    """While the provider answers nothing, nothing is lost, however long."""
    assert await lost_after(tmp_path, Restless(forgotten=3 * HOUR, down=100)) is None


async def test_where_tasks_are_asked_about_seldom_a_witness_is_older(tmp_path: Path):
    """Another task is not asked about more often than `poll_max` says."""
    after = await lost_after(tmp_path, Restless(forgotten=3 * HOUR, poll_max=900))
    assert after is not None


def test_a_task_is_no_witness_of_itself():
    """Also where it is the only one that was known in the last five minutes."""
    account = Account(ENGINE, Small(), AccountSettings(), Clock(1000.0))
    account._note_witness("theirs")
    assert not account.is_lost("theirs", 500)
    account._note_witness("other")
    assert account.is_lost("theirs", 500)
    assert not account.is_lost("theirs", 701)
