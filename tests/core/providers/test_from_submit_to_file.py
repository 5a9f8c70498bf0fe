"""A task at a provider: asked for, polled, fetched and made ours."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from filmgate.core.providers import account as accounts
from filmgate.domain.errors import DecoderLost, EngineFailed
from filmgate.domain.failures import Failure
from filmgate.domain.generation import Kind
from filmgate.domain.media import Role, files
from filmgate.domain.states import Stage, State
from filmgate.domain.task import Task
from filmgate.domain.work import Queue, queue_of
from filmgate.ports.fetcher import FetchError
from filmgate.ports.provider import Status, TaskRef
from tests.core.small_core import OWNER, PROVIDER, Core, busy, until

POLL = queue_of(Queue.POLL, PROVIDER)
INGEST = queue_of(Queue.INGEST, PROVIDER)
RECALL = queue_of(Queue.RECALL, PROVIDER)
FILE = "http://provider.test/files/1.mp4"
THEIRS = "upstream-1"


def report(state: State | None = State.COMPLETED, **fields: object) -> Status:
    """Return what the provider says of its first task."""
    given = {"links": {Role.VIDEO: FILE}} if state is State.COMPLETED else {}
    return Status(TaskRef(THEIRS), state, **given | fields)  # type: ignore[arg-type]


@pytest.fixture
async def polled(core: Core) -> AsyncIterator[Core]:
    """Return a core whose account asks about its tasks."""
    core.account.start()
    yield core
    await core.account.close()


async def fetchable(core: Core, **fields: object) -> Task:
    """Submit a task that its provider completes, up to the fetch of its file."""
    task = await core.to_provider(**fields)
    core.provider.reports[THEIRS] = [report()]
    assert await core.work(POLL) == 1
    return await core.task(task)


async def test_a_task_is_polled_until_its_file_is_here(polled: Core):
    """Progress is committed in steps, an unknown word means wait, and the file becomes ours."""
    task = await polled.to_provider()
    assert (task.stage, task.upstream_id, task.work.video) == (Stage.POLL, THEIRS, "their-video")
    polled.provider.reports[THEIRS] = [
        busy(), report(None), report(State.PROCESSING, percent=30), report(State.PROCESSING, percent=32),
        report(State.PENDING), report(notes={"preview": True}),
    ]  # fmt: skip
    percents = []

    async def watch() -> None:
        async for now in polled.tasks.follow(OWNER, task.id):
            percents.append(now.percent)

    watching = asyncio.create_task(watch())
    assert await polled.work(POLL) == 1
    polled.fetcher.files[FILE] = b"their clip"
    assert await polled.work(INGEST) == 1
    await watching
    ended = await polled.task(task)
    assert (ended.state, ended.percent) == (State.COMPLETED, 100)
    assert [media.role for media in files(ended.output)] == [Role.VIDEO, Role.THUMBNAIL, Role.LAST_FRAME]
    assert ended.work.notes == {"preview": True}
    assert percents == sorted(percents)
    assert set(percents) <= {0, 30, 99, 100}
    assert await polled.store.keys(task.id) == sorted(media.key for media in files(ended.output))
    assert polled.fetcher.asked == [(FILE, None, {"authorization": "Bearer key"}, "http://provider.test")]


async def test_a_picture_is_fetched_as_one(polled: Core):
    """Its suffix is what was asked for."""
    link = "http://provider.test/files/1.png"
    task = await polled.to_provider(kind=Kind.IMAGE)
    polled.provider.reports[THEIRS] = [report(links={Role.IMAGE: link})]
    await polled.work(POLL)
    polled.fetcher.files[link] = b"their picture"
    await polled.work(INGEST)
    ended = await polled.task(task)
    assert ended.output is not None
    assert ended.output.image is not None
    assert ended.output.image.name == "image.jpg"


@pytest.mark.parametrize("failure", [Failure("moderated", "Not that."), None])
async def test_a_definite_failure_ends_the_task(polled: Core, failure: Failure | None):
    """With the provider's reason, or one of ours where it gives none."""
    task = await polled.to_provider(callback="http://owner.test/hook")
    polled.provider.reports[THEIRS] = [report(State.FAILED, failure=failure)]
    await polled.work(POLL)
    ended = await polled.task(task)
    assert ended.failure == (failure or Failure("generation_failed", "The generation failed."))
    assert len(await polled.claim(Queue.WEBHOOK)) == 1


async def test_a_completed_task_without_a_file_is_asked_about_again(polled: Core):
    """Only the third time in a row counts; then the task fails."""
    task = await polled.to_provider()
    bare = report(links={})
    polled.provider.reports[THEIRS] = [bare, bare, report(State.PROCESSING), bare, bare, bare]
    await polled.work(POLL)
    ended = await polled.task(task)
    assert ended.failure is not None
    assert ended.failure.code == "output_missing"
    assert polled.provider.reports[THEIRS] == [bare]


async def test_a_task_is_lost_only_for_a_witness_and_after_its_time(polled: Core, monkeypatch: pytest.MonkeyPatch):
    """While another id of the account is known, and the provider has said so for long enough."""
    monkeypatch.setattr(accounts, "ABSENT", 0.05)
    lost, other = await polled.to_provider(), await polled.to_provider()
    polled.provider.reports["upstream-2"] = [Status(TaskRef("upstream-2"), State.PROCESSING)]
    claims = {claim.due.task_id: claim for claim in await polled.claim(POLL)}
    witness = asyncio.create_task(polled.polling.follow(claims[other.id]))
    await polled.polling.follow(claims[lost.id])
    ended = await polled.task(lost)
    assert ended.failure is not None
    assert ended.failure.code == "lost_by_provider"
    assert (await polled.task(other)).state is State.PROCESSING
    await polled.tasks.cancel(OWNER, other.id)
    polled.provider.reports["upstream-2"] = [Status(TaskRef("upstream-2"), State.FAILED)]
    await witness


async def test_a_cancelled_task_is_not_polled_on(polled: Core):
    """What the provider says of it afterwards changes nothing."""
    task = await polled.to_provider()
    following = asyncio.create_task(polled.work(POLL))
    await polled.provider.queried.wait()
    await polled.tasks.cancel(OWNER, task.id)
    polled.provider.reports[THEIRS] = [report()]
    await following
    ended = await polled.task(task)
    assert ended.failure is not None
    assert ended.failure.code == "cancelled"
    assert await polled.work(INGEST) == 0


async def test_a_webhook_of_the_provider_asks_at_once(core: Core):
    """Only one that names the submit key of a task that is followed at this account."""
    task = await core.to_provider()
    (claim,) = await core.claim(POLL)
    following = asyncio.create_task(core.polling.follow(claim))
    await until(lambda: core.account.followed)
    assert task.work.asked is not None
    key = task.work.asked.key
    assert not core.polling.poll_now("another", key)
    assert not core.polling.poll_now(PROVIDER, "unknown")
    assert core.polling.poll_now(PROVIDER, key)
    following.cancel()
    with pytest.raises(asyncio.CancelledError):
        await following
    assert not core.polling.poll_now(PROVIDER, key)


async def test_when_a_provider_is_asked_next_is_shown(core: Core):
    """For a task that is polled, and for one that is still to be sent; no other has such a time."""
    here, followed = await core.submit(), await core.to_provider()
    core.provider.troubles = [busy("no connection")]
    waiting = await core.to_provider()
    (claim,) = await core.claim(POLL)
    following = asyncio.create_task(core.polling.follow(claim))
    await until(lambda: core.account.followed)
    times = await core.polling.upcoming([here, followed, waiting])
    following.cancel()
    with pytest.raises(asyncio.CancelledError):
        await following
    assert times[waiting.id] == await core.ledger.next_work(PROVIDER)
    assert here.id not in times


@pytest.mark.parametrize("tries", [0, 1, 9])
async def test_a_broken_transport_is_tried_again(polled: Core, tries: int):
    """Ever later, two minutes at most, without a word to the provider."""
    task = await fetchable(polled)
    polled.fetcher.troubles = [FetchError("cut", retryable=True)] * (tries + 1)
    pause = 0.0
    for _ in range(tries + 1):
        assert await polled.work(INGEST) == 1
        due = await polled.ledger.next_work(INGEST)
        assert due is not None
        pause, polled.clock.now = due - polled.clock(), due
    assert pause == min(120.0, 2.0 * 2 ** min(6, tries))
    now = await polled.task(task)
    assert (now.stage, now.attempts) == (Stage.INGEST, 0)
    polled.fetcher.files[FILE] = b"their clip"
    await polled.work(INGEST)
    assert (await polled.task(task)).state is State.COMPLETED


@pytest.mark.parametrize(
    ("data", "code"), [(None, "output_missing"), (b"broken", "output_missing"), (b"crash", "engine_crashed")]
)
async def test_a_file_that_is_not_usable_is_asked_for_three_times(polled: Core, data: bytes | None, code: str):
    """A link may have run out; then the provider has a new one. The third time the task fails."""
    task = await fetchable(polled)
    if data is not None:
        polled.fetcher.files[FILE] = data
    for tries in (1, 2):
        assert await polled.work(INGEST) == 1
        now = await polled.task(task)
        assert (now.stage, now.attempts, now.work.links, now.work.product) == (Stage.POLL, tries, {}, None)
        assert now.upstream_id == THEIRS
        assert await polled.work(POLL) == 1
    assert await polled.work(INGEST) == 1
    ended = await polled.task(task)
    assert ended.failure is not None
    assert (ended.state, ended.failure.code) == (State.FAILED, code)
    assert ended.upstream_id == THEIRS


async def test_what_was_fetched_is_not_fetched_again(polled: Core, monkeypatch: pytest.MonkeyPatch):
    """A process that dies behind the commit goes on with its own file."""
    task = await fetchable(polled)
    polled.fetcher.files[FILE] = b"their clip"
    develop = polled.tools.develop

    async def die(*_: object, **__: object) -> None:
        raise DecoderLost

    monkeypatch.setattr(polled.tools, "develop", die)
    await polled.work(INGEST)
    now = await polled.task(task)
    assert (now.stage, now.attempts) == (Stage.INGEST, 1)
    monkeypatch.setattr(polled.tools, "develop", develop)
    polled.clock.pass_by(10)
    await polled.work(INGEST)
    assert (await polled.task(task)).state is State.COMPLETED
    assert len(polled.fetcher.asked) == 1


async def test_a_refused_submit_ends_the_task(core: Core):
    """A definite verdict is final, and nothing is sent again."""
    core.provider.troubles = [EngineFailed(Failure("moderated", "Not that."))]
    task = await core.to_provider()
    assert task.failure == Failure("moderated", "Not that.")
    assert len(core.provider.submissions) == 1
    assert core.provider.submissions[0].callback_url is not None


async def test_an_unknown_outcome_is_held_and_never_sent_again(core: Core):
    """Whatever a list shows that only resembles it, and a cancel has it looked for."""
    core.provider.searches = True
    core.provider.troubles = [busy("cut", accepted=True)]
    task = await core.to_provider()
    assert task.stage is Stage.SUBMIT_UNKNOWN
    lookup = queue_of(Queue.LOOKUP, PROVIDER)
    for _ in range(8):
        due = await core.ledger.next_work(lookup)
        assert due is not None
        core.clock.now = due
        await core.work(lookup)
    assert len(core.provider.submissions) == 1
    assert (await core.task(task)).stage is Stage.SUBMIT_UNKNOWN
    (unknown,) = await core.admin.unknown_submits()
    assert unknown.task.id == task.id


async def test_a_cancel_is_passed_on_until_it_is_heard(core: Core):
    """For hours; then it is given up, with a line in the log."""
    core.provider.discards = True
    task = await core.to_provider()
    core.provider.troubles = [busy()] * 3
    await core.tasks.cancel(OWNER, task.id)
    for _ in range(4):
        due = await core.ledger.next_work(RECALL)
        assert due is not None
        core.clock.now = max(core.clock.now, due)
        assert await core.work(RECALL) == 1
    assert core.provider.troubles == []
    assert await core.ledger.next_work(RECALL) is None


async def test_a_cancel_that_is_never_heard_is_given_up(core: Core, caplog: pytest.LogCaptureFixture):
    """The work does not stay for good."""
    core.provider.discards = True
    task = await core.to_provider()
    core.provider.troubles = [busy()] * 99
    await core.tasks.delete(OWNER, task.id)
    while (due := await core.ledger.next_work(RECALL)) is not None:
        core.clock.now = max(core.clock.now, due)
        assert await core.work(RECALL) == 1
    assert "never forgot" in caplog.text


@pytest.mark.parametrize("discards", [True, False])
async def test_a_task_that_ends_before_its_submit_is_answered_is_looked_for(core: Core, discards: bool):
    """What carries its mark is cancelled at the provider; where nothing can be, nothing is asked."""
    core.provider.searches, core.provider.discards = True, discards
    core.provider.troubles = [busy("cut", accepted=True)]
    task = await core.to_provider()
    core.provider.known = [Status(TaskRef("upstream-9"), State.PROCESSING, marked=True)]
    await core.tasks.cancel(OWNER, task.id)
    dropped: list[str] = []

    async def discard(task_id: str) -> None:
        dropped.append(task_id)

    core.provider.discard = discard  # type: ignore[method-assign]
    while (due := await core.ledger.next_work(RECALL)) is not None:
        core.clock.now = max(core.clock.now, due)
        assert await core.work(RECALL) == 1
    assert dropped == (["upstream-9"] if discards else [])


@pytest.mark.parametrize("alike", [True, False])
async def test_what_only_resembles_a_submit_is_never_cancelled(
    core: Core, alike: bool, caplog: pytest.LogCaptureFixture
):
    """It may be somebody else's; a list that cannot be read is looked at again."""
    core.provider.searches = core.provider.discards = True
    core.provider.troubles = [busy("cut", accepted=True)]
    task = await core.to_provider()
    found = Status(TaskRef("upstream-9"), State.PROCESSING, asked=task.generation, created_at=core.clock())
    core.provider.known = [found] if alike else []
    await core.tasks.cancel(OWNER, task.id)
    core.provider.troubles = [busy()]

    async def discard(task_id: str) -> None:
        raise AssertionError(task_id)

    core.provider.discard = discard  # type: ignore[method-assign]
    while (due := await core.ledger.next_work(RECALL)) is not None:
        core.clock.now = max(core.clock.now, due)
        assert await core.work(RECALL) == 1
    assert ("only upstream-9 resembles it" if alike else "cannot be found") in caplog.text


async def test_an_outage_waits_in_line(core: Core):
    """A submit that was certainly not accepted is sent again, and the clock of the task has its time."""
    core.provider.troubles = [busy("no connection")]
    task = await core.to_provider()
    assert task.stage is Stage.SUBMIT
    due = await core.ledger.next_work(PROVIDER)
    assert due is not None
    core.clock.now = due
    await core.work(PROVIDER)
    assert len(core.provider.submissions) == 2
    assert len({each.key for each in core.provider.submissions}) == 2


async def test_inputs_fetched_for_a_provider_go_once_it_has_them(polled: Core):
    """Nobody needs them any more."""
    task = await fetchable(polled)
    assert [path for path in await polled.store.keys(task.id) if "input" in path] == []
