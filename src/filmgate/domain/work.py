"""The one table of kinds of work and of the queues in which they wait.

Ledgers bind what is here as parameters; the dispatcher, the settings and the wiring read it. The values are stored in
rows: they never change.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

if TYPE_CHECKING:
    from filmgate.domain.task import Task


class Queue(StrEnum):
    """Where work waits. A queue is shared by all engines, or there is one for each engine; see `QUEUES`."""

    ENGINE = "engine"
    INPUTS = "inputs"
    LOOKUP = "lookup"
    POLL = "follow"
    INGEST = "ingest"
    RECALL = "recall"
    WEBHOOK = "callback"
    EXPIRE = "expire"
    PURGE = "purge"


class QueueRules(NamedTuple):
    """How a queue is worked off.

    `slots` is how much of it is worked on at a time, 0 where the engine or an option sets it, and `share` how much of
    that may be of one application (0: all of it). Work that is `lasting` waits for others: it stops with the service.
    """

    per_engine: bool = False
    slots: int = 0
    share: int = 0
    lasting: bool = False


QUEUES: Final[Mapping[Queue, QueueRules]] = {
    Queue.ENGINE: QueueRules(per_engine=True),
    Queue.INPUTS: QueueRules(),
    Queue.LOOKUP: QueueRules(per_engine=True, slots=8),
    # Each polled task waits as a coroutine, without a slot of anything else.
    Queue.POLL: QueueRules(per_engine=True, slots=100_000, lasting=True),
    Queue.INGEST: QueueRules(per_engine=True, slots=6, share=4),
    Queue.RECALL: QueueRules(per_engine=True, slots=4),
    Queue.WEBHOOK: QueueRules(slots=256),
    Queue.EXPIRE: QueueRules(slots=1),
    Queue.PURGE: QueueRules(slots=1),
}

SUBMIT_SLOTS: Final = 8
"""Slots of the queue of an engine that is a provider."""

SHARED_QUEUES: Final = tuple(sorted(queue for queue, rules in QUEUES.items() if not rules.per_engine))
"""Names of queues of the service's own: no engine may have one of them."""


LEASE_SECONDS: Final = 300.0
"""For how long work is claimed, unless its holder renews the lease or ends it."""


class WorkKind(StrEnum):
    """What is to be done for a task; see `KINDS`.

    `advance` takes its next stage, `follow` polls its provider, `callback` delivers the webhook of a state, which is
    the detail, `expire` ends it at its limit, `purge` removes its files. `recall` has the provider cancel it; the
    detail is the provider's id. `seek` does so for a task that ended before its submit was answered; the detail is a
    `Sought` in JSON.
    """

    ADVANCE = "advance"
    POLL = "follow"
    WEBHOOK = "callback"
    EXPIRE = "expire"
    PURGE = "purge"
    RECALL = "recall"
    SEEK = "seek"


class WorkRules(NamedTuple):
    """How a kind of work behaves.

    `queue` is where it waits unless it is put elsewhere. A claim of `fenced` work raises the fencing number of its
    task: it shuts out earlier workers. Work that `ends` goes when its task ends; work that `outlives` its task stays
    when the task is deleted. Work that `follows_clock` moves when the clock is set, either way. Work that `retains`
    keeps an ended task from removal by the retention rules.
    """

    queue: Queue
    fenced: bool = False
    ends: bool = False
    outlives: bool = False
    follows_clock: bool = False
    retains: bool = True


KINDS: Final[Mapping[WorkKind, WorkRules]] = {
    WorkKind.ADVANCE: WorkRules(Queue.ENGINE, fenced=True, ends=True),
    WorkKind.POLL: WorkRules(Queue.POLL, fenced=True, ends=True),
    WorkKind.WEBHOOK: WorkRules(Queue.WEBHOOK),
    WorkKind.EXPIRE: WorkRules(Queue.EXPIRE, ends=True, follows_clock=True),
    WorkKind.PURGE: WorkRules(Queue.PURGE, retains=False),
    WorkKind.RECALL: WorkRules(Queue.RECALL, outlives=True),
    WorkKind.SEEK: WorkRules(Queue.RECALL, outlives=True),
}

FENCED: Final = frozenset(kind for kind, rules in KINDS.items() if rules.fenced)
ENDING: Final = frozenset(kind for kind, rules in KINDS.items() if rules.ends)
OUTLIVING: Final = frozenset(kind for kind, rules in KINDS.items() if rules.outlives)
CLOCKED: Final = frozenset(kind for kind, rules in KINDS.items() if rules.follows_clock)
RETAINING: Final = frozenset(kind for kind, rules in KINDS.items() if rules.retains)


class WorkItem(msgspec.Struct, frozen=True):
    """Work to be done for a task, not before a time in unix seconds. One row per (task, kind, detail)."""

    kind: WorkKind
    queue: str
    task_id: str
    application_id: str
    not_before: float
    detail: str = ""


def queue_of(queue: Queue, engine: str) -> str:
    """Return the name of a queue for an engine; no engine's name has a colon."""
    if queue is Queue.ENGINE:
        return engine
    return f"{queue}:{engine}" if QUEUES[queue].per_engine else queue


def engine_of(queue: str) -> str:
    """Return the engine of a queue that an engine has beside its own."""
    return queue.partition(":")[2]


def work_for(task: Task, kind: WorkKind, not_before: float, detail: str = "") -> WorkItem:
    """Return work of a kind for a task, in the queue where that kind waits."""
    queue = queue_of(KINDS[kind].queue, task.engine)
    return WorkItem(kind, queue, task.id, task.application_id, not_before, detail)
