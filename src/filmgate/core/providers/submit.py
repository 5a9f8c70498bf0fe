"""Asking a provider for a generation: at most once, whatever happens.

The key of a submit is committed before it is sent. Whoever finds it committed without an answer looks the submit up
where the provider can list its tasks, and never sends it again unless the provider knows the key or the admin has
said so.
"""

from __future__ import annotations

import logging
import random
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from filmgate.core.providers.account import Account
from filmgate.core.providers.inputs import InputTranslator
from filmgate.core.providers.outcomes import SKEW, UNKNOWN, identify, unknown_until
from filmgate.core.providers.request_builder import RequestBuilder
from filmgate.core.providers.routing import Router
from filmgate.core.work.attempt import Attempt, Superseded, WorkContext, shield
from filmgate.core.work.external_inputs import ExternalInputs
from filmgate.core.work.start import TaskStart
from filmgate.domain.backoff import exponential, spread, step
from filmgate.domain.errors import Conflict, EngineFailed
from filmgate.domain.states import Stage
from filmgate.domain.task import SubmitAttempt
from filmgate.domain.work import Queue, WorkKind, queue_of, work_for
from filmgate.faults import Point, reach
from filmgate.ports.provider import LONGEST_HOLD, ProviderError, Submission, TaskRef

log = logging.getLogger(__name__)

_LOOKS = (2.0, 10.0, 30.0, 120.0)
"""Seconds after which a submit without an answer is looked up, each after the one before."""

_REPEATS = (*_LOOKS, 300.0, LONGEST_HOLD)
"""Seconds after which a submit is sent again under its key, each after the one before."""

_HOUR = 3600.0

_LATER = 600.0
_FIRST_PAUSE = 1.0
_LONGEST_PAUSE = 60.0


class ProviderSubmit:
    """The stages of a task until its provider has it."""

    def __init__(
        self,
        accounts: Mapping[str, Account],
        router: Router,
        starting: TaskStart,
        external: ExternalInputs,
        inputs: InputTranslator,
        work_context: WorkContext,
        writing: RequestBuilder,
    ) -> None:
        self._accounts = accounts
        self._router = router
        self._starting = starting
        self._external = external
        self._inputs = inputs
        self._work_context = work_context
        self._writing = writing
        self.stages = {
            Stage.SUBMIT: self._submit,
            Stage.SUBMITTING: self._resume_interrupted,
            Stage.SUBMIT_UNKNOWN: self._look_up,
        }

    async def _submit(self, attempt: Attempt, folder: Path) -> None:
        """Refuse what cannot be done, start the clock, and ask; elsewhere if this account takes nothing now."""
        account = self._accounts[attempt.task.engine]
        refusal = account.provider.refuse(attempt.task.generation)
        # The clock runs from when a task can be asked for: an outage of the provider is waiting in line.
        if refusal is None and (await self._pass_over(attempt, account) or await self._external.defer(attempt)):
            return
        await self._starting.begin(attempt, refusal)
        asked = SubmitAttempt(secrets.token_hex(16), self._work_context.clock())
        submission = await self._submission(attempt, folder, asked)
        await account.turn()
        if not await self._pass_over(attempt, account):
            await self._send(attempt, submission, asked)

    async def _pass_over(self, attempt: Attempt, account: Account) -> bool:
        """Leave an account alone that takes nothing now."""
        trouble = account.trouble
        if trouble is not None:
            await self._elsewhere(attempt, trouble, account.wait)
        return trouble is not None

    async def _send(self, attempt: Attempt, submission: Submission, asked: SubmitAttempt) -> None:
        try:
            # Whoever ends the task meanwhile, the answer is waited for: it may have to be taken back.
            await shield(self._commit_and_send(attempt, submission, asked))
        except ProviderError as trouble:
            log.info("task %s: submit to %s: %s", attempt.task.id, attempt.task.engine, trouble.message)
            if trouble.accepted:
                await self._hold(attempt)
            else:
                await self._elsewhere(attempt, trouble.message, trouble.retry_after or 0.0)

    async def _commit_and_send(self, attempt: Attempt, submission: Submission, asked: SubmitAttempt) -> None:
        """Commit that a submit is being sent, then send it."""
        work = msgspec.structs.replace(attempt.task.work, asked=asked)
        await attempt.commit(stage=Stage.SUBMITTING, work=work)
        try:
            await self._post(attempt, submission)
        except (EngineFailed, ProviderError) as refusal:
            if isinstance(refusal, EngineFailed) or not refusal.accepted:
                await self._skip_reconciling(attempt)
            raise

    async def _post(self, attempt: Attempt, submission: Submission) -> None:
        account = self._accounts[attempt.task.engine]
        reach(Point.PROVIDER_ASKED)
        receipt = await account.submit(submission)
        reach(Point.PROVIDER_ANSWERED)
        try:
            await self._commit_accepted(attempt, receipt)
        except Superseded:
            # Its owner has ended it before the provider's answer came: the provider is to stop as well.
            await self._take_back(attempt, receipt)
            raise
        except Exception:
            # An admin who decides about the task will want to know.
            log.warning("task %s: %s accepted it as %s: not written", attempt.task.id, account.name, receipt.id)
            raise

    async def _commit_accepted(self, attempt: Attempt, receipt: TaskRef) -> None:
        """Commit what the provider calls the task, and have it followed; hold it if that is another task's name."""
        task = attempt.task
        work = msgspec.structs.replace(task.work, video=receipt.video_id, inputs={})
        queue = queue_of(Queue.POLL, task.engine)
        try:
            time = self._engines_time(attempt)
            await attempt.enqueue(WorkKind.POLL, queue, stage=Stage.POLL, upstream_id=receipt.id, work=work, **time)
        except Conflict as conflict:
            # Which of the two the provider means nobody here can tell: the one that had the name first keeps it.
            log.warning("task %s is held, its outcome is unknown: %s", task.id, conflict.message)
            assert task.work.asked is not None, "a submit is committed with its key"
            if task.stage is not Stage.SUBMIT_UNKNOWN:
                await self._hold(attempt)
            await self._look_later(attempt, task.work.asked, _LATER)
            return
        await self._inputs.forget(task)

    async def _take_back(self, attempt: Attempt, receipt: TaskRef) -> None:
        due = work_for(attempt.task, WorkKind.RECALL, self._work_context.clock(), receipt.id)
        # Unless it is another task's by now: an admin may have said so meanwhile.
        await self._work_context.ledger.settle_seek(due.task_id, due, self._work_context.clock())
        self._work_context.dispatcher.wake(due.queue)

    async def _skip_reconciling(self, attempt: Attempt) -> None:
        """Look for nothing at the provider if the owner has ended the task meanwhile: it certainly accepted nothing."""
        task = await self._work_context.ledger.get(attempt.task.application_id, attempt.task.id)
        if task is None or task.final:
            await self._work_context.ledger.settle_seek(attempt.task.id, None, self._work_context.clock())

    async def _elsewhere(self, attempt: Attempt, reason: str, wait: float, *, again: bool = False) -> None:
        """Return a task that certainly was not accepted to the next engine, or try again later when all were asked.

        `again` remembers that it is submitted again though nobody knows the outcome of its last submit.
        """
        task, again = attempt.task, again or attempt.task.work.again
        tried = (*task.work.tried, task.engine)
        origin = await self._router.origin(task)
        other = self._router.next_engine(task.generation, origin, tried, task.work.terms)
        if other is not None:
            log.info("task %s goes from %s to %s: %s", task.id, task.engine, other, reason)
            remarks = self._router.remarks(other, task.generation, task.work.terms)
            work = msgspec.structs.replace(task.work, asked=None, tried=tried, again=again, **remarks)
            time = self._engines_time(attempt)
            await attempt.enqueue(WorkKind.ADVANCE, other, stage=Stage.SUBMIT, engine=other, work=work, **time)
            return
        steps = exponential(task.work.rounds, _FIRST_PAUSE, _LONGEST_PAUSE)
        pause = max(wait, min(LONGEST_HOLD, spread(max(wait, steps), 1.0, 1.25, random.random)))
        rounds = min(16, task.work.rounds + 1)
        work = msgspec.structs.replace(task.work, asked=None, tried=(), rounds=rounds, again=again)
        time = self._engines_time(attempt)
        await attempt.enqueue(WorkKind.ADVANCE, task.engine, pause, stage=Stage.SUBMIT, work=work, **time)

    async def _resume_interrupted(self, attempt: Attempt, _folder: Path) -> None:
        """Go on from a submit that was being sent when the process died: nobody knows its answer."""
        await self._hold(attempt)

    async def _hold(self, attempt: Attempt) -> None:
        """Commit that nobody knows the outcome of a submit: its time is `unknown_days` now, not the engine's."""
        account, asked = self._accounts[attempt.task.engine], attempt.task.work.asked
        assert asked is not None, "a submit is committed with its key"
        until = unknown_until(asked, account.settings)
        await attempt.commit(attempt.limit(until), stage=Stage.SUBMIT_UNKNOWN, deadline_at=until)
        account.unknown += 1

    def _engines_time(self, attempt: Attempt) -> dict[str, Any]:
        """Return the change by which a task that was held has its engine's time again; none for another task."""
        if attempt.task.stage is not Stage.SUBMIT_UNKNOWN:
            return {}
        deadline = self._starting.deadline(attempt.task.engine)
        return {"also": attempt.limit(deadline), "deadline_at": deadline}

    async def _look_up(self, attempt: Attempt, folder: Path) -> None:
        """Find out what became of a submit without an answer."""
        account = self._accounts[attempt.task.engine]
        asked = attempt.task.work.asked
        assert asked is not None, "a submit is committed with its key"
        if account.settings.idempotency_keys and self._is_remembered(asked, account):
            await self._repeat(attempt, folder, asked, account)
        elif not account.provider.searches:
            await self._apply_unknown_policy(attempt, account, searched=False)
        elif asked.looked == 0:
            # A provider may list a task a moment after it has accepted it.
            await self._look_later(attempt, asked)
        else:
            await self._search(attempt, folder, asked, account)

    def _is_remembered(self, asked: SubmitAttempt, account: Account) -> bool:
        """Return whether a provider certainly still knows the key of a submit: afterwards a repeat is paid again."""
        age = self._work_context.clock() - asked.at
        return -SKEW <= age < account.settings.idempotency_hours * _HOUR

    async def _repeat(self, attempt: Attempt, folder: Path, asked: SubmitAttempt, account: Account) -> None:
        """Send the submit again under its key: the provider answers with the task that the first one has become.

        Any other answer, also a refusal, is about the repeat and says nothing about the first submit.
        """
        pause = _REPEATS[min(asked.looked, len(_REPEATS) - 1)]
        try:
            submission = await self._submission(attempt, folder, asked)
        except EngineFailed:
            # What it refers to is gone: that says nothing about the first submit, and a second one cannot be made.
            await self._apply_unknown_policy(attempt, account, searched=False)
            return
        except ProviderError:
            await self._look_later(attempt, asked, pause)
            return
        if account.trouble is not None:
            await self._look_later(attempt, asked, max(pause, account.wait), counts=False)
            return
        await account.turn()
        if not self._is_remembered(asked, account):
            await self._look_later(attempt, asked, 0.0, counts=False)
            return
        try:
            await shield(self._post(attempt, submission))
        except EngineFailed as refusal:
            log.info("task %s: repeat to %s: %s", attempt.task.id, account.name, refusal.message)
            await self._look_later(attempt, asked, pause)
        except ProviderError as trouble:
            log.info("task %s: repeat to %s: %s", attempt.task.id, account.name, trouble.message)
            await self._look_later(attempt, asked, max(pause, trouble.retry_after or 0.0, account.wait))

    async def _search(self, attempt: Attempt, folder: Path, asked: SubmitAttempt, account: Account) -> None:
        try:
            submission = await self._submission(attempt, folder, asked)
        except EngineFailed:
            # What it refers to is gone: that says nothing about the submit, which is looked for by what is left.
            submission = self._build_submission(attempt, asked)
        try:
            found = await identify(account, self._work_context.ledger, submission, asked, attempt.task.id)
        except ProviderError as trouble:
            log.info("task %s cannot be looked up at %s: %s", attempt.task.id, account.name, trouble.message)
            await self._look_later(attempt, asked, max(trouble.retry_after or 0.0, _LOOKS[-1]), counts=False)
            return
        if found.ours is not None:
            log.info("task %s was accepted by %s as %s after all", attempt.task.id, account.name, found.ours.id)
            await self._commit_accepted(attempt, found.ours)
            return
        seen = msgspec.structs.replace(asked, alike=found.alike)
        if asked.looked < len(_LOOKS):
            await self._look_later(attempt, seen)
        else:
            await self._apply_unknown_policy(attempt, account, searched=True, asked=seen)

    async def _look_later(
        self, attempt: Attempt, asked: SubmitAttempt, pause: float | None = None, *, counts: bool = True
    ) -> None:
        wait = step(asked.looked, _LOOKS) if pause is None else pause
        looked = msgspec.structs.replace(asked, looked=asked.looked + counts)
        work = msgspec.structs.replace(attempt.task.work, asked=looked)
        await attempt.enqueue(WorkKind.ADVANCE, queue_of(Queue.LOOKUP, attempt.task.engine), wait, work=work)

    async def _apply_unknown_policy(
        self, attempt: Attempt, account: Account, *, searched: bool, asked: SubmitAttempt | None = None
    ) -> None:
        """Do with a submit that cannot be found what the admin has set."""
        policy, before = account.settings.on_unknown, attempt.task.work.asked
        asked = asked or before
        assert asked is not None, "a submit is committed with its key"
        if not searched or asked.looked <= len(_LOOKS) or asked != before:
            log.warning(
                "task %s: %s did not say whether it accepted it, %s; policy: %s", attempt.task.id, account.name,
                _describe_search(asked) if searched else "and cannot be searched", policy,
            )  # fmt: skip
        if policy == "fail":
            raise EngineFailed(UNKNOWN)
        if policy == "submit_again" and not attempt.task.work.again and not asked.alike:
            # Once: where the second answer is lost too, only the admin can say what to do.
            await self._elsewhere(attempt, "the submit could not be found", 0.0, again=True)
        elif searched:
            # It may still turn up there; until the admin decides or the time is up.
            await self._look_later(attempt, asked, _LATER)
        else:
            await attempt.commit(finished=attempt.claim.id)
            attempt.over = True

    async def _submission(self, attempt: Attempt, folder: Path, asked: SubmitAttempt) -> Submission:
        """Build the submission. Raises EngineFailed if an input cannot be given to this provider."""
        task = attempt.task
        account = self._accounts[task.engine]
        places, guides = await self._inputs.translate(task, account.provider, folder)
        return self._build_submission(attempt, asked, guides=guides, **places)

    def _build_submission(self, attempt: Attempt, asked: SubmitAttempt, **inputs: Any) -> Submission:
        return self._writing.submission(attempt.task.engine, attempt.task.generation, asked.key, **inputs)


def _describe_search(asked: SubmitAttempt) -> str:
    """Return what a search for a submit has found, for the log."""
    ids = ", ".join(each.id for each in asked.alike)
    return f"and lists {ids}, which only resembles it" if ids else "and does not list it"
