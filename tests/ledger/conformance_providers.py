"""What a ledger knows of tasks that wait at providers."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from filmgate.domain.errors import Conflict
from filmgate.domain.states import Stage, State
from filmgate.domain.task import SubmitAttempt, WorkState
from filmgate.domain.work import Queue, WorkItem, WorkKind, queue_of
from filmgate.ports.ledger import Ledger
from filmgate.ports.provider_ids import KNOWN_DAYS, Sought
from filmgate.ports.tasks import Change

from .conformance import Tenants
from .examples import CANCELLED, ENGINE, NOW, A, B, submitted

FOLLOWED = queue_of(Queue.POLL, ENGINE)
RECALLED = queue_of(Queue.RECALL, ENGINE)


async def accepted(ledger: Ledger, upstream_id: str, tenant=A):
    """Submit a task and have a provider accept it."""
    task = await submitted(ledger, tenant, not_before=NOW)
    change = Change(task_id=task.id, fence=0, now=NOW, stage=Stage.POLL, upstream_id=upstream_id)
    changed = await ledger.commit(change, [WorkItem(WorkKind.POLL, FOLLOWED, task.id, tenant.id, NOW)])
    assert changed is not None
    return changed


class ProviderConformance(Tenants):
    """Tasks by the provider's id, their following and their recall."""

    async def test_a_followed_task_is_claimed_with_a_new_fence(self, ledger: Ledger):
        """Whoever follows a task shuts out whoever did before."""
        task = await accepted(ledger, "up-1")
        (claim,) = await ledger.claim(FOLLOWED, "w", NOW, 60.0)
        assert claim.task is not None
        assert (claim.task.fence, claim.task.upstream_id) == (task.fence + 1, "up-1")
        assert await ledger.commit(Change(task_id=task.id, fence=task.fence, now=NOW, percent=5)) is None

    async def test_an_upstream_id_belongs_to_one_task(self, ledger: Ledger):
        """A second task of the same engine cannot have it, and it is found whoever asks."""
        first = await accepted(ledger, "up-1")
        with pytest.raises(Conflict, match="calls another task up-1"):
            await accepted(ledger, "up-1", B)
        assert await ledger.find_upstream(ENGINE, ["up-1", "up-2"]) == {"up-1": first.id}
        assert await ledger.find_upstream("another", ["up-1"]) == {}

    async def test_an_upstream_id_belongs_to_one_task_of_its_origin(self, ledger: Ledger):
        """Engines that call one provider share its ids, and those of others do not; a new task obeys that too."""
        await ledger.set_origins({ENGINE: "https://api.example", "two": "https://api.example", "far": "https://b"}, NOW)
        first = await accepted(ledger, "up-1")
        assert await ledger.find_upstream("two", ["up-1"]) == {"up-1": first.id}
        assert await ledger.find_upstream("far", ["up-1"]) == {}
        with pytest.raises(Conflict):
            await submitted(ledger, B, engine="two", upstream_id="up-1")
        there = await submitted(ledger, B, engine="far", upstream_id="up-1")
        assert await ledger.find_upstream("far", ["up-1"]) == {"up-1": there.id}

    async def test_ids_that_are_older_than_the_origins_get_theirs(self, ledger: Ledger):
        """The first engine that has an id keeps it; what is set again changes nothing."""
        first = await accepted(ledger, "up-1")
        await ledger.set_origins({ENGINE: "https://api.example", "two": "https://api.example"}, NOW)
        await ledger.set_origins({ENGINE: "https://api.example", "two": "https://api.example"}, NOW)
        assert await ledger.find_upstream("two", ["up-1"]) == {"up-1": first.id}

    async def test_of_many_who_take_an_id_at_once_one_gets_it(self, ledger: Ledger):
        """The others are as they were, and can still have another."""
        await ledger.set_origins({ENGINE: "https://api.example", "two": "https://api.example"}, NOW)
        tasks = [await submitted(ledger, engine=engine) for engine in (ENGINE, "two") for _ in range(10)]
        changes = [Change(task_id=each.id, fence=0, now=NOW, upstream_id="up-1", percent=7) for each in tasks]
        outcomes = await asyncio.gather(*map(ledger.commit, changes), return_exceptions=True)
        assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Conflict"] * 19 + ["Task"]
        for each in tasks:
            now = await ledger.get(A.id, each.id)
            assert now is not None
            assert (now.upstream_id, now.percent) in (("up-1", 7), (None, 0))
        loser = next(each for each, outcome in zip(tasks, outcomes, strict=True) if isinstance(outcome, Conflict))
        assert await ledger.commit(Change(task_id=loser.id, fence=0, now=NOW, upstream_id="up-2"))

    async def test_an_upstream_id_outlives_its_task_by_90_days(self, ledger: Ledger):
        """No other task can have it in that time; after it the id is free, and forgotten."""
        task = await accepted(ledger, "up-1")
        await ledger.delete(A.id, task.id, NOW)
        assert await ledger.find_upstream(ENGINE, ["up-1"]) == {"up-1": task.id}
        with pytest.raises(Conflict, match="90 days"):
            await accepted(ledger, "up-1", B)
        later = NOW + KNOWN_DAYS * 86_400
        other = await submitted(ledger, B)
        change = Change(task_id=other.id, fence=0, now=later - 1, upstream_id="up-1")
        with pytest.raises(Conflict):
            await ledger.commit(change)
        await ledger.set_origins({}, later - 1)
        assert await ledger.find_upstream(ENGINE, ["up-1"]) == {"up-1": task.id}
        assert await ledger.commit(msgspec.structs.replace(change, now=later))
        assert await ledger.find_upstream(ENGINE, ["up-1"]) == {"up-1": other.id}
        await ledger.delete(B.id, other.id, NOW)
        await ledger.set_origins({}, later)
        assert await ledger.find_upstream(ENGINE, ["up-1"]) == {}

    async def test_an_adopted_task_that_was_deleted_can_come_back_to_its_owner(self, ledger: Ledger):
        """It is the same task again; nobody else can have it."""
        old = await submitted(ledger, id="up-12345", upstream_id="up-12345")
        await ledger.delete(A.id, old.id, NOW)
        with pytest.raises(Conflict):
            await submitted(ledger, B, id="up-12345", upstream_id="up-12345")
        again = await submitted(ledger, id="up-12345", upstream_id="up-12345")
        assert await ledger.get(A.id, "up-12345") == again

    async def test_tasks_at_a_provider_are_counted(self, ledger: Ledger):
        """Only what is unfinished and in the provider's hands counts."""
        task = await accepted(ledger, "up-1")
        await accepted(ledger, "up-2", B)
        await submitted(ledger)
        assert await ledger.at_provider(ENGINE) == 2
        await ledger.cancel(A.id, task.id, CANCELLED, NOW)
        assert await ledger.at_provider(ENGINE) == 1

    async def test_old_unknown_outcomes_are_not_at_work(self, ledger: Ledger):
        """One counts for as long as the caller says; what is followed counts for ever."""
        await accepted(ledger, "up-1")
        task = await submitted(ledger)
        work = WorkState(asked=SubmitAttempt("submit-key", NOW))
        await ledger.commit(Change(task_id=task.id, fence=0, now=NOW, stage=Stage.SUBMIT_UNKNOWN, work=work))
        assert await ledger.at_provider(ENGINE) == 2
        assert await ledger.at_provider(ENGINE, since=NOW) == 2
        assert await ledger.at_provider(ENGINE, since=NOW + 1) == 1

    async def test_cancelling_makes_the_recall_due_and_the_following_end(self, ledger: Ledger):
        """The provider is to be told, under its own id; nobody follows any more."""
        task = await accepted(ledger, "up-1")
        await ledger.cancel(A.id, task.id, CANCELLED, NOW)
        assert await ledger.claim(FOLLOWED, "w", NOW, 60.0) == []
        (recall,) = await ledger.claim(RECALLED, "w", NOW, 60.0)
        assert recall.due == WorkItem(WorkKind.RECALL, RECALLED, task.id, A.id, NOW, "up-1")

    async def test_deleting_recalls_and_purges(self, ledger: Ledger):
        """The recall outlives the task."""
        task = await accepted(ledger, "up-1")
        await ledger.delete(A.id, task.id, NOW)
        (recall,) = await ledger.claim(RECALLED, "w", NOW, 60.0)
        assert (recall.due.detail, recall.task) == ("up-1", None)
        assert len(await ledger.claim(Queue.PURGE, "w", NOW, 60.0)) == 1

    async def test_tasks_may_move_to_another_engine(self, ledger: Ledger):
        """A change can name the engine that goes on with it."""
        task = await submitted(ledger)
        moved = await ledger.commit(Change(task_id=task.id, fence=0, now=NOW, engine="other"))
        assert moved is not None
        assert moved.engine == "other"
        assert await ledger.get(A.id, task.id) == moved

    async def test_unknown_submits_are_listed_for_the_operator(self, ledger: Ledger):
        """All applications' tasks whose submit has no known outcome, until they end."""
        tasks = [await submitted(ledger, tenant, not_before=NOW) for tenant in (A, B)]
        for task in tasks:
            await ledger.commit(
                Change(task_id=task.id, fence=0, now=NOW, state=State.PROCESSING, stage=Stage.SUBMIT_UNKNOWN)
            )
        assert {task.id for task in await ledger.unknown_submits()} == {task.id for task in tasks}
        await ledger.cancel(A.id, tasks[0].id, CANCELLED, NOW)
        assert [task.id for task in await ledger.unknown_submits()] == [tasks[1].id]

    async def test_work_can_be_made_due_for_a_task_that_has_ended(self, ledger: Ledger):
        """A recall is owed whatever became of the task."""
        task = await submitted(ledger)
        await ledger.delete(A.id, task.id, NOW)
        owed = WorkItem(WorkKind.RECALL, RECALLED, task.id, A.id, NOW, "up-9")
        await ledger.enqueue(owed)
        (recall,) = await ledger.claim(RECALLED, "w", NOW, 60.0)
        assert recall.due == owed

    async def test_seizing_a_task_takes_its_next_step_from_whoever_has_it(self, ledger: Ledger):
        """The old step is gone, claimed or not; only what the change makes due is left."""
        task = await submitted(ledger, not_before=NOW)
        (claim,) = await ledger.claim(ENGINE, "w", NOW, 60.0)
        follow = WorkItem(WorkKind.POLL, FOLLOWED, task.id, A.id, NOW)
        seized = await ledger.commit(
            Change(task_id=task.id, fence=1, now=NOW, stage=Stage.POLL, upstream_id="up-1", seize=True), [follow]
        )
        assert seized is not None
        assert seized.fence == 2
        await ledger.release_leases("w")
        assert await ledger.claim(ENGINE, "w", NOW, 60.0) == []
        assert await ledger.commit(Change(task_id=task.id, fence=1, now=NOW, percent=1, finished=claim.id)) is None
        assert [each.due for each in await ledger.claim(FOLLOWED, "w", NOW, 60.0)] == [follow]

    async def test_a_deleted_task_of_a_provider_is_remembered_by_its_id(self, ledger: Ledger):
        """Only for its owner, and only where the provider's id is the task's own."""
        task = await submitted(ledger)
        await ledger.commit(Change(task_id=task.id, fence=0, now=NOW, upstream_id=task.id))
        other = await accepted(ledger, "up-2")
        for each in (task, other):
            await ledger.delete(A.id, each.id, NOW)
        assert await ledger.has_departed(A.id, task.id)
        assert not await ledger.has_departed(B.id, task.id)
        assert not await ledger.has_departed(A.id, other.id)

    @pytest.mark.parametrize("how", ["cancel", "delete", "cancel and delete"])
    async def test_a_submit_that_is_ended_without_an_answer_is_sought(self, ledger: Ledger, how: str):
        """Whoever takes the work up knows what was asked for, until the provider's answer takes its place."""
        task = await submitted(ledger, not_before=NOW)
        asked = WorkState(asked=SubmitAttempt("submit-key", NOW))
        change = Change(task_id=task.id, fence=0, now=NOW, stage=Stage.SUBMITTING, work=asked)
        assert await ledger.commit(change)
        assert [each.task_id for each in await ledger.open_submits(ENGINE)] == [task.id]
        if "cancel" in how:
            await ledger.cancel(A.id, task.id, CANCELLED, NOW)
        if "delete" in how:
            await ledger.delete(A.id, task.id, NOW)
        assert [each.task_id for each in await ledger.open_submits(ENGINE)] == [task.id]
        (seek,) = await ledger.claim(RECALLED, "w", NOW + 60, 60.0)
        sought = msgspec.json.decode(seek.due.detail, type=Sought)
        assert (seek.due.kind, sought) == (WorkKind.SEEK, Sought("submit-key", NOW, task.generation))
        recall = WorkItem(WorkKind.RECALL, RECALLED, task.id, A.id, NOW, "up-7")
        await ledger.settle_seek(task.id, recall, NOW)
        await ledger.postpone(seek, NOW)
        assert [claim.due for claim in await ledger.claim(RECALLED, "w", NOW + 60, 60.0, 9)] == [recall]

    async def test_a_delete_keeps_what_the_provider_is_to_be_told(self, ledger: Ledger):
        """A recall that is still on its way when the task is deleted gets there."""
        task = await submitted(ledger)
        await ledger.cancel(A.id, task.id, CANCELLED, NOW)
        await ledger.settle_seek(task.id, WorkItem(WorkKind.RECALL, RECALLED, task.id, A.id, NOW, "up-8"), NOW)
        await ledger.delete(A.id, task.id, NOW)
        (recall,) = await ledger.claim(RECALLED, "w", NOW, 60.0)
        assert recall.due.detail == "up-8"

    @pytest.mark.parametrize("gone", [False, True])
    async def test_what_is_recalled_is_known(self, ledger: Ledger, gone: bool):
        """No other task can have it from then on, whether its own is there still or not."""
        task = await submitted(ledger)
        await (ledger.delete(A.id, task.id, NOW) if gone else ledger.cancel(A.id, task.id, CANCELLED, NOW))
        assert await ledger.settle_seek(task.id, WorkItem(WorkKind.RECALL, RECALLED, task.id, A.id, NOW, "up-9"), NOW)
        with pytest.raises(Conflict):
            await accepted(ledger, "up-9", B)
        if not gone:
            await ledger.delete(A.id, task.id, NOW)
        await ledger.set_origins({}, NOW + KNOWN_DAYS * 86_400)
        assert await ledger.find_upstream(ENGINE, ["up-9"]) == {}

    async def test_what_is_known_as_another_tasks_is_not_recalled(self, ledger: Ledger):
        """The search for it ends all the same."""
        await ledger.set_origins({ENGINE: "https://api.example", "two": "https://api.example"}, NOW)
        theirs = await accepted(ledger, "up-1", B)
        task = await submitted(ledger)
        asked = WorkState(asked=SubmitAttempt("submit-key", NOW))
        await ledger.commit(Change(task_id=task.id, fence=0, now=NOW, stage=Stage.SUBMITTING, work=asked, engine="two"))
        await ledger.cancel(A.id, task.id, CANCELLED, NOW)
        queue = queue_of(Queue.RECALL, "two")
        assert not await ledger.settle_seek(task.id, WorkItem(WorkKind.RECALL, queue, task.id, A.id, NOW, "up-1"), NOW)
        assert await ledger.claim(queue, "w", NOW + 60, 60.0) == []
        assert await ledger.find_upstream(ENGINE, ["up-1"]) == {"up-1": theirs.id}

    async def test_open_submits_are_those_of_one_provider(self, ledger: Ledger):
        """Those of all its engines, until they are answered, and those of ended tasks that are still looked for."""
        await ledger.set_origins({ENGINE: "https://api.example", "two": "https://api.example", "far": "https://b"}, NOW)
        asked = WorkState(asked=SubmitAttempt("submit-key", NOW))
        tasks = {engine: await submitted(ledger, engine=engine) for engine in (ENGINE, "two", "far")}
        for each in tasks.values():
            change = Change(task_id=each.id, fence=0, now=NOW, stage=Stage.SUBMIT_UNKNOWN, work=asked)
            await ledger.commit(change)
        open_here = {tasks[ENGINE].id, tasks["two"].id}
        assert {each.task_id for each in await ledger.open_submits("two")} == open_here
        await ledger.cancel(A.id, tasks[ENGINE].id, CANCELLED, NOW)
        found = await ledger.open_submits("two")
        assert {each.task_id for each in found} == open_here
        assert {each.generation for each in found} == {tasks["two"].generation}
        await ledger.settle_seek(tasks[ENGINE].id, None, NOW)
        assert [each.task_id for each in await ledger.open_submits(ENGINE)] == [tasks["two"].id]
