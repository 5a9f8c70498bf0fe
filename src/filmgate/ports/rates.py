"""The port of rate limits. The query route calls it for every request, so an implementation answers at once."""

from __future__ import annotations

from typing import NamedTuple, Protocol


class Rate(NamedTuple):
    """The state of a rate bucket: requests per minute, how many are left now, whole seconds until it is full."""

    limit: int
    remaining: int
    reset: int


class RateBuckets(Protocol):
    """Token buckets by name, such as the id of a key or the address of a client."""

    def take(self, name: str) -> Rate | None:
        """Take one token; None when the limit is switched off. Raises TooManyRequests when there is none."""
