"""Connections that are kept free for admins serve nobody else, but for probes and proofs of identity."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from filmgate.adapters.web.fast_path import Scope
from filmgate.adapters.web.middleware.hosts import HEALTH
from filmgate.domain.errors import Unavailable
from filmgate.domain.identity import PATH as IDENTITY

_KEYLESS = HEALTH | {IDENTITY}
"""Paths whose requests come without a key: probes, and proofs that the service is the folder's."""


async def check_reserved(scope: Scope, is_admin: Callable[[Scope], Awaitable[bool]]) -> None:
    """Raise Unavailable for all but admins, on a connection that is kept for them."""
    if scope["path"] not in _KEYLESS and not await is_admin(scope):
        raise Unavailable("Too many connections are open. Close some, or send the request again later.")
