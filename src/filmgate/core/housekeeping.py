"""Due work that keeps promises in the background: deadlines, and the files of tasks that are gone."""

from __future__ import annotations

from filmgate.core.providers.submitting import UNKNOWN
from filmgate.core.service import TaskService
from filmgate.domain.failures import Failure, FailureCode
from filmgate.domain.states import Stage
from filmgate.faults import Point, reached
from filmgate.ports.dispatch import Clock
from filmgate.ports.ledger import Claim, Ledger
from filmgate.ports.media import MediaStore


class Housekeeping:
    """Ends tasks whose time is up and removes files that nobody owns any more."""

    def __init__(self, ledger: Ledger, service: TaskService, store: MediaStore, clock: Clock) -> None:
        self._ledger = ledger
        self._service = service
        self._store = store
        self._clock = clock

    async def expire(self, claim: Claim) -> None:
        """End a task that has not ended by its deadline, or has waited in line too long."""
        task = claim.task
        if task is not None and not task.final:
            now = self._clock()
            if task.deadline_at is not None and task.deadline_at > now:
                await self._ledger.postpone(claim, task.deadline_at)
                return
            since = task.created_at if task.started_at is None else task.started_at
            verb = "waited in line" if task.started_at is None else "worked on"
            late = Failure(FailureCode.EXPIRED, f"The task was not finished in time: {verb} for {now - since:.0f} s.")
            await self._service.end(task, UNKNOWN if task.stage is Stage.SUBMIT_UNKNOWN else late)
            reached(Point.EXPIRED)
        await self._ledger.finish(claim)

    async def purge(self, claim: Claim) -> None:
        """Remove the files of a task that was deleted, or whose files are not kept any more."""
        for key in await self._store.keys(claim.due.task_id):
            await self._store.remove(key)
        reached(Point.PURGED)
        await self._ledger.finish(claim)
