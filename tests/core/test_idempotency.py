"""Submits that are sent again make one task, however often their answer was lost."""

from __future__ import annotations

import asyncio

import pytest

from filmgate.core.tasks import flights
from filmgate.core.tasks.flights import RETRY_SECONDS
from filmgate.core.tasks.idempotency import EXPECTED_SECONDS, Fingerprint
from filmgate.core.tasks.service import SubmitRequest
from filmgate.domain.errors import InFlight, InvalidRequest, KeyReused, NotFound, Unavailable
from filmgate.domain.task import Task
from filmgate.ports.context import RequestContext
from filmgate.ports.tasks import TaskFilter
from tests.core.small_core import OWNER, STRANGER, Core

SAME, OTHER = b"s" * 32, b"o" * 32


async def send(core: Core, sent: Fingerprint, context: RequestContext = OWNER, *, expected: bool = False) -> Task:
    """Send a submit."""

    async def read() -> SubmitRequest:
        return core.order()

    return await core.idempotency.submit(context, sent, read, expected=expected)


async def accepted(core: Core) -> int:
    """Count the tasks of the owner."""
    return len((await core.tasks.find(OWNER, TaskFilter())).tasks)


async def test_a_key_names_one_task_for_its_time(core: Core):
    """The same request gets the first one's task, another is refused, and afterwards the key is free."""
    first = await send(core, Fingerprint(SAME, "key"))
    assert await send(core, Fingerprint(SAME, "key")) == first
    with pytest.raises(KeyReused):
        await send(core, Fingerprint(OTHER, "key"))
    assert (await send(core, Fingerprint(SAME, "key"), STRANGER)).id != first.id
    core.clock.pass_by(101)
    assert (await send(core, Fingerprint(OTHER, "key"))).id != first.id


async def test_the_key_of_a_deleted_task_accepts_nothing(core: Core):
    """What was paid for once is not made again."""
    first = await send(core, Fingerprint(SAME, "key"))
    await core.tasks.delete(OWNER, first.id)
    with pytest.raises(NotFound, match="has been deleted"):
        await send(core, Fingerprint(SAME, "key"))


async def test_a_key_in_flight_is_refused(core: Core):
    """The second of two at once is told to come again, or that the key is another request's."""
    reading, go_on = asyncio.Event(), asyncio.Event()

    async def read() -> SubmitRequest:
        reading.set()
        await go_on.wait()
        return core.order()

    first = asyncio.create_task(core.idempotency.submit(OWNER, Fingerprint(SAME, "key"), read))
    await reading.wait()
    with pytest.raises(InFlight):
        await send(core, Fingerprint(SAME, "key"))
    with pytest.raises(KeyReused):
        await send(core, Fingerprint(OTHER, "key"))
    go_on.set()
    assert await first == await send(core, Fingerprint(SAME, "key"))
    assert await accepted(core) == 1


async def test_a_key_is_free_again_after_a_refusal(core: Core):
    """Nothing was accepted under it."""

    async def refuse() -> SubmitRequest:
        raise InvalidRequest("wrong")

    with pytest.raises(InvalidRequest):
        await core.idempotency.submit(OWNER, Fingerprint(SAME, "key"), refuse)
    await send(core, Fingerprint(OTHER, "key"))


async def test_a_counted_retry_joins_what_it_repeats(core: Core):
    """A higher count joins a lower one of the same key and digest within a minute; nothing else does."""
    first = await send(core, Fingerprint(SAME, tries=0))
    assert await send(core, Fingerprint(SAME, tries=1)) == first
    assert (await send(core, Fingerprint(SAME, tries=0))).id != first.id
    assert (await send(core, Fingerprint(OTHER, tries=1))).id != first.id
    assert (await send(core, Fingerprint(SAME, tries=1), STRANGER)).id != first.id
    core.clock.pass_by(RETRY_SECONDS + 1)
    assert (await send(core, Fingerprint(SAME, tries=2))).id != first.id


async def test_what_does_not_count_never_joins(core: Core):
    """Two equal submits are two tasks."""
    assert (await send(core, Fingerprint())).id != (await send(core, Fingerprint())).id


async def test_a_retry_waits_for_the_submit_that_it_repeats(core: Core):
    """One that is not accepted yet is waited for, and then joined."""
    reading, go_on = asyncio.Event(), asyncio.Event()

    async def read() -> SubmitRequest:
        reading.set()
        await go_on.wait()
        return core.order()

    first = asyncio.create_task(core.idempotency.submit(OWNER, Fingerprint(SAME, tries=0), read))
    await reading.wait()
    retry = asyncio.create_task(send(core, Fingerprint(SAME, tries=1)))
    await asyncio.sleep(0)
    assert not retry.done()
    go_on.set()
    assert await retry == await first
    assert await accepted(core) == 1


async def test_the_retry_of_a_refused_submit_repeats_nothing(core: Core):
    """It is not taken for the retry of an equal one that was accepted before."""
    first = await send(core, Fingerprint(SAME, tries=0))

    async def refuse() -> SubmitRequest:
        raise InvalidRequest("too fast")

    for _ in range(2):
        with pytest.raises(InvalidRequest):
            await core.idempotency.submit(OWNER, Fingerprint(SAME, tries=0), refuse)
    retries = [await send(core, Fingerprint(SAME, tries=1)) for _ in range(3)]
    assert first.id not in {task.id for task in retries[:2]}
    assert retries[2].id in {first.id, *(task.id for task in retries[:2])}


async def test_an_uncertain_failure_is_no_refusal(core: Core):
    """After an error of the service something may have been written: the retry looks for it."""
    first = await send(core, Fingerprint(SAME, tries=0))

    async def fail() -> SubmitRequest:
        raise Unavailable("the disk is full")

    with pytest.raises(Unavailable):
        await core.idempotency.submit(OWNER, Fingerprint(SAME, tries=0), fail)
    assert await send(core, Fingerprint(SAME, tries=1)) == first


async def test_refusals_are_forgotten(core: Core, monkeypatch: pytest.MonkeyPatch):
    """After a minute, and the oldest where there are too many."""
    first = await send(core, Fingerprint(SAME, tries=0))
    await core.idempotency.refuse(OWNER, Fingerprint(SAME, tries=0))
    core.clock.pass_by(RETRY_SECONDS - 1)
    monkeypatch.setattr(flights, "_REFUSALS", 1)
    await core.idempotency.refuse(OWNER, Fingerprint(OTHER, tries=0))
    assert await send(core, Fingerprint(SAME, tries=1)) == first
    await core.idempotency.refuse(OWNER, Fingerprint(SAME))
    await core.idempotency.refuse(OWNER, Fingerprint(SAME, tries=0))
    core.clock.pass_by(RETRY_SECONDS + 1)
    assert not await core.idempotency._repeats_a_refused(OWNER, Fingerprint(SAME, tries=1))


async def test_equal_refusals_are_bounded(core: Core, monkeypatch: pytest.MonkeyPatch):
    """However often the same is refused."""
    monkeypatch.setattr(flights, "_EQUAL_REFUSALS", 3)
    for _ in range(9):
        await core.idempotency.refuse(OWNER, Fingerprint(SAME, tries=0))
    assert [len(each) for each in core.flights._refusals.values()] == [3]


async def test_an_expected_submit_joins_the_one_that_ran_out_of_time(core: Core):
    """A synchronous client that did not get its answer sends the same again, and does not count."""
    first = await send(core, Fingerprint(SAME), expected=True)
    await core.idempotency.expect(Fingerprint(SAME), first)
    assert await send(core, Fingerprint(SAME), expected=True) == first
    assert (await send(core, Fingerprint(SAME))).id != first.id
    core.clock.pass_by(EXPECTED_SECONDS + 1)
    assert (await send(core, Fingerprint(SAME), expected=True)).id != first.id
