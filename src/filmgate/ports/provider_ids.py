"""The port of tasks at providers, and of what the providers call them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import msgspec

from filmgate.domain.generation import Generation
from filmgate.domain.task import Task
from filmgate.domain.work import WorkItem

KNOWN_DAYS = 90
"""For so many days after its task is gone an id of a provider is known: no other task can have it."""


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


class ProviderIds(Protocol):
    """Tasks at providers, of all applications."""

    async def at_provider(self, engine: str, since: float = 0.0) -> int:
        """Count the engine's tasks that its provider has or may have.

        Those of an unknown outcome count only if they were submitted since a time.
        """

    async def set_origins(self, origins: Mapping[str, str], now: float) -> None:
        """Remember the origin of each engine's provider: an id of a provider belongs to one task of its origin.

        An engine without a set origin counts as an origin of its own.
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

    async def settle_seek(self, task_id: str, recall: WorkItem | None, now: float) -> bool:
        """End the search for the submission of a task: its cancellation is due, or there is nothing.

        A cancelled id is known from then on. False, and nothing is cancelled, if it is another task's.
        """
