"""Due work that keeps promises in the background: deadlines, and the files of tasks that are gone."""

from __future__ import annotations

from collections.abc import Mapping

from filmgate.core.providers.account import Account
from filmgate.core.providers.outcomes import UNKNOWN, unknown_until
from filmgate.core.tasks.service import TaskService
from filmgate.domain.accounts import AccountSettings
from filmgate.domain.failures import Failure, FailureCode
from filmgate.domain.states import Stage
from filmgate.domain.task import Task
from filmgate.faults import Point, reach
from filmgate.ports.clock import Clock
from filmgate.ports.ledger import Ledger
from filmgate.ports.media import MediaStore
from filmgate.ports.work import Claim

_MOMENT = 60.0
"""Seconds after which a submit is looked at again that was being sent when its task's time was up."""

_OPEN = (Stage.SUBMITTING, Stage.SUBMIT_UNKNOWN)


class Expiry:
    """Ends tasks whose time is up and removes files that nobody owns any more."""

    def __init__(
        self,
        ledger: Ledger,
        service: TaskService,
        store: MediaStore,
        clock: Clock,
        accounts: Mapping[str, Account],
    ) -> None:
        self._ledger = ledger
        self._accounts = accounts
        self._service = service
        self._store = store
        self._clock = clock

    async def expire(self, claim: Claim) -> None:
        """End a task that has not ended by its deadline, or has waited in line too long."""
        task = claim.task
        if task is not None and not task.final:
            now = self._clock()
            limit = self._limit(task, now)
            if limit > now:
                await self._ledger.postpone(claim, limit)
                return
            since = task.created_at if task.started_at is None else task.started_at
            verb = "waited in line" if task.started_at is None else "worked on"
            late = Failure(FailureCode.EXPIRED, f"The task was not finished in time: {verb} for {now - since:.0f} s.")
            await self._service.end(task, UNKNOWN if task.stage in _OPEN else late)
            reach(Point.EXPIRED)
        await self._ledger.finish(claim)

    def _limit(self, task: Task, now: float) -> float:
        """Return when to end a task, or to look again; the time may be past."""
        if task.stage is Stage.SUBMITTING and task.work.asked is not None:
            # It is being sent, or was when a process died: whether it is of an unknown outcome is known in a moment.
            return min(now + _MOMENT, unknown_until(task.work.asked, self._settings(task.engine)))
        return now if task.deadline_at is None else task.deadline_at

    def _settings(self, engine: str) -> AccountSettings | None:
        account = self._accounts.get(engine)
        return None if account is None else account.settings

    async def purge(self, claim: Claim) -> None:
        """Remove the files of a task that nothing needs any more, such as all of one that was deleted."""
        for key in await self._ledger.retention.strays(await self._store.keys(claim.due.task_id)):
            await self._store.remove(key)
        reach(Point.PURGED)
        await self._ledger.finish(claim)
