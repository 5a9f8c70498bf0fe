"""Submits under way in one process, and those that it refused a moment ago. Both are gone with the process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final, NamedTuple

from filmgate.domain.errors import InFlight, KeyReused
from filmgate.ports.flights import Try

RETRY_SECONDS: Final = 60.0
"""How long after a submit a client that counts its retries may send it again, and a refusal is remembered."""

_REFUSALS = 10_000
"""Different submits whose refusals are remembered at once; the oldest go first."""

_EQUAL_REFUSALS = 1_000
"""Refusals of equal submits that are."""


class _Flight(NamedTuple):
    """A submit that is not accepted yet, and what is done when it is, or is not."""

    tries: int
    landed: asyncio.Future[None]


class LocalFlights:
    """Knows the submits of this process."""

    def __init__(self) -> None:
        self._keys: dict[tuple[str, str], bytes] = {}
        self._flights: dict[tuple[str, bytes], list[_Flight]] = {}
        self._refusals: dict[Try, list[float]] = {}

    @asynccontextmanager
    async def hold_key(self, application_id: str, key: str, digest: bytes) -> AsyncIterator[None]:
        """Hold a client's key while its submit is read and accepted. Raises InFlight, KeyReused if it is held."""
        held = self._keys.get((application_id, key))
        if held is not None:
            raise InFlight() if held == digest else KeyReused()
        self._keys[application_id, key] = digest
        try:
            yield
        finally:
            del self._keys[application_id, key]

    @asynccontextmanager
    async def fly(self, sent: Try) -> AsyncIterator[None]:
        """Let retries see a submit until it is accepted or refused."""
        place = (sent.credential_id, sent.digest)
        flight = _Flight(sent.tries, asyncio.get_running_loop().create_future())
        self._flights.setdefault(place, []).append(flight)
        try:
            yield
        finally:
            flight.landed.set_result(None)
            self._flights[place].remove(flight)
            if not self._flights[place]:
                del self._flights[place]

    async def earlier(self, sent: Try) -> list[asyncio.Future[None]]:
        """Return futures of equal submits with fewer tries that are under way; each is done when its submit is."""
        flights = self._flights.get((sent.credential_id, sent.digest), ())
        return [flight.landed for flight in flights if flight.tries < sent.tries]

    async def refuse(self, sent: Try, now: float) -> None:
        """Remember for a minute that a submit was refused."""
        while len(self._refusals) >= _REFUSALS:
            del self._refusals[next(iter(self._refusals))]
        equal = self._refusals.setdefault(sent, [])
        equal.append(now + RETRY_SECONDS)
        del equal[:-_EQUAL_REFUSALS]

    async def take_refusal(self, sent: Try, now: float) -> bool:
        """Return whether a submit is the retry of one that was refused; each refused one has one retry."""
        before = sent._replace(tries=sent.tries - 1)
        lasting = [until for until in self._refusals.pop(before, []) if until > now]
        if len(lasting) > 1:
            self._refusals[before] = lasting[1:]
        return bool(lasting)
