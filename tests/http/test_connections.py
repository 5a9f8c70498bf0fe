"""Connections are counted by address, and idle ones make room, the least useful first."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from filmgate.adapters.web.connections import ADMIN_CONNECTIONS, Connections, ConnectionState
from filmgate.app.descriptors import connections_within


class Fake:
    """A connection of which nothing is needed but that it can be cut off."""

    reserved = False
    cut = False

    def __init__(self, sock: socket.socket | None = None) -> None:
        self._socket = sock

    def cut_off(self) -> None:
        """Note it."""
        self.cut = True

    def descriptor(self) -> int:
        """Return that of its socket, if it has one."""
        return -1 if self._socket is None else self._socket.fileno()


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Two ends of a connection."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


def opened(kept: Connections, host: str, standing: ConnectionState, sock: socket.socket | None = None) -> Fake:
    """Open a connection that goes on to this."""
    connection = Fake(sock)
    assert kept.admit(connection, host)
    kept.move(connection, standing)
    return connection


def test_who_has_no_key_goes_first() -> None:
    """Before a client with a key, those without go, the oldest first; none goes that is busy."""
    kept = Connections(100, per_address=4)
    known, older, younger, busy = (
        opened(kept, "10.0.0.1", standing)
        for standing in (ConnectionState.KNOWN, ConnectionState.UNKNOWN, ConnectionState.UNKNOWN, ConnectionState.BUSY)
    )
    for victim in (older, younger, known):
        opened(kept, "10.0.0.1", ConnectionState.BUSY)
        assert victim.cut
    assert not busy.cut
    assert not kept.admit(Fake(), "10.0.0.1"), "all are busy"
    assert kept.admit(Fake(), "10.0.0.2")
    assert len(kept) == 5


def test_the_longest_idle_goes_first() -> None:
    """Of equal ones, that which has done nothing for longest makes room; what it does makes it young again."""
    kept = Connections(2)
    first, second = (opened(kept, "10.0.0.1", ConnectionState.KNOWN) for _ in range(2))
    kept.move(first, ConnectionState.BUSY)
    kept.move(first, ConnectionState.KNOWN)
    opened(kept, "10.0.0.1", ConnectionState.KNOWN)
    assert second.cut
    assert not first.cut


def test_an_unread_request_keeps_a_connection(pair: tuple[socket.socket, socket.socket]) -> None:
    """One whose request has come, and is not read yet, is not idle: the next one goes."""
    kept = Connections(2)
    asking = opened(kept, "10.0.0.1", ConnectionState.UNKNOWN, pair[0])
    silent = opened(kept, "10.0.0.1", ConnectionState.UNKNOWN)
    pair[1].send(b"GET / HTTP/1.1\r\n")
    opened(kept, "10.0.0.1", ConnectionState.UNKNOWN)
    assert silent.cut
    assert not asking.cut


def test_the_largest_address_makes_room() -> None:
    """When all are full, the address with most idle connections loses one, whoever else is idle for longer."""
    kept = Connections(10)
    single = opened(kept, "10.0.0.1", ConnectionState.UNKNOWN)
    many = [opened(kept, "10.0.0.2", ConnectionState.UNKNOWN) for _ in range(9)]
    for number in range(8):
        opened(kept, f"10.0.1.{number}", ConnectionState.BUSY)
        assert many[number].cut
    assert not single.cut
    assert len(kept) == 10


def test_some_are_kept_for_admins() -> None:
    """Beyond the limit a few more are opened, marked as those on which only admins are served, and then none."""
    kept = Connections(3)
    assert not any(opened(kept, "10.0.0.1", ConnectionState.BUSY).reserved for _ in range(3))
    assert all(opened(kept, "10.0.0.1", ConnectionState.BUSY).reserved for _ in range(ADMIN_CONNECTIONS))
    assert not kept.admit(Fake(), "10.0.0.9")
    assert len(kept) == 3 + ADMIN_CONNECTIONS


@pytest.mark.parametrize(
    ("exempt", "host", "bounded"),
    [
        (("10.0.0.0/8",), "10.1.2.3", False),
        (("10.0.0.0/8",), "::ffff:10.1.2.3", False),
        (("10.0.0.1",), "10.0.0.2", True),
        (("*",), "10.0.0.2", False),
        (("a-socket", "fd00::1"), "fd00::1", False),
        ((), "10.0.0.1", True),
    ],
)
def test_proxies_are_not_bounded(exempt: tuple[str, ...], host: str, bounded: bool) -> None:
    """Behind a trusted proxy all clients have one address: its connections are bounded in all only."""
    kept = Connections(100, per_address=2, exempt=exempt)
    admitted = [kept.admit(Fake(), host) for _ in range(3)]
    assert admitted == [True, True, not bounded]


def test_a_network_of_ipv6_is_one_address() -> None:
    """Whoever has 64 bits of addresses for himself gets no more than others; a mapped address is that of IPv4."""
    kept = Connections(100, per_address=2)
    assert [kept.admit(Fake(), f"2001:db8::{n}") for n in range(3)] == [True, True, False]
    assert kept.admit(Fake(), "2001:db8:0:1::1")
    assert [kept.admit(Fake(), host) for host in ("10.0.0.1", "::ffff:10.0.0.1", "10.0.0.1")] == [True, True, False]


def test_closed_connections_are_forgotten() -> None:
    """Nothing is left of a connection that has ended, or was cut off and ends later."""
    kept = Connections(2)
    first = opened(kept, "10.0.0.1", ConnectionState.UNKNOWN)
    second = opened(kept, "10.0.0.1", ConnectionState.UNKNOWN)
    third = opened(kept, "10.0.0.1", ConnectionState.UNKNOWN)
    assert first.cut
    for connection in (first, second, third):
        kept.remove(connection)
        kept.move(connection, ConnectionState.KNOWN)
    assert len(kept) == 0


@pytest.mark.parametrize(("limit", "used", "most"), [(1024, 50, 702), (100_000, 100, 98_860), (64, 60, 16)])
def test_descriptors_are_reserved(limit: int, used: int, most: int) -> None:
    """A quarter of the descriptors, a thousand at most, is never used by connections, nor are those in use."""
    assert connections_within(limit, used) == most
