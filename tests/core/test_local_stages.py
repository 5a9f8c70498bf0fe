"""The stages of a task that an engine here makes, from its submission to its files."""

from __future__ import annotations

import asyncio
import errno

import pytest

from filmgate.core.work import local_stages
from filmgate.core.work.execution import MAX_CRASHES
from filmgate.domain.errors import EngineCrashed, EngineFailed, NotFound, Unavailable
from filmgate.domain.failures import Failure
from filmgate.domain.generation import OWN, ImageFormat, Kind, Operation, Reference, ReferenceKind
from filmgate.domain.media import Role, files
from filmgate.domain.states import Stage, State
from filmgate.domain.work import Queue
from filmgate.ports.engine import Clip
from tests.core.small_core import BASE, LOCAL, OWNER, STRANGER, Core, small_core


async def test_a_task_ends_with_the_files_of_its_kind(core: Core):
    """A video has its clip, a thumbnail and its last frame; each has a link, its size and its digest."""
    ended = await core.finish(await core.submit(callback="http://owner.test/hook"))
    assert ended.output is not None
    assert [media.role for media in files(ended.output)] == [Role.VIDEO, Role.THUMBNAIL, Role.LAST_FRAME]
    assert (ended.percent, ended.stage, ended.finished_at) == (100, Stage.DONE, core.clock())
    assert ended.work.notes == {"seed": 7}
    for media in files(ended.output):
        row = await core.ledger.media(media.token)
        assert row is not None
        assert (row.task_id, row.application_id) == (ended.id, ended.application_id)
        data = b"".join([part async for part in core.store.read(media.key, 0, media.bytes)])
        assert len(data) == media.bytes
    assert await core.store.keys(ended.id) == sorted(media.key for media in files(ended.output))
    assert list(core.work_folder.iterdir()) == []
    (told,) = await core.claim(Queue.WEBHOOK)
    assert told.due.detail == State.COMPLETED


async def test_a_picture_has_a_thumbnail_and_no_last_frame(core: Core):
    """The file keeps the name of its kind."""
    ended = await core.finish(await core.submit(kind=Kind.IMAGE, image_format=ImageFormat.PNG))
    assert ended.output is not None
    assert [media.role for media in files(ended.output)] == [Role.IMAGE, Role.THUMBNAIL]
    assert ended.output.image is not None
    assert ended.output.image.name == "image.png"


@pytest.mark.parametrize("kind", Kind)
async def test_stills_of_the_engine_are_taken_over(core: Core, kind: Kind):
    """An engine that knows its files has nothing decoded again."""
    core.engine.makes_stills = True
    ended = await core.finish(await core.submit(kind=kind))
    assert core.tools.applications == []
    assert ended.output is not None
    roles = [Role.IMAGE, Role.THUMBNAIL] if kind is Kind.IMAGE else [Role.VIDEO, Role.THUMBNAIL, Role.LAST_FRAME]
    assert [media.role for media in files(ended.output)] == roles
    assert await core.store.keys(ended.id) == sorted(media.key for media in files(ended.output))


async def test_files_are_decoded_on_behalf_of_their_owner(core: Core):
    """The turns of the decoder are those of the application."""
    await core.finish(await core.submit())
    assert core.tools.applications == [OWNER.caller.application_id]


async def test_progress_is_committed_while_the_engine_works(core: Core, monkeypatch: pytest.MonkeyPatch):
    """Whoever waits hears of it, and it never shows more than 99 before the end or goes back."""
    monkeypatch.setattr(local_stages, "_PROGRESS_PAUSE", 0.0)
    core.engine.percents = (40, 140, 60)
    core.engine.working.clear()
    task = await core.submit()
    working = asyncio.create_task(core.work())
    with core.feed.watch(task.id) as changed:
        while (await core.task(task)).percent == 0:
            changed.clear()
            await changed.wait()
    assert (await core.task(task)).percent == 99
    core.engine.working.set()
    await working
    assert (await core.task(task)).percent == 100


async def test_a_lost_fence_stops_the_engine(core: Core, monkeypatch: pytest.MonkeyPatch):
    """A worker whose task was claimed anew is stopped by its next write, and leaves nothing."""
    monkeypatch.setattr(local_stages, "_PROGRESS_PAUSE", 0.0)
    core.engine.working.clear()
    task = await core.submit()
    working = asyncio.create_task(core.work())
    await core.engine.begun.wait()
    await core.ledger.release_leases("worker")
    (successor,) = await core.ledger.claim(LOCAL, "another", core.clock(), 60.0)
    core.engine.percents = (50,)
    assert successor.task is not None
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working
    core.engine.working.set()
    await core.execution.advance(successor)
    ended = await core.task(task)
    assert (ended.state, ended.fence) == (State.COMPLETED, successor.task.fence)


async def test_what_comes_of_a_cancelled_task_is_discarded(core: Core):
    """A cancel while the engine works wins: the product goes, and the task stays cancelled."""
    core.engine.working.clear()
    task = await core.submit()
    working = asyncio.create_task(core.work())
    await core.engine.begun.wait()
    await core.tasks.cancel(OWNER, task.id)
    core.engine.working.set()
    await working
    ended = await core.task(task)
    assert ended.failure is not None
    assert (ended.state, ended.failure.code, ended.output) == (State.FAILED, "cancelled", None)
    assert await core.store.keys(task.id) == []
    assert list(core.work_folder.iterdir()) == []


async def test_a_verdict_of_the_engine_ends_the_task(core: Core):
    """Its failure is the task's, and it is not tried again."""
    core.engine.troubles = [EngineFailed(Failure("moderated", "Not that."))]
    task = await core.submit()
    await core.work()
    ended = await core.task(task)
    assert (ended.state, ended.failure) == (State.FAILED, Failure("moderated", "Not that."))
    assert await core.ledger.next_work(LOCAL) is None


@pytest.mark.parametrize("trouble", [EngineCrashed("it died"), ValueError("a defect")], ids=["crash", "defect"])
async def test_three_crashes_end_a_task(core: Core, trouble: Exception):
    """Each is counted in the row, with a longer pause after each; nothing is tried a fourth time."""
    core.engine.troubles = [trouble] * (MAX_CRASHES + 1)
    task = await core.submit()
    pauses = []
    for crashes in range(1, MAX_CRASHES + 1):
        assert await core.work() == 1
        now = await core.task(task)
        assert now.attempts == crashes
        due = await core.ledger.next_work(LOCAL)
        if due is not None:
            pauses.append(due - core.clock())
            core.clock.now = due
    assert pauses == [0.5, 1.0]
    assert now.failure is not None
    assert now.failure.code == "engine_crashed"
    assert str(MAX_CRASHES) in now.failure.message
    assert len(core.engine.jobs) == MAX_CRASHES
    assert [job.crashes for job in core.engine.jobs] == [0, 1, 2]


async def test_one_crash_is_forgiven(core: Core):
    """The task is made at the second try, under a higher fence."""
    core.engine.troubles = [EngineCrashed("it died")]
    task = await core.submit()
    await core.work()
    core.clock.pass_by(0.5)
    ended = await core.finish(task)
    first, second = core.engine.jobs
    assert second.fence > first.fence
    assert ended.attempts == 1


@pytest.mark.parametrize("data", [b"broken", b"crash"])
async def test_a_product_that_is_not_usable_is_made_again(core: Core, data: bytes):
    """Success without a playable file is no success."""
    core.engine.data = data
    task = await core.submit()
    await core.work()
    now = await core.task(task)
    assert (now.state, now.stage, now.attempts, now.percent) == (State.PROCESSING, Stage.RENDER, 1, 0)
    core.engine.data = b"a clip"
    core.clock.pass_by(0.5)
    await core.finish(task)
    assert len(core.engine.jobs) == 2


async def test_a_decoder_that_does_not_stay_alive_is_no_crash_of_the_engine(core: Core):
    """It is counted all the same; the message names what broke."""
    core.engine.data = b"lost"
    task = await core.submit()
    for _ in range(MAX_CRASHES):
        assert await core.work() == 1
        core.clock.pass_by(60)
    ended = await core.task(task)
    assert ended.failure is not None
    assert ended.failure.code == "engine_crashed"
    assert ended.failure.message.startswith("Post-processing crashed")
    assert len(core.engine.jobs) == 1


@pytest.mark.parametrize("trouble", [OSError(errno.ENOSPC, "no space"), Unavailable("the ledger is locked")])
async def test_trouble_of_the_disk_is_no_crash(core: Core, trouble: Exception):
    """The dispatcher hears of it and takes the work up again; nothing is counted."""
    core.engine.troubles = [trouble]
    task = await core.submit()
    with pytest.raises(Unavailable):
        await core.work()
    now = await core.task(task)
    assert (now.state, now.attempts) == (State.PROCESSING, 0)
    assert list(core.work_folder.iterdir()) == []
    await core.ledger.release_leases("worker")
    await core.finish(task)


async def test_what_was_made_is_not_made_again_after_a_crash(core: Core, monkeypatch: pytest.MonkeyPatch):
    """A process that dies after the product was committed goes on with its files."""
    real = core.tools.develop

    async def die(*_: object, **__: object) -> None:
        raise Unavailable("the process ends")

    monkeypatch.setattr(core.tools, "develop", die)
    task = await core.submit()
    with pytest.raises(Unavailable):
        await core.work()
    assert (await core.task(task)).stage is Stage.INGEST
    monkeypatch.setattr(core.tools, "develop", real)
    await core.ledger.release_leases("worker")
    await core.finish(task)
    assert len(core.engine.jobs) == 1


async def test_an_unsupported_wish_ends_the_task_before_its_engine(core: Core):
    """What the fields of a generation cannot say is refused with its reason."""
    task = await core.submit(unsupported="No sound here.")
    await core.work()
    ended = await core.task(task)
    assert ended.failure is not None
    assert (ended.failure.code, ended.failure.message) == ("unsupported_by_engine", "No sound here.")
    assert core.engine.jobs == []


async def test_a_refusal_of_the_engine_ends_the_task(core: Core):
    """The engine's reason is the task's."""
    task = await core.submit()
    core.engine.refusal = Failure("unsupported_by_engine", "Not here.")
    await core.work()
    assert (await core.task(task)).failure == core.engine.refusal


async def test_an_engine_may_be_kept_to_some_operations(tmp_path_factory: pytest.TempPathFactory):
    """Another operation is refused before it begins, with those that are allowed."""
    async with small_core(tmp_path_factory.mktemp("core"), local={"operations": [Operation.EXTEND]}) as core:
        task = await core.submit()
        await core.work()
        ended = await core.task(task)
        assert ended.failure is not None
        assert "used for extend only" in ended.failure.message


@pytest.mark.parametrize(("dialect", "states"), [("gateway", []), ("announced", [State.PROCESSING])])
async def test_the_start_is_announced_in_dialects_that_have_it(core: Core, dialect: str, states: list[State]):
    """The webhook of the start is due with it, and so is the deadline."""
    task = await core.submit(callback="http://owner.test/hook", dialect=dialect)
    core.engine.working.clear()
    working = asyncio.create_task(core.work())
    await core.engine.begun.wait()
    assert [claim.due.detail for claim in await core.claim(Queue.WEBHOOK)] == states
    now = await core.task(task)
    assert now.deadline_at == core.clock() + core.table[LOCAL].deadline
    core.engine.working.set()
    await working


async def test_an_earlier_clip_is_copied_before_the_engine_goes_on_from_it(core: Core):
    """Its engine's notes come along; that it is deleted meanwhile does no harm."""
    earlier = await core.finish(await core.submit())
    task = await core.submit(start=Reference(ReferenceKind.TASK, earlier.id))
    core.engine.working.clear()
    core.engine.begun.clear()
    working = asyncio.create_task(core.work())
    await core.engine.begun.wait()
    await core.tasks.delete(OWNER, earlier.id)
    await core.work(Queue.PURGE)
    core.engine.working.set()
    await working
    assert (await core.task(task)).state is State.COMPLETED
    start = core.engine.jobs[-1].start
    assert isinstance(start, Clip)
    assert start.notes == {"seed": 7}


async def test_an_earlier_clip_that_is_gone_ends_the_task(core: Core):
    """It was there when the task was accepted, and deleted before the work began."""
    earlier = await core.finish(await core.submit())
    task = await core.submit(start=Reference(ReferenceKind.TASK, earlier.id))
    await core.tasks.delete(OWNER, earlier.id)
    await core.work()
    ended = await core.task(task)
    assert ended.failure is not None
    assert ended.failure.code == "input_unreachable"


@pytest.mark.parametrize("side", ["start", "end"])
async def test_links_of_our_own_are_copied_with_their_notes(core: Core, side: str):
    """A clip by its link goes on as by its task; a picture has no notes unless it is reframed."""
    earlier = await core.finish(await core.submit())
    assert earlier.output is not None
    assert earlier.output.video is not None
    link = BASE + earlier.output.video.path
    task = await core.submit(**{side: Reference(ReferenceKind.VIDEO, link)})
    reference = getattr(task.generation, side)
    assert reference.value == OWN + earlier.output.video.token
    await core.finish(task)
    given = getattr(core.engine.jobs[-1], side)
    assert isinstance(given, Clip)
    assert given.notes == {"seed": 7}


async def test_a_picture_of_our_own_is_reframed_with_its_notes(core: Core):
    """Only then are they of use."""
    earlier = await core.finish(await core.submit(kind=Kind.IMAGE))
    assert earlier.output is not None
    assert earlier.output.image is not None
    picture = Reference(ReferenceKind.IMAGE, BASE + earlier.output.image.path)
    await core.finish(await core.submit(kind=Kind.IMAGE, start=picture, named=Operation.REFRAME))
    given = core.engine.jobs[-1].start
    assert isinstance(given, Clip)
    assert given.notes == {"seed": 7}
    await core.finish(await core.submit(start=picture))
    assert not isinstance(core.engine.jobs[-1].start, Clip)


async def test_an_external_clip_is_fetched_first_and_has_no_notes(core: Core):
    """It waits in the queue of inputs, and not at the engine."""
    core.fetcher.files["http://elsewhere.test/a.mp4"] = b"theirs"
    task = await core.submit(start=Reference(ReferenceKind.VIDEO, "http://elsewhere.test/a.mp4"))
    assert task.stage is Stage.INPUTS
    assert await core.work() == 0
    assert await core.work(Queue.INPUTS) == 1
    await core.finish(task)
    given = core.engine.jobs[-1].start
    assert isinstance(given, Clip)
    assert given.notes == {}
    assert core.fetcher.asked[0][1] == OWNER.caller.application_id


async def test_an_input_that_is_too_large_ends_the_task(core: Core):
    """What is fetched for a request has the limit of what is sent with one."""
    core.fetcher.files["http://elsewhere.test/a.png"] = b"x" * 1_001
    task = await core.submit(start=Reference(ReferenceKind.IMAGE, "http://elsewhere.test/a.png"))
    await core.work(Queue.INPUTS)
    ended = await core.task(task)
    assert ended.failure is not None
    assert (ended.failure.code, "too large" in ended.failure.message) == ("input_unreachable", True)


async def test_inputs_go_with_the_end_of_the_task(core: Core):
    """What was fetched is removed when nothing needs it any more."""
    core.fetcher.files["http://elsewhere.test/a.png"] = b"theirs"
    task = await core.submit(start=Reference(ReferenceKind.IMAGE, "http://elsewhere.test/a.png"))
    await core.work(Queue.INPUTS)
    assert len(await core.store.keys(task.id)) == 1
    ended = await core.finish(task)
    assert sorted(await core.store.keys(task.id)) == sorted(media.key for media in files(ended.output))


async def test_a_task_that_waited_too_long_expires(core: Core):
    """The limit of the queue counts from its submission, that of its work from its start."""
    task = await core.submit()
    core.clock.pass_by(core.table[LOCAL].queue_limit - 1)
    assert await core.work(Queue.EXPIRE) == 0
    core.clock.pass_by(1)
    assert await core.work(Queue.EXPIRE) == 1
    ended = await core.task(task)
    assert ended.failure is not None
    assert ended.failure.code == "expired"
    assert "waited in line" in ended.failure.message
    assert await core.work() == 0


async def test_a_deadline_ends_what_is_worked_on(core: Core):
    """It is set when the work begins, and a finished task has none."""
    core.engine.troubles = [Unavailable("later")]
    late = await core.submit()
    with pytest.raises(Unavailable):
        await core.work()
    core.clock.pass_by(core.table[LOCAL].deadline)
    assert await core.work(Queue.EXPIRE) == 1
    ended = await core.task(late)
    assert ended.failure is not None
    assert "worked on" in ended.failure.message
    assert ended.work.product is None


async def test_nobody_else_finds_the_task(core: Core):
    """To a stranger it is not there."""
    task = await core.submit()
    for call in (core.tasks.get, core.tasks.cancel, core.tasks.delete):
        with pytest.raises(NotFound):
            await call(STRANGER, task.id)
