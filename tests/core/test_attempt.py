"""Work on a task: what must not be left half done, and what is left to a later claim."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from filmgate.adapters.dispatch.embedded import EmbeddedDispatcher
from filmgate.adapters.ledger.sqlite import SqliteLedger
from filmgate.core.attempt import Attempt, Desk, Superseded, to_its_end
from filmgate.core.feed import Feed
from filmgate.domain.generation import Generation, Reference, ReferenceKind
from filmgate.domain.states import Stage
from filmgate.ports.ledger import ADVANCE, FOLLOW, PURGE, queue_of
from tests.ledger.examples import CANCELLED, ENGINE, A, submitted
from tests.support.clock import Clock


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    """A desk with a ledger in a file, whose clock is set by hand."""
    ledger, clock = SqliteLedger(tmp_path / "ledger.db"), Clock()
    await ledger.open()
    await ledger.add_application(A)
    yield Desk(ledger, Feed(), EmbeddedDispatcher(ledger, clock), clock)
    await ledger.close()


async def claimed(desk: Desk, queue: str = ENGINE) -> Attempt:
    """Begin an attempt on the next work of a queue."""
    (claim,) = await desk.ledger.claim(queue, "worker", desk.clock(), math.inf)
    return desk.attempt(claim)


async def test_a_later_claim_of_the_same_work_knows_how_many_there_were(desk: Desk):
    """Whoever waits longer each time can see by the claim which time it is."""
    await submitted(desk.ledger)
    tries = []
    for _ in range(4):
        attempt = await claimed(desk)
        tries.append(attempt.claim.tries)
        await attempt.again(0.0, percent=attempt.claim.tries)
        assert attempt.over
    assert tries == [0, 1, 2, 3]


async def test_work_that_is_left_for_later_is_not_there_before(desk: Desk):
    """A pause is kept."""
    await submitted(desk.ledger)
    await (await claimed(desk)).again(5.0)
    assert await desk.ledger.claim(ENGINE, "worker", desk.clock() + 4, math.inf) == []
    assert len(await desk.ledger.claim(ENGINE, "worker", desk.clock() + 5, math.inf)) == 1


async def test_who_only_follows_leaves_the_files_to_the_purge(desk: Desk):
    """A task that ends at its provider has inputs in the store that nobody else would remove."""
    picture = Reference(ReferenceKind.IMAGE, "http://example.test/a.png")
    for start, purges in ((None, 0), (picture, 1)):
        generation = Generation("a lighthouse", start=start)
        followed = await submitted(desk.ledger, stage=Stage.FOLLOW, generation=generation)
        await (await claimed(desk)).hand_over(FOLLOW, queue_of(FOLLOW, ENGINE))
        await (await claimed(desk, queue_of(FOLLOW, ENGINE))).end(CANCELLED)
        found = await desk.ledger.claim(PURGE, "worker", desk.clock(), math.inf, 9)
        assert [claim.due.task_id for claim in found] == [followed.id] * purges


async def test_work_that_is_handed_over_is_counted_anew(desk: Desk):
    """Another kind of work, or the same in another queue, has been tried by nobody."""
    await submitted(desk.ledger)
    await (await claimed(desk)).again(0.0)
    await (await claimed(desk)).hand_over(FOLLOW, queue_of(FOLLOW, ENGINE))
    follower = await claimed(desk, queue_of(FOLLOW, ENGINE))
    assert follower.claim.tries == 0
    assert await desk.ledger.next_due(ENGINE) is None
    await follower.hand_over(ADVANCE, ENGINE)
    assert (await claimed(desk)).claim.tries == 0


async def test_who_was_superseded_changes_nothing(desk: Desk):
    """Neither the task nor its due work is touched by an attempt whose task was ended meanwhile."""
    task = await submitted(desk.ledger)
    attempt = await claimed(desk)
    await desk.ledger.cancel(A.id, task.id, CANCELLED, desk.clock())
    with pytest.raises(Superseded):
        await attempt.again(0.0)
    with pytest.raises(Superseded):
        await attempt.hand_over(FOLLOW, queue_of(FOLLOW, ENGINE))
    assert await desk.ledger.next_due(ENGINE) is None
    assert await desk.ledger.next_due(queue_of(FOLLOW, ENGINE)) is None


async def test_a_cancellation_takes_effect_after_the_work():
    """What was begun is done, and then the cancellation is not forgotten."""
    begun, go_on, done = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def work() -> None:
        begun.set()
        await go_on.wait()
        done.set()

    running = asyncio.ensure_future(to_its_end(work()))
    await begun.wait()
    running.cancel()
    await asyncio.sleep(0)
    assert not running.done()
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert done.is_set()
