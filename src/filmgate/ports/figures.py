"""The port of figures: what a ledger can say about all of its tasks at a cost that does not grow with its age."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import msgspec

from filmgate.domain.states import Stage, State


class Backlog(msgspec.Struct, frozen=True):
    """The work of one queue: due and not taken, due later, and taken; `oldest` is since when work has been due."""

    queue: str
    due: int
    later: int
    taken: int
    oldest: float | None


class UnfinishedWork(msgspec.Struct, frozen=True):
    """How everything that is unfinished stands: tasks by engine, state and stage, work by queue, webhooks by tries."""

    tasks: Mapping[tuple[str, State, Stage], int]
    backlogs: Sequence[Backlog]
    new_webhooks: int
    retried_webhooks: int
    bytes: int


class TaskEnd(msgspec.Struct, frozen=True):
    """The end of a task: the number of the change, and how long it took from its submit to its end, in seconds.

    `code` is that of its failure; `waited` is how long it was in line, None if it was never begun.
    """

    number: int
    engine: str
    state: State
    code: str | None
    waited: float | None
    took: float


class StoredTotals(msgspec.Struct, frozen=True):
    """Some rows of media files behind a place: how many, their bytes, and the place of the last, None at the end."""

    files: int
    bytes: int
    last: int | None


class Figures(Protocol):
    """Reads that are made beside the event loop, each of them bounded."""

    async def standing(self, now: float) -> UnfinishedWork:
        """Count the unfinished work, in one moment."""

    async def list_ended(self, after: int, limit: int) -> tuple[list[TaskEnd], int]:
        """List the ends among the changes behind a number, and give the number up to which that is all of them."""

    async def last_change(self) -> int:
        """Return the number of the last change of any task, 0 if there is none."""

    async def sum_held(self, after: int, limit: int) -> StoredTotals:
        """Add up the next files behind a place, in the order in which they came."""
