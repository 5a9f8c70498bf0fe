"""Submits that are sent again: one task, however often its answer was lost."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, NamedTuple

from filmgate.core.tasks.flights import RETRY_SECONDS
from filmgate.core.tasks.service import SubmitRequest, TaskService
from filmgate.domain.errors import FilmgateError, KeyReused, NotFound
from filmgate.domain.task import Task
from filmgate.ports.clock import Clock
from filmgate.ports.context import RequestContext
from filmgate.ports.flights import SubmitFlights, Try
from filmgate.ports.idempotency import IdempotencyRecord
from filmgate.ports.ledger import Ledger

EXPECTED_SECONDS: Final = 30.0
"""How long after a synchronous submit has run out of time the same one is expected."""

_UNCERTAIN = 500
"""From this status on a refusal does not mean that nothing was written."""

_BEFORE_ALL = -1
"""Tries of a submit that whoever sends the same may join, also one who does not count."""

Understood = Callable[[], Awaitable[SubmitRequest]]
"""Reads a submit. Raises what is wrong with it."""


class Fingerprint(NamedTuple):
    """What a request says of being sent again: the client's key, or how often it sent the same before, or nothing.

    `digest` is that of its method, path and body; empty where the request says nothing.
    """

    digest: bytes = b""
    key: str | None = None
    tries: int | None = None


class Idempotency:
    """Accepts submits, and gives the task of the first one to those that repeat it.

    What a submit is known by is committed with its task, so it holds after a crash; only what is not accepted yet is
    known to `flights` alone.
    """

    def __init__(
        self, tasks: TaskService, ledger: Ledger, flights: SubmitFlights, clock: Clock, *, key_seconds: float
    ) -> None:
        """Take for how many seconds a client's key is remembered."""
        self._tasks = tasks
        self._ledger = ledger
        self._flights = flights
        self._clock = clock
        self._key_seconds = key_seconds

    async def submit(
        self, context: RequestContext, sent: Fingerprint, order: Understood, *, expected: bool = False
    ) -> Task:
        """Accept a submit, or give the task of the one that it repeats.

        With `expected` it also joins what `expect` was told of. Raises InFlight, KeyReused, and NotFound if the task
        of this key was deleted; else what reading and accepting raise.
        """
        if sent.key is not None:
            return await self._under_key(context, sent, sent.key, order)
        if (sent.tries or expected) and not await self._repeats_a_refused(context, sent):
            task = await self._find_original(
                context, IdempotencyRecord(sent.digest, RETRY_SECONDS, tries=sent.tries or 0)
            )
            if task is not None:
                return task
        if sent.tries is None:
            return await self._tasks.submit(context, await order())
        mark = IdempotencyRecord(sent.digest, RETRY_SECONDS, tries=sent.tries)
        async with self._flights.fly(_try_of(context, sent)):
            try:
                return await self._tasks.submit(context, await order(), mark)
            except FilmgateError as error:
                if error.status < _UNCERTAIN:
                    await self.refuse(context, sent)
                raise

    async def refuse(self, context: RequestContext, sent: Fingerprint) -> None:
        """Remember for a minute that a submit was refused: when it is sent again it repeats nothing that was accepted.

        Without that, the retry of one that came too fast would be taken for that of an equal one before it.
        """
        if sent.tries is None:
            return
        await self._repeats_a_refused(context, sent)
        await self._flights.refuse(_try_of(context, sent), self._clock())

    async def expect(self, sent: Fingerprint, task: Task) -> None:
        """Expect a repeat of a request after its timeout: it means the same task."""
        if sent.key is None:
            await self._ledger.expect(
                task, IdempotencyRecord(sent.digest, EXPECTED_SECONDS, tries=_BEFORE_ALL), self._clock()
            )

    async def _under_key(self, context: RequestContext, sent: Fingerprint, key: str, order: Understood) -> Task:
        owner = context.caller.application_id
        async with self._flights.hold_key(owner, key, sent.digest):
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

    async def _repeats_a_refused(self, context: RequestContext, sent: Fingerprint) -> bool:
        """Return whether a submit is the retry of one that was refused; each refused one has one retry."""
        return await self._flights.take_refusal(_try_of(context, sent), self._clock())

    async def _find_original(self, context: RequestContext, mark: IdempotencyRecord) -> Task | None:
        """Find what a submit repeats. What may turn out to be that, but is not accepted yet, is waited for."""
        caller = context.caller
        sent = Try(caller.credential_id, mark.digest, mark.tries)
        while True:
            # What is accepted while the ledger is read may be missing in the answer: it is read again then.
            before = await self._flights.earlier(sent)
            task_id = await self._ledger.rejoin(caller.credential_id, mark, self._clock())
            if task_id is not None:
                return await self._ledger.get(caller.application_id, task_id)
            earlier = [*before, *await self._flights.earlier(sent)]
            if not earlier:
                return None
            await asyncio.wait(earlier, return_when=asyncio.FIRST_COMPLETED)


def _try_of(context: RequestContext, sent: Fingerprint) -> Try:
    return Try(context.caller.credential_id, sent.digest, sent.tries or 0)
