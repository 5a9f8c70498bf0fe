"""Which addresses are this machine's own: what listens on all interfaces behind a firewall is reached through them."""

from __future__ import annotations

import contextlib
import itertools
import socket
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

_NOBODY = {4: "192.0.2.1", 6: "2001:db8::1"}
"""Addresses for documentation, which no machine has."""

_PORT = 9
_ROUTES = Path("/proc/net/fib_trie")
_INTERFACES = Path("/proc/net/if_inet6")


def is_own(ip: IPv4Address | IPv6Address) -> bool:
    """Return whether an address is one of this machine's, as it is now. Sends nothing.

    Either an interface has it, so that a socket can be bound to it, or the kernel would use it as the sender of what
    goes to it, as with a range that is routed to this machine itself.
    """
    family = socket.AF_INET if ip.version == 4 else socket.AF_INET6
    return _is_sender(family, str(ip)) or _is_bindable(family, ip)


def _is_sender(family: socket.AddressFamily, ip: str) -> bool:
    with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
        probe.connect((ip, _PORT))
        return str(probe.getsockname()[0]) == ip
    return False


def _is_bindable(family: socket.AddressFamily, ip: IPv4Address | IPv6Address) -> bool:
    if not _binds(family, str(ip)):
        return False
    # Where the system lets sockets be bound to anything, as load balancers want it, its tables are read.
    return _is_listed(ip) if _binds(family, _NOBODY[ip.version]) else True


def _binds(family: socket.AddressFamily, ip: str) -> bool:
    with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
        probe.bind((ip, 0))
        return True
    return False


def _is_listed(ip: IPv4Address | IPv6Address) -> bool:
    """Look an address up among those of the interfaces."""
    try:
        if ip.version == 6:
            return any(line.split(maxsplit=1)[0] == ip.packed.hex() for line in _INTERFACES.read_text().splitlines())
        lines = [line.strip() for line in _ROUTES.read_text().splitlines()]
        return any(line == f"|-- {ip}" and "host LOCAL" in after for line, after in itertools.pairwise(lines))
    except OSError:
        return False
