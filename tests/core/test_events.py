"""Streams of changes, of one task and of all tasks of an application."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import msgspec
import pytest

from filmgate.core.tasks import events
from filmgate.core.tasks.events import Event, News
from filmgate.domain.errors import NotFound, TooManyRequests, Unavailable
from filmgate.domain.states import State
from filmgate.ports.context import RequestContext
from tests.core.small_core import BASE, OWNER, STRANGER, Core

Stream = AsyncGenerator[Event | None, None]


async def heard(stream: Stream) -> Event:
    """Return the next event, past signs of life."""
    while (event := await anext(stream)) is None:
        pass
    return event


async def test_a_task_is_told_up_to_its_end(core: Core):
    """The stream begins with the task as it is, and ends behind its end."""
    task = await core.submit()
    stream = core.events.of_task(OWNER, task.id, None)
    assert (await heard(stream)).kind is News.OPENED
    first = await heard(stream)
    assert (first.kind, first.task) == (News.TASK, task)
    await core.finish(task)
    last = [event async for event in stream][-1]
    assert last is not None
    assert last.task is not None
    assert last.task.state is State.COMPLETED
    assert last.number is not None
    assert await core.events.is_over(OWNER, task.id, last.number)
    assert not await core.events.is_over(OWNER, task.id, last.number - 1)


async def test_what_a_reader_has_seen_is_not_told_again(core: Core):
    """A stream that resumes behind the last change waits for the next one."""
    task = await core.submit()
    number = (await core.ledger.change(task.application_id, task.id)).number
    stream = core.events.of_task(OWNER, task.id, number)
    assert (await heard(stream)).kind is News.OPENED
    following = asyncio.create_task(anext(stream))
    await asyncio.sleep(0)
    assert not following.done()
    await core.tasks.delete(OWNER, task.id)
    gone = await following
    assert gone is not None
    assert (gone.kind, gone.task_id, gone.task) == (News.DELETED, task.id, None)
    with pytest.raises(StopAsyncIteration):
        await anext(stream)


async def test_a_silent_stream_gives_a_sign_of_life(core: Core, monkeypatch: pytest.MonkeyPatch):
    """And looks at the ledger by itself, whatever woke it."""
    monkeypatch.setattr(events, "HEARTBEAT", 0.0)
    task = await core.submit()
    stream = core.events.of_task(OWNER, task.id, None)
    assert [await heard(stream), await heard(stream)][1].task == task
    assert await anext(stream) is None
    everything = core.events.of_application(OWNER, None)
    await heard(everything)
    assert await anext(everything) is None
    await stream.aclose()
    await everything.aclose()


async def test_an_application_hears_of_all_its_tasks_and_of_no_others(core: Core):
    """From the place where it left off; one that lies ahead of the ledger begins now."""
    first = await core.submit()
    stream = core.events.of_application(OWNER, 0)
    assert (await heard(stream)).number == 0
    assert (await heard(stream)).task_id == first.id
    await core.tasks.submit(STRANGER, core.order())
    second = await core.submit()
    assert (await heard(stream)).task_id == second.id
    await stream.aclose()
    for place in (None, 10**9):
        ahead = core.events.of_application(OWNER, place)
        assert (await heard(ahead)).number == await core.ledger.last_change(OWNER.caller.application_id)
        await ahead.aclose()


async def test_strangers_hear_nothing(core: Core):
    """A stream of a stranger's task is that of an unknown one."""
    task = await core.submit()
    with pytest.raises(NotFound):
        await anext(core.events.of_task(STRANGER, task.id, None))
    with pytest.raises(NotFound):
        await core.events.is_over(STRANGER, task.id, 0)


async def test_streams_are_bounded_for_each_key(core: Core):
    """A third one is refused until one of the first two is closed; the admin key has no limit."""
    streams = [core.events.of_application(OWNER, None) for _ in range(2)]
    for stream in streams:
        await heard(stream)
    with pytest.raises(TooManyRequests, match="2 streams"):
        await anext(core.events.of_application(OWNER, None))
    admin = RequestContext(msgspec.structs.replace(OWNER.caller, limited=False), "t", BASE)
    for context in (STRANGER, admin):
        other = core.events.of_application(context, None)
        await heard(other)
        await other.aclose()
    await streams.pop().aclose()
    again = core.events.of_application(OWNER, None)
    await heard(again)
    for stream in (*streams, again):
        await stream.aclose()
    assert not core.events._streams


async def test_an_application_has_a_share_of_what_is_held_open(core: Core):
    """Waits and streams count together."""
    core.tasks.places.most = 1
    first = core.events.of_application(OWNER, None)
    await heard(first)
    with pytest.raises(TooManyRequests, match="wait already"):
        await anext(core.events.of_application(OWNER, None))
    await first.aclose()


async def test_streams_end_when_the_service_stops(core: Core):
    """Those that are open end, and none is opened."""
    task = await core.submit()
    one, all_ = core.events.of_task(OWNER, task.id, None), core.events.of_application(OWNER, None)
    await heard(one)
    await heard(one)
    await heard(all_)
    ending = [asyncio.create_task(anext(stream)) for stream in (one, all_)]
    await asyncio.sleep(0)
    core.events.close()
    assert [type(each) for each in await asyncio.gather(*ending, return_exceptions=True)] == [StopAsyncIteration] * 2
    with pytest.raises(Unavailable):
        await anext(core.events.of_application(OWNER, None))


async def test_a_closed_feed_ends_streams_too(core: Core):
    """No news will come any more."""
    task = await core.submit()
    core.feed.close()
    told = [event async for event in core.events.of_task(OWNER, task.id, None)]
    assert [event.kind for event in told if event] == [News.OPENED, News.TASK]
