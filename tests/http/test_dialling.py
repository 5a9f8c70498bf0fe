"""A provider's name is resolved our way, and its addresses are tried side by side."""

from __future__ import annotations

import asyncio
import ssl
import sys
from collections.abc import Sequence

import httpcore2
import pytest
from tests.http.lines import Open, failure
from tests.http.sites import FORBIDDEN, HOME, says, site

from filmgate.adapters.outbound.dialer import first_connected
from filmgate.adapters.outbound.resolver import Unresolved

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux answers on all of 127.0.0.0/8")


class Connection(httpcore2.AsyncNetworkStream):
    """A connection that remembers whether it was closed."""

    def __init__(self, ip: str) -> None:
        self.ip, self.closed = ip, False

    async def aclose(self) -> None:
        self.closed = True


async def no_threads(*_: object, **__: object) -> None:
    raise AssertionError("the event loop resolves no names")


async def test_line_resolves_our_way(line: Open, monkeypatch: pytest.MonkeyPatch):
    """Kept connections and fresh ones of a line go to what the resolver found, with the name in the Host header."""
    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", no_threads)
    asked: list[str] = []

    async def resolve(host: str) -> Sequence[str]:
        asked.append(host)
        return ["127.0.0.9", HOME]

    async with site(says(b"{}")) as place:
        provider = line(f"http://api.provider.test:{place.port}", resolve=resolve)
        for method in ("GET", "GET", "POST", "POST"):
            assert (await provider.call(method, "/x")).status == 200
    assert {headers["host"] for _, headers, _ in place.requests} == {f"api.provider.test:{place.port}"}
    assert asked == ["api.provider.test"] * 3, "once for the kept connection, once for each fresh one"


async def test_certificate_is_for_the_name(line: Open, server_tls: ssl.SSLContext, trusting: ssl.SSLContext):
    """The certificate must be the name's, whatever address was dialled."""

    async def resolve(host: str) -> Sequence[str]:
        return [HOME]

    async with site(says(b"{}"), tls=server_tls) as place:
        good = line(f"https://film.example:{place.port}", tls=trusting, resolve=resolve)
        assert (await good.call("GET", "/x")).status == 200
        other = line(f"https://other.example:{place.port}", tls=trusting, resolve=resolve)
        assert "certificate was refused" in (await failure(other)).message


async def test_unresolved_name_was_not_sent(line: Open):
    """A name that cannot be resolved means that nothing was sent, and the reason is said."""

    async def resolve(host: str) -> Sequence[str]:
        raise Unresolved(f"The name {host} could not be resolved in time.", retryable=True)

    error = await failure(line("http://api.provider.test", resolve=resolve))
    assert not error.sent
    assert error.message == "The name api.provider.test could not be resolved in time."


async def test_silent_name_within_the_time_to_connect(line: Open):
    """A name that takes longer than a connection may take is given up, and nothing was sent."""

    async def resolve(host: str) -> Sequence[str]:
        await asyncio.Event().wait()
        return []

    error = await failure(line("http://api.provider.test", connect=0.1, resolve=resolve))
    assert not error.sent
    assert "in time" in error.message


async def test_address_needs_no_name_server(line: Open):
    """An address is dialled as it is."""

    async def resolve(host: str) -> Sequence[str]:
        raise AssertionError(host)

    async with site(says(b"{}"), host=FORBIDDEN) as place:
        assert (await line(f"http://{FORBIDDEN}:{place.port}", resolve=resolve).call("GET", "/x")).status == 200


async def test_silent_address_does_not_hold_up_the_next():
    """The next address is dialled while the first is silent; the first connection wins, and the others are closed."""
    late = Connection("late")

    async def dial(ip: str) -> httpcore2.AsyncNetworkStream:
        if ip == "late":
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                return late
        if ip == "refused":
            raise httpcore2.ConnectError("refused")
        return Connection(ip)

    found = await first_connected(["late", "refused", "good", "never"], dial, head_start=0.01)
    assert isinstance(found, Connection)
    assert (found.ip, found.closed, late.closed) == ("good", False, True)


async def test_no_address_answers():
    """Where none of the addresses can be reached, the reason of the first is given."""

    async def dial(ip: str) -> httpcore2.AsyncNetworkStream:
        raise httpcore2.ConnectError(ip)

    with pytest.raises(httpcore2.ConnectError, match="one"):
        await first_connected(["one", "two"], dial)
