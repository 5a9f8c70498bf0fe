"""Who may ask, and how often."""

from __future__ import annotations

import hmac
import time
from collections.abc import Callable, Mapping
from enum import StrEnum

from filmgate.core.tasks.keys import digest, plausible
from filmgate.domain.errors import Forbidden, TooManyRequests, Unauthorized
from filmgate.domain.roles import KeyRole
from filmgate.ports.context import Caller
from filmgate.ports.keys import Keys
from filmgate.ports.rates import Rate, RateBuckets

KEY_TTL = 4.0
"""Seconds a key is believed before the ledger is asked again; a revoked key must be refused within 5."""

_KNOWN_KEYS = 10_000
_BUCKETS = 50_000


class Action(StrEnum):
    """What a request does; each has a rate of its own."""

    SUBMIT = "submit"
    QUERY = "query"


_NEEDED = {Action.SUBMIT: KeyRole.MEMBER, Action.QUERY: KeyRole.VIEWER}


def require(role: KeyRole, needed: KeyRole) -> None:
    """Raise Forbidden unless a role may do what the needed one may."""
    if not role.includes(needed):
        raise Forbidden(
            f"This needs a key with the role {needed}; yours has the role {role}. An admin can create one with "
            f"`filmgate keys create --role {needed} --name NAME`."
        )


def authorize(caller: Caller, action: Action) -> None:
    """Raise Forbidden unless the caller's role may do this."""
    require(caller.role, _NEEDED[action])


class Buckets:
    """Token buckets by name, `per_minute` each with as much burst. The least recently made ones are forgotten first."""

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit = per_minute
        self._rate = per_minute / 60
        self._clock = clock
        self._levels: dict[str, tuple[float, float]] = {}

    def take(self, name: str) -> Rate | None:
        """Take one token; None when the limit is switched off. Raises TooManyRequests when there is none."""
        if not self._limit:
            return None
        now = self._clock()
        level, at = self._levels.get(name, (float(self._limit), now))
        level = min(float(self._limit), level + (now - at) * self._rate)
        if level < 1:
            wait = -int((level - 1) // self._rate)
            raise TooManyRequests(f"more than {self._limit} requests per minute", retry_after=wait)
        if name not in self._levels and len(self._levels) >= _BUCKETS:
            del self._levels[next(iter(self._levels))]
        level -= 1
        self._levels[name] = (level, now)
        return Rate(self._limit, int(level), int((self._limit - level) / self._rate) + 1)


class AccessControl:
    """Finds the holder of a key and counts requests. The environment's admin key needs no ledger and has no rate."""

    def __init__(
        self,
        ledger: Keys,
        *,
        rates: Mapping[Action, RateBuckets],
        admin: tuple[bytes, Caller] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ledger = ledger
        self._clock = clock
        self._admin = None if admin is None else (digest(admin[0]), admin[1])
        self._known: dict[bytes, tuple[Caller, float]] = {}
        self._unknown: dict[bytes, float] = {}
        self._rates = rates

    async def caller(self, key: bytes | None) -> Caller:
        """Find the holder of this key. Raises Unauthorized."""
        if not key:
            raise Unauthorized()
        mark = digest(key)
        known = self._known.get(mark)
        if known is not None and known[1] > self._clock():
            return known[0]
        return await self._look_up(key, mark)

    def admit(self, caller: Caller, action: Action) -> Rate | None:
        """Count one request; None where there is no limit. Raises TooManyRequests."""
        return self._rates[action].take(caller.credential_id) if caller.limited else None

    async def _look_up(self, key: bytes, mark: bytes) -> Caller:
        if self._admin is not None and hmac.compare_digest(mark, self._admin[0]):
            return self._admin[1]
        if not plausible(key.decode("latin-1")):
            raise Unauthorized("the API key is mistyped or not one of ours")
        kept = None if self._unknown.get(mark, 0.0) > self._clock() else await self._ledger.key(mark)
        if kept is None or kept.revoked_at is not None:
            self._known.pop(mark, None)
            self._refuse(mark)
            raise Unauthorized("the API key is not known here or has been revoked")
        if len(self._known) >= _KNOWN_KEYS:
            self._known.clear()
        caller = Caller(kept.application_id, kept.user_id, kept.id, role=kept.role)
        self._known[mark] = (caller, self._clock() + KEY_TTL)
        return caller

    def _refuse(self, mark: bytes) -> None:
        """Remember for a moment that a key is no good. A key that is made is random: nobody has tried it before."""
        if mark not in self._unknown and len(self._unknown) >= _KNOWN_KEYS:
            del self._unknown[next(iter(self._unknown))]
        self._unknown[mark] = self._clock() + KEY_TTL
