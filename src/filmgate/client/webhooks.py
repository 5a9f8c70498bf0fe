"""What the service answers about webhooks. Fields that a newer service adds are left out."""

from __future__ import annotations

import msgspec


class Delivery(msgspec.Struct, frozen=True):
    """One delivery of a webhook: when, how many seconds it took, the status answered, and what went wrong."""

    at: str
    seconds: float = 0.0
    answer: int | None = None
    trouble: str | None = None


class Webhook(msgspec.Struct, frozen=True):
    """The word to a receiver that a task has reached a state. Times are RFC 3339.

    `status` is "pending", "delivered", "failed", "superseded" or "skipped", `url` has no query string, `tries` counts
    the deliveries since it was to be sent, `answer` is the status of the last one and `trouble` why it has not arrived.
    `deliveries` are there where one webhook was asked for, oldest first.
    """

    id: str
    task_id: str
    state: str
    status: str
    url: str = ""
    created_at: str | None = None
    tries: int = 0
    next_at: str | None = None
    last_at: str | None = None
    answer: int | None = None
    trouble: str | None = None
    deliveries: tuple[Delivery, ...] = ()


class WebhookPage(msgspec.Struct, frozen=True):
    """Some of the webhooks that match, how many match in all as far as 10,000, and whether more follow."""

    webhooks: tuple[Webhook, ...]
    total: int
    limit: int
    offset: int
    has_more: bool = False


class WebhookSecret(msgspec.Struct, frozen=True):
    """A secret that signs webhooks, as verifiers take it; `ends_at` is the end of one that was rotated out."""

    secret: str
    created_at: str | None = None
    ends_at: str | None = None


class WebhookSecrets(msgspec.Struct, frozen=True):
    """How the service lists secrets."""

    secrets: tuple[WebhookSecret, ...]
