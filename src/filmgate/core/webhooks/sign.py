"""Signatures of webhooks, as Standard Webhooks has them.

What is signed is the name of the webhook, the time of the delivery and the body, with full stops between them, by
HMAC-SHA256 under a secret of the application. Of several signatures the receiver may check any.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Iterable

from filmgate.ports.clock import Clock
from filmgate.ports.webhooks import SigningSecret, WebhookLog

_PREFIX = "whsec_"
_BYTES = 32

OVERLAP = 86_400.0
"""Seconds a secret goes on signing beside the one that has taken its place."""


def encode_secret(secret: bytes) -> str:
    """Write a secret as receivers are given it."""
    return _PREFIX + base64.b64encode(secret).decode()


def sign(name: str, at: float, body: bytes, keys: Iterable[bytes]) -> dict[str, str]:
    """Return the headers of one delivery, with a signature by each key."""
    moment = str(int(at))
    message = b".".join((name.encode(), moment.encode(), body))
    signatures = (base64.b64encode(hmac.digest(key, message, hashlib.sha256)).decode() for key in keys)
    return {
        "webhook-id": name,
        "webhook-timestamp": moment,
        "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
    }


class Signing:
    """The secrets of applications. Each application has one from when it is first needed."""

    def __init__(self, log: WebhookLog, clock: Clock) -> None:
        self._log = log
        self._clock = clock

    async def secrets(self, application_id: str) -> list[SigningSecret]:
        """Return what signs the application's webhooks now, newest first."""
        found = await self._log.secrets(application_id, self._clock())
        if not found:
            await self._log.add_first_secret(application_id, self._new())
            found = await self._log.secrets(application_id, self._clock())
        return found

    async def rotate(self, application_id: str, *, at_once: bool) -> list[SigningSecret]:
        """Let a new secret sign; those there do so for a day more, or `at_once` not at all any more."""
        await self.secrets(application_id)
        until = self._clock() + (0.0 if at_once else OVERLAP)
        await self._log.rotate_secret(application_id, self._new(), until)
        return await self._log.secrets(application_id, self._clock())

    def _new(self) -> SigningSecret:
        return SigningSecret(secrets.token_bytes(_BYTES), self._clock())
