"""Telling providers that a task is not wanted any more."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from filmgate.core.providers.account import Account
from filmgate.ports.dispatch import Clock
from filmgate.ports.ledger import Claim, Ledger
from filmgate.ports.provider import ProviderTrouble

log = logging.getLogger(__name__)

_PAUSES = (2, 10, 60, 300, 1_800, 7_200)


class Recalling:
    """Passes cancels and deletes on, where the provider has them; what is not reached is tried again for hours."""

    def __init__(self, accounts: Mapping[str, Account], ledger: Ledger, clock: Clock) -> None:
        self._accounts = accounts
        self._ledger = ledger
        self._clock = clock

    async def recall(self, claim: Claim) -> None:
        """Have the provider forget one task."""
        account = self._accounts[claim.due.queue.partition(":")[2]]
        if account.provider.discards:
            try:
                await account.discard(claim.due.detail)
            except ProviderTrouble as trouble:
                if claim.tries < len(_PAUSES):
                    await self._ledger.postpone(claim, self._clock() + _PAUSES[claim.tries])
                    return
                log.warning("engine %s never forgot task %s: %s", account.name, claim.due.detail, trouble.message)
        await self._ledger.finish(claim)
