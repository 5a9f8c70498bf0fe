"""The port of the dispatcher, which runs due work."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import NamedTuple, Protocol

from filmgate.domain.work import QUEUES, Queue
from filmgate.ports.work import Claim


class QueueConfig(NamedTuple):
    """The function that does the work of a queue, and its limits.

    `room` says how many more may be begun now, where something else than the slots limits them. `share` is how much of
    one application is worked on at a time (0: as much as there are slots). Work that is `lasting` waits for others: it
    is broken off at once when the service stops.
    """

    work: Callable[[Claim], Awaitable[None]]
    slots: int
    room: Callable[[], Awaitable[int]] | None = None
    lasting: bool = False
    share: int = 0


def configure_queue(queue: Queue, work: Callable[[Claim], Awaitable[None]]) -> QueueConfig:
    """Return the configuration of a queue with its slots from the table."""
    rules = QUEUES[queue]
    return QueueConfig(work, rules.slots, lasting=rules.lasting, share=rules.share)


class Dispatcher(Protocol):
    """Wakes, claims and limits; safety never depends on it."""

    async def start(self, queues: Mapping[str, QueueConfig]) -> None:
        """Resume unfinished work and take new work from now on."""

    def wake(self, queue: str) -> None:
        """Wake the queue: it may have due work."""

    def stop_task(self, task_id: str) -> None:
        """Stop the work on a task that has been ended or deleted by its owner."""

    async def ready(self) -> None:
        """Raise Unavailable if due work is not taken any more."""

    async def stop(self, grace: float) -> None:
        """Take no more work, wait up to `grace` seconds for running work, leave the rest to be resumed."""
