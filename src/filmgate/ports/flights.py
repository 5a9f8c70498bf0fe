"""The port of submits that are not accepted yet, and of those that were refused a moment ago.

What is accepted is in the ledger. Of the others only the process that reads them knows, unless this is shared.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import NamedTuple, Protocol


class Try(NamedTuple):
    """One of several equal submits with a key of the service: their digest, and how many were sent before it."""

    credential_id: str
    digest: bytes
    tries: int


class SubmitFlights(Protocol):
    """The submits under way, those under a client's key and those that count their tries, and the refused ones."""

    def hold_key(self, application_id: str, key: str, digest: bytes) -> AbstractAsyncContextManager[None]:
        """Hold a client's key while its submit is read and accepted. Raises InFlight, KeyReused if it is held."""

    def fly(self, sent: Try) -> AbstractAsyncContextManager[None]:
        """Let retries see a submit until it is accepted or refused."""

    async def earlier(self, sent: Try) -> Sequence[asyncio.Future[None]]:
        """Return futures of equal submits with fewer tries that are under way; each is done when its submit is."""

    async def refuse(self, sent: Try, now: float) -> None:
        """Remember for a minute that a submit was refused."""

    async def take_refusal(self, sent: Try, now: float) -> bool:
        """Return whether a submit is the retry of one that was refused; each refused one has one retry."""
