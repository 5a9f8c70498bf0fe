"""The base address of links, and which links are our own."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

from filmgate.domain.errors import HostNotAllowed

_TOKEN = re.compile(r"/media/([A-Za-z0-9_-]{22})/[A-Za-z0-9._-]{1,64}")
_HOST = re.compile(r"(?P<name>\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(:(?P<port>[0-9]{1,5}))?")


class Links:
    """Decides the base address of links from what the operator said and the Host the caller used.

    A Host is good if it is loopback, the bound address, or in the allowed ones; anything else is refused, since a
    forged Host would put somebody else's address into stored links.
    """

    def __init__(self, public_url: str | None, allowed_hosts: tuple[str, ...], bound: str) -> None:
        self._public = public_url
        public_host = urlsplit(public_url).hostname if public_url else None
        names = {bound, *allowed_hosts, *((public_host,) if public_host else ())}
        self._allowed = {name.lower().strip("[]") for name in names}
        self._good: dict[tuple[str, str], str] = {}
        self._ports: set[str | None] = set()

    def base(self, host: str | None, scheme: str = "http") -> str:
        """Give the base address for a request to this Host. Raises HostNotAllowed."""
        if host is None:
            raise HostNotAllowed("the Host header is missing")
        known = self._good.get((scheme, host))
        if known is not None:
            return known
        if not self._is_ours(host):
            raise HostNotAllowed()
        base = self._public or f"{scheme}://{host}"
        if len(self._good) < 1_000:
            self._good[scheme, host] = base
            if _is_loopback(host):
                self._ports.add(_port(host, scheme))
        return base

    def token(self, url: str) -> str | None:
        """Give the token of one of our own media links, None for any other address."""
        parts = urlsplit(url)
        match = _TOKEN.fullmatch(parts.path)
        if match is None or parts.scheme not in ("http", "https"):
            return None
        if f"{parts.scheme}://{parts.netloc}" == self._public:
            return match[1]
        own = self._is_ours(parts.netloc) and self._is_this_service(parts.netloc, parts.scheme)
        return match[1] if own else None

    def _is_this_service(self, host: str, scheme: str) -> bool:
        """Tell this service from others on the same machine, each at a port of its own, once it was called there."""
        return not _is_loopback(host) or not self._ports or _port(host, scheme) in self._ports

    def _is_ours(self, host: str) -> bool:
        match = _HOST.fullmatch(host)
        if match is None:
            return False
        name = match["name"].lower().strip("[]")
        return name in self._allowed or f"{name}:{match['port']}" in self._allowed or _is_loopback(host)


def _is_loopback(host: str) -> bool:
    match = _HOST.fullmatch(host)
    name = match["name"].lower().strip("[]") if match else ""
    try:
        return name == "localhost" or ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _port(host: str, scheme: str) -> str | None:
    match = _HOST.fullmatch(host)
    return match and (match["port"] or {"http": "80", "https": "443"}.get(scheme))
