"""Seeing a task through: idempotent stages over its row, each committing what it learned before the next begins."""

from __future__ import annotations

import asyncio
import logging
import shutil
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from filmgate.core.attempt import Attempt, Desk, Superseded, to_its_end
from filmgate.core.intake import sides
from filmgate.domain.errors import EngineCrashed, EngineFailed, Unavailable
from filmgate.domain.failures import Failure, FailureCode
from filmgate.domain.generation import OWN
from filmgate.domain.media import files
from filmgate.domain.states import Stage
from filmgate.domain.task import Task
from filmgate.ports.ledger import Claim
from filmgate.ports.media import MediaStore

log = logging.getLogger(__name__)

MAX_CRASHES = 3
"""So often may an engine die over one task before the task ends failed."""

_CRASH_PAUSE = 0.5

Stages = Mapping[Stage, Callable[[Attempt, Path], Awaitable[None]]]
"""What is done in each stage; a stage either commits the next one, or the attempt is over with it."""


class Execution:
    """Takes claimed tasks through the stages of their engine, each in a folder of its own that goes afterwards."""

    def __init__(self, desk: Desk, stages: Mapping[str, Stages], store: MediaStore, *, work: Path) -> None:
        """Take the stages by the name of the engine, and the folder of work in progress."""
        self._desk = desk
        self._stages = stages
        self._store = store
        self._work = work

    async def advance(self, claim: Claim) -> None:
        """Take a task from the stage it is in to its end, or as far as it gets now."""
        attempt = self._desk.attempt(claim)
        folder = self._work / f"{attempt.task.id}-{attempt.task.fence}"
        await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
        try:
            await self._through(attempt, folder)
        except Superseded:
            log.info("task %s was ended or taken over meanwhile", attempt.task.id)
        finally:
            await to_its_end(self._tidy(attempt.task, folder))

    async def _through(self, attempt: Attempt, folder: Path) -> None:
        try:
            while not attempt.over:
                await self._stage(attempt, folder)
        except EngineFailed as error:
            await attempt.end(error.failure)
        except EngineCrashed as error:
            await self._crashed(attempt, str(error))
        except (Superseded, Unavailable, asyncio.CancelledError):
            # The ledger or the store is in trouble, not the engine: the dispatcher takes the work up again.
            raise
        except Exception as error:
            # A defect must not lose the task or spin: it counts as a crash, with its traceback in the log.
            log.exception("task %s: the %s stage broke", attempt.task.id, attempt.task.stage)
            await self._crashed(attempt, f"{type(error).__name__} in the {attempt.task.stage} stage")

    async def _stage(self, attempt: Attempt, folder: Path) -> None:
        if attempt.task.stage is Stage.SETTLE:
            # Everything the task's kind requires is here.
            await attempt.end()
        else:
            await self._stages[attempt.task.engine][attempt.task.stage](attempt, folder)

    async def _tidy(self, task: Task, folder: Path) -> None:
        """Remove what this attempt has left: its folder, and the files of the task that nothing needs any more."""
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
        now = await self._desk.ledger.get(task.application_id, task.id)
        if now is None or now.final:
            await self._sweep(task.id, await self._linked(now))

    async def _linked(self, task: Task | None) -> set[str]:
        """Give the keys of all files of a task that have links."""
        if task is None:
            return set()
        keys = {media.key for media in files(task.output)}
        given = [reference.value for _, reference in sides(task.generation.start, task.generation.end)]
        for value in given + [guide.url for guide in task.generation.guides]:
            if value.startswith(OWN):
                stored = await self._desk.ledger.media(value.removeprefix(OWN))
                keys.update(() if stored is None else (stored.media.key,))
        return keys

    async def _sweep(self, task_id: str, wanted: set[str]) -> None:
        for key in await self._store.keys(task_id):
            if key not in wanted:
                await self._store.remove(key)

    async def _crashed(self, attempt: Attempt, reason: str) -> None:
        task, attempts = attempt.task, attempt.task.attempts + 1
        log.warning("task %s: engine %s crashed, %d of %d: %s", task.id, task.engine, attempts, MAX_CRASHES, reason)
        if attempts >= MAX_CRASHES:
            message = f"The engine {task.engine} crashed {attempts} times over this task."
            await attempt.commit(attempts=attempts)
            await attempt.end(Failure(FailureCode.ENGINE_CRASHED, message))
            return
        await attempt.again(_CRASH_PAUSE * attempts, attempts=attempts)
