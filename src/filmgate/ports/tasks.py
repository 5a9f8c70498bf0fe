"""The port of tasks: each is read for its application, and changed by compare-and-set."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

import msgspec
from msgspec import UNSET, UnsetType

from filmgate.domain.failures import Failure
from filmgate.domain.media import Output
from filmgate.domain.states import Stage, State
from filmgate.domain.task import Task, WorkState
from filmgate.domain.work import WorkItem
from filmgate.ports.idempotency import IdempotencyRecord
from filmgate.ports.media import StoredMedia


class RawRequest(msgspec.Struct, frozen=True):
    """The body of a submit as it was sent, and the dialect it was written in."""

    dialect: str
    body: bytes


class TaskChange(msgspec.Struct, frozen=True):
    """A task as it is now, None if it was deleted, and the number of its last change (0: older than all numbers)."""

    number: int
    task_id: str
    task: Task | None


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """New values of a task; UNSET ones stay as they are. It takes place only if the task is unfinished at this `fence`.

    `finished` names the claim whose work this change ends, `media` the files whose links become good with it. With
    `seize` whoever works on the task is shut out from then on, and its next step is what this change makes due.
    """

    task_id: str
    fence: int
    now: float
    state: State | UnsetType = UNSET
    stage: Stage | UnsetType = UNSET
    attempts: int | UnsetType = UNSET
    percent: int | UnsetType = UNSET
    started_at: float | UnsetType = UNSET
    finished_at: float | UnsetType = UNSET
    deadline_at: float | UnsetType = UNSET
    work: WorkState | UnsetType = UNSET
    output: Output | UnsetType = UNSET
    failure: Failure | UnsetType = UNSET
    engine: str | UnsetType = UNSET
    upstream_id: str | UnsetType = UNSET
    media: tuple[StoredMedia, ...] = ()
    finished: int | None = None
    seize: bool = False


class TaskFilter(msgspec.Struct, frozen=True):
    """Which tasks of an application to list. Times are unix seconds, inclusive; `newest` gives the order by time.

    `after` is the (created_at, id) of a task, there still or not: only what comes behind it in that order is listed.
    `counted` asks how many match in all: that costs more than the page.
    """

    ids: tuple[str, ...] | None = None
    trace_ids: tuple[str, ...] | None = None
    states: tuple[State, ...] | None = None
    user_id: str | None = None
    created_min: float | None = None
    created_max: float | None = None
    after: tuple[float, str] | None = None
    newest: bool = True
    limit: int = 12
    offset: int = 0
    counted: bool = False


COUNTED: Final = 10_000
"""The highest total of a list: a longer list has this total too."""


class Page(msgspec.Struct, frozen=True):
    """Some of the tasks that match, and whether more follow.

    `total` is how many match in all, of at most COUNTED; None if nobody asked, and it is not known anyway.
    """

    tasks: list[Task]
    more: bool = False
    total: int | None = None


class TaskReads(Protocol):
    """Tasks as they are; the owner is checked in each query."""

    async def get(self, application_id: str, task_id: str) -> Task | None:
        """Find one task of the application."""

    async def get_many(self, application_id: str, task_ids: Sequence[str]) -> list[Task]:
        """Find the application's tasks among these ids, in the order of the ids, each once."""

    async def by_video(self, application_id: str, video_id: str) -> Task | None:
        """Find the application's task that made this video."""

    async def by_trace(self, application_id: str, trace_id: str) -> Task | None:
        """Find the newest task of the application that was submitted under this trace id."""

    async def find(self, application_id: str, wanted: TaskFilter) -> Page:
        """List the application's tasks that match the filter."""

    async def echoes(self, task_ids: Sequence[str]) -> dict[str, RawRequest]:
        """Return the submit bodies of these tasks by id; the caller has checked the owner."""

    async def counts(self) -> dict[tuple[str, State], int]:
        """Count the unfinished tasks by engine and state."""


class TaskChanges(Protocol):
    """The changes of tasks, numbered in the order of the commits. No number is used twice."""

    async def change(self, application_id: str, task_id: str) -> TaskChange:
        """Find a task of the application with the number of its last change."""

    async def changes(self, application_id: str, after: int, limit: int) -> list[TaskChange]:
        """List the application's tasks that have changed since a number, by the number of their last change.

        A deleted task is listed for a day.
        """

    async def last_change(self, application_id: str) -> int:
        """Return the number of the last change of any task of the application, 0 if there is none."""


class TaskWrites(Protocol):
    """Acceptance, changes and ends of tasks, each in one transaction with the work that follows."""

    async def submit(
        self,
        task: Task,
        echo: RawRequest,
        due: Sequence[WorkItem],
        media: Sequence[StoredMedia] = (),
        *,
        max_unfinished: int = 0,
        mark: IdempotencyRecord | None = None,
    ) -> None:
        """Write an accepted task with its due work, and what its submit is known by.

        The credits of its `work` are taken from those of the application, and given back when it fails. Raises
        TooManyRequests if the application has `max_unfinished` unfinished tasks already (0: no limit), or if less than
        a quarter of that is left and its key has an equal part among the good ones, QuotaExceeded if it has not so many
        credits left, NotFound if what the task goes on from is gone, InFlight if a submit of the
        application has the key of the mark, Conflict if its `upstream_id` is known as another task's.
        """

    async def commit(self, change: Change, due: Sequence[WorkItem] = ()) -> Task | None:
        """Apply a change with the work it makes due. None if the task is final, gone, or claimed anew since.

        Raises Conflict, and changes nothing, if its `upstream_id` is known as another task's.
        """

    async def cancel(self, application_id: str, task_id: str, failure: Failure, now: float) -> Task | None:
        """End an unfinished task of the application by its owner's will; its webhook and recall become due.

        Return the task as it is afterwards, None if the application has no such task.
        """

    async def delete(self, application_id: str, task_id: str, now: float) -> bool:
        """Remove the task, its echo, media rows and due work, and make the purge of its files and its recall due.

        What is due already at its provider stays due.
        """


class Tasks(TaskReads, TaskChanges, TaskWrites, Protocol):
    """Tasks, durable once a call returns."""
