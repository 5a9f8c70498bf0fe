"""Garbage collection: removes what the rules do not keep, and files that nobody knows.

What there is to remove follows from the ledger and the store alone, so nothing has to be remembered: a collector that
is killed at any moment goes on where the next one looks.

A file is stored before the row that gives it a link, so that a link never leads nowhere. A process that dies between
the two, or between the end of a task and its tidying, leaves files that no row refers to; the next process removes
them. It looks only at folders that were there before it began, so that no clock decides whose a file is.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import re
from collections.abc import Awaitable, Sequence

from filmgate.domain.errors import FilmgateError
from filmgate.domain.work import Queue
from filmgate.faults import Point, reach
from filmgate.ports.accounts import CollectedFiles
from filmgate.ports.answer_cache import AnswerCache
from filmgate.ports.change_feed import ChangeFeed
from filmgate.ports.clock import Clock
from filmgate.ports.dispatch import Dispatcher
from filmgate.ports.ledger import Ledger
from filmgate.ports.media import UPLOADS, MediaStore

log = logging.getLogger(__name__)

AT_ONCE = 50
"""Tasks and files that one transaction removes at most: other writers wait no longer than that takes."""

MOST_STRAYS = 30
"""So many files without a row are removed even if they are most of all files there are."""

_PAUSE = 0.2
_OWN_FOLDER = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
"""What folders of this service are called, whatever else may lie beside them."""


class GarbageCollector:
    """Looks through what an earlier process has left, then every so many seconds for what the rules do not keep."""

    def __init__(
        self,
        ledger: Ledger,
        store: MediaStore,
        answers: AnswerCache,
        feed: ChangeFeed,
        dispatcher: Dispatcher,
        clock: Clock,
        *,
        every: float,
    ) -> None:
        self._ledger = ledger
        self._store = store
        self._answers = answers
        self._feed = feed
        self._dispatcher = dispatcher
        self._clock = clock
        self._every = every
        self._running: asyncio.Task[None] | None = None

    async def earlier(self) -> list[str]:
        """List the folders with files; later requests and uploads have other folders."""
        tasks = await self._store.folders("")
        uploads = [f"{UPLOADS}/{name}" for name in await self._store.folders(UPLOADS) if _OWN_FOLDER.fullmatch(name)]
        return [name for name in tasks if _OWN_FOLDER.fullmatch(name)] + uploads

    def start(self, earlier: Sequence[str]) -> None:
        """Look from now on, first at the folders of an earlier process."""
        self._running = asyncio.create_task(self._run(earlier), name="garbage collector")

    async def close(self) -> None:
        """Stop looking."""
        if self._running is not None:
            self._running.cancel()
            await asyncio.wait([self._running])

    async def collect(self) -> bool:
        """Remove some of what the rules do not keep, and old records of submits; True if there may be more."""
        found = [await self._collect(each) for each in await self._ledger.retention.applications()]
        forgotten = await self._ledger.retention.forget_submits(self._clock(), AT_ONCE)
        return any(found) or forgotten == AT_ONCE

    async def sweep(self, folders: Sequence[str]) -> int:
        """Remove the files in these folders that no row refers to, and count them.

        Where those are more than a crash can leave, and half of all, the ledger is not the one of these files.
        """
        strays, count = [], 0
        for start in range(0, len(folders), AT_ONCE):
            keys = list(itertools.chain(*[await self._in(folder) for folder in folders[start : start + AT_ONCE]]))
            count += sum(not key.endswith("/") for key in keys)
            strays += await self._ledger.retention.strays(keys)
        lost = sum(not key.endswith("/") for key in strays)
        if lost > max(MOST_STRAYS, count // 2):
            log.warning("%d of %d files belong to nothing in this ledger: none is removed", lost, count)
            return 0
        for key in strays:
            await (self._store.prune(key[:-1]) if key.endswith("/") else self._store.remove(key))
        reach(Point.COLLECTED)
        if lost:
            log.info("removed %d files that an earlier process left", lost)
        return lost

    async def _in(self, folder: str) -> list[str]:
        """Return the keys of a folder's files, and then, with a slash at its end, the folder."""
        return [*await self._store.keys(folder), f"{folder}/"]

    async def _run(self, earlier: Sequence[str]) -> None:
        await self._safely(self.sweep(earlier))
        while True:
            more = await self._safely(self.collect())
            await asyncio.sleep(_PAUSE if more else self._every)

    async def _safely(self, looking: Awaitable[int]) -> bool:
        """Look; trouble or a defect must not end the collecting for good, nor anything else."""
        try:
            return bool(await looking)
        except (FilmgateError, OSError) as error:
            log.warning("garbage collection is postponed: %s", error)
        except Exception:
            log.exception("garbage collection failed")
        return False

    async def _collect(self, application_id: str) -> bool:
        gone = await self._ledger.retention.collect(application_id, self._clock(), AT_ONCE)
        for task_id in (*gone.tasks, *gone.media):
            self._answers.forget(task_id)
            self._feed.wake(task_id)
        if gone.tasks:
            self._feed.wake(application_id)
        if gone.tasks or gone.media:
            self._dispatcher.wake(Queue.PURGE)
        if gone.tasks or gone.media or gone.keys:
            reach(Point.RULES_APPLIED)
        for key in gone.keys:
            await self._store.remove(key)
        _tell(application_id, gone)
        return gone.more


def _tell(application_id: str, gone: CollectedFiles) -> None:
    if gone.tasks or gone.media or gone.keys:
        log.info(
            "application %s: its limits removed %d tasks, the files of %d others, %d uploads",
            application_id, len(gone.tasks), len(gone.media), len(gone.keys),
        )  # fmt: skip
