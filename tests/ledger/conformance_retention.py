"""What every ledger removes by the rules of an application, and what it keeps in spite of them."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from filmgate.domain.errors import NotFound
from filmgate.domain.generation import Generation, Guide, GuideRole, Reference, ReferenceKind
from filmgate.domain.limits import OwnLimits
from filmgate.domain.media import Output, Role
from filmgate.domain.states import Stage, State
from filmgate.domain.task import Task
from filmgate.domain.work import Queue, WorkItem, WorkKind
from filmgate.ports.accounts import CollectedFiles
from filmgate.ports.ledger import Ledger
from filmgate.ports.media import StoredMedia
from filmgate.ports.tasks import Change

from .conformance import Tenants
from .examples import CANCELLED, ECHO, A, B, media, task

DAY = 86_400.0
MANY = 100


async def made(ledger: Ledger, at: float, size: int = 10, **fields: object) -> Task:
    """Return a task that completed at a time, with a clip and a thumbnail of such a size each."""
    given = task(**{"created_at": at - 1, "updated_at": at - 1, **fields})
    await ledger.submit(given, ECHO, ())
    video, still = [stored(given, role, at, size) for role in (Role.VIDEO, Role.THUMBNAIL)]
    change = Change(task_id=given.id, fence=0, now=at, media=(video, still), output=Output(still.media, video.media))
    done = await ledger.commit(replace(change, state=State.COMPLETED, stage=Stage.DONE, finished_at=at))
    assert done is not None
    return done


def stored(of: Task | None, role: Role, at: float, size: int = 10) -> StoredMedia:
    """Return the row of a file of a task, or of none, that was made at a time."""
    row = media(of, role)
    return replace(row, created_at=at, media=replace(row.media, bytes=size))


async def goes_on(ledger: Ledger, reference: Reference, **fields: object) -> Task:
    """Submit a task that goes on from something."""
    child = task(generation=Generation("more", start=reference), **fields)
    await ledger.submit(child, ECHO, ())
    return child


async def removed(ledger: Ledger, now: float, limit: int = MANY) -> CollectedFiles:
    """Collect what is not kept of A."""
    return await ledger.retention.collect(A.id, now, limit)


async def purged(ledger: Ledger, now: float) -> list[str]:
    """Return the tasks whose files are to be removed."""
    return [claim.due.task_id for claim in await ledger.claim(Queue.PURGE, "w", now, 60.0, MANY)]


class RetentionConformance(Tenants):
    """Tasks and files go by the rules, and nothing that an unfinished task needs."""

    async def test_without_rules_nothing_goes(self, ledger: Ledger):
        """Nobody is looked at, and nothing is removed."""
        await made(ledger, 1.0)
        assert await ledger.retention.applications() == []
        assert await removed(ledger, 1e9) == CollectedFiles()

    async def test_files_go_before_their_task(self, ledger: Ledger):
        """After their days the links are dead and the purge is due; the task says since when."""
        await ledger.accounts.set_limits(A.id, OwnLimits(media_days=2.0))
        old, new = await made(ledger, 10.0), await made(ledger, DAY)
        upload = stored(None, Role.INPUT, 5.0)
        await ledger.add_media(upload)
        other = await made(ledger, 10.0, application_id=B.id)
        now = 2 * DAY + 11
        assert await removed(ledger, now) == CollectedFiles(media=(old.id,), keys=(upload.media.key,))
        gone = await ledger.get(A.id, old.id)
        assert gone is not None
        assert gone.output is not None
        assert gone == replace(old, output=replace(gone.output, expired_at=now))
        assert old.output is not None
        assert await ledger.media(old.output.thumbnail.token) is None
        assert await ledger.media(upload.media.token) is None
        for kept in (new, other):
            assert kept.output is not None
            assert await ledger.media(kept.output.thumbnail.token) is not None
        assert await purged(ledger, now) == [old.id]
        assert await removed(ledger, now + 1) == CollectedFiles()

    async def test_tasks_go_with_all_that_is_theirs(self, ledger: Ledger):
        """After its days a task is gone, its purge is due, the change is told, and the usage stays."""
        await ledger.accounts.set_limits(A.id, OwnLimits(task_days=1.0))
        old, new = await made(ledger, 10.0), await made(ledger, 20.0)
        assert await removed(ledger, DAY + 15) == CollectedFiles(tasks=(old.id,))
        assert await ledger.get(A.id, old.id) is None
        assert await ledger.get(A.id, new.id) == new
        assert await purged(ledger, DAY + 15) == [old.id]
        assert (await ledger.change(A.id, old.id)).number > (await ledger.change(A.id, new.id)).number
        assert (await ledger.accounts.usage(A.id, "0001-01-01", "9999-12-31")).total.completed == 2

    async def test_what_is_unfinished_stays(self, ledger: Ledger):
        """However old it is, a task without an end keeps its row and its files."""
        await ledger.accounts.set_limits(A.id, OwnLimits(task_days=1.0, media_days=1.0, media_bytes=1))
        running = task(created_at=1.0)
        given = stored(running, Role.INPUT, 1.0)
        await ledger.submit(running, ECHO, (), [given])
        assert await removed(ledger, 1e9) == CollectedFiles()
        await ledger.cancel(A.id, running.id, CANCELLED, 1e9)
        assert await removed(ledger, 1e9 + 2 * DAY) == CollectedFiles(tasks=(running.id,))

    @pytest.mark.parametrize("how", ["task", "link", "guide"])
    async def test_what_an_unfinished_task_needs_stays(self, ledger: Ledger, how: str):
        """An earlier task, the file behind a link, and a picture stay until whoever needs them has ended."""
        await ledger.accounts.set_limits(A.id, OwnLimits(task_days=1.0, media_bytes=1))
        parent = await made(ledger, 10.0)
        assert parent.output is not None
        assert parent.output.video is not None
        token = f"media:{parent.output.video.token}"
        if how == "guide":
            child = task(generation=Generation("more", guides=(Guide(GuideRole.STYLE, token),)))
            await ledger.submit(child, ECHO, ())
        else:
            kind, value = (ReferenceKind.TASK, parent.id) if how == "task" else (ReferenceKind.VIDEO, token)
            child = await goes_on(ledger, Reference(kind, value), created_at=20.0)
        assert await removed(ledger, 10 * DAY) == CollectedFiles()
        await ledger.cancel(A.id, child.id, CANCELLED, 10 * DAY)
        assert await removed(ledger, 10 * DAY) == CollectedFiles(tasks=(parent.id,))

    async def test_a_stranger_may_need_a_file(self, ledger: Ledger):
        """Who has the link may go on from the file: it stays for a task of another application too."""
        await ledger.accounts.set_limits(A.id, OwnLimits(media_days=1.0))
        upload = stored(None, Role.INPUT, 5.0)
        await ledger.add_media(upload)
        reference = Reference(ReferenceKind.IMAGE, f"media:{upload.media.token}")
        child = await goes_on(ledger, reference, application_id=B.id)
        assert await removed(ledger, 10 * DAY) == CollectedFiles()
        await ledger.delete(B.id, child.id, 20.0)
        assert await removed(ledger, 10 * DAY) == CollectedFiles(keys=(upload.media.key,))

    async def test_nothing_goes_on_from_what_was_removed(self, ledger: Ledger):
        """A submit that comes a moment too late is refused, and nothing of it is kept."""
        await ledger.accounts.set_limits(A.id, OwnLimits(media_days=1.0, credits=5.0))
        parent = await made(ledger, 10.0)
        assert parent.output is not None
        await removed(ledger, 10 * DAY)
        for reference in (
            Reference(ReferenceKind.TASK, parent.id),
            Reference(ReferenceKind.IMAGE, f"media:{parent.output.thumbnail.token}"),
        ):
            with pytest.raises(NotFound):
                await goes_on(ledger, reference)
        assert (await ledger.accounts.standing(A.id, 10.0)).unfinished == 0

    async def test_the_oldest_go_first(self, ledger: Ledger):
        """With too many bytes the files go in the order of their age, until what is left is allowed."""
        await ledger.accounts.set_limits(A.id, OwnLimits(media_bytes=45))
        upload = stored(None, Role.INPUT, 25.0)
        await ledger.add_media(upload)
        tasks = [await made(ledger, at) for at in (30.0, 20.0, 10.0)]
        assert await removed(ledger, 40.0) == CollectedFiles(media=(tasks[2].id, tasks[1].id), keys=())
        assert (await ledger.accounts.standing(A.id, 40.0)).bytes == 30
        await ledger.accounts.set_limits(A.id, OwnLimits(media_bytes=20))
        assert await removed(ledger, 40.0) == CollectedFiles(keys=(upload.media.key,))

    async def test_a_callback_is_told_first(self, ledger: Ledger):
        """A task stays while its owner is still to be told of its end."""
        await ledger.accounts.set_limits(A.id, OwnLimits(task_days=1.0))
        told = await made(ledger, 10.0, callback_url="http://example.test/hook")
        await ledger.enqueue(WorkItem(WorkKind.WEBHOOK, Queue.WEBHOOK, told.id, A.id, 10.0, State.COMPLETED))
        assert await removed(ledger, 10 * DAY) == CollectedFiles()
        (claim,) = await ledger.claim(Queue.WEBHOOK, "w", 10 * DAY, 60.0)
        await ledger.finish(claim)
        assert await removed(ledger, 10 * DAY) == CollectedFiles(tasks=(told.id,))

    async def test_some_at_a_time(self, ledger: Ledger):
        """No more go in one transaction than was asked for, and what is in the way does not stop the others."""
        await ledger.accounts.set_limits(A.id, OwnLimits(task_days=1.0))
        parent = await made(ledger, 1.0)
        await goes_on(ledger, Reference(ReferenceKind.TASK, parent.id))
        tasks = [await made(ledger, 10.0 + at) for at in range(5)]
        first, second, third = [await removed(ledger, 10 * DAY, 2) for _ in range(3)]
        assert [each.more for each in (first, second, third)] == [True, True, False]
        assert [*first.tasks, *second.tasks, *third.tasks] == [each.id for each in tasks]

    async def test_files_that_no_row_refers_to(self, ledger: Ledger):
        """Strays are files of no task, those of an ended task without a link, and uploads without a row."""
        ended, running = await made(ledger, 10.0), task()
        await ledger.submit(running, ECHO, ())
        upload = stored(None, Role.INPUT, 5.0)
        await ledger.add_media(upload)
        linked = stored(ended, Role.INPUT, 10.0)
        linked = replace(linked, media=replace(linked.media, key=f"{ended.id}/kept.mp4"))
        await ledger.add_media(linked)
        keys = [f"{each}/video-1.mp4" for each in (ended.id, running.id, "nobody", "uploads/gone")]
        found = await ledger.retention.strays([*keys, upload.media.key, linked.media.key])
        assert sorted(found) == sorted([keys[0], keys[2], keys[3]])
