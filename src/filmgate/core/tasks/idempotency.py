"""Submits that are sent again: one task, however often its answer was lost."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Final, NamedTuple

from filmgate.core.tasks.service import SubmitRequest, TaskService
from filmgate.domain.errors import FilmgateError, InFlight, KeyReused, NotFound
from filmgate.domain.task import Task
from filmgate.ports.clock import Clock
from filmgate.ports.context import RequestContext
from filmgate.ports.idempotency import IdempotencyRecord
from filmgate.ports.ledger import Ledger

RETRY_SECONDS: Final = 60.0
"""How long after a submit a client that counts its retries may send it again."""

EXPECTED_SECONDS: Final = 30.0
"""How long after a synchronous submit has run out of time the same one is expected."""

_UNCERTAIN = 500
"""From this status on a refusal does not mean that nothing was written."""

_BEFORE_ALL = -1
"""Tries of a submit that whoever sends the same may join, also one who does not count."""

_REFUSALS = 10_000
"""Different submits whose refusals are remembered at once; the oldest go first."""

_EQUAL_REFUSALS = 1_000
"""Refusals of equal submits that are."""

Understood = Callable[[], Awaitable[SubmitRequest]]
"""Reads a submit. Raises what is wrong with it."""


class Fingerprint(NamedTuple):
    """What a request says of being sent again: the client's key, or how often it sent the same before, or nothing.

    `digest` is that of its method, path and body; empty where the request says nothing.
    """

    digest: bytes = b""
    key: str | None = None
    tries: int | None = None


class _Flight(NamedTuple):
    """A submit that is not accepted yet, and what is done when it is, or is not."""

    tries: int
    landed: asyncio.Future[None]


class Idempotency:
    """Accepts submits, and gives the task of the first one to those that repeat it.

    What a submit is known by is committed with its task, so it holds after a crash; only what is not accepted yet is
    known in memory alone, and with the process it is gone on both sides.
    """

    def __init__(self, tasks: TaskService, ledger: Ledger, clock: Clock, *, key_seconds: float) -> None:
        """Take for how many seconds a client's key is remembered."""
        self._tasks = tasks
        self._ledger = ledger
        self._clock = clock
        self._key_seconds = key_seconds
        self._keys: dict[tuple[str, str], bytes] = {}
        self._flights: dict[tuple[str, bytes], list[_Flight]] = {}
        self._refusals: dict[tuple[str, bytes, int], list[float]] = {}

    async def submit(
        self, context: RequestContext, sent: Fingerprint, order: Understood, *, expected: bool = False
    ) -> Task:
        """Accept a submit, or give the task of the one that it repeats.

        With `expected` it also joins what `expect` was told of. Raises InFlight, KeyReused, and NotFound if the task
        of this key was deleted; else what reading and accepting raise.
        """
        if sent.key is not None:
            return await self._under_key(context, sent, sent.key, order)
        if (sent.tries or expected) and not self._repeats_a_refused(context, sent):
            task = await self._find_original(
                context, IdempotencyRecord(sent.digest, RETRY_SECONDS, tries=sent.tries or 0)
            )
            if task is not None:
                return task
        if sent.tries is None:
            return await self._tasks.submit(context, await order())
        mark = IdempotencyRecord(sent.digest, RETRY_SECONDS, tries=sent.tries)
        with self._flying(context, mark):
            try:
                return await self._tasks.submit(context, await order(), mark)
            except FilmgateError as error:
                if error.status < _UNCERTAIN:
                    self.refuse(context, sent)
                raise

    def refuse(self, context: RequestContext, sent: Fingerprint) -> None:
        """Remember for a minute that a submit was refused: when it is sent again it repeats nothing that was accepted.

        Without that, the retry of one that came too fast would be taken for that of an equal one before it.
        """
        if sent.tries is None:
            return
        self._repeats_a_refused(context, sent)
        while len(self._refusals) >= _REFUSALS:
            del self._refusals[next(iter(self._refusals))]
        place = (context.caller.credential_id, sent.digest, sent.tries)
        equal = self._refusals.setdefault(place, [])
        equal.append(self._clock() + RETRY_SECONDS)
        del equal[:-_EQUAL_REFUSALS]

    async def expect(self, sent: Fingerprint, task: Task) -> None:
        """Expect a repeat of a request after its timeout: it means the same task."""
        if sent.key is None:
            await self._ledger.expect(
                task, IdempotencyRecord(sent.digest, EXPECTED_SECONDS, tries=_BEFORE_ALL), self._clock()
            )

    async def _under_key(self, context: RequestContext, sent: Fingerprint, key: str, order: Understood) -> Task:
        owner = context.caller.application_id
        if (owner, key) in self._keys:
            raise InFlight() if self._keys[owner, key] == sent.digest else KeyReused()
        self._keys[owner, key] = sent.digest
        try:
            first = await self._ledger.find_idempotent(owner, key, self._clock())
            if first is None:
                return await self._tasks.submit(
                    context, await order(), IdempotencyRecord(sent.digest, self._key_seconds, key)
                )
            if first.digest != sent.digest:
                raise KeyReused()
            task = await self._ledger.get(owner, first.task_id)
            if task is None:
                raise NotFound("The task that was submitted with this Idempotency-Key has been deleted.")
            return task
        finally:
            del self._keys[owner, key]

    def _repeats_a_refused(self, context: RequestContext, sent: Fingerprint) -> bool:
        """Return whether a submit is the retry of one that was refused; each refused one has one retry."""
        before = (context.caller.credential_id, sent.digest, (sent.tries or 0) - 1)
        refused = self._refusals.pop(before, [])
        lasting = [until for until in refused if until > self._clock()]
        if len(lasting) > 1:
            self._refusals[before] = lasting[1:]
        return bool(lasting)

    async def _find_original(self, context: RequestContext, mark: IdempotencyRecord) -> Task | None:
        """Find what a submit repeats. What may turn out to be that, but is not accepted yet, is waited for."""
        caller = context.caller
        while True:
            # What is accepted while the ledger is read may be missing in the answer: it is read again then.
            before = self._earlier_flights(caller.credential_id, mark)
            task_id = await self._ledger.rejoin(caller.credential_id, mark, self._clock())
            if task_id is not None:
                return await self._ledger.get(caller.application_id, task_id)
            earlier = before + self._earlier_flights(caller.credential_id, mark)
            if not earlier:
                return None
            await asyncio.wait(earlier, return_when=asyncio.FIRST_COMPLETED)

    def _earlier_flights(self, credential_id: str, mark: IdempotencyRecord) -> list[asyncio.Future[None]]:
        flights = self._flights.get((credential_id, mark.digest), ())
        return [flight.landed for flight in flights if flight.tries < mark.tries]

    @contextmanager
    def _flying(self, context: RequestContext, mark: IdempotencyRecord) -> Iterator[None]:
        place = (context.caller.credential_id, mark.digest)
        flight = _Flight(mark.tries, asyncio.get_running_loop().create_future())
        self._flights.setdefault(place, []).append(flight)
        try:
            yield
        finally:
            flight.landed.set_result(None)
            self._flights[place].remove(flight)
            if not self._flights[place]:
                del self._flights[place]
