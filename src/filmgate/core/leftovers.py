"""Files that nothing refers to: what an attempt leaves behind, and what a crash did.

A file is stored before the row that gives it a link, so that a link never leads nowhere. A process that dies between
the two, or between the end of a task and its tidying, leaves files that no row refers to.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence

from filmgate.core.intake import OWN, sides
from filmgate.domain.media import files
from filmgate.domain.task import Task
from filmgate.faults import Point, reached
from filmgate.ports.ledger import Ledger
from filmgate.ports.media import UPLOADS, MediaStore

log = logging.getLogger(__name__)

_HANDFUL = 100

_OWN_FOLDER = re.compile(rf"({UPLOADS}/)?[0-9a-f]{{8}}(-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}}")
"""What folders of this service are called, whatever else may lie beside them."""


class Leftovers:
    """Removes from the store what nothing needs any more."""

    def __init__(self, ledger: Ledger, store: MediaStore) -> None:
        self._ledger = ledger
        self._store = store

    async def tidy(self, application_id: str, task_id: str) -> int:
        """Remove the files of a task that has ended or is gone, but for those with links; gives how many there were."""
        task = await self._ledger.get(application_id, task_id)
        return 0 if task is not None and not task.final else await self._sweep(task_id, await self._linked(task))

    async def folders(self) -> list[str]:
        """List where files lie now; what is submitted or sent from now on has other folders."""
        tasks = [folder for folder in await self._store.folders("") if folder != UPLOADS]
        return tasks + [f"{UPLOADS}/{folder}" for folder in await self._store.folders(UPLOADS)]

    async def collect(self, folders: Sequence[str]) -> None:
        """Go through folders of an earlier process, a few at a time."""
        uploads = await self._ledger.upload_keys()
        count = 0
        for start in range(0, len(folders), _HANDFUL):
            some = folders[start : start + _HANDFUL]
            owners = await self._ledger.owners(some)
            for folder in some:
                if folder in owners:
                    count += await self.tidy(owners[folder], folder)
                elif _OWN_FOLDER.fullmatch(folder):
                    count += await self._sweep(folder, uploads)
        reached(Point.COLLECTED)
        if count:
            log.info("removed %d files that an earlier process had left behind", count)

    async def _linked(self, task: Task | None) -> set[str]:
        """Give the keys of all files of a task that have links."""
        if task is None:
            return set()
        keys = {media.key for media in files(task.output)}
        given = [reference.value for _, reference in sides(task.generation.start, task.generation.end)]
        for value in given + [guide.url for guide in task.generation.guides]:
            if value.startswith(OWN):
                stored = await self._ledger.media(value.removeprefix(OWN))
                keys.update(() if stored is None else (stored.media.key,))
        return keys

    async def _sweep(self, folder: str, wanted: set[str]) -> int:
        keys = await self._store.keys(folder)
        unwanted = [key for key in keys if key not in wanted]
        # Of a folder without files the folder itself goes.
        for key in unwanted if keys else [f"{folder}/none"]:
            await self._store.remove(key)
        return len(unwanted)
