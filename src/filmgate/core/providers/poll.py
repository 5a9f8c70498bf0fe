"""Following tasks that wait at a provider, until it has a verdict or a file."""

from __future__ import annotations

import logging
import random
from collections.abc import Mapping, Sequence

import msgspec

from filmgate.core.providers.account import Account
from filmgate.core.work.attempt import Attempt, Superseded, WorkContext
from filmgate.domain.accounts import AccountSettings
from filmgate.domain.backoff import spread
from filmgate.domain.failures import Failure, FailureCode
from filmgate.domain.generation import Kind
from filmgate.domain.media import Role
from filmgate.domain.states import Stage, State
from filmgate.domain.task import Task
from filmgate.domain.work import Queue, WorkKind, queue_of
from filmgate.ports.provider import ProviderError, Status
from filmgate.ports.work import Claim

log = logging.getLogger(__name__)

_IN_A_ROW = 3
"""So often in a row must a provider not know a task, or have no file for it, before that counts."""

_TO_BE_SUBMITTED = frozenset({Stage.SUBMIT, Stage.SUBMIT_UNKNOWN})

_GROWTH = 0.3
"""Of a task's age: what its questions are further apart than the first ones."""

_SMALL_STEP = 5


class Polling:
    """Waits with each task, and believes only definite words: an unknown one means wait, no answer means ask again."""

    def __init__(self, accounts: Mapping[str, Account], work_context: WorkContext) -> None:
        self._accounts = accounts
        self._work_context = work_context
        self._webhooks: dict[str, tuple[str, str]] = {}

    async def follow(self, claim: Claim) -> None:
        """Follow one task, without a slot, until it is to be fetched or has failed."""
        attempt = self._work_context.attempt(claim)
        task = attempt.task
        assert task.upstream_id is not None, "a task is followed by its provider's id"
        key = task.work.asked.key if task.work.asked else task.id
        self._webhooks[key] = (task.engine, task.upstream_id)
        try:
            await self._follow(attempt, self._accounts[task.engine], task.upstream_id)
        except Superseded:
            log.info("task %s was ended or taken over meanwhile", task.id)
        finally:
            self._webhooks.pop(key, None)

    def poll_now(self, engine: str, key: str) -> bool:
        """Ask about the task of a submit key now, since its provider says it has news; False if nobody waits."""
        name, upstream_id = self._webhooks.get(key, ("", ""))
        return name == engine and self._accounts[engine].poll_now(upstream_id)

    async def upcoming(self, tasks: Sequence[Task]) -> dict[str, float]:
        """Return when the providers of tasks are asked next, to make them or how far they are, in unix seconds.

        A task that waits for no time is left out.
        """
        now = self._work_context.clock()
        theirs = [task for task in tasks if task.engine in self._accounts]
        waiting = [task.id for task in theirs if task.stage in _TO_BE_SUBMITTED]
        times = await self._work_context.ledger.next_attempts(waiting) if waiting else {}
        for task in theirs:
            if task.stage is Stage.POLL and task.upstream_id is not None:
                seconds = self._accounts[task.engine].next_query(task.upstream_id)
                times |= {} if seconds is None else {task.id: now + seconds}
        return {task_id: at for task_id, at in times.items() if at > now}

    async def _follow(self, attempt: Attempt, account: Account, upstream_id: str) -> None:
        settings, absent, empty, since = account.settings, 0, 0, 0.0
        wait = self._first_wait(attempt, settings)
        while not attempt.over:
            try:
                report = await account.ask(upstream_id, wait)
            except ProviderError as trouble:
                log.debug("task %s: no answer from %s: %s", attempt.task.id, account.name, trouble.message)
            else:
                absent = absent + 1 if report is None else 0
                since = account.clock() if absent == 1 else since
                empty = empty + 1 if report is not None and _without_file(attempt, report) else 0
                if report is not None:
                    await self._believe(attempt, report, empty)
                elif absent >= _IN_A_ROW and account.is_lost(upstream_id, since):
                    lost = f"The provider {account.name} does not know the task any more."
                    await attempt.end(Failure(FailureCode.LOST_BY_PROVIDER, lost))
            wait = spread(self._pause(attempt.task, settings), 0.85, 1.15, random.random)

    def _first_wait(self, attempt: Attempt, settings: AccountSettings) -> float:
        """Return the seconds until a task is asked about for the first time."""
        if attempt.claim.tries:
            # What was followed before a restart goes on at its own pace: the provider does not notice the restart.
            return spread(self._pause(attempt.task, settings), 0.0, 1.0, random.random)
        # An adopted task may have ended long ago.
        return 0.0 if attempt.task.work.asked is None else settings.poll

    def _pause(self, task: Task, settings: AccountSettings) -> float:
        """Return the seconds between two questions about a task: the older it is, the more."""
        since = task.created_at if task.work.asked is None else task.work.asked.at
        age = max(0.0, self._work_context.clock() - since)
        return min(settings.poll_max, settings.poll + _GROWTH * age)

    async def _believe(self, attempt: Attempt, report: Status, empty: int) -> None:
        """Commit what a report says for certain. Raises Superseded."""
        if empty >= _IN_A_ROW:
            bare = f"The provider {attempt.task.engine} says the task is completed, but gives no file."
            await attempt.end(Failure(FailureCode.OUTPUT_MISSING, bare))
        elif report.state is State.FAILED:
            unsaid = Failure(FailureCode.GENERATION_FAILED, "The generation failed.")
            await attempt.end(report.failure or unsaid)
        elif report.state is State.COMPLETED and not empty:
            await self._fetchable(attempt, report)
        elif report.percent is not None:
            await self._progress(attempt, report.percent)

    async def _fetchable(self, attempt: Attempt, report: Status) -> None:
        links = {str(role): link for role, link in report.links.items()}
        work = msgspec.structs.replace(
            attempt.task.work,
            links=links,
            video=report.receipt.video_id or attempt.task.work.video,
            notes=dict(report.notes),
        )
        queue = queue_of(Queue.INGEST, attempt.task.engine)
        await attempt.enqueue(WorkKind.ADVANCE, queue, stage=Stage.INGEST, work=work, percent=99)

    async def _progress(self, attempt: Attempt, percent: int) -> None:
        """Commit progress in steps worth a write."""
        now = min(98, percent)
        if now >= attempt.task.percent + _SMALL_STEP:
            await attempt.commit(percent=now)


def _without_file(attempt: Attempt, report: Status) -> bool:
    wanted = Role.IMAGE if attempt.task.generation.kind is Kind.IMAGE else Role.VIDEO
    return report.state is State.COMPLETED and not report.links.get(wanted)
