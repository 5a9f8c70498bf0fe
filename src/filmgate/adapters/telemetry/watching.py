"""Putting a watch around the parts of the work, from outside: the parts do not know of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from filmgate.adapters.telemetry.metrics import Metrics
from filmgate.core.attempt import Attempt
from filmgate.core.execution import Stages
from filmgate.domain.states import Stage
from filmgate.ports.context import task_of, trace_of
from filmgate.ports.dispatch import Lane
from filmgate.ports.ledger import Claim

Step = Callable[[Attempt, Path], Awaitable[None]]
Work = Callable[[Claim], Awaitable[None]]


class Watch:
    """Measures stages, and has the log say of each line which task it is about."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def lanes(self, lanes: Mapping[str, Lane]) -> dict[str, Lane]:
        """Give the lanes of all queues, watched."""
        return {queue: lane._replace(work=_named(lane.work)) for queue, lane in lanes.items()}

    def stages(self, stages: Mapping[str, Stages]) -> dict[str, Stages]:
        """Give the stages of all engines, watched."""
        return {
            engine: {stage: self._step(engine, stage, step) for stage, step in steps.items()}
            for engine, steps in stages.items()
        }

    def following(self, work: Work) -> Work:
        """Give the work of following a task at its provider, watched."""

        async def watched(claim: Claim) -> None:
            assert claim.task is not None, "this kind of work is claimed with its task"
            await self._timed(claim.task.engine, Stage.FOLLOW, work(claim))

        return watched

    def _step(self, engine: str, stage: Stage, step: Step) -> Step:
        async def watched(attempt: Attempt, folder: Path) -> None:
            await self._timed(engine, stage, step(attempt, folder))

        return watched

    async def _timed(self, engine: str, stage: Stage, work: Awaitable[None]) -> None:
        start = time.monotonic()
        try:
            await work
        except asyncio.CancelledError:
            # It was broken off: how long it would have taken nobody knows.
            raise
        except Exception:
            self._metrics.stage(engine, stage, time.monotonic() - start)
            raise
        self._metrics.stage(engine, stage, time.monotonic() - start)


def _named(work: Work) -> Work:
    async def named(claim: Claim) -> None:
        # Each claim is worked on in an asyncio task of its own, which ends with it.
        task_of.set(claim.due.task_id)
        trace_of.set(None if claim.task is None else claim.task.trace_id)
        await work(claim)

    return named
