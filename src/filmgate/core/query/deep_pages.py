"""Pages far down a list by offset: they go on where the page before them ended."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from msgspec.structs import replace

from filmgate.ports.tasks import COUNTED, Page, TaskFilter, TaskReads

DEEP: Final = 1_000
"""From this offset on a page that follows another one is read from where that one ended."""

_SECONDS: Final = 60.0
"""How long the end of a page is remembered: as long as somebody who reads a list takes for a page."""

_MOST: Final = 1_000
"""How many ends are remembered."""


class DeepPages:
    """Reads lists from a ledger, and remembers for a minute where deep pages ended.

    To leave out a million tasks takes longer than to read a page, so whoever reads a long list by offset would pay for
    its length squared. A page that goes on from a remembered place misses no task and shows none twice, even if new
    ones came meanwhile.
    """

    def __init__(self, ledger: TaskReads, clock: Callable[[], float] = time.monotonic) -> None:
        self._ledger = ledger
        self._clock = clock
        self._ends: OrderedDict[tuple[str, TaskFilter], tuple[float, tuple[float, str]]] = OrderedDict()

    async def find(self, application_id: str, wanted: TaskFilter) -> Page:
        """Read a page."""
        place = self._end_before(application_id, wanted)
        if place is None:
            page = await self._ledger.find(application_id, wanted)
        else:
            page = await self._ledger.find(application_id, replace(wanted, after=place, offset=0))
            if page.total is not None:
                page = replace(page, total=min(COUNTED, wanted.offset + page.total))
        offset = wanted.offset + len(page.tasks)
        if page.more and page.tasks and offset >= DEEP and wanted.after is None:
            last = page.tasks[-1]
            self._remember(_key(application_id, wanted, offset), (last.created_at, last.id))
        return page

    def _end_before(self, application_id: str, wanted: TaskFilter) -> tuple[float, str] | None:
        if wanted.offset < DEEP or wanted.after is not None:
            return None
        until, place = self._ends.get(_key(application_id, wanted, wanted.offset), (0.0, None))
        return place if place is not None and until > self._clock() else None

    def _remember(self, key: tuple[str, TaskFilter], place: tuple[float, str]) -> None:
        self._ends[key] = (self._clock() + _SECONDS, place)
        self._ends.move_to_end(key)
        while len(self._ends) > _MOST:
            self._ends.popitem(last=False)


def _key(application_id: str, wanted: TaskFilter, offset: int) -> tuple[str, TaskFilter]:
    """Return what an end is remembered by: the list, without what may differ from page to page, and the offset."""
    return application_id, replace(wanted, offset=offset, limit=0, counted=False)
