"""Putting a watch around the parts of the work, from outside: the parts do not know of it."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path

from filmgate.adapters.telemetry.metrics import Metrics
from filmgate.adapters.telemetry.tracing import Tracing, about
from filmgate.core.work.attempt import Attempt
from filmgate.core.work.execution import Stages
from filmgate.domain.states import Stage
from filmgate.domain.task import Task
from filmgate.ports.context import task_of, trace_of
from filmgate.ports.dispatch import QueueConfig
from filmgate.ports.work import Claim

Step = Callable[[Attempt, Path], Awaitable[None]]
Work = Callable[[Claim], Awaitable[None]]


class Watch:
    """Measures stages, puts them into traces, and has the log say of each line which task it is about."""

    def __init__(self, metrics: Metrics, tracing: Tracing | None) -> None:
        self._metrics = metrics
        self._tracing = tracing

    def queues(self, queues: Mapping[str, QueueConfig]) -> dict[str, QueueConfig]:
        """Return the configuration of all queues, watched."""
        return {queue: config._replace(work=_name_span(config.work)) for queue, config in queues.items()}

    def stages(self, stages: Mapping[str, Stages]) -> dict[str, Stages]:
        """Return the stages of all engines, watched."""
        return {
            engine: {stage: self._step(stage, step) for stage, step in steps.items()}
            for engine, steps in stages.items()
        }

    def polling(self, work: Work) -> Work:
        """Return the work of polling a task at its provider, watched."""

        async def run(claim: Claim) -> None:
            assert claim.task is not None, "this kind of work is claimed with its task"
            await self._time_stage(claim.task, Stage.POLL, work(claim))

        return run

    def delivering(self, work: Work) -> Work:
        """Return the work of delivering a webhook, watched."""

        async def run(claim: Claim) -> None:
            with self._span("webhook", claim.task):
                await work(claim)

        return run

    def _step(self, stage: Stage, step: Step) -> Step:
        async def run(attempt: Attempt, folder: Path) -> None:
            await self._time_stage(attempt.task, stage, step(attempt, folder))

        return run

    async def _time_stage(self, task: Task, stage: Stage, work: Awaitable[None]) -> None:
        start, engine = time.monotonic(), task.engine
        try:
            with self._span(stage, task):
                await work
        except asyncio.CancelledError:
            # It was broken off: how long it would have taken nobody knows.
            raise
        except Exception:
            self._metrics.stage(engine, stage, time.monotonic() - start)
            raise
        self._metrics.stage(engine, stage, time.monotonic() - start)

    @contextlib.contextmanager
    def _span(self, name: str, task: Task | None) -> Iterator[None]:
        """Run inside a span of the trace that submitted the task, if there is one."""
        if self._tracing is None or task is None:
            yield
            return
        with self._tracing.span(name, about(task), parent=task.work.trace or ""):
            yield


def _name_span(work: Work) -> Work:
    async def run(claim: Claim) -> None:
        # Each claim is worked on in an asyncio task of its own, which ends with it.
        task_of.set(claim.due.task_id)
        trace_of.set(None if claim.task is None else claim.task.trace_id)
        await work(claim)

    return run
