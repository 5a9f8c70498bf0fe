"""What every ledger does with applications, keys, tasks and files, whatever it is made of.

A store's tests derive from these classes and bring the fixture `ledger`: an open, empty ledger.
"""

from __future__ import annotations

import asyncio
import contextlib

import msgspec
import pytest

from filmgate.domain.errors import Conflict, NotFound, TooManyRequests
from filmgate.domain.generation import Generation, Reference, ReferenceKind
from filmgate.domain.media import Role
from filmgate.domain.states import Stage, State
from filmgate.domain.task import FetchedInput, Task, WorkState
from filmgate.domain.work import Queue, WorkItem, WorkKind, work_for
from filmgate.ports.keys import Application
from filmgate.ports.ledger import Ledger
from filmgate.ports.tasks import Change, Page, TaskFilter

from .examples import CANCELLED, ECHO, ENGINE, NOW, A, B, advance, key, media, output, submitted, task


class Tenants:
    """Two applications are there before each test."""

    @pytest.fixture(autouse=True)
    async def applications(self, ledger: Ledger) -> None:
        """Add both applications."""
        assert await ledger.add_application(A) == A
        assert await ledger.add_application(B) == B


class AccessConformance(Tenants):
    """Applications and keys."""

    async def test_an_application_is_added_once_by_name(self, ledger: Ledger):
        """Adding a name again gives the application that has it."""
        assert await ledger.add_application(Application("other", A.name, "somebody", 9.0)) == A

    async def test_an_application_id_is_not_given_twice(self, ledger: Ledger):
        """A new name with an old id is refused."""
        with pytest.raises(Conflict):
            await ledger.add_application(Application(A.id, "gamma", "somebody", 9.0))

    async def test_a_key_is_found_by_its_digest(self, ledger: Ledger):
        """A key comes back as it was added, and no other digest finds it."""
        good = key()
        await ledger.add_key(good)
        assert await ledger.key(good.digest) == good
        assert await ledger.key(b"\0" * 32) is None

    async def test_a_key_needs_an_application_and_a_digest_of_its_own(self, ledger: Ledger):
        """A key without its application is refused, and so is a digest that is there already."""
        with pytest.raises(NotFound):
            await ledger.add_key(msgspec.structs.replace(key(), application_id="nobody"))
        first = key()
        await ledger.add_key(first)
        with pytest.raises(Conflict):
            await ledger.add_key(msgspec.structs.replace(key(), digest=first.digest))
        assert await ledger.keys() == [first]

    async def test_keys_are_listed_oldest_first(self, ledger: Ledger):
        """The list has the keys of all applications in the order of their age."""
        young, old = key(created_at=9.0), key(B, created_at=3.0)
        await ledger.add_key(young)
        await ledger.add_key(old)
        assert await ledger.keys() == [old, young]

    async def test_a_key_is_revoked_once(self, ledger: Ledger):
        """Revoking keeps the key with the time; a second time and an unknown id give False."""
        good = key()
        await ledger.add_key(good)
        assert await ledger.revoke_key(good.id, 7.0)
        assert not await ledger.revoke_key(good.id, 8.0)
        assert not await ledger.revoke_key("unknown", 8.0)
        assert await ledger.key(good.digest) == msgspec.structs.replace(good, revoked_at=7.0)


class ReadingConformance(Tenants):
    """Finding tasks, bodies and files."""

    async def test_a_task_comes_back_as_it_was_submitted(self, ledger: Ledger):
        """Every field survives, also those that are structs of their own."""
        full = task(
            generation=Generation(
                "p" * 5_000,
                aspect_ratio="9:16",
                resolution="720p",
                duration=9,
                loop=True,
                enhance=False,
                model="ray-2",
                start=Reference(ReferenceKind.IMAGE, "http://example.test/ü.png"),
            ),
            callback_url="http://example.test/hook",
            started_at=3.5,
            deadline_at=1e10,
            work=WorkState({"start": FetchedInput("k", {"seed": 7})}, "product", notes={"remote": "id"}),
            output=output(),
            failure=CANCELLED,
            cancel_requested=True,
            fence=3,
        )
        bare = task()
        for accepted in (full, bare):
            await ledger.submit(accepted, ECHO, [])
            assert await ledger.get(A.id, accepted.id) == accepted

    async def test_a_strangers_task_is_nowhere(self, ledger: Ledger):
        """No read and no act of another application reaches a task."""
        mine = await submitted(ledger)
        assert await ledger.get(B.id, mine.id) is None
        assert await ledger.get_many(B.id, [mine.id]) == []
        assert await ledger.by_video(B.id, mine.video_id) is None
        assert await ledger.by_trace(B.id, mine.trace_id) is None
        assert await ledger.find(B.id, TaskFilter(ids=(mine.id,))) == Page([], more=False, total=0)
        assert await ledger.cancel(B.id, mine.id, CANCELLED, NOW) is None
        assert not await ledger.delete(B.id, mine.id, NOW)
        assert await ledger.get(A.id, mine.id) == mine

    async def test_unknown_ids_find_nothing(self, ledger: Ledger):
        """What is not there is None, empty or False."""
        assert await ledger.get(A.id, "unknown") is None
        assert await ledger.by_video(A.id, "unknown") is None
        assert await ledger.by_trace(A.id, "unknown") is None
        assert await ledger.media("unknown") is None
        assert await ledger.echoes(["unknown"]) == {}
        assert await ledger.cancel(A.id, "unknown", CANCELLED, NOW) is None
        assert not await ledger.delete(A.id, "unknown", NOW)
        assert await ledger.commit(Change(task_id="unknown", fence=0, now=NOW)) is None

    async def test_many_come_in_the_order_of_the_ids_each_once(self, ledger: Ledger):
        """Repeated, unknown and foreign ids leave no trace in the answer."""
        first, second = await submitted(ledger), await submitted(ledger)
        foreign = await submitted(ledger, B)
        ids = [second.id, "unknown", first.id, second.id, foreign.id]
        assert await ledger.get_many(A.id, ids) == [second, first]
        assert await ledger.get_many(A.id, []) == []

    async def test_a_task_is_found_by_its_video(self, ledger: Ledger):
        """A video id leads to the one task that made it."""
        made = await submitted(ledger)
        await submitted(ledger)
        assert await ledger.by_video(A.id, made.video_id) == made

    async def test_the_newest_task_of_a_trace_is_found(self, ledger: Ledger):
        """Of several tasks under one trace id the newest counts."""
        await submitted(ledger, trace_id="trace", created_at=5.0)
        newest = await submitted(ledger, trace_id="trace", created_at=7.0)
        await submitted(ledger, trace_id="trace", created_at=6.0)
        assert await ledger.by_trace(A.id, "trace") == newest

    async def test_echoes_are_the_bodies_as_sent(self, ledger: Ledger):
        """The bodies of known tasks come back by id, byte for byte."""
        one, two = await submitted(ledger), await submitted(ledger)
        assert await ledger.echoes([one.id, "unknown"]) == {one.id: ECHO}
        assert await ledger.echoes([one.id, two.id]) == {one.id: ECHO, two.id: ECHO}

    async def test_a_file_is_found_by_its_token(self, ledger: Ledger):
        """Rows of uploads and of tasks come back as they were written, and a token is not given twice."""
        upload, owner = media(role=Role.INPUT), task()
        picture = media(owner)
        await ledger.add_media(upload)
        await ledger.submit(owner, ECHO, [], [picture])
        assert await ledger.media(upload.media.token) == upload
        assert await ledger.media(picture.media.token) == picture
        with pytest.raises(Conflict):
            await ledger.add_media(upload)

    async def test_uploads_are_listed_and_dropped_by_their_owner(self, ledger: Ledger):
        """What no task owns is listed newest first, page by page, and its row goes only at its owner's will."""
        kept = [msgspec.structs.replace(media(), created_at=float(number // 2)) for number in range(5)]
        kept.sort(key=lambda upload: (upload.created_at, upload.media.token), reverse=True)
        others = [media(application=B), media(await submitted(ledger))]
        for upload in (*kept, *others):
            await ledger.add_media(upload)
        assert await ledger.uploads(A.id, limit=9) == kept
        assert await ledger.uploads(A.id, limit=2) == kept[:2]
        place = (kept[1].created_at, kept[1].media.token)
        assert await ledger.uploads(A.id, limit=2, after=place) == kept[2:4]
        for application, upload in ((B, kept[0]), (A, others[0]), (A, others[1])):
            assert await ledger.drop_upload(application.id, upload.media.token) is None
        token = kept[0].media.token
        assert await ledger.drop_upload(A.id, token) == kept[0]
        assert await ledger.drop_upload(A.id, token) is None
        assert await ledger.media(token) is None
        assert await ledger.uploads(A.id, limit=9) == kept[1:]

    async def test_counts_are_of_unfinished_tasks(self, ledger: Ledger):
        """Tasks of all applications count by engine and state until they end."""
        await submitted(ledger)
        await submitted(ledger, B)
        await submitted(ledger, engine="remote", state=State.PROCESSING)
        ended = await submitted(ledger)
        await ledger.cancel(A.id, ended.id, CANCELLED, NOW)
        assert await ledger.counts() == {(ENGINE, State.PENDING): 2, ("remote", State.PROCESSING): 1}


class FindConformance(Tenants):
    """Lists of tasks."""

    async def test_all_tasks_newest_first(self, ledger: Ledger):
        """Without a filter the list has every task of the application; equal times are ordered by id."""
        tasks = [await submitted(ledger, id=f"id-{number}", created_at=float(number // 2)) for number in range(6)]
        await submitted(ledger, B)
        assert await ledger.find(A.id, TaskFilter()) == Page(tasks[::-1], more=False, total=6)
        assert await ledger.find(A.id, TaskFilter(newest=False)) == Page(tasks, more=False, total=6)

    async def test_pages_have_the_total_that_was_asked_for(self, ledger: Ledger):
        """A page is cut by limit and offset, its total is not; nobody counts unasked."""
        tasks = [await submitted(ledger) for _ in range(5)]
        for offset, expected in ((0, tasks[:2]), (2, tasks[2:4]), (4, tasks[4:]), (6, [])):
            wanted = TaskFilter(newest=False, limit=2, offset=offset, counted=True)
            assert await ledger.find(A.id, wanted) == Page(expected, more=offset < 3, total=5)
            unasked = await ledger.find(A.id, msgspec.structs.replace(wanted, counted=False))
            assert unasked == Page(expected, more=offset < 3, total=5 if offset == 4 else None)
        assert await ledger.find(A.id, TaskFilter(limit=0, counted=True)) == Page([], more=True, total=5)

    @pytest.mark.parametrize("newest", [True, False])
    @pytest.mark.parametrize("states", [None, (State.PENDING,), (State.PROCESSING, State.PENDING), tuple(State)])
    async def test_pages_of_several_states_are_in_one_order(
        self, ledger: Ledger, states: tuple[State, ...] | None, newest: bool
    ):
        """Whatever states are listed, the pages together are the list, once and in its order."""
        kinds = [State.PENDING, State.PROCESSING, State.PROCESSING, State.PENDING, State.PENDING]
        tasks = [await submitted(ledger, id=f"id-{n}", created_at=float(n // 2), state=s) for n, s in enumerate(kinds)]
        expected = [each for each in tasks if states is None or each.state in states][:: -1 if newest else 1]
        for by_offset in (True, False):
            listed: list[Task] = []
            wanted = TaskFilter(states=states, newest=newest, limit=2, counted=True)
            while True:
                page = await ledger.find(A.id, wanted)
                assert page.total == len(expected) - (0 if by_offset else len(listed))
                listed += page.tasks
                if not page.more:
                    break
                last = page.tasks[-1]
                wanted = msgspec.structs.replace(
                    wanted, **({"offset": len(listed)} if by_offset else {"after": (last.created_at, last.id)})
                )
            assert listed == expected

    @pytest.mark.parametrize("newest", [True, False])
    async def test_pages_go_on_behind_a_task(self, ledger: Ledger, newest: bool):
        """Behind the last task of a page comes the next page, even if that task was deleted or others came."""
        tasks = [await submitted(ledger, id=f"id-{number}", created_at=float(number // 2)) for number in range(5)]
        await submitted(ledger, B, id="id-9", created_at=1.0)
        order = tasks[::-1] if newest else tasks
        for last, of in enumerate(order):
            wanted = TaskFilter(after=(of.created_at, of.id), newest=newest, limit=2)
            rest = order[last + 1 :]
            page = await ledger.find(A.id, msgspec.structs.replace(wanted, counted=True))
            assert page == Page(rest[:2], more=len(rest) > 2, total=len(rest))
        await ledger.delete(A.id, order[1].id, 9.0)
        wanted = TaskFilter(after=(order[1].created_at, order[1].id), newest=newest)
        assert await ledger.find(A.id, wanted) == Page(order[2:], more=False, total=3)

    @pytest.mark.parametrize(
        ("wanted", "numbers"),
        [
            (TaskFilter(ids=("id-1", "id-3", "unknown")), [1, 3]),
            (TaskFilter(ids=()), []),
            (TaskFilter(states=()), []),
            (TaskFilter(trace_ids=()), []),
            (TaskFilter(trace_ids=("trace-1",)), [1]),
            (TaskFilter(trace_ids=("trace-1",), states=(State.PENDING, State.PROCESSING), user_id=A.user_id), [1]),
            (TaskFilter(trace_ids=("trace-0", "trace-2")), [0, 2]),
            (TaskFilter(states=(State.PROCESSING,)), [2]),
            (TaskFilter(states=(State.PENDING, State.PROCESSING)), [0, 1, 2, 3]),
            (TaskFilter(user_id="somebody"), [3]),
            (TaskFilter(created_min=101.0), [1, 2, 3]),
            (TaskFilter(created_max=101.0), [0, 1]),
            (TaskFilter(created_min=101.0, created_max=102.0), [1, 2]),
            (TaskFilter(ids=("id-1", "id-2"), states=(State.PENDING,), created_min=100.0, user_id=A.user_id), [1]),
            (TaskFilter(trace_ids=("trace-1",), ids=("id-2",)), []),
        ],
        ids=str,
    )
    async def test_filters_combine(self, ledger: Ledger, wanted: TaskFilter, numbers: list[int]):
        """Each filter narrows the list, several narrow it together, and bounds of time are inclusive."""
        special = {2: {"state": State.PROCESSING}, 3: {"user_id": "somebody"}}
        tasks = [
            await submitted(
                ledger,
                **{"id": f"id-{n}", "trace_id": f"trace-{n}", "created_at": 100.0 + n} | special.get(n, {}),
            )
            for n in range(4)
        ]
        await submitted(ledger, B, id="id-9", trace_id="trace-1", created_at=101.0)
        page = await ledger.find(A.id, msgspec.structs.replace(wanted, newest=False))
        assert page == Page([tasks[number] for number in numbers], more=False, total=len(numbers))


class ChangingConformance(Tenants):
    """Submit, commit, cancel and delete."""

    async def test_an_id_is_accepted_once(self, ledger: Ledger):
        """A second task with an id or a video id that is there already is refused and leaves nothing."""
        first = await submitted(ledger)
        other = task(id=first.id)
        with pytest.raises(Conflict):
            await ledger.submit(other, ECHO, [advance(other)])
        twin = task(video_id=first.video_id)
        with pytest.raises(Conflict):
            await ledger.submit(twin, ECHO, [advance(twin)])
        assert await ledger.get(A.id, first.id) == first
        assert await ledger.get(A.id, twin.id) is None

    async def test_a_task_needs_an_application(self, ledger: Ledger):
        """A task of an unknown application is refused."""
        with pytest.raises(NotFound):
            await ledger.submit(task(application_id="nobody"), ECHO, [])

    async def test_the_limit_of_unfinished_tasks_holds(self, ledger: Ledger):
        """At the limit a submit is refused until a task ends; others' tasks do not count."""
        for _ in range(3):
            await submitted(ledger, B)
        tasks = [task() for _ in range(4)]
        for accepted in tasks[:2]:
            await ledger.submit(accepted, ECHO, [], max_unfinished=2)
        with pytest.raises(TooManyRequests, match="2 tasks are unfinished already") as refused:
            await ledger.submit(tasks[2], ECHO, [], max_unfinished=2)
        assert refused.value.retry_after == 10
        await ledger.cancel(A.id, tasks[0].id, CANCELLED, NOW)
        await ledger.submit(tasks[2], ECHO, [], max_unfinished=2)
        await ledger.submit(tasks[3], ECHO, [], max_unfinished=0)

    async def test_the_limit_holds_for_submits_at_once(self, ledger: Ledger):
        """Of many submits in one moment no more are accepted than the limit."""
        tries = (ledger.submit(task(), ECHO, [], max_unfinished=5) for _ in range(20))
        outcomes = await asyncio.gather(*tries, return_exceptions=True)
        assert outcomes.count(None) == 5
        assert sum(isinstance(outcome, TooManyRequests) for outcome in outcomes) == 15

    async def test_keys_of_an_application_share_its_unfinished_tasks(self, ledger: Ledger):
        """A busy key leaves a quarter of the room to the others, and then what becomes free, up to an equal part."""
        keys = [msgspec.structs.replace(key(A), id=name) for name in ("busy", "quiet")]
        revoked = msgspec.structs.replace(key(A), id="revoked", revoked_at=NOW)
        for each in (*keys, revoked, key(B)):
            await ledger.add_key(each)

        async def fill(holder: str) -> list[str]:
            accepted = []
            with contextlib.suppress(TooManyRequests):
                while len(accepted) < 20:
                    made = task(credential_id=holder)
                    await ledger.submit(made, ECHO, [], max_unfinished=8)
                    accepted.append(made.id)
            return accepted

        busy = await fill("busy")
        assert (len(busy), len(await fill("quiet")), len(await fill("busy"))) == (6, 2, 0)
        with pytest.raises(TooManyRequests, match="8 tasks are unfinished already"):
            await ledger.submit(task(credential_id="quiet"), ECHO, [], max_unfinished=8)
        taken = 0
        for ended in busy[:4]:
            await ledger.cancel(A.id, ended, CANCELLED, NOW)
            with contextlib.suppress(TooManyRequests):
                await ledger.submit(task(credential_id="busy"), ECHO, [], max_unfinished=8)
            taken += len(await fill("quiet"))
        assert taken == 2, "each has four now"
        with pytest.raises(TooManyRequests, match="4 tasks of this API key"):
            await ledger.submit(task(credential_id="quiet"), ECHO, [], max_unfinished=9)

    @pytest.mark.parametrize("limit", [1, 2, 3])
    async def test_an_only_key_has_all_room_for_tasks(self, ledger: Ledger, limit: int):
        """Where an application has no other good key, nothing is left free; of one place every key may have it."""
        await ledger.add_key(msgspec.structs.replace(key(A), id="only"))
        await ledger.add_key(msgspec.structs.replace(key(A), id="revoked", revoked_at=NOW))
        for _ in range(limit):
            await ledger.submit(task(credential_id="only"), ECHO, [], max_unfinished=limit)
        with pytest.raises(TooManyRequests):
            await ledger.submit(task(credential_id="only"), ECHO, [], max_unfinished=limit)

    async def test_a_commit_sets_what_it_names(self, ledger: Ledger):
        """A change sets its fields and the time of change, and leaves the rest."""
        before = await submitted(ledger)
        work = WorkState(notes={"remote": "id"})
        change = Change(
            task_id=before.id, fence=0, now=NOW, state=State.PROCESSING, stage=Stage.RENDER, attempts=1, percent=40,
            started_at=900.0, deadline_at=2_000.0, work=work,
        )  # fmt: skip
        expected = msgspec.structs.replace(
            before, updated_at=NOW, state=State.PROCESSING, stage=Stage.RENDER, attempts=1, percent=40,
            started_at=900.0, deadline_at=2_000.0, work=work,
        )  # fmt: skip
        assert await ledger.commit(change) == expected
        assert await ledger.get(A.id, before.id) == expected
        later = await ledger.commit(Change(task_id=before.id, fence=0, now=NOW + 1, percent=0))
        assert later == msgspec.structs.replace(expected, updated_at=NOW + 1, percent=0)

    async def test_a_stale_fence_changes_nothing(self, ledger: Ledger):
        """A change under another fence is not made, and neither its work nor its files are written."""
        before = await submitted(ledger, fence=4)
        picture = media(before)
        for fence in (3, 5):
            change = Change(task_id=before.id, fence=fence, now=NOW, percent=50, media=(picture,))
            assert await ledger.commit(change, [work_for(before, WorkKind.WEBHOOK, 0.0, "x")]) is None
        assert await ledger.get(A.id, before.id) == before
        assert await ledger.media(picture.media.token) is None
        assert await ledger.next_work(Queue.WEBHOOK) is None

    async def test_a_task_ends_once(self, ledger: Ledger):
        """After the change that completes a task no other is made, and no stage of it is due."""
        before = await submitted(ledger)
        made, picture = output(), media(before)
        end = Change(
            task_id=before.id, fence=0, now=NOW, state=State.COMPLETED, stage=Stage.DONE, percent=100,
            finished_at=NOW, output=made, media=(picture,),
        )  # fmt: skip
        ended = await ledger.commit(end, [WorkItem(WorkKind.WEBHOOK, Queue.WEBHOOK, before.id, A.id, NOW, "completed")])
        assert ended is not None
        assert (ended.state, ended.output, ended.finished_at) == (State.COMPLETED, made, NOW)
        again = Change(task_id=before.id, fence=0, now=NOW, state=State.FAILED, failure=CANCELLED)
        assert await ledger.commit(again) is None
        assert await ledger.get(A.id, before.id) == ended
        assert await ledger.media(picture.media.token) == picture
        assert await ledger.next_work(ENGINE) is None
        assert await ledger.next_work(Queue.WEBHOOK) == NOW

    async def test_an_owner_cancels_an_unfinished_task(self, ledger: Ledger):
        """Cancelling ends the task, shuts out its worker and makes the callback due."""
        before = await submitted(ledger, callback_url="http://example.test/hook")
        await ledger.claim(ENGINE, "w", NOW, 60.0)
        ended = await ledger.cancel(A.id, before.id, CANCELLED, NOW + 1)
        assert ended == msgspec.structs.replace(
            before, state=State.FAILED, stage=Stage.DONE, fence=2, failure=CANCELLED, cancel_requested=True,
            finished_at=NOW + 1, updated_at=NOW + 1,
        )  # fmt: skip
        assert await ledger.get(A.id, before.id) == ended
        assert await ledger.commit(Change(task_id=before.id, fence=1, now=NOW + 2, percent=9)) is None
        await ledger.release_leases("w")
        assert await ledger.next_work(ENGINE) is None
        (told,) = await ledger.claim(Queue.WEBHOOK, "w", NOW + 1, 60.0)
        assert told.due == WorkItem(WorkKind.WEBHOOK, Queue.WEBHOOK, before.id, A.id, NOW + 1, "failed")
        assert told.task == ended

    async def test_cancelling_tells_only_who_wants_to_know(self, ledger: Ledger):
        """Without a callback address no callback becomes due."""
        before = await submitted(ledger)
        await ledger.cancel(A.id, before.id, CANCELLED, NOW)
        assert await ledger.next_work(Queue.WEBHOOK) is None

    async def test_cancelling_a_final_task_gives_it_as_it_is(self, ledger: Ledger):
        """A task that has ended keeps its end, and nobody is told again."""
        before = await submitted(ledger, callback_url="http://example.test/hook")
        end = Change(task_id=before.id, fence=0, now=NOW, state=State.COMPLETED, output=output())
        ended = await ledger.commit(end)
        assert await ledger.cancel(A.id, before.id, CANCELLED, NOW + 1) == ended
        assert await ledger.next_work(Queue.WEBHOOK) is None

    async def test_a_cancel_and_a_commit_at_once_make_one_end(self, ledger: Ledger):
        """Whichever comes first decides, and the other sees that end."""
        for turn in range(20):
            before = await submitted(ledger)
            end = Change(task_id=before.id, fence=0, now=NOW, state=State.COMPLETED, output=output())
            acts = [ledger.commit(end), ledger.cancel(A.id, before.id, CANCELLED, NOW)]
            outcomes = await asyncio.gather(*(acts if turn % 2 else acts[::-1]))
            committed, cancelled = outcomes if turn % 2 else outcomes[::-1]
            now = await ledger.get(A.id, before.id)
            assert now == cancelled
            assert now is not None
            assert now.final
            assert (committed is None) == (now.state is State.FAILED)

    async def test_deleting_removes_everything_and_makes_the_purge_due(self, ledger: Ledger):
        """The task, its body, its files' rows and its work go; the purge of its files comes."""
        gone, kept = await submitted(ledger), await submitted(ledger, B)
        pictures = [media(gone), media(kept)]
        for picture in pictures:
            await ledger.add_media(picture)
        assert await ledger.delete(A.id, gone.id, NOW)
        assert not await ledger.delete(A.id, gone.id, NOW)
        assert await ledger.get(A.id, gone.id) is None
        assert await ledger.echoes([gone.id, kept.id]) == {kept.id: ECHO}
        assert [await ledger.media(picture.media.token) for picture in pictures] == [None, pictures[1]]
        (advancing,) = await ledger.claim(ENGINE, "w", NOW, 60.0)
        assert advancing.due.task_id == kept.id
        assert await ledger.claim(ENGINE, "w", NOW, 60.0) == []
        (purge,) = await ledger.claim(Queue.PURGE, "w", NOW, 60.0)
        assert (purge.due, purge.task) == (WorkItem(WorkKind.PURGE, Queue.PURGE, gone.id, A.id, NOW), None)
