"""The stages of a task that an engine in this process makes."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from filmgate.core.media.inputs import MediaInputs, sides
from filmgate.core.media.post_processing import PostProcessing
from filmgate.core.work.attempt import Attempt, shield
from filmgate.core.work.external_inputs import ExternalInputs
from filmgate.core.work.start import TaskStart
from filmgate.domain.errors import EngineCrashed, InvalidMedia
from filmgate.domain.generation import OWN, Operation, Reference, ReferenceKind
from filmgate.domain.media import Role, files
from filmgate.domain.states import Stage
from filmgate.domain.task import FetchedInput, FinishedStills, Task
from filmgate.faults import Point, reach
from filmgate.ports.clock import Clock
from filmgate.ports.engine import Clip, Engine, Job, Product
from filmgate.ports.ledger import Ledger
from filmgate.ports.media import MediaStore, Print, Stills, StoredMedia

_PROGRESS_PAUSE = 0.5


class LocalStages:
    """Copies our own inputs, has the engine make the clip, and develops it."""

    def __init__(
        self,
        engines: Mapping[str, Engine],
        starting: TaskStart,
        ledger: Ledger,
        store: MediaStore,
        media_inputs: MediaInputs,
        external: ExternalInputs,
        developing: PostProcessing,
        clock: Clock,
    ) -> None:
        self._engines = engines
        self._starting = starting
        self._ledger = ledger
        self._store = store
        self._media_inputs = media_inputs
        self._external = external
        self._developing = developing
        self._clock = clock
        self.stages = {Stage.SUBMIT: self._submit, Stage.RENDER: self._render, Stage.INGEST: self._ingest}

    async def _submit(self, attempt: Attempt, _folder: Path) -> None:
        """Start the clock, refuse what cannot be done, and copy every input that is ours."""
        task = attempt.task
        if await self._external.defer(attempt):
            return
        await self._starting.begin(attempt, self._engines[task.engine].refuse(task.generation))
        inputs = dict(task.work.inputs)
        for side, reference in sides(task.generation.start, task.generation.end):
            if side not in inputs:
                inputs[side] = await self._brought(task, reference)
        await attempt.commit(stage=Stage.RENDER, work=msgspec.structs.replace(task.work, inputs=inputs))

    async def _brought(self, task: Task, reference: Reference) -> FetchedInput:
        if reference.kind is not ReferenceKind.TASK:
            stored = await self._media_inputs.fetch(reference, task.application_id, task.id)
            return FetchedInput(stored.media.key, await self._notes(task, reference))
        earlier = await self._starting.earlier(task, reference)
        assert earlier.output is not None, "an earlier task has its video"
        assert earlier.output.video is not None, "an earlier task has its video"
        key = f"{task.id}/input-{secrets.token_hex(4)}.mp4"
        await self._media_inputs.copy(earlier.output.video.key, key)
        return FetchedInput(key, earlier.work.notes)

    async def _notes(self, task: Task, reference: Reference) -> dict[str, Any] | None:
        """Return the engine's notes on a clip that came by a link of our own.

        A picture has no notes, unless one of our own is to be reframed.
        """
        unknown: dict[str, Any] | None = None if reference.kind is ReferenceKind.IMAGE else {}
        if unknown is None and task.generation.operation is not Operation.REFRAME:
            return None
        own = None
        if reference.value.startswith(OWN):
            own = await self._ledger.media(reference.value.removeprefix(OWN))
        if own is None or own.task_id is None or own.media.role not in (Role.VIDEO, Role.IMAGE):
            return unknown
        earlier = await self._ledger.get(task.application_id, own.task_id)
        return unknown if earlier is None else earlier.work.notes

    async def _render(self, attempt: Attempt, folder: Path) -> None:
        """Run the engine and put its output into the store."""
        task = attempt.task
        placed = {
            side: await self._place(given, folder / f"{side}{Path(given.key).suffix}")
            for side, given in task.work.inputs.items()
            if side in ("start", "end")
        }
        reach(Point.ENGINE_BEGUN)
        job = Job(
            task_id=task.id,
            fence=task.fence,
            crashes=task.attempts,
            generation=task.generation,
            workdir=folder,
            start=placed.get("start"),
            end=placed.get("end"),
        )
        product = await self._make(attempt, job)
        reach(Point.ENGINE_ENDED)
        key = f"{task.id}/{task.generation.kind}-{task.fence}{product.file.suffix}"
        await shield(self._store.put(key, product.file))
        stills = None if product.stills is None else await self._keep(task, product.stills)
        work = msgspec.structs.replace(task.work, product=key, stills=stills, notes=product.notes)
        await attempt.commit(stage=Stage.INGEST, work=work, percent=99)

    async def _keep(self, task: Task, made: Stills | Print) -> FinishedStills:
        """Put stills that an engine made into the store."""
        thumbnail = await self._put(task, Role.THUMBNAIL, made.thumbnail)
        if isinstance(made, Print):
            return FinishedStills(made.image, thumbnail, made.thumbnail_facts)
        last_frame = await self._put(task, Role.LAST_FRAME, made.last_frame)
        return FinishedStills(made.clip, thumbnail, made.thumbnail_facts, last_frame, made.last_frame_facts)

    async def _put(self, task: Task, role: Role, file: Path) -> str:
        key = f"{task.id}/{role}-{task.fence}{file.suffix}"
        await shield(self._store.put(key, file))
        return key

    async def _place(self, given: FetchedInput, target: Path) -> Path | Clip:
        await self._store.get(given.key, target)
        return target if given.notes is None else Clip(target, given.notes)

    async def _make(self, attempt: Attempt, job: Job) -> Product:
        latest = attempt.task.percent
        engine = self._engines[attempt.task.engine]

        def report(percent: int) -> None:
            nonlocal latest
            latest = max(latest, min(99, percent))

        async def keep_progress() -> None:
            while True:
                await asyncio.sleep(_PROGRESS_PAUSE)
                if latest != attempt.task.percent:
                    await attempt.commit(percent=latest)

        # Progress is written beside the work and stops with it; a lost fence stops the work.
        writer = asyncio.create_task(keep_progress())
        maker = asyncio.create_task(engine.run(job, report))
        try:
            await asyncio.wait({writer, maker}, return_when=asyncio.FIRST_COMPLETED)
            if not maker.done():
                await writer
            return await maker
        finally:
            for part in (writer, maker):
                part.cancel()
            await asyncio.gather(writer, maker, return_exceptions=True)

    async def _ingest(self, attempt: Attempt, folder: Path) -> None:
        """Develop the product; one that is not playable is made again."""
        task = attempt.task
        try:
            output = await self._developing.output(task, folder)
        except (InvalidMedia, FileNotFoundError) as error:
            # Success without a playable file is no success: have it made again.
            await attempt.commit(stage=Stage.RENDER, percent=0)
            raise EngineCrashed(f"the file that was made is not usable: {error}") from error
        now = self._clock()
        await attempt.commit(
            stage=Stage.SETTLE,
            output=output,
            media=tuple(StoredMedia(media, task.application_id, task.id, now) for media in files(output)),
        )
