"""Webhooks over days: when they are tried again, when they are given up, in which order they come."""

from __future__ import annotations

import asyncio
import email.utils
import json
from collections.abc import Callable

import pytest

from filmgate.core.webhooks.schedule import LAST_PAUSE, PAUSES, TIME_LIMIT
from filmgate.domain.states import State
from filmgate.domain.webhooks import WebhookStatus
from tests.http.sites import Answer, Site, says, site
from tests.ledger.examples import B

from .conftest import START, Post

DAY = 86_400.0


def one_by_one(*answers: Answer) -> Answer:
    """Answer each request in its own way, the last way from then on."""
    left = list(answers)

    async def answer(path: str, headers: dict[str, str], body: bytes, writer: asyncio.StreamWriter) -> None:
        await (left.pop(0) if len(left) > 1 else left[0])(path, headers, body, writer)

    return answer


def times(place: Site) -> list[int]:
    """Return how many seconds after the start each delivery was made."""
    return [int(headers["webhook-timestamp"]) - int(START) for _, headers, _ in place.requests]


async def test_a_receiver_in_trouble_is_tried_for_three_days(post: Post):
    """The pauses grow to twelve hours, the last delivery is made when three days are over, and then no more."""
    async with site(says(b"", status="500 Oops")) as place:
        task = await post.task(place.url("/hook?token=1"))
        await post.ended(task)
        pauses = []
        while await post.deliver():
            told = await post.told(task)
            if told.status is WebhookStatus.PENDING:
                pause = await post.next()
                assert pause is not None
                pauses.append(pause)
        assert pauses[: len(PAUSES)] == pytest.approx(PAUSES)
        assert pauses[len(PAUSES) : -1] == pytest.approx([LAST_PAUSE] * (len(pauses) - len(PAUSES) - 1))
        assert sum(pauses) == pytest.approx(TIME_LIMIT)
        assert len(place.requests) == len(pauses) + 1 == told.tries
        assert await post.ledger.next_work("callback") is None
    assert (told.status, told.answer, told.next_at) == (WebhookStatus.FAILED, 500, None)
    assert told.trouble == f"given up after {told.tries} deliveries in three days; the last one: answered 500"
    deliveries = await post.ledger.webhooks.deliveries(told)
    assert [delivery.answer for delivery in deliveries] == [500] * told.tries


async def test_every_delivery_of_a_callback_has_one_name(post: Post):
    """Over all tries the id and the body stay the same; the time and the signature are each one's own."""
    async with site(one_by_one(*[says(b"", status="503 Busy")] * 3, says(b"ok"))) as place:
        await post.ended(await post.task(place.url()))
        while await post.deliver():
            await post.next()
    assert len({(headers["webhook-id"], body) for _, headers, body in place.requests}) == 1
    assert len({headers["webhook-signature"] for _, headers, _ in place.requests}) == 4


async def test_410_ends_it_at_once(post: Post):
    """A receiver that says it is gone is not asked again, and the log says so."""
    async with site(says(b"", status="410 Gone")) as place:
        task = await post.task(place.url())
        await post.ended(task)
        assert await post.deliver() == 1
        assert await post.next() is None
    told = await post.told(task)
    assert (told.status, told.answer, told.tries) == (WebhookStatus.FAILED, 410, 1)
    assert told.trouble == "answered 410: the receiver wants to hear no more of this"


@pytest.mark.parametrize(
    ("value", "pause"),
    [
        (lambda: "7200", 7_200),
        (lambda: email.utils.formatdate(START + 1_800, usegmt=True), 1_800),
        (lambda: "0", 1),
        (lambda: "soon", 1),
        (lambda: "-5", 1),
        (lambda: "9" * 30, 1),
        (lambda: "9999999999", TIME_LIMIT),
    ],
)
async def test_a_receiver_says_when_to_come_back(post: Post, value: Callable[[], str], pause: float):
    """Retry-After is kept as seconds and as a date; nonsense, and what is sooner than planned, changes nothing."""
    async with site(says(b"", status="429 Slow down", retry_after=value())) as place:
        task = await post.task(place.url())
        await post.ended(task)
        await post.deliver()
        assert await post.next() == pytest.approx(pause)
    assert (await post.told(task)).trouble == "answered 429"


async def test_jitter_keeps_callbacks_apart(post: Post):
    """By chance a pause is up to a fifth shorter or longer."""
    async with site(says(b"", status="500 Oops")) as place:
        for chance, pause in ((0.0, 0.8), (1.0, 1.2)):
            post.webhooks._chance = lambda chance=chance: chance
            await post.ended(await post.task(place.url()))
            await post.deliver()
            assert await post.next() == pytest.approx(pause)
            while await post.claims():
                post.clock.pass_by(DAY)


async def test_the_states_of_a_task_come_in_order(post: Post):
    """The beginning is told before the end."""
    async with site(says(b"ok")) as place:
        task = await post.task(place.url())
        await post.begun(task)
        await post.deliver()
        await post.ended(task)
        await post.deliver()
    assert [json.loads(body)["state"] for _, _, body in place.requests] == ["dreaming", "failed"]
    assert (await post.told(task, State.PROCESSING)).status is WebhookStatus.DELIVERED


async def test_a_beginning_that_came_late_is_not_told(post: Post):
    """What could not be delivered before the task ended is superseded as soon as its end is told."""
    async with site(one_by_one(says(b"", status="500 Oops"), says(b"ok"))) as place:
        task = await post.task(place.url())
        await post.begun(task)
        await post.deliver()
        await post.ended(task)
        await post.deliver()
        assert (await post.told(task, State.PROCESSING)).status is WebhookStatus.SUPERSEDED
        assert await post.next() is None
    assert [json.loads(body)["state"] for _, _, body in place.requests] == ["dreaming", "failed"]


async def test_an_end_waits_for_the_beginning_that_is_under_way(post: Post):
    """While the beginning is being delivered the end is put back, and it is told afterwards."""
    here, go = asyncio.Event(), asyncio.Event()

    async def slow(path: str, headers: dict[str, str], body: bytes, writer: asyncio.StreamWriter) -> None:
        here.set()
        await go.wait()
        await says(b"ok")(path, headers, body, writer)

    async with asyncio.timeout(30), site(slow) as place:
        task = await post.task(place.url())
        await post.begun(task)
        (claim,) = await post.claims()
        beginning = asyncio.create_task(post.webhooks.deliver(claim))
        await here.wait()
        await post.ended(task)
        await post.deliver()
        assert len(place.requests) == 1
        assert (await post.told(task)).tries == 0
        go.set()
        await beginning
        await post.next()
        await post.deliver()
    assert [json.loads(body)["state"] for _, _, body in place.requests] == ["dreaming", "failed"]


async def all_but(count: int, running: list[asyncio.Task[None]]) -> list[asyncio.Task[None]]:
    """Wait until no more than a number of deliveries run, which then are just so many, and return these."""
    left = set(running)
    while len(left) > count:
        _, left = await asyncio.wait(left, return_when=asyncio.FIRST_COMPLETED)
    assert len(left) == count
    return list(left)


async def test_a_receiver_that_hangs_holds_one_delivery(post: Post):
    """The others to it wait without a slot, and are no tries; those to another receiver go on."""
    here = asyncio.Event()

    async def hangs(path: str, headers: dict[str, str], body: bytes, writer: asyncio.StreamWriter) -> None:
        here.set()
        await asyncio.Event().wait()

    async with asyncio.timeout(30), site(hangs) as place, site(says(b"ok")) as other:
        tasks = [await post.task(place.url()) for _ in range(40)]
        for task in tasks:
            await post.ended(task)
        running = [asyncio.create_task(post.webhooks.deliver(claim)) for claim in await post.claims()]
        await here.wait()
        left = await all_but(1, running)
        assert len(place.requests) == 1
        assert {(await post.told(task)).tries for task in tasks} == {0}
        neighbour = await post.task(other.url())
        await post.ended(neighbour)
        await asyncio.gather(*(asyncio.create_task(post.webhooks.deliver(claim)) for claim in await post.claims()))
        assert (await post.told(neighbour)).status is WebhookStatus.DELIVERED
        left[0].cancel()
        await asyncio.gather(*left, return_exceptions=True)


async def test_a_prompt_receiver_gets_many_at_once(post: Post):
    """Once it has answered, sixteen deliveries are under way to it at a time."""
    here, go = asyncio.Semaphore(0), asyncio.Event()
    go.set()

    async def waits(path: str, headers: dict[str, str], body: bytes, writer: asyncio.StreamWriter) -> None:
        here.release()
        await go.wait()
        await says(b"ok")(path, headers, body, writer)

    async with asyncio.timeout(30), site(waits) as place:
        await post.ended(await post.task(place.url()))
        await post.deliver()
        await here.acquire()
        go.clear()
        for _ in range(40):
            await post.ended(await post.task(place.url()))
        running = [asyncio.create_task(post.webhooks.deliver(claim)) for claim in await post.claims()]
        for _ in range(16):
            await here.acquire()
        await all_but(16, running)
        go.set()
        await asyncio.gather(*running)


async def test_a_status_without_an_end_is_an_answer(post: Post):
    """A receiver that says 200 and then never stops talking has taken the webhook."""

    async def endless(path: str, headers: dict[str, str], body: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\nwell")
        await writer.drain()
        await asyncio.Event().wait()

    async with asyncio.timeout(30), site(endless) as place:
        task = await post.task(place.url())
        await post.ended(task)
        await post.deliver()
    assert (await post.told(task)).status is WebhookStatus.DELIVERED


async def test_a_dummy_address_is_skipped(post: Post):
    """The address that old clients send to be answered at once is never called."""
    for url in ("https://api.acedata.cloud/health", "https://api.acedata.cloud/health/"):
        task = await post.task(url)
        await post.ended(task)
        await post.deliver()
        told = await post.told(task)
        assert (told.status, told.tries) == (WebhookStatus.SKIPPED, 0)


async def test_a_deleted_task_is_told_of_no_more(post: Post):
    """A delivery that is under way when its task is deleted leaves nothing behind."""
    here, go = asyncio.Event(), asyncio.Event()

    async def slow(path: str, headers: dict[str, str], body: bytes, writer: asyncio.StreamWriter) -> None:
        here.set()
        await go.wait()
        await says(b"", status="500 Oops")(path, headers, body, writer)

    async with asyncio.timeout(30), site(slow) as place:
        task = await post.task(place.url())
        await post.ended(task)
        (claim,) = await post.claims()
        running = asyncio.create_task(post.webhooks.deliver(claim))
        await here.wait()
        assert await post.ledger.delete(task.application_id, task.id, post.clock())
        go.set()
        await running
    assert await post.next() is None
    assert await post.ledger.webhooks.get(task.application_id, task.id, State.FAILED) is None


async def test_applications_sign_with_secrets_of_their_own(post: Post):
    """The first webhook of an application makes its secret, which is another one's neither in whole nor in part."""
    async with site(says(b"ok")) as place:
        for fields in ({}, {"application": B}):
            await post.ended(await post.task(place.url(), **fields))
        await post.deliver()
    secrets = [await post.ledger.webhooks.secrets(owner, post.clock()) for owner in ("app-a", "app-b")]
    assert [len(each) for each in secrets] == [1, 1]
    assert secrets[0][0].secret != secrets[1][0].secret
    assert {len(each[0].secret) for each in secrets} == {32}
