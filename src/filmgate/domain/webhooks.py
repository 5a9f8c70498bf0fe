"""What webhooks are called, and what becomes of them."""

from __future__ import annotations

from enum import StrEnum

_PREFIX = "msg_"


class WebhookStatus(StrEnum):
    """What has become of a webhook."""

    PENDING = "pending"
    """It is to be delivered, for the first time or again."""

    DELIVERED = "delivered"
    FAILED = "failed"
    """It was given up."""

    SUPERSEDED = "superseded"
    """A later state of the task was told instead."""

    SKIPPED = "skipped"
    """Nobody listens at the address, as whoever gave it knows."""


def webhook_id(task_id: str, state: str) -> str:
    """Name the webhook that tells of a state; it has this name in every delivery of it."""
    return f"{_PREFIX}{task_id}_{state}"


def parts_of(name: str) -> tuple[str, str] | None:
    """Return the task and the state that a callback's name has; None for any other name."""
    task_id, _, state = name.removeprefix(_PREFIX).rpartition("_")
    return (task_id, state) if name.startswith(_PREFIX) and task_id else None
