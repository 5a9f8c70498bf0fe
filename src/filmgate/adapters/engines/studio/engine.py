"""The studio as an engine of the service; everything heavy happens in its worker processes."""

from __future__ import annotations

from pathlib import Path

import msgspec

from filmgate.adapters.engines.process import WorkerPool
from filmgate.adapters.engines.studio.order import order_of
from filmgate.domain.failures import Failure
from filmgate.domain.generation import Generation
from filmgate.ports.engine import Job, Product, Report

WORKER = "filmgate.adapters.engines.studio.worker"


class StudioEngine:
    """Makes draft clips on this machine, without a key, a model or a GPU."""

    type = "studio"

    def __init__(self, name: str = "studio", *, slots: int = 1) -> None:
        """Take the name the operator gave it, and how many clips are rendered at a time."""
        self.name = name
        self.slots = slots
        self._pool = WorkerPool(WORKER, name=name, slots=slots)

    def refuse(self, generation: Generation) -> Failure | None:  # noqa: ARG002 # part of the port
        """Refuse nothing: every prompt, size and length becomes a clip."""
        return None

    async def run(self, job: Job, report: Report) -> Product:
        """Render the clip in a free worker, see `filmgate.ports.engine.Engine.run`."""
        order = order_of(job)
        notes = await self._pool.run(msgspec.to_builtins(order), report)
        return Product(file=Path(order.output), notes=notes)

    async def close(self) -> None:
        """End the workers."""
        await self._pool.close()
