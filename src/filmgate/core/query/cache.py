"""The query answer: what is task X? The route that the system exists for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import NamedTuple, Protocol

import msgspec

from filmgate.domain.errors import ErrorWriter, InvalidRequest, NotFound
from filmgate.domain.task import Task
from filmgate.domain.task_ids import canonical_id
from filmgate.ports.context import RequestContext
from filmgate.ports.tasks import RawRequest, TaskReads


class Serializer(Protocol):
    """How one dialect writes tasks. `name` is unique.

    `wants_echo` says whether it shows the body of the submit, `wants_times` whether when a provider is asked next.
    """

    name: str
    wants_echo: bool
    wants_times: bool

    def one(self, task: Task, echo: RawRequest | None, base: str) -> bytes:
        """Write one task as JSON, with links below the base address."""

    def many(self, items: Sequence[bytes]) -> bytes:
        """Put written tasks together into the answer of a batch."""


class TaskQuery(NamedTuple):
    """A query by id, as a dialect reads it from a request.

    `form` writes the tasks, `error` what goes wrong. `headers` are those that an answer with status 200 has besides.
    """

    ids: Sequence[str]
    form: Serializer
    error: ErrorWriter
    single: bool = True
    """Whether one task is asked for, not a batch of one."""
    headers: Sequence[tuple[bytes, bytes]] = ()


Missing = Callable[[RequestContext, Sequence[str]], Awaitable[bool]]
"""Tries to find elsewhere what the ledger does not have; True if any of it is there now."""


Upcoming = Callable[[Sequence[Task]], Awaitable[Mapping[str, float]]]
"""Returns when the providers of tasks are asked next, in unix seconds, by the id of the task."""


class Query:
    """Answers queries by id from the ledger, and from a cache once a task has reached its end.

    The cache holds written answers by (form, base address, id), is bounded in bytes, the oldest going first, and is
    checked for the owner too.
    """

    def __init__(
        self,
        ledger: TaskReads,
        *,
        cache_bytes: int,
        max_batch: int,
        missing: Missing | None = None,
        upcoming: Upcoming | None = None,
    ) -> None:
        self._ledger = ledger
        self._upcoming = upcoming
        self._missing = missing
        self._largest = cache_bytes
        self._room = cache_bytes
        self._max_batch = max_batch
        self._cache: dict[tuple[str, str, str], tuple[str, bytes]] = {}
        self._places: dict[str, set[tuple[str, str, str]]] = {}
        self._deletions = 0

    async def one(self, context: RequestContext, task_id: str, form: Serializer, ended: Task | None = None) -> bytes:
        """Write the answer for one task, which need not be read if its end is known already.

        Raises NotFound for an unknown, deleted or foreign id alike.
        """
        if ended is not None:
            return await self.write(context, ended, form)
        owner = context.caller.application_id
        hit = self._cache.get((form.name, context.base_url, task_id))
        if hit is not None:
            if hit[0] == owner:
                return hit[1]
            raise NotFound()
        deletions = self._deletions
        task = await self._ledger.get(owner, task_id)
        if task is None and (plain := canonical_id(task_id)) != task_id:
            return await self.one(context, plain, form)
        if task is None and self._missing is not None and await self._missing(context, [task_id]):
            task = await self._ledger.get(owner, task_id)
        if task is None:
            raise NotFound()
        return (await self._write(context, [task], form, deletions))[task_id]

    async def many(self, context: RequestContext, task_ids: Sequence[str], form: Serializer) -> bytes:
        """Write the answer of a batch: the caller's tasks in the order of the ids, unknown ones left out."""
        self.check_batch(task_ids, "ids")
        owner, base = context.caller.application_id, context.base_url
        deletions = self._deletions
        written: dict[str, bytes] = {}
        missing = []
        for task_id in dict.fromkeys(task_ids):
            hit = self._cache.get((form.name, base, task_id))
            if hit is None:
                missing.append(task_id)
            elif hit[0] == owner:
                written[task_id] = hit[1]
        if missing:
            tasks = await self._ledger.get_many(owner, missing)
            if len(tasks) < len(missing) and (other := _other_spellings(missing, tasks)):
                return await self.many(context, [other.get(task_id, task_id) for task_id in task_ids], form)
            if self._missing is not None and len(tasks) < len(missing):
                there = {task.id for task in tasks}
                if await self._missing(context, [task_id for task_id in missing if task_id not in there]):
                    tasks = await self._ledger.get_many(owner, missing)
            written.update(await self._write(context, tasks, form, deletions))
        return form.many([written[task_id] for task_id in dict.fromkeys(task_ids) if task_id in written])

    def check_batch(self, entries: Sequence[str], field: str) -> None:
        """Raise InvalidRequest if a field of a query names more tasks than are answered at once."""
        if self._max_batch and len(entries) > self._max_batch:
            raise InvalidRequest(
                f"{field} must have at most {self._max_batch} entries, got {len(entries)}", field=field
            )

    async def write(self, context: RequestContext, task: Task, form: Serializer) -> bytes:
        """Write a task the caller owns, as `one` would."""
        return (await self._write(context, [task], form, None))[task.id]

    async def write_batch(self, context: RequestContext, tasks: Sequence[Task], form: Serializer) -> bytes:
        """Write tasks the caller owns, as a batch."""
        return form.many(list((await self._write(context, tasks, form, None)).values()))

    def forget(self, task_id: str) -> None:
        """Drop the cached answers of a deleted task."""
        self._deletions += 1
        for place in tuple(self._places.get(task_id, ())):
            self._drop(place)

    async def _write(
        self, context: RequestContext, tasks: Sequence[Task], form: Serializer, deletions: int | None
    ) -> dict[str, bytes]:
        """Write tasks; keep the answers if nothing was deleted since they were read (None: they may be old)."""
        echoes = await self._ledger.echoes([task.id for task in tasks]) if form.wants_echo and tasks else {}
        times = await self._upcoming(tasks) if self._upcoming is not None and form.wants_times else {}
        written = {}
        for task in tasks:
            shown = msgspec.structs.replace(task, next_attempt_at=times[task.id]) if task.id in times else task
            answer = written[task.id] = form.one(shown, echoes.get(task.id), context.base_url)
            if task.final and deletions == self._deletions:
                self._keep((form.name, context.base_url, task.id), task.application_id, answer)
        return written

    def _keep(self, place: tuple[str, str, str], owner: str, answer: bytes) -> None:
        if len(answer) > self._largest or place in self._cache:
            return
        self._cache[place] = (owner, answer)
        self._places.setdefault(place[2], set()).add(place)
        self._room -= len(answer)
        while self._room < 0:
            self._drop(next(iter(self._cache)))

    def _drop(self, place: tuple[str, str, str]) -> None:
        _, answer = self._cache.pop(place)
        self._room += len(answer)
        places = self._places[place[2]]
        places.discard(place)
        if not places:
            del self._places[place[2]]


def _other_spellings(wanted: Sequence[str], found: Sequence[Task]) -> dict[str, str]:
    """Return the ids that were not found and can be written in another way, with that way."""
    there = {task.id for task in found}
    ways = {task_id: canonical_id(task_id) for task_id in wanted if task_id not in there}
    return {task_id: plain for task_id, plain in ways.items() if plain != task_id}
