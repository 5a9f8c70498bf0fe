"""How the dispatcher of one process works queues off."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, closing
from pathlib import Path
from typing import Any

import pytest

from filmgate.adapters.dispatch.embedded import EmbeddedDispatcher
from filmgate.adapters.ledger.sqlite import SqliteLedger
from filmgate.core.work.attempt import shield
from filmgate.domain.errors import Unavailable
from filmgate.domain.work import Queue, WorkItem, WorkKind
from filmgate.ports.dispatch import QueueConfig
from filmgate.ports.ledger import Ledger
from filmgate.ports.work import Claim
from tests.ledger.examples import ENGINE, A, B, submitted

Running = Callable[..., Awaitable[EmbeddedDispatcher]]


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[Ledger]:
    """A ledger in a file, with one application."""
    opened = SqliteLedger(tmp_path / "ledger.db")
    await opened.open()
    await opened.add_application(A)
    yield opened
    await opened.close()


@pytest.fixture
async def running(ledger: Ledger) -> AsyncIterator[Running]:
    """Start dispatchers with one lane each; what still runs at the end is stopped."""
    async with AsyncExitStack() as stack, asyncio.timeout(30):

        async def start(work: Callable[[Claim], Awaitable[None]], slots: int = 100, **lane: Any) -> EmbeddedDispatcher:
            dispatcher = EmbeddedDispatcher(ledger, time.time)
            stack.push_async_callback(dispatcher.stop, 0.0)
            await dispatcher.start({ENGINE: QueueConfig(work, slots, **lane)})
            return dispatcher

        yield start


class Work:
    """Work that takes until it is told to go on; `begun` has what was begun, in order."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.begun: list[str] = []
        self.ended: list[str] = []
        self.broken_off: list[str] = []
        self.go_on = asyncio.Semaphore(0)
        self.news = asyncio.Condition()

    async def __call__(self, claim: Claim) -> None:
        """Do one piece."""
        await self._note(self.begun, claim)
        try:
            await self.go_on.acquire()
        except asyncio.CancelledError:
            self.broken_off.append(claim.due.task_id)
            raise
        await self.ledger.finish(claim)
        await self._note(self.ended, claim)

    async def _note(self, place: list[str], claim: Claim) -> None:
        async with self.news:
            place.append(claim.due.task_id)
            self.news.notify_all()

    async def until(self, wanted: Callable[[], bool]) -> None:
        """Wait until something is so, but not for ever."""
        async with asyncio.timeout(30), self.news:
            await self.news.wait_for(wanted)

    def let_on(self, count: int) -> None:
        """Let so many pieces go on."""
        for _ in range(count):
            self.go_on.release()


@pytest.fixture
def work(ledger: Ledger) -> Work:
    """Work on claims of the ledger."""
    return Work(ledger)


async def test_many_claims_are_begun_at_once(ledger: Ledger, running: Running, work: Work):
    """Where there are slots, hundreds are begun without one waiting for another."""
    tasks = [await submitted(ledger) for _ in range(150)]
    await running(work, slots=1_000)
    await work.until(lambda: len(work.begun) == 150)
    assert sorted(work.begun) == sorted(task.id for task in tasks)
    work.let_on(150)
    await work.until(lambda: len(work.ended) == 150)


async def test_no_more_is_begun_than_there_are_slots(ledger: Ledger, running: Running, work: Work):
    """Each end makes room for one more, at once."""
    for _ in range(5):
        await submitted(ledger)
    await running(work, slots=2)
    for count in (2, 3, 4, 5):
        await work.until(lambda count=count: len(work.begun) >= count)
        assert len(work.begun) - len(work.ended) <= 2
        work.let_on(1)
    work.let_on(1)
    await work.until(lambda: len(work.ended) == 5)


async def test_one_application_has_no_more_than_its_share(
    ledger: Ledger, running: Running, work: Work, monkeypatch: pytest.MonkeyPatch
):
    """Another's work is begun at once though many came before it, and nobody spins over what has to wait."""
    await ledger.add_application(B)
    many = [await submitted(ledger) for _ in range(9)]
    single = await submitted(ledger, B)
    asked, claim = 0, ledger.claim

    async def counted(*values: Any, **more: Any) -> list[Claim]:
        nonlocal asked
        asked += 1
        return await claim(*values, **more)

    monkeypatch.setattr(ledger, "claim", counted)
    await running(work, slots=100, share=2)
    await work.until(lambda: len(work.begun) == 3)
    assert single.id in work.begun
    # A pump that spins would claim between any two of these.
    begun = asked
    for _ in range(100):
        await ledger.enqueue(WorkItem(WorkKind.PURGE, Queue.PURGE, single.id, B.id, 0.0))
    assert asked - begun < 50
    work.let_on(20)
    await work.until(lambda: len(work.ended) == 10)
    assert {task.id for task in many} < set(work.ended)


async def test_no_more_is_begun_than_there_is_room(ledger: Ledger, running: Running, work: Work):
    """Room can be made by something else than an end of the work, and is never exceeded."""
    limit = 3
    for _ in range(10):
        await submitted(ledger)

    async def room() -> int:
        return limit - len(work.ended)

    await running(work, slots=100, room=room)
    work.let_on(2)
    await work.until(lambda: len(work.ended) == 2 and len(work.begun) == 3)
    work.let_on(1)
    await work.until(lambda: len(work.ended) == 3)
    assert len(work.begun) == 3
    limit = 10
    work.let_on(7)
    await work.until(lambda: len(work.ended) == 10)


async def test_a_ledger_in_trouble_makes_no_room(
    ledger: Ledger, running: Running, work: Work, caplog: pytest.LogCaptureFixture
):
    """Nothing is begun while nobody can say how much may be, and the lane goes on afterwards."""
    await submitted(ledger)
    asked = 0

    async def room() -> int:
        nonlocal asked
        asked += 1
        if asked == 1:
            raise Unavailable("The disk is full.")
        return 1

    dispatcher = await running(work, room=room)
    work.let_on(1)
    await work.until(lambda: len(work.ended) == 1)
    assert "The disk is full." in caplog.text
    await dispatcher.ready()


async def test_a_pump_outlives_a_ledger_in_trouble(tmp_path: Path, ledger: Ledger, running: Running, work: Work):
    """While the file cannot be read at all nothing is begun, and as soon as it can be, work is taken again."""
    dispatcher = await running(work)
    work.let_on(1)
    with closing(sqlite3.connect(tmp_path / "ledger.db", isolation_level=None)) as other:
        other.execute("ALTER TABLE due RENAME TO elsewhere")
        await asyncio.sleep(1.2)  # longer than a pump naps
        await dispatcher.ready()
        other.execute("ALTER TABLE elsewhere RENAME TO due")
    await submitted(ledger)
    await work.until(lambda: len(work.ended) == 1)
    await dispatcher.ready()


async def test_lasting_work_is_broken_off_at_once(ledger: Ledger, running: Running, work: Work):
    """A stop does not wait for what only waits itself; it is due again for whoever comes next."""
    task = await submitted(ledger)
    dispatcher = await running(work, lasting=True)
    await work.until(lambda: len(work.begun) == 1)
    begun = time.monotonic()
    await dispatcher.stop(20)
    assert time.monotonic() - begun < 10
    assert work.broken_off == [task.id]
    assert await ledger.next_work(ENGINE) == 0


async def test_other_work_may_finish(ledger: Ledger, running: Running, work: Work):
    """A stop waits for it, for as long as it is told to; nothing new is begun meanwhile."""
    for _ in range(2):
        await submitted(ledger)
    dispatcher = await running(work, slots=1)
    await work.until(lambda: len(work.begun) == 1)
    stopping = asyncio.ensure_future(dispatcher.stop(20))
    await asyncio.sleep(0)
    work.let_on(2)
    await stopping
    assert (len(work.begun), len(work.ended), work.broken_off) == (1, 1, [])
    assert len(await ledger.claim(ENGINE, "next", time.time(), 60.0)) == 1


async def test_a_task_is_stopped_once(ledger: Ledger, running: Running):
    """Who is told again and again that a task has ended still brings to an end what must not be left half done."""
    begun, go_on, done, over = (asyncio.Event() for _ in range(4))

    async def delicate() -> None:
        begun.set()
        await go_on.wait()
        done.set()

    async def work(_: Claim) -> None:
        try:
            await shield(delicate())
        finally:
            over.set()

    task = await submitted(ledger)
    dispatcher = await running(work)
    await begun.wait()
    for _ in range(3):
        dispatcher.stop_task(task.id)
        await asyncio.sleep(0)
    go_on.set()
    await over.wait()
    assert done.is_set()


async def test_work_that_breaks_is_given_back(ledger: Ledger, running: Running, caplog: pytest.LogCaptureFixture):
    """A defect is logged, and the work is claimed again, with the number of earlier claims."""
    await submitted(ledger)
    tries: list[int] = []
    again = asyncio.Event()

    async def work(claim: Claim) -> None:
        tries.append(claim.tries)
        if claim.tries == 0:
            raise KeyError("oops")
        await ledger.finish(claim)
        again.set()

    dispatcher = await running(work)
    await again.wait()
    assert tries == [0, 1]
    assert "oops" in caplog.text
    await dispatcher.ready()


async def test_leases_are_renewed_while_their_work_is_done(ledger: Ledger, work: Work, monkeypatch: pytest.MonkeyPatch):
    """Work that takes longer than its lease is nobody else's meanwhile, and is finished by the one who began it."""
    task = await submitted(ledger)
    renewed, renew = asyncio.Semaphore(0), ledger.renew

    async def counted(*values: Any) -> None:
        await renew(*values)
        renewed.release()

    monkeypatch.setattr(ledger, "renew", counted)
    dispatcher, ends = EmbeddedDispatcher(ledger, time.time, lease=1.0), [0.0]
    async with asyncio.timeout(30):
        await dispatcher.start({ENGINE: QueueConfig(work, 1)})
        await work.until(lambda: len(work.begun) == 1)
        for _ in range(4):  # a third of the lease each
            await renewed.acquire()
            ends.append(await ledger.next_work(ENGINE) or 0.0)
        work.let_on(1)
        await work.until(lambda: len(work.ended) == 1)
        await dispatcher.stop(0)
    assert ends == sorted(set(ends))
    assert (work.begun, await ledger.next_work(ENGINE)) == ([task.id], None)


async def test_work_goes_on_while_its_lease_cannot_be_renewed(
    ledger: Ledger, work: Work, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    """A ledger in trouble lets leases run out, but nothing is begun a second time beside what still runs."""
    tried = asyncio.Semaphore(0)

    async def refused(*_: Any) -> None:
        tried.release()
        raise Unavailable("The disk is full.")

    await submitted(ledger)
    monkeypatch.setattr(ledger, "renew", refused)
    dispatcher = EmbeddedDispatcher(ledger, time.time, lease=0.3)
    async with asyncio.timeout(30):
        await dispatcher.start({ENGINE: QueueConfig(work, 9)})
        await work.until(lambda: len(work.begun) == 1)
        for _ in range(8):
            await tried.acquire()
        later = await submitted(ledger)
        dispatcher.wake(ENGINE)
        await work.until(lambda: later.id in work.begun)
        assert len(work.begun) == 2
        work.let_on(2)
        await work.until(lambda: len(work.ended) == 2)
        await dispatcher.stop(0)
    assert "The disk is full." in caplog.text
    assert await ledger.next_work(ENGINE) is None


@pytest.mark.parametrize("worker", ["embedded", "embedded-4711"])
async def test_a_start_goes_on_with_what_the_last_process_held(
    ledger: Ledger, running: Running, work: Work, worker: str
):
    """Whoever holds the folder is alone: leases of the last process are void at once, those of earlier versions too."""
    task = await submitted(ledger)
    await ledger.claim(ENGINE, worker, time.time(), 3_600.0)
    await running(work)
    await work.until(lambda: work.begun == [task.id])
