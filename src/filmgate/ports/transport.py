"""The port of a line to a provider: requests to one base address, with the admin's key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import msgspec


class Reply(msgspec.Struct, frozen=True):
    """A provider's answer, whatever its status; header names are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


class FormPart(msgspec.Struct, frozen=True):
    """A part of a multipart form: a value, or a file with its media type."""

    name: str
    value: str | Path
    type: str | None = None


class ProviderClientError(Exception):
    """No answer came. `sent` is False if it is certain that the request did not reach the provider."""

    def __init__(self, message: str, *, sent: bool) -> None:
        """Take a sentence that names no secret."""
        super().__init__(message)
        self.message = message
        self.sent = sent


class ProviderClient(Protocol):
    """Speaks HTTP with one account of a provider. It repeats nothing and follows no redirect."""

    @property
    def base(self) -> str:
        """The base address, without a slash at the end."""

    async def call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str | int | float] | None = None,
        json: Any = None,
        form: Sequence[FormPart] | None = None,
        headers: Mapping[str, str] | None = None,
        fresh: bool | None = None,
    ) -> Reply:
        """Send one request to a path below the base address, and give the answer. Raises ProviderClientError.

        `fresh` says whether it gets a connection of its own, which no server can have closed meanwhile; by itself,
        all but GET does. A POST that only asks can share the connections that are kept: `fresh=False`.
        """

    def address(self, link: str) -> tuple[str, Mapping[str, str]]:
        """Return the full address of a link from an answer, and the headers a download of it needs.

        A link may be relative to the base address; the key goes along only to the origin of the base address.
        """

    async def close(self) -> None:
        """Close the connections."""
