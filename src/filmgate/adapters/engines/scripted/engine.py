"""An engine that makes a small real clip, after whatever its script says."""

from __future__ import annotations

import asyncio
import sys
from importlib.util import find_spec
from typing import Any

import msgspec

from filmgate.adapters.engines.scripted.clip import write_clip, write_picture
from filmgate.adapters.engines.scripted.script import Playbook, strip_directives
from filmgate.domain.adjustments import Adjustment, not_enhanced
from filmgate.domain.capabilities import Capabilities, InputOption
from filmgate.domain.errors import EngineCrashed, EngineFailed, Unavailable
from filmgate.domain.failures import Failure
from filmgate.domain.generation import Generation, Kind, Operation
from filmgate.domain.settings import EngineSettings
from filmgate.domain.suggestions import check_keys
from filmgate.domain.words import MAX_WORDS, bounded_list, words_in
from filmgate.ports.engine import Clip, Job, Notes, Product, Report

_LENGTHENS = frozenset({Operation.EXTEND, Operation.REVERSE_EXTEND, Operation.INTERPOLATE})
"""What makes a longer clip of the earlier ones."""


class ScriptedEngine:
    """Follows the script of each task. `options` are the admin's, by the names of `Playbook`."""

    type = "scripted"

    def __init__(self, name: str = "scripted", *, slots: int = 32, options: dict[str, Any] | None = None) -> None:
        self.name = name
        self.slots = slots
        check_keys(options or (), (*Playbook.__struct_fields__, *EngineSettings.model_fields))
        self._playbook = msgspec.convert(options or {}, Playbook)
        self.preview = self._playbook.preview
        if self._playbook.decode and find_spec("av") is None:
            raise Unavailable(
                f"The engine {name} has `decode = true`, which needs what is not installed for {sys.executable}: av. "
                "Install it there with `pip install 'filmgate[providers]'`, or leave the option out."
            )

    def capabilities(self, model: str | None) -> Capabilities:  # noqa: ARG002 - all its models are one
        """Return everything that there is."""
        return Capabilities(kinds=tuple(Kind), operations=tuple(Operation), inputs=tuple(InputOption), concepts=True)

    def changes(self, generation: Generation) -> list[Adjustment]:
        """Return that prompts are not enhanced: a stand-in has the size and length that are asked for."""
        return not_enhanced(generation, f"the engine {self.name}")

    def refuse(self, generation: Generation) -> Failure | None:  # noqa: ARG002 - the port asks engines that can refuse
        """Do anything that is asked."""
        return None

    async def run(self, job: Job, report: Report) -> Product:
        """Follow the script, then write the clip.

        An extended clip has the length of both parts, a modified one that of the earlier clip.
        """
        script = self._playbook.script_for(job.generation.prompt)
        if job.crashes < script.crash:
            await _crash()
        for step in range(script.steps):
            await asyncio.sleep(script.delay / script.steps)
            report(100 * (step + 1) // script.steps)
        if script.hang:
            await asyncio.Event().wait()
        if script.fail is not None:
            code, _, message = script.fail.partition(":")
            raise EngineFailed(Failure(code.strip(), message.strip() or f"The script says: {code.strip()}."))
        return await self._make(job)

    async def close(self) -> None:
        """Nothing outlives a job."""

    async def _make(self, job: Job) -> Product:
        if job.generation.kind is Kind.IMAGE:
            return await self._picture(job)
        earlier = sum(int(side.notes.get("frames", 0)) for side in (job.start, job.end) if isinstance(side, Clip))
        if job.generation.operation in _LENGTHENS:
            frames = job.generation.frames + earlier
        else:
            frames = earlier or job.generation.frames
        width, height = job.generation.size
        path, stills = await asyncio.to_thread(write_clip, job.workdir, width, height, frames)
        return Product(path, self._notes(job, frames), None if self._playbook.decode else stills)

    async def _picture(self, job: Job) -> Product:
        width, height = job.generation.size
        path, stills = await asyncio.to_thread(write_picture, job.workdir, width, height, job.generation.image_format)
        return Product(path, self._notes(job, 1), None if self._playbook.decode else stills)

    def _notes(self, job: Job, frames: int) -> Notes:
        """Return the notes of a clip; a preview shows nothing of the prompt but the directives."""
        notes: Notes = {"engine": self.name, "frames": frames}
        if not self.preview:
            return notes
        ignored = [
            *bounded_list(words_in(strip_directives(job.generation.prompt))),
            *bounded_list(job.generation.concepts),
        ]
        return notes | {"preview": True, "words_ignored": ignored[:MAX_WORDS]}


async def _crash() -> None:
    """Kill a worker process, as running out of memory does."""
    dying = await asyncio.create_subprocess_exec(sys.executable, "-c", "import os; os.kill(os.getpid(), 9)")
    raise EngineCrashed(f"the worker process ended with {await dying.wait()}")
