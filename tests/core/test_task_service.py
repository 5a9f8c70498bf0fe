"""The only entry to the ledger: accept, find, await, cancel and delete, each for the application that asks."""

from __future__ import annotations

import asyncio
import base64
from typing import Any

import msgspec
import pytest

from filmgate.domain.adjustments import Adjustment, Terms
from filmgate.domain.errors import (
    InvalidMedia,
    InvalidRequest,
    NotFound,
    PayloadTooLarge,
    QuotaExceeded,
    TooManyRequests,
    Unavailable,
    UnknownModel,
    WaitTimeout,
)
from filmgate.domain.failures import Failure
from filmgate.domain.generation import OWN, Guide, GuideRole, Reference, ReferenceKind
from filmgate.domain.media import Role
from filmgate.domain.states import State
from filmgate.domain.task import Task
from filmgate.domain.work import Queue
from filmgate.ports.context import RequestContext
from filmgate.ports.tasks import TaskFilter
from tests.core.small_core import BASE, LOCAL, OWNER, STRANGER, Core, small_core, until

DATA = "data:image/png;base64," + base64.b64encode(b"a picture").decode()


async def test_an_accepted_task_is_in_the_ledger_with_its_work(core: Core):
    """When the call returns, the row, the first stage and the limit of its wait are there."""
    task = await core.submit()
    assert await core.task(task) == task
    assert (task.state, task.engine, task.trace_id) == (State.PENDING, LOCAL, OWNER.trace_id)
    assert await core.ledger.next_work(LOCAL) == task.created_at
    assert await core.ledger.next_work(Queue.EXPIRE) == task.created_at + core.table[LOCAL].queue_limit
    assert (await core.ledger.echoes([task.id]))[task.id].body == b'{"prompt":"a lake"}'


async def test_a_task_is_found_by_each_of_its_ids(core: Core):
    """Ids may be written in capitals; lists and batches have it too."""
    task = await core.submit()
    assert await core.tasks.get(OWNER, task.id.upper()) == task
    assert await core.tasks.by_video(OWNER, task.video_id.upper()) == task
    assert await core.tasks.by_trace(OWNER, task.trace_id) == task
    assert await core.tasks.get_many(OWNER, ["unknown", task.id]) == [task]
    for wanted in (TaskFilter(), TaskFilter(ids=(task.id.upper(),)), TaskFilter(trace_ids=(task.trace_id,))):
        assert (await core.tasks.find(OWNER, wanted)).tasks == [task]


async def test_strangers_get_the_answer_of_an_unknown_id(core: Core):
    """It is one and the same, whatever they ask with."""
    task = await core.submit()
    answers = set()
    for context, names in (
        (STRANGER, task),
        (OWNER, msgspec.structs.replace(task, id="x", video_id="x", trace_id="x")),
    ):
        for call, value in (
            (core.tasks.get, names.id), (core.tasks.by_trace, names.trace_id), (core.tasks.cancel, names.id),
            (core.tasks.delete, names.id),
        ):  # fmt: skip
            with pytest.raises(NotFound) as refused:
                await call(context, value)
            answers.add(refused.value.message)
        with pytest.raises(NotFound, match="no such video"):
            await core.tasks.by_video(context, names.video_id)
    assert len(answers) == 1
    assert await core.tasks.get_many(STRANGER, [task.id]) == []
    assert (await core.tasks.find(STRANGER, TaskFilter())).tasks == []
    assert await core.task(task) == task


async def test_a_deleted_task_is_not_there_any_more(core: Core):
    """Neither are its files, once they are purged; deleting it twice is deleting an unknown one."""
    ended = await core.finish(await core.submit())
    await core.tasks.delete(OWNER, ended.id)
    with pytest.raises(NotFound):
        await core.tasks.get(OWNER, ended.id)
    with pytest.raises(NotFound):
        await core.tasks.delete(OWNER, ended.id)
    assert ended.output is not None
    assert await core.ledger.media(ended.output.thumbnail.token) is None
    assert await core.work(Queue.PURGE) == 1
    assert await core.store.keys(ended.id) == []


async def test_a_delete_that_comes_second_is_told_so(core: Core, monkeypatch: pytest.MonkeyPatch):
    """Of two that find the task only one deletes it."""
    task = await core.submit()
    found = await core.task(task)

    async def find(*_: object) -> Task:
        return found

    await core.tasks.delete(OWNER, task.id)
    monkeypatch.setattr(core.ledger, "get", find)
    with pytest.raises(NotFound):
        await core.tasks.delete(OWNER, task.id)


async def test_a_cancel_ends_a_task_once(core: Core):
    """What has ended stays as it is; the work that was due is gone."""
    task = await core.submit(callback="http://owner.test/hook")
    ended = await core.tasks.cancel(OWNER, task.id)
    assert ended.failure is not None
    assert (ended.state, ended.failure.code) == (State.FAILED, "cancelled")
    assert await core.tasks.cancel(OWNER, task.id) == ended
    assert await core.work() == 0
    assert len(await core.claim(Queue.WEBHOOK)) == 1
    done = await core.finish(await core.submit())
    assert await core.tasks.cancel(OWNER, done.id) == done


async def test_a_cancel_has_the_inputs_purged(core: Core):
    """Nobody else would remove what was stored for a task that never began."""
    task = await core.submit(start=Reference(ReferenceKind.IMAGE, DATA))
    assert len(await core.store.keys(task.id)) == 1
    await core.tasks.cancel(OWNER, task.id)
    assert await core.ledger.next_work(Queue.PURGE) is not None


@pytest.mark.parametrize("field", ["start", "end", "guide"])
async def test_data_uris_become_files_with_links(core: Core, field: str):
    """The task refers to the file, and the body that is kept has its link in the place of the data."""
    picture: dict[str, Any] = {field: Reference(ReferenceKind.IMAGE, DATA)}
    if field == "guide":
        picture = {"guides": (Guide(GuideRole.STYLE, DATA),)}
    body = msgspec.json.encode({"nested": [{"image": DATA}], "prompt": "a lake"})
    task = await core.submit(body=body, **picture)
    (reference,) = task.generation.references
    stored = await core.ledger.media(reference.value.removeprefix(OWN))
    assert stored is not None
    assert (stored.task_id, stored.media.role) == (task.id, Role.INPUT)
    kept = msgspec.json.decode((await core.ledger.echoes([task.id]))[task.id].body)
    assert kept == {"nested": [{"image": BASE + stored.media.path}], "prompt": "a lake"}
    assert await core.store.keys(task.id) == [stored.media.key]


async def test_files_of_a_refused_request_are_removed(core: Core):
    """What was stored before the ledger refused the task does not stay behind."""
    for _ in range(10):
        await core.submit()
    with pytest.raises(TooManyRequests):
        await core.submit(start=Reference(ReferenceKind.IMAGE, DATA))
    assert [*(core.folder / "media").rglob("*.png")] == []


async def test_files_of_an_accepted_task_stay_when_its_client_goes_away(core: Core, monkeypatch: pytest.MonkeyPatch):
    """The commit may have happened although nobody waits for it any more."""
    submit = core.ledger.submit

    async def go_away(*given: Any, **options: Any) -> None:
        await submit(*given, **options)
        raise asyncio.CancelledError

    monkeypatch.setattr(core.ledger, "submit", go_away)
    with pytest.raises(asyncio.CancelledError):
        await core.submit(start=Reference(ReferenceKind.IMAGE, DATA))
    (task,) = (await core.tasks.find(OWNER, TaskFilter())).tasks
    assert len(await core.store.keys(task.id)) == 1
    await core.finish(task)


async def test_a_body_is_bounded_apart_from_its_files(core: Core):
    """A file that no field refers to would be kept in the ledger for good."""
    body = msgspec.json.encode({"image": "x" * 2_000})
    with pytest.raises(PayloadTooLarge, match="more than 1000 bytes"):
        await core.submit(body=body)


async def test_a_body_is_replaced_at_any_depth_or_refused(core: Core):
    """One that is nested more deeply than can be walked is an error of the request."""
    body = b'{"a":' * 3_000 + b"1" + b"}" * 3_000
    with pytest.raises(InvalidRequest, match="nested too deeply"):
        await core.submit(body=body, start=Reference(ReferenceKind.IMAGE, DATA))


@pytest.mark.parametrize(
    ("reference", "error", "said"),
    [
        (Reference(ReferenceKind.TASK, "unknown"), NotFound, "start: no such task"),
        (Reference(ReferenceKind.IMAGE, "ftp://a.test/b"), InvalidRequest, "start: "),
        (Reference(ReferenceKind.IMAGE, "http://private.test/a.png"), InvalidRequest, "start: that address is private"),
        (Reference(ReferenceKind.IMAGE, f"http://a.test/{'a' * 9_000}"), InvalidRequest, "at most 8192 characters"),
        (Reference(ReferenceKind.IMAGE, f"{BASE}/media/{'a' * 22}/a.png"), NotFound, "no such file here"),
        (Reference(ReferenceKind.IMAGE, "data:image/png;base64,YnJva2Vu"), InvalidMedia, "start: it is broken"),
        (Reference(ReferenceKind.IMAGE, "data:image/png;base64,***"), InvalidMedia, "start: "),
    ],
)
async def test_references_that_cannot_be_used_are_refused(
    core: Core, reference: Reference, error: type[Exception], said: str
):
    """The error names the field, nothing is accepted, and no file stays."""
    with pytest.raises(error, match=said) as refused:
        await core.submit(start=reference)
    assert getattr(refused.value, "field", None) == "start"
    assert (await core.tasks.find(OWNER, TaskFilter())).tasks == []
    assert [path for path in (core.folder / "media").rglob("*") if path.is_file()] == []


async def test_only_the_video_of_a_completed_task_can_be_gone_on_from(core: Core):
    """Each other case has a sentence of its own."""
    waiting = await core.submit()
    with pytest.raises(InvalidRequest, match="is pending; only a completed one"):
        await core.submit(start=Reference(ReferenceKind.TASK, waiting.id))
    picture = await core.submit(kind="image")
    await core.work()
    with pytest.raises(InvalidRequest, match="has no video"):
        await core.submit(start=Reference(ReferenceKind.TASK, picture.id))
    link = (await core.task(picture)).output
    assert link is not None
    assert link.image is not None
    with pytest.raises(InvalidMedia, match="not of the kind video"):
        await core.submit(start=Reference(ReferenceKind.VIDEO, BASE + link.image.path))
    with pytest.raises(NotFound, match="no such task"):
        await core.tasks.submit(STRANGER, core.order(start=Reference(ReferenceKind.TASK, waiting.id)))


async def test_an_earlier_task_is_stored_by_its_plain_id(core: Core):
    """However a request writes it; the size of its source is known to the terms."""
    earlier = await core.finish(await core.submit(aspect_ratio="1:1"))
    reference = Reference(ReferenceKind.TASK, earlier.id.upper())
    task = await core.submit(start=reference, terms=Terms(given=("aspect_ratio",)))
    assert task.generation.start == Reference(ReferenceKind.TASK, earlier.id)
    assert task.work.terms.source == ("1:1", None)


async def test_webhook_addresses_are_checked_before_anything_is_kept(core: Core):
    """A private one is refused with its field."""
    with pytest.raises(InvalidRequest, match="private") as refused:
        await core.submit(callback="http://private.test/hook")
    assert refused.value.field == "callback_url"


async def test_what_would_be_changed_is_refused_under_strict_terms(core: Core):
    """Otherwise it is accepted, and shown."""
    core.engine.changed = [Adjustment("duration", 9, 5, "It makes five seconds.")]
    given = ("duration",)
    task = await core.submit(duration=9, terms=Terms(given=given))
    assert [each.field for each in task.work.adjustments] == ["duration"]
    with pytest.raises(InvalidRequest, match="duration"):
        await core.submit(duration=9, terms=Terms(strict=True, given=given))
    with pytest.raises(InvalidRequest, match="No sound"):
        await core.submit(unsupported="No sound.", terms=Terms(strict=True))


async def test_an_unknown_model_is_refused(core: Core):
    """With the models there are."""
    async with small_core(core.folder / "none") as other:
        other.router.models._default_engine = None
        with pytest.raises(UnknownModel, match="own"):
            await other.submit(model="nobody-makes-this")


async def test_credits_are_taken_with_the_task_and_given_back_with_its_failure(core: Core):
    """Whoever has not enough gets nothing accepted."""
    await core.usage.change_limits("alpha", {"credits": 12.0})
    task = await core.submit()
    assert task.work.credits > 0
    await core.submit()
    with pytest.raises(QuotaExceeded):
        await core.submit()
    left = (await core.usage.standing(OWNER)).left
    await core.tasks.cancel(OWNER, task.id)
    after = (await core.usage.standing(OWNER)).left
    assert left is not None
    assert after is not None
    assert after > left


async def test_a_wait_ends_with_the_task(core: Core):
    """Its answer is the task at its end; one that has ended is answered at once."""
    task = await core.submit()
    waiting = asyncio.create_task(core.tasks.wait(OWNER, task.id.upper(), 30))
    await core.finish(task)
    assert (await waiting).state is State.COMPLETED
    assert (await core.tasks.wait(OWNER, task.id, 0.5)).state is State.COMPLETED
    assert (await core.tasks.hold(OWNER, task.id, 30)) == await waiting


async def test_a_wait_that_takes_too_long_names_its_task(core: Core):
    """The task goes on."""
    task = await core.submit()
    with pytest.raises(WaitTimeout) as late:
        await core.tasks.wait(OWNER, task.id, 0)
    assert late.value.task_id == task.id
    assert await core.tasks.hold(OWNER, task.id, 0) is None
    silent = RequestContext(OWNER.caller, "t", BASE, may_wait=False)
    assert await core.tasks.hold(silent, task.id, 30) is None
    with pytest.raises(NotFound):
        await core.tasks.wait(STRANGER, task.id, 30)


async def test_waiters_are_answered_when_the_service_stops(core: Core):
    """Nobody is left hanging."""
    task = await core.submit()
    waiting = asyncio.create_task(core.tasks.wait(OWNER, task.id, 30))
    await until(lambda: core.tasks.places._taken[OWNER.caller.application_id])
    core.tasks.stop_waiting()
    with pytest.raises(WaitTimeout, match="being stopped"):
        await waiting


async def test_every_change_is_followed_up_to_the_end(core: Core):
    """The last one yielded is final."""
    task = await core.submit()
    seen: list[Task] = []

    async def follow() -> None:
        async for now in core.tasks.follow(OWNER, task.id):
            seen.append(now)
            if len(seen) == 1:
                began.set()

    began = asyncio.Event()
    following = asyncio.create_task(follow())
    await began.wait()
    await core.finish(task)
    await following
    assert seen[0].state is State.PENDING
    assert seen[-1].state is State.COMPLETED
    assert all(not each.final for each in seen[:-1])


async def test_ending_a_deleted_task_does_nothing(core: Core):
    """A deadline that comes too late finds nothing to end."""
    task = await core.submit()
    await core.tasks.delete(OWNER, task.id)
    await core.tasks.end(task, Failure("expired", "Late."))
    assert await core.ledger.get(task.application_id, task.id) is None


async def test_missing_tasks_may_be_elsewhere(core: Core):
    """What the ledger does not have is looked for once, and read again where it was found."""
    asked: list[str] = []

    async def look(_context: RequestContext, ids: list[str]) -> bool:
        asked.extend(ids)
        return False

    async with small_core(core.folder / "elsewhere", missing=look) as other:
        with pytest.raises(NotFound):
            await other.tasks.get(OWNER, "unknown-id")
    assert asked == ["unknown-id"]


async def test_trouble_of_the_ledger_is_not_taken_for_a_refusal(core: Core, monkeypatch: pytest.MonkeyPatch):
    """A submit whose commit failed raises, and nothing is there."""

    async def fail(*_: Any, **__: Any) -> None:
        raise Unavailable("the disk is full")

    monkeypatch.setattr(core.ledger, "submit", fail)
    with pytest.raises(Unavailable):
        await core.submit(start=Reference(ReferenceKind.IMAGE, DATA))
    assert (await core.tasks.find(OWNER, TaskFilter())).tasks == []
    assert [*(core.folder / "media").rglob("*.png")] == []
