"""The address of the service and the key for it."""

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
    """A service: its base address without a slash at the end, a key if there is one, whether it is on this machine.

    With `data`, it gets the key only once it has proved that it is the service of this data folder.
    """

    url: str
    key: str | None
    local: bool
    data: Path | None = None


def find(url: str | None = None, key: str | None = None, data: Path | None = None) -> Target:
    """Take what was given, else FILMGATE_URL and FILMGATE_API_KEY, else the service on this machine and its own key.

    That is FILMGATE_ADMIN_KEY, else the first key, which is read from the data folder: `data`, else FILMGATE_DATA, else
    `./filmgate-data`. Either is for the service of the folder only. Raises InvalidInput.
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
    found, folder = key or os.environ.get("FILMGATE_API_KEY"), None
    if not found and local and parts.scheme == "http":
        folder = data or Path(os.environ.get("FILMGATE_DATA") or _DATA)
        found = os.environ.get("FILMGATE_ADMIN_KEY", "").strip() or _first_key(folder)
    if found and not found.isprintable():
        raise InvalidInput("the API key has characters that cannot be sent")
    return Target(base, found or None, local, folder if found else None)


def _first_key(data: Path) -> str | None:
    """Read the key that the service wrote for this machine; another user's is not readable, which is no error."""
    try:
        return (data / _FIRST_KEY).read_text().strip() or None
    except (OSError, UnicodeDecodeError):
        return None
