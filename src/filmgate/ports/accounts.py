"""The ports of the books: what applications may use and have used, and what is kept of what they made.

Tasks are counted, and their credits taken and given back, in the transactions that submit and end them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec

from filmgate.domain.limits import OwnLimits
from filmgate.domain.usage import QuotaStatus, Usage


class Accounts(Protocol):
    """The accounts of the applications."""

    async def standing(self, application_id: str, now: float) -> QuotaStatus:
        """Return how an application stands. Raises NotFound."""

    async def standings(self, now: float) -> list[QuotaStatus]:
        """Return how all applications stand, by name."""

    async def usage(self, application_id: str, first: str, last: str) -> Usage:
        """Return the counts of an application from the first day to the last, such as 2026-11-22."""

    async def set_limits(self, application_id: str, own: OwnLimits) -> None:
        """Replace the rules that an application has of its own. Raises NotFound."""


class CollectedFiles(msgspec.Struct, frozen=True):
    """What was removed: whole tasks, the files of tasks that are kept, and files of no task, by their keys.

    The files of the tasks are still to be purged, which is due; those of no task are the caller's. `more` says that
    there may be more to remove.
    """

    tasks: tuple[str, ...] = ()
    media: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    more: bool = False


class Retention(Protocol):
    """Removes what the rules do not keep, and nothing that an unfinished task needs."""

    async def applications(self) -> list[str]:
        """List the applications with a rule by which something is removed."""

    async def collect(self, application_id: str, now: float, limit: int) -> CollectedFiles:
        """Remove tasks and files of an application, up to a limit, in one transaction."""

    async def forget_submits(self, now: float, limit: int) -> int:
        """Remove expired records of submissions, up to a limit, and return their number."""

    async def strays(self, keys: Sequence[str]) -> list[str]:
        """Return which of these keys of the store no row refers to."""
