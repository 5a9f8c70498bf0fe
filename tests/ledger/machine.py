"""A ledger beside a dictionary: after any order of acts both say the same."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import msgspec
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
)

from filmgate.domain.states import Stage, State
from filmgate.domain.task import Task
from filmgate.domain.work import Queue, WorkItem, WorkKind
from filmgate.ports.keys import Application
from filmgate.ports.ledger import Ledger
from filmgate.ports.tasks import Change, RawRequest
from filmgate.ports.work import Claim

from .examples import CANCELLED, ENGINE, A, B, advance, output, task

T = TypeVar("T")
Name = tuple[str, str, str]
LEASE = 10.0
QUEUES = (ENGINE, Queue.WEBHOOK, Queue.PURGE)

tenants = st.sampled_from([A, B])
unfinished_states = st.sampled_from([State.PENDING, State.PROCESSING])
delays = st.sampled_from([0.0, 5.0, 50.0])
WORKERS = ("worker", "another")


class Held(msgspec.Struct):
    """What the model knows of due work: which claim has it, if any, and its id once it was claimed."""

    due: WorkItem
    claim: Claim | None = None
    id: int | None = None
    worker: str = ""


class LedgerMachine(RuleBasedStateMachine):
    """Acts of owners and workers, the live ones and those that come too late, in any order."""

    tasks = Bundle("tasks")
    claims = Bundle("claims")

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.now = 100.0
        self.expected: dict[str, Task] = {}
        self.ends: dict[str, Task] = {}
        self.due: dict[Name, Held] = {}
        self.ledger = self.new_ledger()
        self.run(self.ledger.open())

    def new_ledger(self) -> Ledger:
        """Return an empty ledger that is not open yet."""
        raise NotImplementedError

    def run(self, act: Coroutine[Any, Any, T]) -> T:
        """Wait for an act, but not for ever."""
        return self.runner.run(asyncio.wait_for(act, 30))

    def teardown(self) -> None:
        """Close the ledger and the event loop."""
        self.run(self.ledger.close())
        self.runner.close()

    @initialize()
    def add_applications(self) -> None:
        """Start with two tenants."""
        for application in (A, B):
            self.run(self.ledger.add_application(application))

    @rule(target=tasks, application=tenants, delay=delays, told=st.booleans())
    def submit(self, application: Application, delay: float, told: bool) -> Task:
        """Accept a task whose first stage is due now or later."""
        accepted = task(application, callback_url="http://example.test/hook" if told else None)
        work = advance(accepted, self.now + delay)
        self.run(self.ledger.submit(accepted, RawRequest("gateway", b"{}"), [work]))
        self.expected[accepted.id] = accepted
        self._put(work)
        return accepted

    @rule(seconds=st.sampled_from([1.0, LEASE, 60.0]))
    def pass_time(self, seconds: float) -> None:
        """Let leases end and work become due."""
        self.now += seconds

    @rule(
        target=claims,
        queue=st.sampled_from(QUEUES),
        worker=st.sampled_from(WORKERS),
        lease=st.sampled_from([LEASE, 4 * LEASE]),
    )
    def claim(self, queue: str, worker: str, lease: float) -> Claim | MultipleResults[Claim]:
        """Take the next work of a queue, having renewed what one holds: it is due, and the earliest of its owner's."""
        for each in self.due.values():
            if each.claim is not None and each.worker == worker:
                self.renew(each.claim, lease)
        claims = self.run(self.ledger.claim(queue, worker, self.now, lease))
        ready = [held for held in self.due.values() if held.due.queue == queue and held.due.not_before <= self.now]
        assert bool(claims) == bool(ready)
        if not claims:
            return multiple()
        (claim,) = claims
        held = self.due[_name(claim.due)]
        assert claim.due == held.due
        same_owner = [other.due for other in ready if other.due.application_id == claim.due.application_id]
        assert claim.due.not_before == min(due.not_before for due in same_owner)
        if claim.due.kind is WorkKind.ADVANCE:
            before = self.expected[claim.due.task_id]
            self.expected[before.id] = msgspec.structs.replace(before, fence=before.fence + 1)
        assert claim.task == self.expected.get(claim.due.task_id)
        held.claim, held.id, held.worker = claim, claim.id, worker
        held.due = msgspec.structs.replace(held.due, not_before=self.now + lease)
        return claim

    @rule(claim=claims, state=unfinished_states, percent=st.integers(0, 99), delay=delays, done=st.booleans())
    def commit(self, claim: Claim, state: State, percent: int, delay: float, done: bool) -> None:
        """Commit a step under the fence of a claim, which may be stale."""
        if claim.task is None:
            return
        changed = {"state": state, "stage": Stage.RENDER, "percent": percent}
        following = [advance(claim.task, self.now + delay)]
        self._commit(claim, claim.task, changed, following, claim.id if done else None)

    @rule(claim=claims)
    def complete(self, claim: Claim) -> None:
        """End a task under the fence of a claim, which may be stale."""
        if claim.task is None:
            return
        changed = {"state": State.COMPLETED, "stage": Stage.DONE, "finished_at": self.now, "output": output()}
        told = WorkItem(
            WorkKind.WEBHOOK, Queue.WEBHOOK, claim.task.id, claim.task.application_id, self.now, "completed"
        )
        self._commit(claim, claim.task, changed, [told], claim.id)

    @rule(of=tasks, application=tenants)
    def cancel(self, of: Task, application: Application) -> None:
        """End a task as its owner, or try to as a stranger."""
        ended = self.run(self.ledger.cancel(application.id, of.id, CANCELLED, self.now))
        before = self.expected.get(of.id)
        if before is None or application.id != of.application_id:
            assert ended is None
            return
        if not before.final:
            before = self.expected[of.id] = msgspec.structs.replace(
                before, state=State.FAILED, stage=Stage.DONE, fence=before.fence + 1, failure=CANCELLED,
                finished_at=self.now, updated_at=self.now, cancel_requested=True,
            )  # fmt: skip
            self.due.pop((of.id, WorkKind.ADVANCE, ""), None)
            if of.callback_url is not None:
                self._put(WorkItem(WorkKind.WEBHOOK, Queue.WEBHOOK, of.id, of.application_id, self.now, "failed"))
        assert ended == before

    @rule(of=tasks, application=tenants)
    def delete(self, of: Task, application: Application) -> None:
        """Remove a task as its owner, or try to as a stranger."""
        there = of.id in self.expected and application.id == of.application_id
        assert self.run(self.ledger.delete(application.id, of.id, self.now)) == there
        if there:
            del self.expected[of.id]
            self.due = {name: held for name, held in self.due.items() if held.due.task_id != of.id}
            self._put(WorkItem(WorkKind.PURGE, Queue.PURGE, of.id, of.application_id, self.now))

    @rule(claim=consumes(claims))
    def finish(self, claim: Claim) -> None:
        """Remove the work of a claim, which may have been taken over."""
        self.run(self.ledger.finish(claim))
        if self._holds(claim):
            del self.due[_name(claim.due)]

    @rule(claim=claims, delay=delays)
    def postpone(self, claim: Claim, delay: float) -> None:
        """Return back the work of a claim, which may have been taken over."""
        self.run(self.ledger.postpone(claim, self.now + delay))
        if self._holds(claim):
            self._put(msgspec.structs.replace(claim.due, not_before=self.now + delay))

    @rule(claim=claims, lease=st.sampled_from([LEASE, 4 * LEASE]))
    def renew(self, claim: Claim, lease: float) -> None:
        """Let the lease of a claim, which may have been taken over, end later."""
        self.run(self.ledger.renew([claim], self.now, lease))
        if self._holds(claim):
            held = self.due[_name(claim.due)]
            held.due = msgspec.structs.replace(held.due, not_before=self.now + lease)

    @rule(worker=st.sampled_from([*WORKERS, "nobody"]))
    def release(self, worker: str) -> None:
        """Make the work of a worker, or of nobody, due before whatever waits in line."""
        held = [each for each in self.due.values() if each.claim is not None and each.worker == worker]
        assert self.run(self.ledger.release_leases(worker)) == len(held)
        for each in held:
            self._put(msgspec.structs.replace(each.due, not_before=0.0))

    @rule()
    def reopen(self) -> None:
        """Close and open the ledger as a restart does."""
        self.run(self.ledger.close())
        self.run(self.ledger.open())

    @invariant()
    def tasks_match(self) -> None:
        """Each tenant sees its own tasks as the model has them."""
        for application in (A, B):
            mine = [of for of in self.expected.values() if of.application_id == application.id]
            assert self.run(self.ledger.get_many(application.id, list(self.expected))) == mine

    @invariant()
    def no_task_ends_twice(self) -> None:
        """A task that has ended never changes again."""
        for of in self.expected.values():
            if of.final:
                assert self.ends.setdefault(of.id, of) == of

    @invariant()
    def due_work_matches(self) -> None:
        """Each queue's earliest work is the model's."""
        for queue in QUEUES:
            times = [held.due.not_before for held in self.due.values() if held.due.queue == queue]
            assert self.run(self.ledger.next_work(queue)) == min(times, default=None)

    def _commit(
        self, claim: Claim, seen: Task, changed: dict[str, Any], following: list[WorkItem], finished: int | None
    ) -> None:
        change = Change(task_id=seen.id, fence=seen.fence, now=self.now, finished=finished, **changed)
        outcome = self.run(self.ledger.commit(change, following))
        before = self.expected.get(seen.id)
        if before is None or before.final or before.fence != seen.fence:
            assert outcome is None
            return
        after = self.expected[seen.id] = msgspec.structs.replace(before, updated_at=self.now, **changed)
        assert outcome == after
        name = _name(claim.due)
        if finished is not None and name in self.due and self.due[name].id == finished:
            del self.due[name]
        for due in following:
            self._put(due)
        if after.final:
            self.due.pop((seen.id, WorkKind.ADVANCE, ""), None)

    def _put(self, due: WorkItem) -> None:
        held = self.due.setdefault(_name(due), Held(due))
        held.due, held.claim = due, None

    def _holds(self, claim: Claim) -> bool:
        held = self.due.get(_name(claim.due))
        return held is not None and held.claim == claim


def _name(due: WorkItem) -> Name:
    return due.task_id, due.kind, due.detail
