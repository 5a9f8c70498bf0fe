"""Where the service is, and with which key to ask it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from filmgate.client.errors import InvalidInput
from filmgate.domain.hosts import parse_host

DEFAULT_URL = "http://127.0.0.1:8484"

_FIRST_KEY = "first-key"
_DATA = "filmgate-data"


class Target(NamedTuple):
    """A service: its base address without a slash at the end, a key if there is one, whether it is on this machine."""

    url: str
    key: str | None
    local: bool


def find(url: str | None = None, key: str | None = None, data: Path | None = None) -> Target:
    """Take what was given, else FILMGATE_URL and FILMGATE_API_KEY, else the service on this machine and its first key.

    The first key is read from the data folder: `data`, else FILMGATE_DATA, else `./filmgate-data`. Raises InvalidInput.
    """
    base = (url or os.environ.get("FILMGATE_URL") or DEFAULT_URL).rstrip("/")
    try:
        parts = urlsplit(base)
        user, at, place = parts.netloc.rpartition("@")
        host = parse_host(place) if parts.port != 0 else None
    except ValueError as error:
        raise InvalidInput(f"{base!r} is not the address of a service: {error}") from error
    if parts.scheme not in ("http", "https") or host is None:
        raise InvalidInput(f"{base!r} is not the address of a service: it must look like {DEFAULT_URL}")
    if not place.isascii():
        base = parts._replace(netloc=f"{user}{at}{host}").geturl()
    local = host.is_loopback
    found = key or os.environ.get("FILMGATE_API_KEY") or (_first_key(data) if local else None)
    if found is not None and not found.isprintable():
        raise InvalidInput("the API key has characters that cannot be sent")
    return Target(base, found, local)


def _first_key(data: Path | None) -> str | None:
    """Read the key that the service wrote for this machine; another user's is not readable, which is no error."""
    path = (data or Path(os.environ.get("FILMGATE_DATA") or _DATA)) / _FIRST_KEY
    try:
        return path.read_text().strip() or None
    except (OSError, UnicodeDecodeError):
        return None
