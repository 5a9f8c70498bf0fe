"""The studio as an engine of the service; everything heavy happens in its worker processes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from filmgate.adapters.engines.studio.job.order import order_of
from filmgate.adapters.engines.studio.render.quality import QUALITIES, STANDARD
from filmgate.adapters.engines.worker import WorkerPool
from filmgate.domain.adjustments import Adjustment, not_enhanced, not_looped, size_changes, works_on_clip
from filmgate.domain.capabilities import SIDES, Capabilities
from filmgate.domain.failures import Failure, FailureCode
from filmgate.domain.generation import Generation, Kind, Operation
from filmgate.domain.settings import EngineSettings
from filmgate.domain.suggestions import check_keys
from filmgate.ports.engine import Job, Product, Report

WORKER = "filmgate.adapters.engines.studio.worker"

_BEYOND = frozenset({Operation.MODIFY, Operation.ADD_AUDIO})

STALL = 120.0
"""Seconds: far more than one frame or the start of a worker takes on a slow machine."""


class StudioEngine:
    """Makes draft clips and pictures on this machine, without a key, a model or a GPU."""

    type = "studio"
    preview = True

    def __init__(self, name: str = "studio", *, slots: int = 1, options: Mapping[str, Any] | None = None) -> None:
        """Take the name the admin gave it, how many clips are rendered at a time, and its options.

        These are `quality`, and `stall`: the seconds without a word after which a worker hangs and is replaced.
        Raises ValueError with a sentence for an option or a quality there is not.
        """
        given = dict(options or {})
        self.name = name
        stall = _stall(given.pop("stall", STALL))
        self._quality = _quality(given)
        self.slots = slots
        self._pool = WorkerPool(WORKER, name=name, slots=slots, stall=stall)

    def capabilities(self, model: str | None) -> Capabilities:  # noqa: ARG002 - all its models are one
        """Return what drawing a scene from a prompt amounts to."""
        able = tuple(operation for operation in Operation if operation not in _BEYOND)
        return Capabilities(kinds=tuple(Kind), operations=able, inputs=SIDES, concepts=True)

    def changes(self, generation: Generation) -> list[Adjustment]:
        """Return the values that the studio changes; ignored words are in the notes of the product."""
        changes = not_enhanced(generation, f"the engine {self.name}")
        if works_on_clip(generation):
            changes += size_changes(generation) if generation.operation is not Operation.UPSCALE else []
            return changes + not_looped(generation, "what goes on from a clip is no loop")
        if generation.end is not None:
            changes += not_looped(generation, "what ends at a given picture is no loop")
        return changes

    def refuse(self, generation: Generation) -> Failure | None:
        """Refuse what takes understanding of pictures or sound; every prompt, size and length becomes something.

        Whether an upscale or a reframe is of a scene of our own shows only in `run`.
        """
        reason = _beyond(generation)
        if reason is None:
            return None
        return Failure(FailureCode.UNSUPPORTED_BY_ENGINE, f"The engine {self.name} cannot {reason}.")

    async def run(self, job: Job, report: Report) -> Product:
        """Make the clip or picture in a free worker, see `filmgate.ports.engine.Engine.run`."""
        order = order_of(job, self.name, self._quality)
        notes = await self._pool.run(msgspec.to_builtins(order), report)
        return Product(file=Path(order.output), notes=notes)

    async def close(self) -> None:
        """End the workers."""
        await self._pool.close()


def _stall(seconds: object) -> float:
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not seconds > 0:
        raise ValueError(f"stall must be a number of seconds above 0, not {seconds!r}")
    return float(seconds)


def _quality(options: dict[str, Any]) -> str:
    quality = options.pop("quality", STANDARD)
    check_keys(options, ("quality", "stall", *EngineSettings.model_fields))
    if quality not in QUALITIES:
        raise ValueError(f"quality must be {', '.join(QUALITIES)}, not {quality!r}")
    return str(quality)


def _beyond(generation: Generation) -> str | None:
    """Return what of a generation is beyond a studio that only draws scenes, None if nothing is."""
    operation = generation.operation
    if operation is Operation.MODIFY:
        return "modify what is in a clip"
    if operation is Operation.ADD_AUDIO:
        return "add audio to a clip"
    if generation.guides:
        return "be guided by further pictures"
    retaken = operation in {Operation.UPSCALE, Operation.REFRAME}
    if generation.kind is Kind.IMAGE and not retaken and (generation.start or generation.end):
        return "make a picture from a picture"
    return None
