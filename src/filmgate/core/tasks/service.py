"""TaskService: the only door to the ledger for whoever asks from outside."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing, suppress
from functools import partial
from typing import Final

import msgspec
import uuid_utils

from filmgate.core.fairness import RequestSlots
from filmgate.core.media.inputs import MediaInputs, replace_links, sides
from filmgate.core.providers.routing import Router
from filmgate.core.query.cache import Missing, Query
from filmgate.core.query.deep_pages import DeepPages
from filmgate.domain.adjustments import Terms
from filmgate.domain.errors import InvalidRequest, NotFound, PayloadTooLarge, WaitTimeout
from filmgate.domain.failures import Failure, FailureCode
from filmgate.domain.generation import Generation, Reference, ReferenceKind
from filmgate.domain.settings import EngineSettings
from filmgate.domain.states import Stage, State
from filmgate.domain.task import Task, WorkState
from filmgate.domain.task_ids import canonical_id
from filmgate.domain.work import Queue, WorkItem, WorkKind, queue_of, work_for
from filmgate.faults import Point, reach
from filmgate.ports.change_feed import ChangeFeed
from filmgate.ports.context import RequestContext, traceparent
from filmgate.ports.dispatch import Dispatcher
from filmgate.ports.idempotency import IdempotencyRecord
from filmgate.ports.ledger import Ledger
from filmgate.ports.media import MediaStore, StoredMedia
from filmgate.ports.tasks import Page, RawRequest, TaskFilter


class SubmitRequest(msgspec.Struct, frozen=True):
    """A generation as a dialect understood it. `body` is the JSON that was sent.

    `fields` are the dialect's own names of the start and end reference, for messages; `usual_model` is the model that
    it means where none is named; `terms` say how exactly it is to be made.
    """

    generation: Generation
    dialect: str
    body: bytes
    callback_url: str | None = None
    fields: tuple[str, str] = ("start", "end")
    usual_model: str | None = None
    terms: Terms = Terms()


_NO_PLACE: Final = "Too many requests of this application wait already; the task goes on. Ask for it again later."


class TaskService:
    """Accepts, finds, awaits, cancels and deletes tasks, each for the application that asks."""

    def __init__(
        self,
        ledger: Ledger,
        store: MediaStore,
        media_inputs: MediaInputs,
        query: Query,
        feed: ChangeFeed,
        dispatcher: Dispatcher,
        router: Router,
        engines: Mapping[str, EngineSettings],
        *,
        max_unfinished: int,
        max_small_body: int,
        inputs: Callable[[str, Generation], Mapping[str, Reference]] = lambda _engine, _generation: {},
        missing: Missing | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Take what has to be fetched before an engine can take a generation, as `inputs` by name."""
        self._ledger = ledger
        self._store = store
        self._media_inputs = media_inputs
        self._query = query
        self._feed = feed
        self._dispatcher = dispatcher
        self._router = router
        self._engines = engines
        self._max_unfinished = max_unfinished
        self._inputs = inputs
        self._max_small_body = max_small_body
        self._missing = missing
        self._clock = clock
        self.places = RequestSlots()
        self._lists = DeepPages(ledger)

    async def submit(
        self, context: RequestContext, order: SubmitRequest, mark: IdempotencyRecord | None = None
    ) -> Task:
        """Accept a generation; when this returns, the task is on disk and its work is due.

        With it goes what the submit is known by when it is sent again. Raises InvalidRequest for references that cannot
        be used and for strict terms that no engine can keep, PayloadTooLarge, UnknownModel, TooManyRequests if too many
        tasks are unfinished, QuotaExceeded if not enough credits are left.
        """
        if order.callback_url:
            self._media_inputs.check_webhook(order.callback_url)
        generation = await self._with_stored_ids(context, order.generation)
        generation = self._router.models.with_model(generation, order.usual_model)
        order = msgspec.structs.replace(order, generation=generation)
        task_id = str(uuid_utils.uuid7())
        terms = await self._terms(context, order)
        origin = await self._router.origin_of(order.generation, context.caller.application_id)
        # Before any file is kept: strict terms may be refused.
        engine = self._router.choose(order.generation, origin, terms)
        generation, media, links = await self._references(context, order, task_id)
        stage, queue = (Stage.INPUTS, Queue.INPUTS) if self._inputs(engine, generation) else (Stage.SUBMIT, engine)
        now = self._clock()
        task = Task(
            id=task_id,
            application_id=context.caller.application_id,
            credential_id=context.caller.credential_id,
            user_id=context.caller.user_id,
            trace_id=context.trace_id,
            video_id=str(uuid_utils.uuid4()),
            dialect=order.dialect,
            engine=engine,
            generation=generation,
            base_url=context.base_url,
            callback_url=order.callback_url or None,
            created_at=now,
            updated_at=now,
            stage=stage,
            work=WorkState(
                credits=self._router.price(engine, generation),
                trace=traceparent.get(),
                terms=msgspec.structs.replace(terms, names={}),
                **self._router.remarks(engine, generation, terms),
            ),
        )
        due = (
            WorkItem(WorkKind.ADVANCE, queue, task_id, task.application_id, now),
            work_for(task, WorkKind.EXPIRE, now + self._engines[engine].queue_limit),
        )
        reach(Point.SUBMIT_READY)
        try:
            echo = RawRequest(order.dialect, self._body_to_keep(order.body, links))
            await self._ledger.submit(task, echo, due, media, max_unfinished=self._max_unfinished, mark=mark)
            reach(Point.SUBMIT_ACCEPTED)
        except BaseException:
            # A cancelled request may still be committed; then its files are needed.
            await asyncio.shield(self._discard_unless_accepted(task, media, queue))
            raise
        self._dispatcher.wake(queue)
        self._feed.publish(task)
        return task

    async def get(self, context: RequestContext, task_id: str) -> Task:
        """Find one task. Raises NotFound."""
        task = await self._found(context, task_id)
        if task is None and self._missing is not None and await self._missing(context, [task_id]):
            task = await self._ledger.get(context.caller.application_id, task_id)
        if task is None:
            raise NotFound()
        return task

    async def _found(self, context: RequestContext, task_id: str) -> Task | None:
        """Find a task by its id, however that is written."""
        return await _as_written(task_id, partial(self._ledger.get, context.caller.application_id))

    async def _with_stored_ids(self, context: RequestContext, generation: Generation) -> Generation:
        """Return a generation that names earlier tasks by their ids as they are stored."""
        for side, reference in sides(generation.start, generation.end):
            if reference.kind is ReferenceKind.TASK and canonical_id(reference.value) != reference.value:
                found = await self._found(context, reference.value)
                if found is not None:
                    named = msgspec.structs.replace(reference, value=found.id)
                    generation = msgspec.structs.replace(generation, **{side: named})
        return generation

    async def by_video(self, context: RequestContext, video_id: str) -> Task:
        """Find the task that made a video. Raises NotFound."""
        task = await _as_written(video_id, partial(self._ledger.by_video, context.caller.application_id))
        if task is None:
            raise NotFound("no such video")
        return task

    async def by_trace(self, context: RequestContext, trace_id: str) -> Task:
        """Find the newest task submitted under a trace id. Raises NotFound."""
        task = await _as_written(trace_id, partial(self._ledger.by_trace, context.caller.application_id))
        if task is None:
            raise NotFound()
        return task

    async def get_many(self, context: RequestContext, task_ids: Sequence[str]) -> list[Task]:
        """Find tasks in the order of the ids; unknown ones are left out."""
        return await self._ledger.get_many(context.caller.application_id, task_ids)

    async def find(self, context: RequestContext, wanted: TaskFilter) -> Page:
        """List the caller's tasks."""
        if wanted.ids or wanted.trace_ids:
            wanted = msgspec.structs.replace(wanted, ids=_either(wanted.ids), trace_ids=_either(wanted.trace_ids))
        return await self._lists.find(context.caller.application_id, wanted)

    async def wait(self, context: RequestContext, task_id: str, timeout: float) -> Task:
        """Return the task at its end.

        Raises WaitTimeout after `timeout` seconds, when the service stops, or at once where too many requests of the
        application wait.
        """
        try:
            async with asyncio.timeout(max(0.0, timeout)), aclosing(self.follow(context, task_id)) as news:
                async for task in news:
                    if task.final:
                        return task
                    del task  # thousands may wait here
        except TimeoutError as error:
            raise WaitTimeout(task_id=task_id) from error
        raise WaitTimeout("The service is being stopped; the task goes on later.", task_id=task_id)

    async def hold(self, context: RequestContext, task_id: str, seconds: float) -> Task | None:
        """Return the task when it has ended, or None when the time is up or nobody may wait. Raises NotFound."""
        if not context.may_wait:
            return None
        with suppress(WaitTimeout):
            return await self.wait(context, task_id, seconds)
        return None

    async def follow(self, context: RequestContext, task_id: str) -> AsyncGenerator[Task, None]:
        """Yield the task as it is and after every change, up to its end or until the service stops.

        Raises NotFound, and WaitTimeout where too many requests of the application wait.
        """
        if canonical_id(task_id) != task_id:
            task_id = (await self.get(context, task_id)).id
        with self._feed.watch(task_id) as changed:
            while True:
                changed.clear()
                task = await self.get(context, task_id)
                yield task
                if task.final or self._feed.closed:
                    return
                del task  # as above
                with self.places.place(context.caller.application_id) as free:
                    if not free:
                        raise WaitTimeout(_NO_PLACE, task_id=task_id)
                    await changed.wait()

    def stop_waiting(self) -> None:
        """Answer every waiter now, with the current task."""
        self._feed.close()

    async def cancel(self, context: RequestContext, task_id: str) -> Task:
        """End an unfinished task by its owner's will; a finished one is left as it is. Raises NotFound."""
        failure = Failure(FailureCode.CANCELLED, "The task was cancelled by its owner.")
        cancel = partial(self._ledger.cancel, context.caller.application_id, failure=failure, now=self._clock())
        task = await _as_written(task_id, cancel)
        if task is None:
            raise NotFound()
        reach(Point.CANCELLED)
        await self._announce_end(task)
        return task

    async def delete(self, context: RequestContext, task_id: str) -> None:
        """Remove a task and its files; work on it stops. Raises NotFound."""
        task = await self.get(context, task_id)
        task_id = task.id
        if not await self._ledger.delete(context.caller.application_id, task_id, self._clock()):
            raise NotFound()
        reach(Point.DELETED)
        self._query.forget(task_id)
        self._dispatcher.stop_task(task_id)
        self._dispatcher.wake(Queue.PURGE)
        self._dispatcher.wake(queue_of(Queue.RECALL, task.engine))
        self._feed.publish(task)

    async def end(self, task: Task, failure: Failure) -> None:
        """End an unfinished task at its deadline."""
        ended = await self._ledger.cancel(task.application_id, task.id, failure, self._clock())
        if ended is not None:
            await self._announce_end(ended)

    async def _references(
        self, context: RequestContext, order: SubmitRequest, task_id: str
    ) -> tuple[Generation, list[StoredMedia], dict[str, str]]:
        """Take in what a generation refers to: the generation as it goes on, the rows and the links of new files."""
        rows: list[StoredMedia] = []
        links: dict[str, str] = {}

        async def take(reference: Reference, field: str) -> Reference:
            if reference.kind is ReferenceKind.TASK:
                await self._check_clip(context, reference.value, field)
                return reference
            kept, stored = await self._media_inputs.take(
                reference, field, context.caller.application_id, folder=task_id
            )
            if stored is not None:
                rows.append(msgspec.structs.replace(stored, task_id=task_id))
                links[reference.value.strip()] = context.base_url + stored.media.path
            return kept

        asked = order.generation
        names = dict(zip(("start", "end"), order.fields, strict=True))
        ends = {side: await take(reference, names[side]) for side, reference in sides(asked.start, asked.end)}
        guides = []
        for guide in asked.guides:
            picture = await take(Reference(ReferenceKind.IMAGE, guide.url), guide.role.field)
            guides.append(msgspec.structs.replace(guide, url=picture.value))
        return msgspec.structs.replace(asked, guides=tuple(guides), **ends), rows, links

    async def _terms(self, context: RequestContext, order: SubmitRequest) -> Terms:
        """Return the terms of a request, with the size of its source. Raises InvalidRequest."""
        terms, generation = order.terms, order.generation
        if terms.strict and generation.unsupported is not None:
            raise InvalidRequest(generation.unsupported)
        side = next((one for one in (generation.start, generation.end) if one and one.kind is ReferenceKind.TASK), None)
        if side is None or not {"aspect_ratio", "resolution", "size"} & set(terms.given):
            return terms
        earlier = await self._ledger.get(context.caller.application_id, side.value)
        if earlier is None:
            return terms
        source = earlier.generation.aspect_ratio, earlier.generation.resolution
        return msgspec.structs.replace(terms, source=source)

    def _body_to_keep(self, body: bytes, links: dict[str, str]) -> bytes:
        """Return the body that is kept with the task, with links for its files. Raises PayloadTooLarge.

        A file that no field refers to would be kept in the ledger, and read with every query.
        """
        kept = replace_links(body, links)
        if self._max_small_body and len(kept) > self._max_small_body:
            most = self._max_small_body
            raise PayloadTooLarge(f"apart from the files that its fields refer to, the body has more than {most} bytes")
        return kept

    async def _check_clip(self, context: RequestContext, task_id: str, field: str) -> None:
        task = await self._ledger.get(context.caller.application_id, task_id)
        if task is None:
            raise NotFound(f"{field}: no such task", field=field)
        if task.state is not State.COMPLETED:
            raise InvalidRequest(
                f"{field}: task {task_id} is {task.state}; only a completed one can be used", field=field
            )
        if task.output is None or task.output.video is None:
            raise InvalidRequest(f"{field}: task {task_id} has no video", field=field)
        if task.output.expired_at is not None:
            raise InvalidRequest(f"{field}: the video of task {task_id} is not kept any more", field=field)

    async def _discard_unless_accepted(self, task: Task, media: Sequence[StoredMedia], queue: str) -> None:
        if await self._ledger.get(task.application_id, task.id) is None:
            for stored in media:
                await self._store.remove(stored.media.key)
        else:
            self._dispatcher.wake(queue)

    async def _announce_end(self, task: Task) -> None:
        self._dispatcher.stop_task(task.id)
        if task.generation.references:
            # Nobody may be at work on it who would tidy up. What a crash leaves the next start removes.
            await self._ledger.enqueue(work_for(task, WorkKind.PURGE, self._clock()))
            self._dispatcher.wake(Queue.PURGE)
        self._dispatcher.wake(Queue.WEBHOOK)
        self._dispatcher.wake(queue_of(Queue.RECALL, task.engine))
        self._feed.publish(task)


async def _as_written(written: str, find: Callable[[str], Awaitable[Task | None]]) -> Task | None:
    """Find a task by an id as it is written, and if there is none so, as it would be stored."""
    task = await find(written)
    if task is None and (plain := canonical_id(written)) != written:
        task = await find(plain)
    return task


def _either(ids: tuple[str, ...] | None) -> tuple[str, ...] | None:
    """Return ids as they were written, and as they are stored."""
    return None if ids is None else tuple(dict.fromkeys((*ids, *map(canonical_id, ids))))
