"""One claim at work, and the only way to change its task."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, NamedTuple, TypeVar

from filmgate.domain.failures import Failure
from filmgate.domain.states import Stage, State
from filmgate.domain.task import Task
from filmgate.domain.work import WorkItem, WorkKind, work_for
from filmgate.faults import Point, reach
from filmgate.ports.change_feed import ChangeFeed
from filmgate.ports.clock import Clock
from filmgate.ports.dispatch import Dispatcher
from filmgate.ports.ledger import Ledger
from filmgate.ports.tasks import Change
from filmgate.ports.work import Claim

T = TypeVar("T")

_STAGES = {stage: Point(f"stage-{stage}") for stage in Stage}


class Superseded(Exception):
    """The task was ended, deleted or claimed anew meanwhile; what this worker still knows does not count."""


class WorkContext(NamedTuple):
    """What every attempt works with."""

    ledger: Ledger
    feed: ChangeFeed
    dispatcher: Dispatcher
    clock: Clock

    def attempt(self, claim: Claim) -> Attempt:
        """Begin an attempt on a claim that came with its task."""
        assert claim.task is not None, "this kind of work is claimed with its task"
        return Attempt(self, claim, claim.task)


class Attempt:
    """One claim at work: the task as last committed, and the only way to change it.

    It is `over` when the task has ended, or when what is left to do is another claim's.
    """

    def __init__(self, work_context: WorkContext, claim: Claim, task: Task) -> None:
        self._work_context = work_context
        self.claim = claim
        self.task = task
        self.over = task.final

    async def commit(self, due: tuple[WorkItem, ...] = (), **changes: Any) -> None:
        """Change the task and go on from what the ledger has then. Raises Superseded."""
        change = Change(task_id=self.task.id, fence=self.task.fence, now=self._work_context.clock(), **changes)
        task = await self._work_context.ledger.commit(change, due)
        if task is None:
            raise Superseded(self.task.id)
        reach(_STAGES[task.stage])
        self.task = task
        self.over = self.over or task.final
        self._work_context.feed.publish(task)
        for work in due:
            self._work_context.dispatcher.wake(work.queue)

    async def enqueue(
        self, kind: WorkKind, queue: str, pause: float = 0.0, *, also: tuple[WorkItem, ...] = (), **changes: Any
    ) -> None:
        """Leave the rest to the next claim from a queue, not before a pause in seconds. Raises Superseded.

        `also` is further work.
        """
        due = WorkItem(kind, queue, self.task.id, self.task.application_id, self._work_context.clock() + pause)
        await self.commit((due, *also), finished=self.claim.id, **changes)
        self.over = True

    async def again(self, pause: float, **changes: Any) -> None:
        """Leave the task to a later claim of the same work, which knows how many there were. Raises Superseded."""
        due = WorkItem(
            WorkKind.ADVANCE,
            self.claim.due.queue,
            self.task.id,
            self.task.application_id,
            self._work_context.clock() + pause,
        )
        await self.commit((due,), **changes)
        self.over = True

    def limit(self, deadline: float) -> tuple[WorkItem, ...]:
        """Return the work that ends the task at its deadline, in the place of that for an earlier or later one."""
        return (work_for(self.task, WorkKind.EXPIRE, deadline),)

    async def end(self, failure: Failure | None = None) -> None:
        """Bring the task to its one end, and make the owner's webhook due with it. Raises Superseded."""
        now = self._work_context.clock()
        state = State.COMPLETED if failure is None else State.FAILED
        changes: dict[str, Any] = {"failure": failure} if failure else {"percent": 100}
        due = []
        if self.task.callback_url:
            due.append(work_for(self.task, WorkKind.WEBHOOK, now, state))
        if self.claim.due.kind is WorkKind.POLL and self.task.generation.references:
            # A poll has no folder in which it would tidy up.
            due.append(work_for(self.task, WorkKind.PURGE, now))
        await self.commit(
            due=tuple(due),
            state=state,
            stage=Stage.DONE,
            finished_at=now,
            finished=self.claim.id,
            **changes,
        )


async def shield(work: Coroutine[Any, Any, T]) -> T:
    """Await work that must not be left half done: a cancellation takes effect after it."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await task
        raise
