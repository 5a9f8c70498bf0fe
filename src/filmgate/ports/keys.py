"""The port of applications and their API keys."""

from __future__ import annotations

from typing import Protocol

import msgspec

from filmgate.domain.roles import KeyRole


class Application(msgspec.Struct, frozen=True):
    """A tenant: it owns keys and tasks. `user_id` is the id of the application's owner."""

    id: str
    name: str
    user_id: str
    created_at: float


class ApiKey(msgspec.Struct, frozen=True):
    """A key as it is kept: never the key itself, only the SHA-256 `digest`; `hint` is its visible end."""

    id: str
    application_id: str
    user_id: str
    name: str
    digest: bytes
    hint: str
    created_at: float
    revoked_at: float | None = None
    role: KeyRole = KeyRole.MEMBER


class Keys(Protocol):
    """Applications and keys, durable once a call returns."""

    async def add_application(self, application: Application) -> Application:
        """Add the application, or give the one that already has this name."""

    async def add_key(self, key: ApiKey) -> None:
        """Add a key to an existing application."""

    async def key(self, digest: bytes) -> ApiKey | None:
        """Find the key with this digest, revoked or not."""

    async def keys(self) -> list[ApiKey]:
        """List all keys, oldest first."""

    async def revoke_key(self, key_id: str, now: float) -> bool:
        """Revoke the key with this id; False if there is none that is still good."""
