"""Seeing a task through: idempotent stages over its row, each committing what it learned before the next begins."""

from __future__ import annotations

import asyncio
import logging
import secrets
import shutil
from collections.abc import Awaitable, Callable, Collection, Coroutine, Mapping
from pathlib import Path
from typing import Any

import msgspec

from filmgate.core.intake import OWN, Intake, fingerprint, sides
from filmgate.domain.errors import EngineCrashed, EngineFailed, InvalidMedia, Unavailable
from filmgate.domain.failures import Failure, FailureCode
from filmgate.domain.generation import Kind, Operation, Reference, ReferenceKind
from filmgate.domain.media import Facts, Media, Output, Role, files
from filmgate.domain.settings import EngineSettings
from filmgate.domain.states import Stage, State
from filmgate.domain.task import Input, Progress, Task
from filmgate.ports.dispatch import ChangeFeed, Clock, Dispatcher
from filmgate.ports.engine import Clip, Engine, Job, Product
from filmgate.ports.ledger import ADVANCE, CALLBACK, EXPIRE, Change, Claim, Due, Ledger, StoredMedia
from filmgate.ports.media import MediaStore, MediaTools

log = logging.getLogger(__name__)

MAX_CRASHES = 3
"""So often may an engine die over one task before the task ends failed."""

_CRASH_PAUSE = 0.5
_PROGRESS_PAUSE = 0.5


class Superseded(Exception):
    """The task was ended, deleted or claimed anew meanwhile; what this worker still knows does not count."""


class Attempt:
    """One claim at work: the task as last committed, and the only way to change it."""

    def __init__(
        self, ledger: Ledger, feed: ChangeFeed, dispatcher: Dispatcher, claim: Claim, task: Task, clock: Clock
    ) -> None:
        self._ledger = ledger
        self._feed = feed
        self._dispatcher = dispatcher
        self._clock = clock
        self.claim = claim
        self.task = task

    async def commit(self, due: tuple[Due, ...] = (), **changes: Any) -> None:
        """Change the task and go on from what the ledger has then. Raises Superseded."""
        change = Change(task_id=self.task.id, fence=self.task.fence, now=self._clock(), **changes)
        task = await self._ledger.commit(change, due)
        if task is None:
            raise Superseded(self.task.id)
        self.task = task
        self._feed.publish(task)
        for work in due:
            self._dispatcher.wake(work.queue)

    async def end(self, failure: Failure | None = None) -> None:
        """Bring the task to its one end, and make the owner's callback due with it."""
        now = self._clock()
        state = State.COMPLETED if failure is None else State.FAILED
        changes: dict[str, Any] = {"failure": failure} if failure else {"percent": 100}
        await self.commit(
            due=(Due(CALLBACK, CALLBACK, self.task.id, self.task.application_id, now, state),)
            if self.task.callback_url
            else (),
            state=state,
            stage=Stage.DONE,
            finished_at=now,
            finished=self.claim.id,
            **changes,
        )


class Execution:
    """Takes claimed tasks through their stages; `announced` are the dialects whose owners also hear of the start."""

    def __init__(
        self,
        ledger: Ledger,
        engines: Mapping[str, Engine],
        settings: Mapping[str, EngineSettings],
        store: MediaStore,
        tools: MediaTools,
        intake: Intake,
        feed: ChangeFeed,
        dispatcher: Dispatcher,
        clock: Clock,
        *,
        work: Path,
        announced: Collection[str] = (),
    ) -> None:
        self._ledger = ledger
        self._announced = announced
        self._engines = engines
        self._settings = settings
        self._store = store
        self._tools = tools
        self._intake = intake
        self._feed = feed
        self._dispatcher = dispatcher
        self._clock = clock
        self._work = work
        self._stages: dict[Stage, Callable[[Attempt, Path], Awaitable[None]]] = {
            Stage.SUBMIT: self._submit,
            Stage.FOLLOW: self._follow,
            Stage.INGEST: self._ingest,
            Stage.SETTLE: self._settle,
        }

    async def advance(self, claim: Claim) -> None:
        """Take a task from the stage it is in to its end, or as far as it gets now."""
        assert claim.task is not None, "an advance is claimed with its task"
        attempt = Attempt(self._ledger, self._feed, self._dispatcher, claim, claim.task, self._clock)
        folder = self._work / f"{claim.task.id}-{claim.task.fence}"
        await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
        try:
            await self._through(attempt, folder)
        except Superseded:
            log.info("task %s was ended or taken over meanwhile", attempt.task.id)
        finally:
            await _to_its_end(self._tidy(attempt.task, folder))

    async def _through(self, attempt: Attempt, folder: Path) -> None:
        try:
            while not attempt.task.final:
                await self._stages[attempt.task.stage](attempt, folder)
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

    async def _tidy(self, task: Task, folder: Path) -> None:
        """Remove what this attempt has left: its folder, and the files of the task that nothing needs any more."""
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
        now = await self._ledger.get(task.application_id, task.id)
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
                stored = await self._ledger.media(value.removeprefix(OWN))
                keys.update(() if stored is None else (stored.media.key,))
        return keys

    async def _sweep(self, task_id: str, wanted: set[str]) -> None:
        for key in await self._store.keys(task_id):
            if key not in wanted:
                await self._store.remove(key)

    async def _submit(self, attempt: Attempt, _folder: Path) -> None:
        """Start the clock, refuse what cannot be done, and bring every input here."""
        task, now = attempt.task, self._clock()
        refusal = self._refusal(task)
        if refusal is not None:
            raise EngineFailed(refusal)
        if task.started_at is None:
            deadline = now + self._settings[task.engine].deadline
            due = [Due(EXPIRE, EXPIRE, task.id, task.application_id, deadline)]
            if task.callback_url and task.dialect in self._announced:
                due.append(Due(CALLBACK, CALLBACK, task.id, task.application_id, now, State.PROCESSING))
            await attempt.commit(tuple(due), state=State.PROCESSING, started_at=now, deadline_at=deadline)
        inputs = {}
        for side, reference in sides(task.generation.start, task.generation.end):
            inputs[side] = await self._brought(task, reference)
        await attempt.commit(stage=Stage.FOLLOW, work=Progress(inputs=inputs))

    def _refusal(self, task: Task) -> Failure | None:
        if task.generation.unsupported is not None:
            return Failure(FailureCode.UNSUPPORTED_BY_ENGINE, task.generation.unsupported)
        return self._engine(task).refuse(task.generation)

    async def _brought(self, task: Task, reference: Reference) -> Input:
        if reference.kind is not ReferenceKind.TASK:
            stored = await self._intake.fetch(reference, task.application_id, task.id)
            return Input(stored.media.key, await self._notes(task, reference))
        earlier = await self._ledger.get(task.application_id, reference.value)
        if earlier is None or earlier.output is None or earlier.output.video is None:
            raise EngineFailed(
                Failure(FailureCode.INPUT_UNREACHABLE, "The earlier video was deleted before it was used.")
            )
        key = f"{task.id}/input-{secrets.token_hex(4)}.mp4"
        await self._intake.copy(earlier.output.video.key, key)
        return Input(key, earlier.work.notes)

    async def _notes(self, task: Task, reference: Reference) -> dict[str, Any] | None:
        """Give what is known of a clip that came by address: by a link of our own, what its engine noted about it.

        A picture has no notes, unless one of our own is to be framed anew.
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

    async def _follow(self, attempt: Attempt, folder: Path) -> None:
        """Have the engine make the clip and put it into the store."""
        task = attempt.task
        placed = {
            side: await self._placed(given, folder / f"{side}{Path(given.key).suffix}")
            for side, given in task.work.inputs.items()
        }
        job = Job(
            task_id=task.id,
            fence=task.fence,
            crashes=task.attempts,
            generation=task.generation,
            workdir=folder,
            start=placed.get("start"),
            end=placed.get("end"),
        )
        product = await self._made(attempt, job)
        key = f"{task.id}/{task.generation.kind}-{task.fence}{product.file.suffix}"
        await _to_its_end(self._store.put(key, product.file))
        work = msgspec.structs.replace(task.work, product=key, notes=product.notes)
        await attempt.commit(stage=Stage.INGEST, work=work, percent=99)

    async def _placed(self, given: Input, target: Path) -> Path | Clip:
        await self._store.get(given.key, target)
        return target if given.notes is None else Clip(target, given.notes)

    async def _made(self, attempt: Attempt, job: Job) -> Product:
        latest = attempt.task.percent
        engine = self._engine(attempt.task)

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
        """Read the product back, make its stills, and give everything its links."""
        task = attempt.task
        assert task.work.product is not None, "follow commits the product"
        product, stills = folder / f"product{Path(task.work.product).suffix}", folder / "stills"
        try:
            await self._store.get(task.work.product, product)
            await asyncio.to_thread(stills.mkdir, exist_ok=True)
            output = await self._developed(task, product, stills)
        except (InvalidMedia, FileNotFoundError) as error:
            # Success without a playable file is no success: have it made again.
            await attempt.commit(stage=Stage.FOLLOW, percent=0)
            raise EngineCrashed(f"the file that was made is not usable: {error}") from error
        now = self._clock()
        await attempt.commit(
            stage=Stage.SETTLE,
            output=output,
            media=tuple(StoredMedia(media, task.application_id, task.id, now) for media in files(output)),
        )

    async def _developed(self, task: Task, product: Path, stills: Path) -> Output:
        if task.generation.kind is Kind.IMAGE:
            print_ = await self._tools.develop_image(product, stills)
            return Output(
                image=await self._filed(task, Role.IMAGE, product, print_.image, key=task.work.product),
                thumbnail=await self._filed(task, Role.THUMBNAIL, print_.thumbnail, print_.thumbnail_facts),
            )
        made = await self._tools.develop(product, stills)
        return Output(
            video=await self._filed(task, Role.VIDEO, product, made.clip, key=task.work.product),
            thumbnail=await self._filed(task, Role.THUMBNAIL, made.thumbnail, made.thumbnail_facts),
            last_frame=await self._filed(task, Role.LAST_FRAME, made.last_frame, made.last_frame_facts),
        )

    async def _filed(self, task: Task, role: Role, source: Path, facts: Facts, key: str | None = None) -> Media:
        size, etag = await asyncio.to_thread(fingerprint, source)
        name = f"{role}{source.suffix}"
        if key is None:
            key = f"{task.id}/{role}-{task.fence}{source.suffix}"
            await _to_its_end(self._store.put(key, source))
        return Media(secrets.token_urlsafe(16), role, name, key, size, etag, facts)

    async def _settle(self, attempt: Attempt, _folder: Path) -> None:
        """Complete the task: everything its kind requires is here."""
        assert attempt.task.output is not None, "ingest commits the output"
        await attempt.end()

    async def _crashed(self, attempt: Attempt, reason: str) -> None:
        attempts = attempt.task.attempts + 1
        log.warning("task %s: engine %s crashed, %d of %d: %s", *_what(attempt.task), attempts, MAX_CRASHES, reason)
        if attempts >= MAX_CRASHES:
            message = f"The engine {attempt.task.engine} crashed {attempts} times over this task."
            await attempt.commit(attempts=attempts)
            await attempt.end(Failure(FailureCode.ENGINE_CRASHED, message))
            return
        again = self._clock() + _CRASH_PAUSE * attempts
        task = attempt.task
        await attempt.commit(attempts=attempts, due=(Due(ADVANCE, task.engine, task.id, task.application_id, again),))

    def _engine(self, task: Task) -> Engine:
        return self._engines[task.engine]


def _what(task: Task) -> tuple[str, str]:
    return task.id, task.engine


async def _to_its_end(work: Coroutine[Any, Any, None]) -> None:
    """Await work that must not be left half done: a cancellation takes effect after it."""
    task = asyncio.ensure_future(work)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await task
        raise
