"""The port of the ledger: the one place where tasks are true.

Every read of a task takes the application that asks, so that the owner is checked in the query itself. Every change of
a task is a compare-and-set on its fencing number, in one transaction with the work that the change makes due.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final, Protocol

import msgspec
from msgspec import UNSET, UnsetType

from filmgate.domain.failures import Failure
from filmgate.domain.generation import Generation
from filmgate.domain.media import Media, Output
from filmgate.domain.roles import KeyRole
from filmgate.domain.states import Stage, State
from filmgate.domain.task import Task, WorkState
from filmgate.domain.work import WorkItem

if TYPE_CHECKING:
    from filmgate.ports.accounts import Accounts, Retention
    from filmgate.ports.figures import Figures
    from filmgate.ports.webhooks import WebhookLog

KNOWN_DAYS = 90
"""For so many days after its task is gone an id of a provider is known: no other task can have it."""


class Application(msgspec.Struct, frozen=True):
    """A tenant: it owns keys and tasks. `user_id` is the id of the application's owner."""

    id: str
    name: str
    user_id: str
    created_at: float


class ApiKey(msgspec.Struct, frozen=True):
    """A key as it is kept: never the key itself, only the SHA-256 `digest`; `hint` is its visible end."""

    id: str
    application_id: str
    user_id: str
    name: str
    digest: bytes
    hint: str
    created_at: float
    revoked_at: float | None = None
    role: KeyRole = KeyRole.MEMBER


class Sought(msgspec.Struct, frozen=True):
    """A submit that was never answered: what was asked for, under which key, and when in unix seconds.

    `latest` is the last moment it may have been sent at, where that is not `at`.
    """

    key: str
    at: float
    generation: Generation
    latest: float | None = None


class OpenSubmit(msgspec.Struct, frozen=True):
    """A submit that its provider may have accepted, and the task it was sent for, which may have ended since."""

    task_id: str
    generation: Generation


class Claim(msgspec.Struct, frozen=True):
    """Due work that now belongs to one worker. `task` is None when it was deleted; `tries` counts earlier claims."""

    id: int
    due: WorkItem
    tries: int
    task: Task | None


class StoredMedia(msgspec.Struct, frozen=True):
    """A file's row: what its link serves. `task_id` is None for an upload that no task owns."""

    media: Media
    application_id: str
    task_id: str | None
    created_at: float


class RawRequest(msgspec.Struct, frozen=True):
    """The body of a submit as it was sent, and the dialect it was written in."""

    dialect: str
    body: bytes


class IdempotencyRecord(msgspec.Struct, frozen=True):
    """By what a submit is known when it is sent again, for `lasts` seconds.

    `digest` is of its method, path and body; `key` what the client calls it, if it has a name for it. Without one it is
    known to the holder of the same API key by the digest: `tries` is how often it had been sent before, and what is
    sent again joins only what was sent less often.
    """

    digest: bytes
    lasts: float
    key: str | None = None
    tries: int = 0


class IdempotencyMatch(msgspec.Struct, frozen=True):
    """What was submitted under a client's key: the task, there still or not, and the digest of the submit."""

    task_id: str
    digest: bytes


class TaskChange(msgspec.Struct, frozen=True):
    """A task as it is now, None if it was deleted, and the number of its last change (0: older than all numbers)."""

    number: int
    task_id: str
    task: Task | None


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """What a change sets; what is left UNSET stays. It takes place only if the task is unfinished at this `fence`.

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
"""How far what matches a list is counted: a longer list has a total of this, whatever its length."""


class Page(msgspec.Struct, frozen=True):
    """Some of the tasks that match, and whether more follow.

    `total` is how many match in all, of at most COUNTED; None if nobody asked, and it is not known anyway.
    """

    tasks: list[Task]
    more: bool = False
    total: int | None = None


class Ledger(Protocol):
    """Tasks, keys, media rows and due work, durable once a call returns."""

    @property
    def callbacks(self) -> WebhookLog:
        """What became of the callbacks that were made due."""

    @property
    def accounts(self) -> Accounts:
        """What applications may use and have used."""

    @property
    def retention(self) -> Retention:
        """The removal of what is not kept for ever."""

    @property
    def figures(self) -> Figures:
        """Figures of all tasks, whoever owns them."""

    async def open(self) -> None:
        """Open or create the store and bring its schema up to date. Refuses a newer schema with Unavailable."""

    async def close(self) -> None:
        """Finish what is being written and close."""

    async def ready(self) -> None:
        """Raise Unavailable unless the store can be read and written now."""

    # applications and keys
    async def add_application(self, application: Application) -> Application:
        """Add the application, or give the one that already has this name."""

    async def add_key(self, key: ApiKey) -> None:
        """Add a key to an existing application."""

    async def key(self, digest: bytes) -> ApiKey | None:
        """Find the key with this digest, revoked or not."""

    async def keys(self) -> list[ApiKey]:
        """List all keys, oldest first."""

    async def revoke_key(self, key_id: str, now: float) -> bool:
        """Revoke the key with this id; False if there is none that is still good."""

    # reading
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

    async def media(self, token: str) -> StoredMedia | None:
        """Find a file by the token of its link."""

    async def uploads(
        self, application_id: str, *, limit: int, after: tuple[float, str] | None = None
    ) -> list[StoredMedia]:
        """List the application's files that no task owns, newest first; `after` is the (created_at, token) of one."""

    async def counts(self) -> dict[tuple[str, State], int]:
        """Count the unfinished tasks by engine and state."""

    # tasks at providers, whoever owns them
    async def at_provider(self, engine: str, since: float = 0.0) -> int:
        """Count the engine's tasks that its provider has or may have.

        Those of an unknown outcome count only if they were submitted since a time.
        """

    async def set_origins(self, origins: Mapping[str, str], now: float) -> None:
        """Remember the origin of each engine's provider: an id of a provider belongs to one task of its origin.

        An engine whose origin was never set counts as an origin of its own.
        """

    async def find_upstream(self, engine: str, upstream_ids: Sequence[str]) -> dict[str, str]:
        """Return which of these ids are known at the origin of the engine's provider, with the task of each.

        An id is known while its task is there and for KNOWN_DAYS after that, through whichever engine it came.
        """

    async def has_departed(self, application_id: str, task_id: str) -> bool:
        """Return whether the application has deleted a task of this id that a provider had made."""

    async def unknown_submits(self) -> list[Task]:
        """List the tasks that may or may not have been accepted by a provider, oldest first."""

    async def open_submits(self, engine: str) -> list[OpenSubmit]:
        """List what may have been accepted at the origin of the engine's provider without being known here.

        These are submits under way, those of an unknown outcome, and those of ended tasks that are still looked for.
        """

    # changing
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
        a quarter of that is left and its key has an equal part among the good ones, UsedUp if it has not so many
        credits left, NotFound if what the task goes on from is gone, InFlight if a submit of the
        application has the key of the mark, Conflict if its `upstream_id` is known as another task's.
        """

    # submits that are sent again
    async def find_idempotent(self, application_id: str, key: str, now: float) -> IdempotencyMatch | None:
        """Find what the application submitted under a key of its own, if that is still remembered."""

    async def rejoin(self, credential_id: str, mark: IdempotencyRecord, now: float) -> str | None:
        """Find the task of the newest submit that this one repeats, and take this one for it.

        That is one without a key of its own, by the same holder, with the same digest, sent fewer times before.
        """

    async def expect(self, task: Task, mark: IdempotencyRecord, now: float) -> None:
        """Remember the submission of a task, so that a repeat is recognised; one with a key already is."""

    # changes, numbered in the order of the commits whatever the clock does; no number is given twice
    async def change(self, application_id: str, task_id: str) -> TaskChange:
        """Find a task of the application with the number of its last change."""

    async def changes(self, application_id: str, after: int, limit: int) -> list[TaskChange]:
        """List the application's tasks that have changed since a number, by the number of their last change.

        A deleted task is listed for a day.
        """

    async def last_change(self, application_id: str) -> int:
        """Return the number of the last change of any task of the application, 0 if there is none."""

    async def add_media(self, media: StoredMedia) -> None:
        """Write the row of an upload."""

    async def drop_upload(self, application_id: str, token: str) -> StoredMedia | None:
        """Remove the row of an upload of the application and give it; None if there is none that no task owns."""

    async def commit(self, change: Change, due: Sequence[WorkItem] = ()) -> Task | None:
        """Apply a change with the work it makes due. None if the task is final, gone, or claimed anew since.

        Raises Conflict, and changes nothing, if its `upstream_id` is known as another task's.
        """

    async def cancel(self, application_id: str, task_id: str, failure: Failure, now: float) -> Task | None:
        """End an unfinished task of the application by its owner's will; its callback and recall become due.

        Gives the task as it is afterwards, None if the application has no such task.
        """

    async def delete(self, application_id: str, task_id: str, now: float) -> bool:
        """Remove the task, its echo, media rows and due work, and make the purge of its files and its recall due.

        What is due already at its provider stays due.
        """

    async def settle_seek(self, task_id: str, recall: WorkItem | None, now: float) -> bool:
        """Look for the submit of a task no more: the recall of what it has become is due, or there is nothing.

        What is recalled is known from then on. False, and nothing is recalled, if it is known as another task's.
        """

    # due work
    async def enqueue(self, due: WorkItem) -> None:
        """Make work due, whatever has become of its task."""

    async def claim(
        self, queue: str, worker: str, now: float, lease: float, limit: int = 1, *, share: int = 0
    ) -> list[Claim]:
        """Take the fair next due work of a queue for `lease` seconds, up to a limit; claims rotate over applications.

        Of an application that has `share` claims in the queue already nothing more is taken (0: no limit).
        Claiming an `advance` or a `follow` raises the task's fencing number: the claim's task has the new one.
        """

    async def next_work(self, queue: str, now: float = 0.0, *, share: int = 0) -> float | None:
        """Return when the earliest work of a queue is due, None if there is none.

        That of applications which have `share` claims in the queue `now` is left out (0: no limit).
        """

    async def next_attempts(self, task_ids: Sequence[str]) -> dict[str, float]:
        """Return when the next stage of each of these tasks may be claimed; those that are claimed are left out."""

    async def postpone(self, claim: Claim, not_before: float) -> None:
        """Return claimed work back, to be claimed again not before a time."""

    async def finish(self, claim: Claim) -> None:
        """Remove claimed work that is done."""

    async def clock_moved(self, seconds: float) -> None:
        """Move what is due along with a clock that was set: limits either way, all else if the clock was set back."""

    async def release(self, worker: str | None) -> int:
        """Make the claims of a worker, or with None of all, due before all else; gives how many there were."""
