"""Telling providers that a task is not wanted any more."""

from __future__ import annotations

import logging
from collections.abc import Mapping

import msgspec

from filmgate.core.providers.account import Account
from filmgate.core.providers.submitting import SKEW
from filmgate.core.providers.writing import Writing
from filmgate.faults import Point, reached
from filmgate.ports.dispatch import Clock
from filmgate.ports.ledger import RECALL, SEEK, Claim, Due, Ledger, Sought
from filmgate.ports.provider import ProviderTrouble

log = logging.getLogger(__name__)

_PAUSES = (2, 10, 60, 300, 1_800, 7_200)

_LOOKS = (2, 10, 60, 300)
"""Seconds between the searches for a submit whose task was ended before the provider had answered."""


class Recalling:
    """Passes cancels and deletes on, where the provider has them; what is not reached is tried again for hours."""

    def __init__(self, accounts: Mapping[str, Account], ledger: Ledger, writing: Writing, clock: Clock) -> None:
        self._accounts = accounts
        self._ledger = ledger
        self._writing = writing
        self._clock = clock

    async def work(self, claim: Claim) -> None:
        """Do what is due of either kind."""
        account = self._accounts[claim.due.queue.partition(":")[2]]
        await (self._seek if claim.due.kind == SEEK else self._recall)(claim, account)

    async def _recall(self, claim: Claim, account: Account) -> None:
        """Have the provider forget one task."""
        if account.provider.discards:
            try:
                await account.discard(claim.due.detail)
            except ProviderTrouble as trouble:
                if await self._again(claim, _PAUSES):
                    return
                log.warning("engine %s never forgot task %s: %s", account.name, claim.due.detail, trouble.message)
            reached(Point.RECALLED)
        await self._ledger.finish(claim)

    async def _seek(self, claim: Claim, account: Account) -> None:
        """Find what a submit has become that was never answered, to have it forgotten."""
        if not account.provider.discards:
            await self._ledger.finish(claim)
            return
        found: list[str] = []
        if account.provider.searches:
            found = await self._found(account, claim.due.task_id, msgspec.json.decode(claim.due.detail, type=Sought))
            if not found and await self._again(claim, _LOOKS):
                return
        if len(found) == 1:
            due = claim.due
            recall = Due(RECALL, due.queue, due.task_id, due.application_id, self._clock(), found[0])
            await self._ledger.settle_seek(due.task_id, recall, self._clock())
            return
        # Of several that look alike nobody knows which one is unwanted.
        log.warning(
            "task %s was ended while %s was asked for it, and %s: it may be made there all the same",
            claim.due.task_id, account.name, "several look like it" if found else "cannot be found",
        )  # fmt: skip
        await self._ledger.finish(claim)

    async def _found(self, account: Account, task_id: str, sought: Sought) -> list[str]:
        """Give what the provider has that may be the submit and is no other task's; nothing while that is not clear."""
        submission = self._writing.submission(account.name, sought.generation, sought.key)
        try:
            reports = await account.find(submission, sought.at - SKEW)
        except ProviderTrouble as trouble:
            log.info("a submit cannot be looked for at %s: %s", account.name, trouble.message)
            return []
        # Only what is certainly no other is thrown away: it tells the same prompt.
        ids = [each.receipt.id for each in reports if each.asked and each.asked.prompt == sought.generation.prompt]
        # In this order: a task that is not open any more when it is looked for has its id in the ledger by then.
        others = await self._ledger.open_submits(account.name)
        if any(other.generation == sought.generation for other in others if other.task_id != task_id):
            return []
        known = await self._ledger.known_upstream(account.name, ids)
        return [upstream_id for upstream_id in ids if upstream_id not in known]

    async def _again(self, claim: Claim, pauses: tuple[int, ...]) -> bool:
        """Put it off for as long as it has been tried; False if it has been tried often enough."""
        if claim.tries >= len(pauses):
            return False
        await self._ledger.postpone(claim, self._clock() + pauses[claim.tries])
        return True
