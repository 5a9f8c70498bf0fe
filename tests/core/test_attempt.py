"""Work on a task: what must not be left half done, and what is left to a later claim."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from filmgate.adapters.dispatch.embedded import EmbeddedDispatcher
from filmgate.adapters.ledger.sqlite import SqliteLedger
from filmgate.core.query.feed import Feed
from filmgate.core.work.attempt import Attempt, Superseded, WorkContext, shield
from filmgate.domain.generation import Generation, Reference, ReferenceKind
from filmgate.domain.states import Stage
from filmgate.domain.work import Queue, WorkKind, queue_of
from tests.ledger.examples import CANCELLED, ENGINE, A, submitted
from tests.support.clock import Clock


@pytest.fixture
async def work_context(tmp_path: Path) -> AsyncIterator[WorkContext]:
    """A desk with a ledger in a file, whose clock is set by hand."""
    ledger, clock = SqliteLedger(tmp_path / "ledger.db"), Clock()
    await ledger.open()
    await ledger.add_application(A)
    yield WorkContext(ledger, Feed(), EmbeddedDispatcher(ledger, clock), clock)
    await ledger.close()


async def claimed(work_context: WorkContext, queue: str = ENGINE) -> Attempt:
    """Begin an attempt on the next work of a queue."""
    (claim,) = await work_context.ledger.claim(queue, "worker", work_context.clock(), 60.0)
    return work_context.attempt(claim)


async def test_a_later_claim_of_the_same_work_knows_how_many_there_were(work_context: WorkContext):
    """Whoever waits longer each time can see by the claim which time it is."""
    await submitted(work_context.ledger)
    tries = []
    for _ in range(4):
        attempt = await claimed(work_context)
        tries.append(attempt.claim.tries)
        await attempt.again(0.0, percent=attempt.claim.tries)
        assert attempt.over
    assert tries == [0, 1, 2, 3]


async def test_work_that_is_left_for_later_is_not_there_before(work_context: WorkContext):
    """A pause is kept."""
    await submitted(work_context.ledger)
    await (await claimed(work_context)).again(5.0)
    assert await work_context.ledger.claim(ENGINE, "worker", work_context.clock() + 4, 60.0) == []
    assert len(await work_context.ledger.claim(ENGINE, "worker", work_context.clock() + 5, 60.0)) == 1


async def test_who_only_follows_leaves_the_files_to_the_purge(work_context: WorkContext):
    """A task that ends at its provider has inputs in the store that nobody else would remove."""
    picture = Reference(ReferenceKind.IMAGE, "http://example.test/a.png")
    for start, purges in ((None, 0), (picture, 1)):
        generation = Generation("a lighthouse", start=start)
        followed = await submitted(work_context.ledger, stage=Stage.POLL, generation=generation)
        await (await claimed(work_context)).enqueue(WorkKind.POLL, queue_of(Queue.POLL, ENGINE))
        await (await claimed(work_context, queue_of(Queue.POLL, ENGINE))).end(CANCELLED)
        found = await work_context.ledger.claim(Queue.PURGE, "worker", work_context.clock(), 60.0, 9)
        assert [claim.due.task_id for claim in found] == [followed.id] * purges


async def test_work_that_is_handed_over_is_counted_anew(work_context: WorkContext):
    """Another kind of work, or the same in another queue, has been tried by nobody."""
    await submitted(work_context.ledger)
    await (await claimed(work_context)).again(0.0)
    await (await claimed(work_context)).enqueue(WorkKind.POLL, queue_of(Queue.POLL, ENGINE))
    follower = await claimed(work_context, queue_of(Queue.POLL, ENGINE))
    assert follower.claim.tries == 0
    assert await work_context.ledger.next_work(ENGINE) is None
    await follower.enqueue(WorkKind.ADVANCE, ENGINE)
    assert (await claimed(work_context)).claim.tries == 0


async def test_who_was_superseded_changes_nothing(work_context: WorkContext):
    """Neither the task nor its due work is touched by an attempt whose task was ended meanwhile."""
    task = await submitted(work_context.ledger)
    attempt = await claimed(work_context)
    await work_context.ledger.cancel(A.id, task.id, CANCELLED, work_context.clock())
    with pytest.raises(Superseded):
        await attempt.again(0.0)
    with pytest.raises(Superseded):
        await attempt.enqueue(WorkKind.POLL, queue_of(Queue.POLL, ENGINE))
    assert await work_context.ledger.next_work(ENGINE) is None
    assert await work_context.ledger.next_work(queue_of(Queue.POLL, ENGINE)) is None


async def test_a_cancellation_takes_effect_after_the_work():
    """What was begun is done, and then the cancellation is not forgotten."""
    begun, go_on, done = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def work() -> None:
        begun.set()
        await go_on.wait()
        done.set()

    running = asyncio.ensure_future(shield(work()))
    await begun.wait()
    running.cancel()
    await asyncio.sleep(0)
    assert not running.done()
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert done.is_set()
