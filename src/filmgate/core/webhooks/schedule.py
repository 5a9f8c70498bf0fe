"""When a webhook that did not arrive is sent again, and when it is given up."""

from __future__ import annotations

from collections.abc import Callable

from filmgate.domain.backoff import spread, step
from filmgate.domain.webhooks import WebhookStatus
from filmgate.ports.webhooks import Delivery, DeliveryOutcome, WebhookEvent

HOUR = 3_600.0
PAUSES = (1.0, 5.0, 30.0, 120.0, 600.0, 1_800.0, HOUR, 2 * HOUR, 4 * HOUR, 8 * HOUR)
"""Seconds between one delivery and the next, before the jitter."""

LAST_PAUSE = 12 * HOUR
"""Seconds between deliveries from then on."""

TIME_LIMIT = 72 * HOUR
"""Seconds from when a webhook became due to its last delivery."""

_GONE = 410
_JITTER = 0.2


def decide(
    webhook: WebhookEvent, delivery: Delivery, retry_after: float, now: float, chance: Callable[[], float]
) -> DeliveryOutcome:
    """Return what a delivery means for its webhook: it arrived, it is sent again, or it is given up.

    `retry_after` is for how many seconds the receiver wants to be left alone, `chance` gives numbers from 0 to 1.
    """
    if delivery.trouble is None:
        return DeliveryOutcome(WebhookStatus.DELIVERED, delivery)
    if delivery.answer == _GONE:
        return DeliveryOutcome(WebhookStatus.FAILED, delivery, trouble=delivery.trouble)
    end = webhook.since + TIME_LIMIT
    if now >= end:
        given_up = f"given up after {webhook.tries + 1} deliveries in three days; the last one: {delivery.trouble}"
        return DeliveryOutcome(WebhookStatus.FAILED, delivery, trouble=given_up)
    pause = spread(step(webhook.tries, PAUSES, LAST_PAUSE), 1 - _JITTER, 1 + _JITTER, chance)
    # The last delivery is made when the time is up, whatever the pauses would make of it.
    return DeliveryOutcome(
        WebhookStatus.PENDING, delivery, again=min(now + max(pause, retry_after), end), trouble=delivery.trouble
    )


def failure_of(status: int) -> str | None:
    """Return the fault of an answer; None if the webhook has arrived."""
    if 200 <= status < 300:
        return None
    if status == _GONE:
        return "answered 410: the receiver wants to hear no more of this"
    return f"answered {status}" + (", and redirects are not followed" if 300 <= status < 400 else "")
