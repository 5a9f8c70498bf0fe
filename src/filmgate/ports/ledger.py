"""The port of the ledger, which is composed of small ones: ask for the smallest that you need.

Every read of a task takes the application that asks, so that the owner is checked in the query itself. Every change of
a task is a compare-and-set on its fencing number, in one transaction with the work that follows from it.
"""

from __future__ import annotations

from typing import Protocol

from filmgate.ports.accounts import Accounts, Retention
from filmgate.ports.figures import Figures
from filmgate.ports.idempotency import IdempotencyLog
from filmgate.ports.keys import Keys
from filmgate.ports.media import MediaRows
from filmgate.ports.provider_ids import ProviderIds
from filmgate.ports.tasks import Tasks
from filmgate.ports.webhooks import WebhookLog
from filmgate.ports.work import WorkQueue


class Ledger(Tasks, WorkQueue, MediaRows, Keys, IdempotencyLog, ProviderIds, Protocol):
    """All that is on disk, durable once a call returns."""

    @property
    def webhooks(self) -> WebhookLog:
        """What became of the webhooks that were made due."""

    @property
    def accounts(self) -> Accounts:
        """What applications may use and have used."""

    @property
    def retention(self) -> Retention:
        """The removal of expired data."""

    @property
    def figures(self) -> Figures:
        """Figures of the tasks of all applications."""

    async def open(self) -> None:
        """Open or create the store and bring its schema up to date. Refuses a newer schema with Unavailable."""

    async def close(self) -> None:
        """Finish open writes and close."""

    async def ready(self) -> None:
        """Raise Unavailable unless the store can be read and written now."""
