"""The port of the callbacks' log: what became of each, try by try, and the secrets that sign them.

A webhook comes into being with the due work that delivers it, in the same transaction, and goes with its task. Of the
single deliveries only the newest are kept, and none for ever.
"""

from __future__ import annotations

from typing import Protocol

import msgspec

from filmgate.domain.webhooks import WebhookStatus, webhook_id
from filmgate.ports.work import Claim


class WebhookEvent(msgspec.Struct, frozen=True):
    """The word to an owner that a task has reached a state. Times are unix seconds.

    `since` is when it became due, or was to be sent again; `tries` counts the deliveries since then. `answer` is the
    status of the last one, None if none came, and `trouble` says why it is not delivered.
    """

    task_id: str
    state: str
    application_id: str
    url: str | None
    status: WebhookStatus
    created_at: float
    since: float
    tries: int = 0
    next_at: float | None = None
    last_at: float | None = None
    answer: int | None = None
    trouble: str | None = None

    @property
    def id(self) -> str:
        """The name that every delivery of it has."""
        return webhook_id(self.task_id, self.state)


class Delivery(msgspec.Struct, frozen=True):
    """One try: when, how many seconds it took, the status that was answered, and what went wrong."""

    at: float
    took: float
    answer: int | None = None
    trouble: str | None = None


class DeliveryOutcome(msgspec.Struct, frozen=True):
    """What a claimed webhook has come to: its status, the delivery if one was tried, and when the next one is due."""

    status: WebhookStatus
    delivery: Delivery | None = None
    again: float | None = None
    trouble: str | None = None


class WebhookFilter(msgspec.Struct, frozen=True):
    """Which webhooks of an application to list, newest first."""

    task_id: str | None = None
    statuses: tuple[WebhookStatus, ...] | None = None
    limit: int = 20
    offset: int = 0


class WebhookPage(msgspec.Struct, frozen=True):
    """Some of the webhooks that match, how many match in all as far as COUNTED, and whether more follow."""

    webhooks: list[WebhookEvent]
    total: int
    more: bool = False


class SigningSecret(msgspec.Struct, frozen=True):
    """A secret that signs webhooks of an application; one that was rotated out does so until `ends_at`."""

    secret: bytes
    created_at: float
    ends_at: float | None = None


class WebhookLog(Protocol):
    """Webhooks and their secrets, durable once a call returns."""

    async def get(self, application_id: str, task_id: str, state: str) -> WebhookEvent | None:
        """Find the application's webhook of this state of a task."""

    async def find(self, application_id: str, wanted: WebhookFilter) -> WebhookPage:
        """List the application's webhooks that match."""

    async def deliveries(self, webhook: WebhookEvent) -> list[Delivery]:
        """Return the deliveries of a webhook that are still kept, oldest first."""

    async def settle(self, claim: Claim, outcome: DeliveryOutcome) -> None:
        """Write down a delivery and end the claim of it, or put it back until the next one.

        A claim that is void by now changes nothing but the log. Webhooks of earlier states are superseded with that
        of a final one.
        """

    async def resend(self, application_id: str, task_id: str, state: str, now: float) -> WebhookEvent | None:
        """Make a webhook of the application due again, from its first try on; None if there is none."""

    async def secrets(self, application_id: str, now: float) -> list[SigningSecret]:
        """Return the secrets that sign an application's webhooks, newest first."""

    async def add_first_secret(self, application_id: str, secret: SigningSecret) -> None:
        """Add a secret unless the application has one."""

    async def rotate_secret(self, application_id: str, secret: SigningSecret, until: float) -> None:
        """Add a secret; those there are sign until then at most, and of many the oldest do not any more."""
