"""The port of all outgoing requests."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import msgspec


class Response(msgspec.Struct, frozen=True):
    """An answer from outside, `body` cut at the limit."""

    status: int
    headers: dict[str, str]
    body: bytes


class FetchError(Exception):
    """The address could not be fetched. `retryable` tells trouble that may pass from a definite answer."""

    def __init__(self, message: str, *, retryable: bool) -> None:
        """Take a sentence that names no secret part of the address."""
        super().__init__(message)
        self.message = message
        self.retryable = retryable


class Fetcher(Protocol):
    """The only way out. Every address is checked; the checked one is dialled."""

    def check(self, url: str) -> None:
        """Raise InvalidRequest if the address can be seen to be unusable without asking a name server."""

    async def download(
        self,
        url: str,
        target: Path,
        *,
        max_bytes: int,
        application: str | None,
        headers: Mapping[str, str] | None = None,
        trusted: str | None = None,
    ) -> None:
        """Write what the address serves to `target`, going on where it breaks off if that is safe. Raises FetchError.

        `application` is on whose behalf: its names wait for its own look-ups alone; None is the service itself, as for
        a provider's file. `headers` go to the origin of the address only. `trusted` is an origin of the admin's
        own, such as `http://127.0.0.1:9000`, which may be reached although it is private, but not by way of another.
        """

    async def post(
        self, url: str, body: bytes, headers: dict[str, str], *, timeout: float, application: str | None
    ) -> Response:
        """POST once, following no redirect. `timeout` is the whole exchange, in seconds. Raises FetchError.

        Only the status counts: of a slow body the first part is returned.
        """

    async def close(self) -> None:
        """Close the connections."""
