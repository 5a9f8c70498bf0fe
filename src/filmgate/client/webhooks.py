"""The answers of the service about webhooks, under the client's names."""

from __future__ import annotations

from typing import TypeAlias

from filmgate import api

Delivery: TypeAlias = api.NativeDelivery
Webhook: TypeAlias = api.NativeToldWebhook
WebhookSecret: TypeAlias = api.NativeWebhookSecret


class WebhookPage(api.NativeWebhooks, frozen=True, kw_only=True):
    """Some of the webhooks that match, how many match in all as far as 10,000, and whether more follow.

    They come without their deliveries.
    """

    webhooks: tuple[Webhook, ...]
