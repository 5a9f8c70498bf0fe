"""Name resolution, bounded: a share of the look-ups per application, and a short memory of names that failed."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

from filmgate.core.fairness import FairQueue

log = logging.getLogger(__name__)

LOOKUPS = 16
"""So many look-ups of one application are under way at once, unless an option says otherwise."""

_NO_NAME_SECONDS = 30.0
_SILENT_SECONDS = 2.0
_REMEMBERED = 4_096
_WARN_EVERY = 60.0

Ask = Callable[[str], Awaitable[Sequence[str]]]
"""Finds the addresses of a name, however long that takes. Raises Unresolved."""


class Unresolved(Exception):
    """The name has no address we know of. `retryable` tells trouble that may pass from a definite answer."""

    def __init__(self, message: str, *, retryable: bool) -> None:
        super().__init__(message)
        self.message = message
        self.retryable = retryable


class Lookups(NamedTuple):
    """What a resolver does: look-ups under way now; names found, not found, and refused at the bound so far."""

    running: int
    found: int
    failed: int
    refused: int


class _Failure(NamedTuple):
    until: float
    message: str
    retryable: bool


class Resolver:
    """Resolves names for many applications, so that the slow names of one never delay another.

    An application has at most `share` look-ups under way, all together at most `total`, but everybody always has one.
    A look-up counts until it has really ended, even if nobody waits for it any more. Whoever gets no turn within
    `seconds` is refused. A name that does not exist is remembered for 30 seconds, one that could not be resolved for
    two, for the application that asked.
    """

    def __init__(
        self,
        ask: Ask,
        *,
        share: int = LOOKUPS,
        total: int = LOOKUPS * 64,
        seconds: float = 5.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ask, self._seconds, self._clock = ask, seconds, clock
        self._turns = FairQueue(share, total, assured=True)
        self._share = share
        self._running: dict[tuple[str, str], asyncio.Task[Sequence[str]]] = {}
        self._asking: set[asyncio.Future[Sequence[str]]] = set()
        self._failures: OrderedDict[tuple[str, str], _Failure] = OrderedDict()
        self._done = self._failed = self._refused = 0
        self._warned = -_WARN_EVERY

    @property
    def lookups(self) -> Lookups:
        """Return the running look-ups and the counts of finished ones."""
        return Lookups(len(self._asking), self._done, self._failed, self._refused)

    async def resolve(self, host: str, application: str) -> Sequence[str]:
        """Return the addresses of a name, at least one. Raises Unresolved.

        Requests of one application for one name share a look-up.
        """
        key = (application, host)
        failure = self._failures.get(key)
        if failure is not None and self._clock() < failure.until:
            raise Unresolved(failure.message, retryable=failure.retryable)
        task = self._running.get(key)
        if task is None:
            task = self._running[key] = asyncio.create_task(self._find(host, application))
            task.add_done_callback(lambda done: self._found(key, done))
        return await asyncio.shield(task)

    async def close(self) -> None:
        """Cancel the running look-ups."""
        waited: list[asyncio.Future[Sequence[str]]] = [*self._running.values(), *self._asking]
        for each in waited:
            each.cancel()
        await asyncio.gather(*waited, return_exceptions=True)

    async def _find(self, host: str, application: str) -> Sequence[str]:
        """Wait for a turn, then ask; both together within the time."""
        end = asyncio.get_running_loop().time() + self._seconds
        try:
            async with asyncio.timeout_at(end):
                await self._turns.take(application)
        except TimeoutError:
            raise self._refusal(host, application) from None
        asking = asyncio.ensure_future(self._ask(host))
        self._asking.add(asking)
        asking.add_done_callback(lambda done: self._finish_lookup(application, done))
        await asyncio.wait([asking], timeout=max(0.0, end - asyncio.get_running_loop().time()))
        if not asking.done():
            raise Unresolved(f"The name {host} could not be resolved in time.", retryable=True)
        found = asking.result()
        if not found:
            raise Unresolved(f"The name {host} has no address.", retryable=True)
        self._done += 1
        return found

    def _refusal(self, host: str, application: str) -> Unresolved:
        self._refused += 1
        now = self._clock()
        if now - self._warned >= _WARN_EVERY:
            self._warned = now
            log.warning(
                "%s: no turn to look up %s, for earlier names do not answer (%d under way, at most %d each)",
                application,
                host,
                len(self._asking),
                self._share,
            )
        return _Refused(
            f"The name {host} was not looked up in time: too many names that were asked for do not answer.",
            retryable=True,
        )

    def _finish_lookup(self, application: str, asking: asyncio.Future[Sequence[str]]) -> None:
        """Count a look-up as over. One that nobody waited for has an error that nobody reads."""
        self._asking.discard(asking)
        self._turns.give_back(application)
        if not asking.cancelled():
            asking.exception()

    def _found(self, key: tuple[str, str], task: asyncio.Task[Sequence[str]]) -> None:
        del self._running[key]
        error = None if task.cancelled() else task.exception()
        self._failures.pop(key, None)
        if isinstance(error, Unresolved) and not isinstance(error, _Refused):
            self._failed += 1
            kept = _SILENT_SECONDS if error.retryable else _NO_NAME_SECONDS
            self._failures[key] = _Failure(self._clock() + kept, error.message, error.retryable)
            if len(self._failures) > _REMEMBERED:
                self._failures.popitem(last=False)


class _Refused(Unresolved):
    """There was no turn: that says nothing of the name, so it is not remembered."""
