"""Which addresses may be called: the parts of a URL, and which IP addresses are public."""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from urllib.parse import quote, urlsplit

import msgspec

from filmgate.adapters.outbound.own_addresses import is_own
from filmgate.domain.addresses import ascii_host
from filmgate.domain.errors import InvalidRequest

PORTS = {"http": 80, "https": 443}
_LENGTH = 8192
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_NUMERIC = re.compile(r"[0-9]+|0x[0-9a-f]*")
_IN_TARGET = "/%:@!$&'()*+,;=~-._?[]"

_PUBLIC_V6 = IPv6Network("2000::/3")
_NAT64 = IPv6Network("64:ff9b::/96")
# What `is_global` of some Python versions calls public, though nobody's public service is there.
_CLOSED = (
    IPv4Network("0.0.0.0/8"),
    IPv4Network("100.64.0.0/10"),
    IPv4Network("168.63.129.16/32"),  # a cloud's own services, seen from inside it alone
    IPv4Network("192.0.0.0/24"),
    IPv4Network("192.88.99.0/24"),
    IPv4Network("198.18.0.0/15"),
    IPv4Network("240.0.0.0/4"),
    IPv6Network("2001::/23"),
    IPv6Network("2001:db8::/32"),
    IPv6Network("3fff::/20"),
)

Ip = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


class Address(msgspec.Struct, frozen=True):
    """The parts of a usable URL. `host` is a name in lower-case ASCII or an IP address; `target` path and query."""

    scheme: str
    host: str
    port: int
    target: str

    @property
    def ip(self) -> Ip | None:
        """The host as an IP address; None for a name."""
        return as_ip(self.host)

    @property
    def authority(self) -> str:
        """The value of the Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def origin(self) -> str:
        """Scheme, host and port, in one spelling."""
        return f"{self.scheme}://{self.authority}"


def parse(url: str) -> Address:
    """Take a URL apart, strictly: what two readers could read in two ways is refused. Raises InvalidRequest."""
    if len(url) > _LENGTH:
        raise InvalidRequest(f"The address is longer than {_LENGTH} characters.")
    if any(character <= " " or character in "\\\x7f" for character in url):
        raise InvalidRequest("The address contains a space, a backslash or a control character.")
    try:
        parts = urlsplit(url)
        port = parts.port
        target = _target(parts.path, parts.query)
    except ValueError as error:
        raise InvalidRequest("The address cannot be read: its host, port or path is malformed.") from error
    if parts.scheme not in PORTS:
        raise InvalidRequest("The address must begin with http:// or https://.")
    if "@" in parts.netloc:
        raise InvalidRequest("The address must not contain a user name or password.")
    if port == 0 or parts.netloc.endswith(":"):
        raise InvalidRequest("The port of the address must be between 1 and 65535.")
    host = _host(parts.hostname or "", bracketed="[" in parts.netloc)
    return Address(parts.scheme, host, port or PORTS[parts.scheme], target)


def as_ip(host: str) -> Ip | None:
    """Read an IP address in its usual form; None for anything else."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def is_allowed(ip: Ip, networks: Sequence[Network]) -> bool:
    """Return whether an address may be dialled: in one of the admin's networks, or public and not this machine's."""
    return is_listed(ip, networks) or (is_public(ip) and not is_here(ip))


def is_listed(ip: Ip, networks: Sequence[Network]) -> bool:
    """Return whether an address is in one of the admin's networks, also in its mapped form."""
    if isinstance(ip, IPv6Address) and ip.ipv4_mapped:
        ip = ip.ipv4_mapped
    return any(ip in network for network in networks)


def is_here(ip: Ip) -> bool:
    """Return whether an address, or one hidden in it, is this machine's own."""
    return any(is_own(each) for each in (ip, *_hidden(ip)))


def refusal(host: str, ips: Iterable[Ip]) -> str:
    """Return why a host with these addresses may not be called, and what to do about it."""
    place = "to this machine itself" if all(map(is_public, ips)) else "into a network that is not public"
    return f"The address leads {place}: {host}. An admin can allow it with FILMGATE_ALLOW_NETWORKS."


def is_public(ip: Ip) -> bool:
    """Return whether an address is one of the public internet, as are all addresses hidden in it."""
    if isinstance(ip, IPv4Address):
        return ip.is_global and not ip.is_multicast and not _is_closed(ip)
    hidden = _hidden(ip)
    if not all(map(is_public, hidden)):
        return False
    if hidden and not _is_isatap(ip):
        return True
    # Teredo lies in the closed 2001::/23; scoped addresses, `fe80::1%eth0`, are link-local.
    return ip in _PUBLIC_V6 and ip.is_global and not ip.is_multicast and not _is_closed(ip)


def _hidden(ip: Ip) -> list[IPv4Address]:
    """Return the IPv4 address that an IPv6 address leads to: mapped, translated, or at the end of a tunnel."""
    if isinstance(ip, IPv4Address):
        return []
    if ip.ipv4_mapped:
        return [ip.ipv4_mapped]
    if ip in _NAT64 or _is_isatap(ip):
        return [IPv4Address(ip.packed[12:])]
    return [ip.sixtofour] if ip.sixtofour else []


def _is_isatap(ip: IPv6Address) -> bool:
    return ip.packed[8:12] in (b"\0\0\x5e\xfe", b"\2\0\x5e\xfe") and not ip.sixtofour


def _is_closed(ip: Ip) -> bool:
    return any(ip in network for network in _CLOSED)


def _host(host: str, *, bracketed: bool) -> str:
    """Return the host in one spelling. Raises InvalidRequest."""
    if bracketed:
        ip = as_ip(host)
        if not isinstance(ip, IPv6Address) or ip.scope_id:
            raise InvalidRequest("The host of the address is not a usable IPv6 address.")
        return str(ip)
    name = _ascii(host).removesuffix(".")
    labels = name.split(".")
    if len(name) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise InvalidRequest("The host of the address is missing or malformed.")
    # A host that ends in a number is an IPv4 address to every resolver, in decimal, octal or hexadecimal.
    if _NUMERIC.fullmatch(labels[-1]) and as_ip(name) is None:
        raise InvalidRequest(_unusual(name))
    return name


def _target(path: str, query: str) -> str:
    """Return the encoded path and query. Raises ValueError for bytes that are no text."""
    return quote(path or "/", safe=_IN_TARGET) + ("?" + quote(query, safe=_IN_TARGET) if query else "")


def _ascii(host: str) -> str:
    try:
        return ascii_host(host)
    except ValueError as error:
        raise InvalidRequest("The host of the address is not a valid international name.") from error


def _unusual(name: str) -> str:
    try:
        plain = socket.inet_ntoa(socket.inet_aton(name))
    except OSError:
        return "The host of the address looks like an IPv4 address but is none."
    return f"The host of the address is an IPv4 address in an unusual form: write {plain}."
