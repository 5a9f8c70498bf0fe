"""Seeing a task through: idempotent stages over its row, each committing what it learned before the next begins."""

from __future__ import annotations

import asyncio
import logging
import shutil
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from filmgate.core.work.attempt import Attempt, Superseded, WorkContext, shield
from filmgate.domain.errors import DecoderLost, EngineCrashed, EngineFailed, Unavailable, of_the_disk
from filmgate.domain.failures import Failure, FailureCode
from filmgate.domain.states import Stage
from filmgate.domain.task import Task
from filmgate.faults import Point, reach
from filmgate.ports.accounts import Retention
from filmgate.ports.media import MediaStore
from filmgate.ports.work import Claim

log = logging.getLogger(__name__)

MAX_CRASHES = 3
"""So often may an engine, or the post-processing of its files, die over one task before the task ends failed."""

_CRASH_PAUSE = 0.5
_DECODER_PAUSE = 2.0

Stages = Mapping[Stage, Callable[[Attempt, Path], Awaitable[None]]]
"""What is done in each stage; a stage either commits the next one, or the attempt is over with it."""


class Execution:
    """Takes claimed tasks through the stages of their engine, each in a folder of its own that goes afterwards."""

    def __init__(
        self,
        work_context: WorkContext,
        stages: Mapping[str, Stages],
        common: Stages,
        store: MediaStore,
        retention: Retention,
        *,
        work: Path,
    ) -> None:
        """Take the stages by the name of the engine, those common to all, and the folder of work in progress."""
        self._work_context = work_context
        self._stages = stages
        self._common = common
        self._store = store
        self._retention = retention
        self._work = work

    async def advance(self, claim: Claim) -> None:
        """Take a task from the stage it is in to its end, or as far as it gets now."""
        # With no room for a file the work would only fail; it is tried again until there is.
        await self._store.ready()
        attempt = self._work_context.attempt(claim)
        folder = self._work / f"{attempt.task.id}-{attempt.task.fence}"
        await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
        try:
            await self._through(attempt, folder)
        except Superseded:
            late = "task %s was ended or taken over meanwhile: what came of attempt %d, at %s, is discarded"
            log.info(late, attempt.task.id, attempt.task.fence, attempt.task.stage)
        finally:
            await shield(self._tidy(attempt.task, folder))

    async def _through(self, attempt: Attempt, folder: Path) -> None:
        try:
            while not attempt.over:
                await self._stage(attempt, folder)
        except EngineFailed as error:
            await attempt.end(error.failure)
        except EngineCrashed as error:
            await self._count_crash(attempt, f"the engine {attempt.task.engine}", str(error))
        except DecoderLost as error:
            await self._count_crash(attempt, "post-processing", error.message, _DECODER_PAUSE)
        except (Superseded, Unavailable, asyncio.CancelledError):
            # The ledger or the store is in trouble, not the engine: the dispatcher takes the work up again.
            raise
        except Exception as error:
            if (trouble := of_the_disk(error)) is not None:
                raise trouble from error
            # A defect must not lose the task or spin: it counts as a crash, with its traceback in the log.
            log.exception("task %s: the %s stage failed", attempt.task.id, attempt.task.stage)
            broken = f"{type(error).__name__} in the {attempt.task.stage} stage"
            await self._count_crash(attempt, f"the engine {attempt.task.engine}", broken)

    async def _stage(self, attempt: Attempt, folder: Path) -> None:
        if attempt.task.stage is Stage.SETTLE:
            # Everything the task's kind requires is here.
            await attempt.end()
        else:
            step = self._common.get(attempt.task.stage)
            await (step or self._stages[attempt.task.engine][attempt.task.stage])(attempt, folder)

    async def _tidy(self, task: Task, folder: Path) -> None:
        """Remove what this attempt has left: its folder, and the files of the task that nothing needs any more."""
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
        reach(Point.TIDYING)
        for key in await self._retention.strays(await self._store.keys(task.id)):
            await self._store.remove(key)

    async def _count_crash(self, attempt: Attempt, what: str, reason: str, pause: float = _CRASH_PAUSE) -> None:
        """Count a crash in the task's row, and end the task with the last one that is allowed."""
        # What breaks when the disk is full is not the engine.
        await self._store.ready()
        task, attempts = attempt.task, attempt.task.attempts + 1
        log.warning("task %s: %s crashed, %d of %d: %s", task.id, what, attempts, MAX_CRASHES, reason)
        if attempts < MAX_CRASHES:
            await attempt.again(pause * attempts, attempts=attempts)
            return
        if task.upstream_id is not None:
            log.error("task %s: paid for generation %s of %s", task.id, task.upstream_id, task.engine)
        await attempt.commit(attempts=attempts)
        message = f"{what[0].upper()}{what[1:]} crashed {attempts} times over this task."
        await attempt.end(Failure(FailureCode.ENGINE_CRASHED, message))
