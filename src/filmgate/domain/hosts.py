"""Hosts: as requests and addresses name them, and as the options say which are served."""

from __future__ import annotations

import ipaddress
import re
from typing import Final, NamedTuple
from urllib.parse import unquote, urlsplit

from filmgate.domain.addresses import ascii_host

_AUTHORITY: Final = re.compile(r"(?P<name>\[[0-9a-fA-F:.]+\]|[^\s\[\]/?#@:\\]+)(:(?P<port>[0-9]{1,5}))?")
_NAME: Final = re.compile(r"[a-z0-9._-]{1,253}")
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_FORMS: Final = '"video.example.com", "video.example.com:8484", "192.168.1.5", "[fd00::5]", "*.example.com" or "*"'


class Host(NamedTuple):
    """A name or IP address in its one spelling, and the port if there is one; `str` gives it as addresses have it."""

    name: str
    port: int | None = None

    def __str__(self) -> str:
        name = f"[{self.name}]" if ":" in self.name else self.name
        return name if self.port is None else f"{name}:{self.port}"

    def port_for(self, scheme: str) -> int | None:
        """Return the port that is dialled."""
        return self.port if self.port is not None else _DEFAULT_PORTS.get(scheme)

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach it."""
        ip = as_ip(self.name)
        return self.name == "localhost" if ip is None else ip.is_loopback


class HostRule(NamedTuple):
    """One entry of `allowed_hosts`: a name, `*.name` for every name below it, or `*`; without a port it means any."""

    name: str
    port: int | None = None

    @property
    def is_pattern(self) -> bool:
        """Whether it means names that it does not say."""
        return self.name.startswith("*")

    def matches(self, host: Host, scheme: str) -> bool:
        """Return whether a request or address with this host is meant."""
        if self.port is not None and self.port != host.port_for(scheme):
            return False
        if self.name == "*":
            return True
        if self.is_pattern:
            return host.name.endswith(self.name[1:]) and as_ip(host.name) is None
        return host.name == self.name


def parse_host(text: str) -> Host | None:
    """Parse `name`, `name:port`, an IPv4 address or an IPv6 address in brackets; None for anything else.

    Case, a dot at the end, spellings of an IP address and the two of an international name make no difference.
    """
    match = _AUTHORITY.fullmatch(text)
    if match is None:
        return None
    name, port = _canonical(match["name"]), match["port"]
    if name is None or (port is not None and int(port) > 65_535):
        return None
    return Host(name, None if port is None else int(port))


def parse_rule(entry: str) -> HostRule:
    """Parse an entry of `allowed_hosts`. Raises ValueError, with the right form, for one that could never match."""
    text = entry.strip()
    if text == "*":
        return HostRule("*")
    bare = f"[{text}]" if text.count(":") > 1 and not text.startswith("[") else text
    pattern = bare.startswith("*.")
    host = parse_host(bare[2:] if pattern else bare)
    if host is None or "*" in host.name or (pattern and as_ip(host.name) is not None):
        meant = urlsplit(text if "//" in text else f"//{text}").netloc.rpartition("@")[2] if "[" not in text else ""
        hint = f'write "{meant}"' if meant != text and parse_host(meant) is not None else f"write it like {_FORMS}"
        raise ValueError(f'"{entry}" can never be the Host of a request: {hint}')
    return HostRule(f"*.{host.name}" if pattern else host.name, host.port)


def parse_base_address(text: str) -> str:
    """Return a base address of links in its one spelling, without a slash at the end. Raises ValueError."""
    sample = "write an address such as https://video.example.com or https://example.com/video"
    parts = urlsplit(text)
    host = parse_host(parts.netloc)
    if parts.scheme not in _DEFAULT_PORTS or host is None:
        raise ValueError(f'"{text}" is no address of a service: {sample}')
    if parts.query or parts.fragment:
        raise ValueError(f'"{text}" has a query or fragment, which links cannot begin with: {sample}')
    path = parts.path.rstrip("/")
    if any(part in ("", ".", "..") for part in unquote(path).split("/")[1:]) or not path.isascii() or " " in path:
        raise ValueError(f'"{text}" has a path that clients would change: {sample}')
    return f"{parts.scheme}://{host}{path}"


def as_ip(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Return the IP address that a name is, None for other names."""
    try:
        ip = ipaddress.ip_address(name)
    except ValueError:
        return None
    return getattr(ip, "ipv4_mapped", None) or ip


def _canonical(name: str) -> str | None:
    ip = as_ip(name.strip("[]"))
    if ip is not None:
        return str(ip)
    if name.startswith("["):
        return None
    try:
        name = ascii_host(name).removesuffix(".")
    except ValueError:
        return None
    return name if _NAME.fullmatch(name) and not name.startswith(".") and ".." not in name else None
