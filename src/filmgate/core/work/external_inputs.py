"""External inputs: what a task refers to elsewhere is fetched before an engine takes the task.

They are fetched in a queue of their own, in which applications take turns, so that a slow host holds no slot of an
engine. A file has a name that follows from the task: one that was stored before the process died is not fetched again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from filmgate.core.media.inputs import MediaInputs, sides
from filmgate.core.providers.account import Account
from filmgate.core.work.attempt import Attempt
from filmgate.core.work.start import TaskStart
from filmgate.domain.failures import Failure
from filmgate.domain.generation import OWN, Generation, Reference, ReferenceKind
from filmgate.domain.states import Stage
from filmgate.domain.task import FetchedInput, Task
from filmgate.domain.work import Queue, WorkKind
from filmgate.faults import Point, reach
from filmgate.ports.engine import Engine
from filmgate.ports.media import MediaStore
from filmgate.ports.provider import InputMode, Provider


def needed_references(accounts: Mapping[str, Account], engine: str, generation: Generation) -> dict[str, Reference]:
    """Return the references to fetch before an engine can take a generation, by name.

    A provider that takes addresses fetches by itself. An engine of this process is given no guides.
    """
    account = accounts.get(engine)
    if account is None:
        return {name: each for name, each in sides(generation.start, generation.end) if _is_elsewhere(each)}
    return {
        name: each
        for name, each in _named_references(generation)
        if _is_elsewhere(each) and _is_given_as_file(account.provider, each)
    }


def guide_name(number: int) -> str:
    """Return what the file of a guide is called among the inputs of its task."""
    return f"guide-{number}"


class ExternalInputs:
    """Fetches what tasks refer to elsewhere, and leaves each task to its engine when all is here."""

    def __init__(
        self,
        engines: Mapping[str, Engine],
        accounts: Mapping[str, Account],
        starting: TaskStart,
        store: MediaStore,
        media_inputs: MediaInputs,
    ) -> None:
        self._engines = engines
        self._accounts = accounts
        self._starting = starting
        self._store = store
        self._media_inputs = media_inputs
        self.stages = {Stage.INPUTS: self._fetch}

    async def defer(self, attempt: Attempt) -> bool:
        """Leave a task to the queue of inputs if one is not here yet; False if the engine can take it.

        That is so for a task that comes from another engine, or was submitted to an earlier version.
        """
        if not self._missing(attempt.task):
            return False
        await attempt.enqueue(WorkKind.ADVANCE, Queue.INPUTS, stage=Stage.INPUTS)
        return True

    async def _fetch(self, attempt: Attempt, _folder: Path) -> None:
        """Fetch one input after the other, and commit each. Raises EngineFailed if one cannot be had or used."""
        # Nothing is fetched for a task that is refused anyway.
        self._starting.check(attempt.task, self._refusal(attempt.task))
        stored = set(await self._store.keys(attempt.task.id))
        while missing := self._missing(attempt.task):
            name, reference = next(iter(missing.items()))
            key = self._media_inputs.key_of(reference.kind, attempt.task.id, name)
            if key not in stored:
                await self._media_inputs.fetch(reference, attempt.task.application_id, attempt.task.id, name=name)
                reach(Point.INPUT_STORED)
            notes: dict[str, Any] | None = None if reference.kind is ReferenceKind.IMAGE else {}
            inputs = {**attempt.task.work.inputs, name: FetchedInput(key, notes)}
            await attempt.commit(work=msgspec.structs.replace(attempt.task.work, inputs=inputs))
        await attempt.enqueue(WorkKind.ADVANCE, attempt.task.engine, stage=Stage.SUBMIT)

    def _missing(self, task: Task) -> dict[str, Reference]:
        wanted = needed_references(self._accounts, task.engine, task.generation)
        return {name: each for name, each in wanted.items() if name not in task.work.inputs}

    def _refusal(self, task: Task) -> Failure | None:
        engine, account = self._engines.get(task.engine), self._accounts.get(task.engine)
        if account is not None:
            return account.provider.refuse(task.generation)
        return None if engine is None else engine.refuse(task.generation)


def _named_references(generation: Generation) -> Iterator[tuple[str, Reference]]:
    yield from sides(generation.start, generation.end)
    for number, guide in enumerate(generation.guides):
        yield guide_name(number), Reference(ReferenceKind.IMAGE, guide.url)


def _is_elsewhere(reference: Reference) -> bool:
    return reference.kind is not ReferenceKind.TASK and not reference.value.startswith(OWN)


def _is_given_as_file(provider: Provider, reference: Reference) -> bool:
    """Return whether a provider is given the bytes of an external file: no earlier task is behind one."""
    ways = (means for means in provider.means.get(reference.kind, ()) if means is not InputMode.TASK)
    return next(ways, None) is InputMode.FILE
