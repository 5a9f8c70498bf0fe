"""Telling providers that a task is not wanted any more."""

from __future__ import annotations

import logging
from collections.abc import Mapping

import msgspec

from filmgate.core.providers.account import Account
from filmgate.core.providers.outcomes import IdentifiedTask, identify
from filmgate.core.providers.request_builder import RequestBuilder
from filmgate.domain.task import SubmitAttempt
from filmgate.domain.work import WorkItem, WorkKind
from filmgate.faults import Point, reach
from filmgate.ports.clock import Clock
from filmgate.ports.ledger import Ledger
from filmgate.ports.provider import ProviderError
from filmgate.ports.provider_ids import Sought
from filmgate.ports.work import Claim

log = logging.getLogger(__name__)

_PAUSES = (2, 10, 60, 300, 1_800, 7_200)

_LOOKS = (2, 10, 60, 300)
"""Seconds between the searches for a submit whose task was ended before the provider had answered."""


class ProviderCancel:
    """Passes cancels and deletes on, where the provider has them; what is not reached is tried again for hours."""

    def __init__(self, accounts: Mapping[str, Account], ledger: Ledger, writing: RequestBuilder, clock: Clock) -> None:
        self._accounts = accounts
        self._ledger = ledger
        self._writing = writing
        self._clock = clock

    async def work(self, claim: Claim) -> None:
        """Run a work item of either kind."""
        account = self._accounts[claim.due.queue.partition(":")[2]]
        await (self._seek if claim.due.kind == WorkKind.SEEK else self._recall)(claim, account)

    async def _recall(self, claim: Claim, account: Account) -> None:
        """Cancel one task at the provider."""
        if account.provider.discards:
            try:
                await account.discard(claim.due.detail)
            except ProviderError as trouble:
                if await self._again(claim, _PAUSES):
                    return
                log.warning("engine %s never forgot task %s: %s", account.name, claim.due.detail, trouble.message)
            reach(Point.RECALLED)
        await self._ledger.finish(claim)

    async def _seek(self, claim: Claim, account: Account) -> None:
        """Find the generation of an unanswered request and cancel it, if it is certainly its own."""
        if not account.provider.discards:
            await self._ledger.finish(claim)
            return
        due, found = claim.due, IdentifiedTask(None)
        if account.provider.searches:
            try:
                found = await self._found(account, due.task_id, msgspec.json.decode(due.detail, type=Sought))
            except ProviderError as trouble:
                # A list that cannot be read says nothing: it is looked at for hours.
                log.info("the submit of task %s cannot be looked for: %s", due.task_id, trouble.message)
                if await self._again(claim, _PAUSES):
                    return
            else:
                if found.ours is None and await self._again(claim, _LOOKS):
                    return
        if found.ours is not None:
            recall = WorkItem(WorkKind.RECALL, due.queue, due.task_id, due.application_id, self._clock(), found.ours.id)
            await self._ledger.settle_seek(due.task_id, recall, self._clock())
            reach(Point.SOUGHT)
            return
        alike = ", ".join(each.id for each in found.alike)
        log.warning(
            "task %s was ended while %s was asked for it, and %s: it may be made there all the same",
            due.task_id, account.name, f"only {alike} resembles it" if alike else "cannot be found",
        )  # fmt: skip
        await self._ledger.finish(claim)

    async def _found(self, account: Account, task_id: str, sought: Sought) -> IdentifiedTask:
        """Look for what a submit has become. Raises ProviderError."""
        submission = self._writing.submission(account.name, sought.generation, sought.key)
        asked = SubmitAttempt(sought.key, sought.at, latest=sought.latest)
        return await identify(account, self._ledger, submission, asked, task_id)

    async def _again(self, claim: Claim, pauses: tuple[int, ...]) -> bool:
        """Put it off for as long as it has been tried; False if it has been tried often enough."""
        if claim.tries >= len(pauses):
            return False
        await self._ledger.postpone(claim, self._clock() + pauses[claim.tries])
        return True
