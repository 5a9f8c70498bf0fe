"""The collector: removes what the rules do not keep, and files that nobody knows.

What there is to remove follows from the ledger and the store alone, so nothing has to be remembered: a collector that
is killed at any moment goes on where the next one looks.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging

from filmgate.core.feed import Feed
from filmgate.core.query import Query
from filmgate.domain.errors import FilmgateError
from filmgate.ports.accounts import Collected
from filmgate.ports.dispatch import Clock, Dispatcher
from filmgate.ports.ledger import PURGE, Ledger
from filmgate.ports.media import MediaStore

log = logging.getLogger(__name__)

AT_ONCE = 50
"""Tasks and files that one transaction removes at most: other writers wait no longer than that takes."""

GRACE = 3_600.0
"""Seconds after which a file that no row refers to is nobody's; until then its submit may still be under way."""

MOST_STRAYS = 100
"""So many files without a row are removed even if they are most of all files there are."""

_FIRST_SWEEP = 600.0
_SWEEP_EVERY = 86_400.0
_PAUSE = 0.2


class Collector:
    """Looks every so many seconds, and once a day through the whole store."""

    def __init__(
        self,
        ledger: Ledger,
        store: MediaStore,
        query: Query,
        feed: Feed,
        dispatcher: Dispatcher,
        clock: Clock,
        *,
        every: float,
    ) -> None:
        self._ledger = ledger
        self._store = store
        self._query = query
        self._feed = feed
        self._dispatcher = dispatcher
        self._clock = clock
        self._every = every
        self._running: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Look from now on."""
        self._running = asyncio.create_task(self._run(), name="collector")

    async def close(self) -> None:
        """Stop looking."""
        if self._running is not None:
            self._running.cancel()
            await asyncio.wait([self._running])

    async def collect(self) -> bool:
        """Remove some of what the rules do not keep; True if there may be more."""
        found = [await self._collect(each) for each in await self._ledger.retention.applications()]
        return any(found)

    async def sweep(self) -> int:
        """Remove the files of the store that no row refers to, and count them.

        Where those are more than a crash can leave, and half of all, the ledger is not the one of these files.
        """
        strays, count = [], 0
        async with contextlib.aclosing(self._store.older(self._clock() - GRACE)) as batches:
            async for keys in batches:
                count += len(keys)
                strays += await self._ledger.retention.strays(keys)
        if len(strays) > max(MOST_STRAYS, count // 2):
            log.warning("%d of %d files belong to nothing in this ledger: none is removed", len(strays), count)
            return 0
        for key in strays:
            await self._store.remove(key)
        if strays:
            log.info("removed %d files that belonged to nothing", len(strays))
        return len(strays)

    async def _run(self) -> None:
        next_sweep = self._clock() + _FIRST_SWEEP
        while True:
            more = False
            try:
                more = await self.collect()
                if self._clock() >= next_sweep:
                    next_sweep = self._clock() + _SWEEP_EVERY
                    await self.sweep()
            except (FilmgateError, OSError) as error:
                log.warning("collecting is put off: %s", error)
            except Exception:
                # A defect here must not end the collecting for good, nor anything else.
                log.exception("collecting broke")
            await asyncio.sleep(_PAUSE if more else self._every)

    async def _collect(self, application_id: str) -> bool:
        gone = await self._ledger.retention.collect(application_id, self._clock(), AT_ONCE)
        for task_id in (*gone.tasks, *gone.media):
            self._query.forget(task_id)
            self._feed.wake(task_id)
        if gone.tasks:
            self._feed.wake(application_id)
        if gone.tasks or gone.media:
            self._dispatcher.wake(PURGE)
        for key in gone.keys:
            await self._store.remove(key)
        _tell(application_id, gone)
        return gone.more


def _tell(application_id: str, gone: Collected) -> None:
    if gone.tasks or gone.media or gone.keys:
        log.info(
            "application %s: removed %d tasks, the files of %d others, %d uploads, by its rules",
            application_id, len(gone.tasks), len(gone.media), len(gone.keys),
        )  # fmt: skip
