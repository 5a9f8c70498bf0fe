"""The port of work to be done: it is claimed under a lease, which can be renewed, and finished.

A claim belongs to one worker until its lease ends. While the worker lives it renews its leases; when it stops, or is
known to be dead, its leases are released. A worker never gets twice what it holds, even if its lease has run out: two
attempts in one process could both act outside the ledger, where no fence protects.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec

from filmgate.domain.task import Task
from filmgate.domain.work import WorkItem


class Claim(msgspec.Struct, frozen=True):
    """Due work that now belongs to one worker. `task` is None when it was deleted; `tries` counts earlier claims.

    It is void when the work was claimed again, was made due anew, or is gone: then it changes nothing any more.
    """

    id: int
    due: WorkItem
    tries: int
    task: Task | None


class WorkQueue(Protocol):
    """Work to be done, durable once a call returns."""

    async def enqueue(self, due: WorkItem) -> None:
        """Make work due, whatever has become of its task."""

    async def claim(
        self, queue: str, worker: str, now: float, lease: float, limit: int = 1, *, share: int = 0
    ) -> list[Claim]:
        """Take the fair next due work of a queue for `lease` seconds, up to a limit; claims rotate over applications.

        Of an application that has `share` claims in the queue already nothing more is taken (0: no limit).
        Claiming an `advance` or a `follow` raises the task's fencing number: the claim's task has the new one.
        Work that the worker holds although its lease has run out is not taken again: the lease begins anew.
        """

    async def renew(self, claims: Sequence[Claim], now: float, lease: float) -> None:
        """Let the leases of claims end `lease` seconds from now; void claims stay void."""

    async def release_leases(self, worker: str) -> int:
        """End the leases of a worker that stops or is known to be dead, and return their number.

        Its work is due before all else.
        """

    async def next_work(self, queue: str, now: float = 0.0, *, share: int = 0) -> float | None:
        """Return when the earliest work of a queue is due, None if there is none.

        That of applications which have `share` claims in the queue `now` is left out (0: no limit).
        """

    async def next_attempts(self, task_ids: Sequence[str]) -> dict[str, float]:
        """Return when the next stage of each of these tasks may be claimed; those that are claimed are left out."""

    async def postpone(self, claim: Claim, not_before: float) -> None:
        """Put claimed work back, to be claimed again not before a time."""

    async def finish(self, claim: Claim) -> None:
        """Remove claimed work that is done."""

    async def clock_moved(self, seconds: float) -> None:
        """Move due times along with a clock that was set: limits and leases either way, others if it was set back."""
