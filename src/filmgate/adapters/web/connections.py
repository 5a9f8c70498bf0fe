"""How many connections there are: in all, and from each address. Idle ones make room for new ones."""

from __future__ import annotations

import ipaddress
import select
from collections.abc import Sequence
from enum import IntEnum
from typing import Final, Protocol

ADMIN_CONNECTIONS: Final = 16
"""Connections beyond the limit, on which only admins are served."""

_PROBED: Final = 32
"""Connections at most that are asked, one after the other, whether something has come that is not read yet."""


class ConnectionState(IntEnum):
    """The activity of a connection; those with the lowest number are closed first."""

    UNKNOWN = 0
    """No request on it had a good key: it has sent nothing, a part of a head, or others."""
    KNOWN = 1
    """It is idle, and a request on it had a good key."""
    BUSY = 2
    """A request is being answered, or it is being opened: it is never closed."""


class Connection(Protocol):
    """One connection."""

    reserved: bool
    """Whether only admins are served on it."""

    def cut_off(self) -> None:
        """Close it at once."""

    def descriptor(self) -> int:
        """Return the descriptor of its socket, -1 if it is closed."""


_Ranks = dict[ConnectionState, dict[Connection, None]]


class Connections:
    """Keeps count of connections: `most` in all, `per_address` from each address but the exempt ones (0: no limit).

    Where there is no room, the connection on which no whole request has come for longest is closed, of those without a
    good key first; of all addresses that which has most gives it.
    """

    def __init__(self, most: int, per_address: int = 0, exempt: Sequence[str] = ()) -> None:
        self._most = most
        self._per_address = per_address
        self._all_exempt = "*" in exempt
        self._exempt = [network for entry in exempt if (network := _network(entry)) is not None]
        self._addresses: dict[str, _Ranks] = {}
        self._places: dict[Connection, tuple[str, ConnectionState]] = {}

    def __len__(self) -> int:
        """Return how many connections there are."""
        return len(self._places)

    def admit(self, connection: Connection, host: str) -> bool:
        """Make room for a new connection and count it, as busy until it is open; False if there is no room."""
        address = _group(host)
        if self._per_address and self._count(address) >= self._per_address and not self._is_exempt(host):
            if not self._close_one(address):
                return False
        elif len(self) >= self._most and not self._close_anywhere():
            if len(self) >= self._most + ADMIN_CONNECTIONS:
                return False
            connection.reserved = True
        self._put(connection, address, ConnectionState.BUSY)
        return True

    def move(self, connection: Connection, standing: ConnectionState) -> None:
        """Note the activity of a counted connection from now on."""
        place = self._places.get(connection)
        if place is not None:
            self._take(connection)
            self._put(connection, place[0], standing)

    def remove(self, connection: Connection) -> None:
        """Forget a connection that is closed."""
        if connection in self._places:
            self._take(connection)

    def _count(self, address: str) -> int:
        return sum(map(len, self._addresses.get(address, {}).values()))

    def _is_exempt(self, host: str) -> bool:
        if self._all_exempt or not self._exempt:
            return self._all_exempt
        address = _address(host)
        return address is not None and any(address in network for network in self._exempt)

    def _close_anywhere(self) -> bool:
        by_size = sorted(self._addresses, key=self._idle, reverse=True)
        return bool(by_size) and self._close_one(by_size[0])

    def _idle(self, address: str) -> int:
        return sum(
            len(found) for standing, found in self._addresses[address].items() if standing is not ConnectionState.BUSY
        )

    def _close_one(self, address: str) -> bool:
        """Close an idle connection of an address."""
        ranks = self._addresses[address]
        for standing in sorted(ranks):
            if standing is not ConnectionState.BUSY and ranks[standing]:
                victim = self._stalest(ranks[standing])
                self._take(victim)
                victim.cut_off()
                return True
        return False

    def _stalest(self, rank: dict[Connection, None]) -> Connection:
        """Return the connection idle for longest. One with a request that is not read yet is not idle."""
        for _ in range(min(_PROBED, len(rank))):
            connection = next(iter(rank))
            if not _has_sent(connection.descriptor()):
                return connection
            rank[connection] = rank.pop(connection)
        return next(iter(rank))

    def _put(self, connection: Connection, address: str, standing: ConnectionState) -> None:
        self._addresses.setdefault(address, {}).setdefault(standing, {})[connection] = None
        self._places[connection] = (address, standing)

    def _take(self, connection: Connection) -> None:
        address, standing = self._places.pop(connection)
        ranks = self._addresses[address]
        del ranks[standing][connection]
        if not ranks[standing]:
            del ranks[standing]
        if not ranks:
            del self._addresses[address]


def _has_sent(descriptor: int) -> bool:
    if descriptor < 0:
        return False
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return any(event & select.POLLIN and not event & select.POLLHUP for _, event in poll.poll(0))


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def _network(entry: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return ipaddress.ip_network(entry, strict=False)
    except ValueError:
        return None  # the name of something that has no address


def _group(host: str) -> str:
    """Return an address, or the IPv6 network of 64 bits that one machine may have for itself."""
    address = _address(host)
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((address, 64), strict=False))
    return host if address is None else str(address)
