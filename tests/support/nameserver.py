"""A real name server on loopback, over UDP and TCP, whose names misbehave as names in the world do."""

from __future__ import annotations

import asyncio
import ipaddress
import struct
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import cast

SILENT = "silent"
GARBAGE = "garbage"
REFUSED = "refused"
BROKEN = "broken"
"""Behaviours of a name; anything else is a list of addresses, or of one alias such as `->other.test`."""

Answer = str | Sequence[str]

_NOERROR, _SERVFAIL, _NXDOMAIN, _REFUSED = 0, 2, 3, 5
_A, _CNAME, _AAAA = 1, 5, 28
_UDP = 512


class NameServer(asyncio.DatagramProtocol):
    """Answers for the names it knows; every other name does not exist. Counts what it was asked, by name."""

    def __init__(self, names: dict[str, Answer], *, ttl: int = 0, silent_aaaa: bool = False) -> None:
        self.names, self.ttl, self.silent_aaaa = names, ttl, silent_aaaa
        self.asked: Counter[str] = Counter()
        self.tcp: Counter[str] = Counter()
        self.port = 0
        self._news = asyncio.Event()
        self._writers: set[asyncio.StreamWriter] = set()

    @property
    def address(self) -> str:
        """How it is written for c-ares."""
        return f"127.0.0.1:{self.port}"

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        name, kind, _ = _question(data)
        if kind == _A:
            self.asked[name] += 1
            self._news.set()
        answer = self._answer(data)
        if answer is not None:
            if len(answer) > _UDP:
                answer = answer[:2] + b"\x83\x80" + data[4:6] + bytes(6) + data[12 : _question(data)[2]]
            self._transport.sendto(answer, addr)

    async def heard(self, names: int) -> None:
        """Wait until so many names have been asked for."""
        while len(self.asked) < names:
            self._news.clear()
            await self._news.wait()

    async def stream(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer queries over TCP until the client hangs up."""
        self._writers.add(writer)
        try:
            while True:
                data = await reader.readexactly(int.from_bytes(await reader.readexactly(2), "big"))
                self.tcp[_question(data)[0]] += 1
                answer = self._answer(data)
                if answer is not None:
                    writer.write(len(answer).to_bytes(2, "big") + answer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the client has hung up
        finally:
            self._writers.discard(writer)
            writer.close()

    def hang_up(self) -> None:
        """Close the connections that clients keep."""
        for each in self._writers:
            each.close()

    def _answer(self, query: bytes) -> bytes | None:
        name, kind, end = _question(query)
        behaviour = self.names.get(name)
        if behaviour == SILENT or (kind == _AAAA and self.silent_aaaa):
            return None
        if behaviour == GARBAGE:
            return query[:2] + b"\x81\x80" + b"\xff" * 40
        if behaviour is None or isinstance(behaviour, str):
            code = {BROKEN: _SERVFAIL, REFUSED: _REFUSED}.get(str(behaviour), _NXDOMAIN)
            return query[:2] + bytes((0x81, 0x80 | code)) + query[4:6] + bytes(6) + query[12:end]
        records = self._records(name, kind)
        head = query[:2] + b"\x81\x80" + query[4:6] + struct.pack("!HHH", len(records), 0, 0)
        return head + query[12:end] + b"".join(records)

    def _records(self, name: str, kind: int) -> list[bytes]:
        """Return the records of a name, its aliases followed."""
        records = []
        for value in self.names.get(name, ()):
            if value.startswith("->"):
                records.append(self._record(name, _CNAME, _encoded(value[2:])))
                records += self._records(value[2:], kind)
            else:
                ip = ipaddress.ip_address(value)
                if kind == (_A if ip.version == 4 else _AAAA):
                    records.append(self._record(name, kind, ip.packed))
        return records

    def _record(self, name: str, kind: int, data: bytes) -> bytes:
        return _encoded(name) + struct.pack("!HHIH", kind, 1, self.ttl, len(data)) + data


@asynccontextmanager
async def name_server(names: dict[str, Answer], **behaviour: bool | int) -> AsyncIterator[NameServer]:
    """Run a name server for the length of a test, on one port for UDP and TCP."""
    server = NameServer(names, **behaviour)  # type: ignore[arg-type]
    tcp = await asyncio.start_server(server.stream, "127.0.0.1", 0)
    server.port = tcp.sockets[0].getsockname()[1]
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: server, local_addr=("127.0.0.1", server.port)
    )
    try:
        yield server
    finally:
        transport.close()
        tcp.close()
        server.hang_up()


def _question(query: bytes) -> tuple[str, int, int]:
    """Read the name and type a query asks for, and where the question ends."""
    labels, place = [], 12
    while query[place]:
        labels.append(query[place + 1 : place + 1 + query[place]].decode())
        place += query[place] + 1
    return ".".join(labels).lower(), int.from_bytes(query[place + 1 : place + 3], "big"), place + 5


def _encoded(name: str) -> bytes:
    return b"".join(len(label).to_bytes() + label.encode() for label in name.split(".")) + b"\0"
