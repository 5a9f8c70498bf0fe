"""The port of everything that makes a video."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import msgspec

from filmgate.domain.adjustments import Adjustment
from filmgate.domain.capabilities import Capabilities
from filmgate.domain.failures import Failure
from filmgate.domain.generation import Generation
from filmgate.ports.media import Print, Stills

Notes = dict[str, Any]
"""What an engine wants stored with the task: plain JSON values, shown to the owner as metadata."""

Report = Callable[[int], None]
"""Takes the progress in percent, 0 to 100. Cheap, callable as often as wanted."""


class Clip(msgspec.Struct, frozen=True):
    """An earlier video to go on from. `path` is a file we wrote; `notes` is what its engine stored, {} if foreign."""

    path: Path
    notes: Notes


class Job(msgspec.Struct, frozen=True):
    """One generation with every input as a local file that we wrote ourselves.

    `start` and `end` are a picture (`Path` of a PNG or JPEG) or an earlier clip. `workdir` belongs to this attempt
    alone. `crashes` counts how often the engine has died over this task before.
    """

    task_id: str
    fence: int
    generation: Generation
    workdir: Path
    start: Path | Clip | None = None
    end: Path | Clip | None = None
    crashes: int = 0


class Product(msgspec.Struct, frozen=True):
    """What came out: the file of the clip or picture, inside the job's workdir, and notes to store with the task.

    An engine that writes files whose facts it knows hands them over with the stills, and nothing is decoded.
    """

    file: Path
    notes: Notes
    stills: Stills | Print | None = None


class Engine(Protocol):
    """Makes videos, `slots` at a time.

    What it makes is a `preview` if it draws no more than some words of the prompt; the notes of its products list the
    others as `words_ignored`.
    """

    name: str
    type: str
    slots: int
    preview: bool

    def capabilities(self, model: str | None) -> Capabilities:
        """Return what a model can be asked for here; None for a request that names none."""

    def changes(self, generation: Generation) -> list[Adjustment]:
        """Return the values of a generation that it would change, each with its replacement."""

    def refuse(self, generation: Generation) -> Failure | None:
        """Return why this generation can never be done here, or None if it can."""

    async def run(self, job: Job, report: Report) -> Product:
        """Make the clip. Cancelling the coroutine stops the work within a frame and leaves no process at it.

        Raises EngineFailed with a verdict for the owner, EngineCrashed when another try may succeed.
        """

    async def close(self) -> None:
        """End the engine's processes."""
