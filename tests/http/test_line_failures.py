"""A line knows for certain which requests were never sent."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from anyio._backends._asyncio import SocketStream
from tests.http.lines import Open, failure
from tests.http.sites import listening, says, site

from filmgate.ports.transport import FormPart

_HOME = "127.0.0.1"
_CONNECTIONS = 48
"""So many a line keeps open for queries."""
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def until_request(reader: asyncio.StreamReader) -> None:
    """Read the head of a request."""
    await reader.readuntil(b"\r\n\r\n")


def reset(writer: asyncio.StreamWriter) -> None:
    """Break the connection at once, as a crashed server does."""
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def test_unknown_name(line: Open, monkeypatch: pytest.MonkeyPatch):
    """Without an address nothing was sent."""

    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "no such name")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    error = await failure(line("http://nowhere.example"))
    assert (error.sent, error.message) == (False, "http://nowhere.example could not be reached.")


async def test_nobody_there(line: Open):
    """A refused connection took nothing."""
    async with site(says(b""), _HOME) as place:
        pass
    error = await failure(line(place.url("/v1")))
    assert (error.sent, error.message) == (False, f"http://{_HOME}:{place.port} could not be reached.")


async def test_connection_cut_when_it_is_made(line: Open, monkeypatch: pytest.MonkeyPatch):
    """A socket that is gone when the library looks at it has taken nothing."""

    def gone(self: SocketStream, *_: object) -> None:
        self._transport.abort()
        raise AttributeError("'NoneType' object has no attribute 'getpeername'")

    monkeypatch.setattr(SocketStream, "extra", gone)
    async with site(says(b""), _HOME) as place:
        error = await failure(line(place.url("/v1")))
    assert (error.sent, error.message) == (False, f"http://{_HOME}:{place.port} could not be reached.")


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a full queue of connections refuses instead")
@pytest.mark.parametrize(("timeout", "connect"), [(0.3, 5), (5, 0.3)])
async def test_no_connection_in_time(line: Open, timeout: float, connect: float):
    """A server that does not take the connection in time has got nothing, whichever limit ends it."""
    with socket.socket() as full:
        full.bind((_HOME, 0))
        full.listen(0)
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.settimeout(0)
            filler.connect_ex(full.getsockname())
        error = await failure(line(f"http://{_HOME}:{full.getsockname()[1]}", timeout=timeout, connect=connect))
        for filler in fillers:
            filler.close()
    assert not error.sent


async def test_no_tls(line: Open):
    """A server that does not speak TLS, or is silent, or hangs up, has got nothing readable."""

    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    async def rude(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        reset(writer)

    for serve in (plain, silent, rude):
        async with listening(serve, _HOME) as port:
            assert not (await failure(line(f"https://{_HOME}:{port}", timeout=0.5))).sent


async def test_certificates(line: Open, server_tls: ssl.SSLContext, trusting: ssl.SSLContext):
    """A refused certificate is named, and the server behind it has got nothing."""
    async with site(says(b"{}"), _HOME, server_tls) as place:
        base = f"https://{_HOME}:{place.port}"
        error = await failure(line(base))
        assert not error.sent
        assert "its certificate was refused (self-signed certificate)" in error.message
        assert place.requests == []
        assert (await line(base, tls=trusting).call("POST", "/")).status == 200


async def test_too_many_requests_at_once(line: Open):
    """A request that waits for a free connection in vain was not sent."""
    full, leave = asyncio.Event(), asyncio.Event()

    async def answer(path: str, headers: dict[str, str], body: bytes, writer: asyncio.StreamWriter) -> None:
        if len(place.requests) == _CONNECTIONS:
            full.set()
        await leave.wait()
        await says(b"{}")(path, headers, body, writer)

    async with site(answer, _HOME) as place:
        one = line(place.url(), connect=1.5)
        waiting = asyncio.gather(*(one.call("GET", "/") for _ in range(_CONNECTIONS)))
        await asyncio.wait_for(full.wait(), 10)
        error = await failure(one, "GET")
        leave.set()
        assert {reply.status for reply in await waiting} == {200}
    assert not error.sent
    assert "Too many requests" in error.message


@pytest.mark.parametrize(
    ("path", "request_"),
    [
        ("/../admin", {}),
        ("/a/./b", {}),
        ("/a b", {}),
        ("/a\r\nX: y", {}),
        ("/", {"headers": {"X-A": "1\r\nX-B: 2"}}),
        ("/", {"headers": {"X A": "1"}}),
        ("/", {"form": [FormPart("image", Path("/nowhere/at/all.png"), "image/png")]}),
    ],
)
async def test_what_cannot_be_sent(line: Open, path: str, request_: dict[str, Any]):
    """A request that is not possible is refused before there is a connection."""
    async with site(says(b"{}"), _HOME) as place:
        error = await failure(line(place.url("/v1")), "POST", path, **request_)
    assert not error.sent
    assert place.requests == []


async def _hangs_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await until_request(reader)


async def _resets(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await until_request(reader)
    reset(writer)


async def _is_silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await asyncio.Event().wait()


async def _talks_nonsense(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"220 mail.example ESMTP\r\n\r\n")


async def _stops_in_the_head(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-le")


async def _stops_in_the_body(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await until_request(reader)
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{")


async def _stalls_in_the_body(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{")
    await asyncio.Event().wait()


async def _never_ends(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
    while True:
        writer.write(b"400\r\n" + bytes(1024) + b"\r\n")
        await writer.drain()


async def _lies_about_its_encoding(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await until_request(reader)
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 2\r\n\r\n{}")


@pytest.mark.parametrize(
    ("serve", "message"),
    [
        (_hangs_up, "broke off"),
        (_resets, "broke off"),
        (_is_silent, "within 1 seconds"),
        (_talks_nonsense, "broke off"),
        (_stops_in_the_head, "broke off"),
        (_stops_in_the_body, "broke off"),
        (_stalls_in_the_body, "within 1 seconds"),
        (_never_ends, "more than 5000 bytes"),
        (_lies_about_its_encoding, "broke off"),
    ],
)
async def test_after_the_request_was_sent(line: Open, serve: Serve, message: str):
    """Whatever goes wrong once the request is on its way, it may have been accepted."""
    async with listening(serve, _HOME) as port:
        error = await failure(line(f"http://{_HOME}:{port}", timeout=1, max_answer=5000), json={"prompt": "x"})
    assert error.sent
    assert message in error.message


async def test_broken_off_while_writing(line: Open, tmp_path: Path):
    """A server that hangs up in the middle of a body may have read what it needs."""
    (tmp_path / "large.png").write_bytes(bytes(20_000_000))
    async with listening(_resets, _HOME) as port:
        error = await failure(
            line(f"http://{_HOME}:{port}"), form=[FormPart("image", tmp_path / "large.png", "image/png")]
        )
    assert error.sent


async def test_answer_before_the_end_of_the_body(line: Open, tmp_path: Path):
    """A server that refuses while the body is still on its way is understood."""
    (tmp_path / "large.png").write_bytes(bytes(20_000_000))

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await until_request(reader)
        writer.write(b"HTTP/1.1 413 Too Large\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}")
        await writer.drain()
        while await reader.read(65536):
            pass

    async with listening(refuse, _HOME) as port:
        reply = await line(f"http://{_HOME}:{port}").call(
            "POST", "/", form=[FormPart("image", tmp_path / "large.png", "image/png")]
        )
    assert (reply.status, reply.body) == (413, b"{}")


async def test_kept_connection_closed_by_the_server(line: Open):
    """A submit never meets a connection that its server has just given up; a query may, and is asked again."""
    requests = 0

    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal requests
        await until_request(reader)
        requests += 1
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")
        await writer.drain()
        # The connection looks alive until the next request is on its way.
        await until_request(reader)
        reset(writer)

    async with listening(once, _HOME) as port:
        one = line(f"http://{_HOME}:{port}")
        await one.call("GET", "/")
        assert (await one.call("POST", "/", json={})).status == 200
        assert (await failure(one, "GET")).sent
        assert (await one.call("GET", "/")).status == 200
    assert requests == 3


async def test_cancelled_call_leaves_the_line_usable(line: Open):
    """A caller that gives up keeps no connection from the others."""
    asked = asyncio.Event()

    async def answer(path: str, headers: dict[str, str], body: bytes, writer: asyncio.StreamWriter) -> None:
        if path == "/slow":
            asked.set()
            await asyncio.Event().wait()
        await says(b"{}")(path, headers, body, writer)

    async with site(answer, _HOME) as place:
        one = line(place.url())
        for _ in range(40):
            asked.clear()
            slow = asyncio.create_task(one.call("GET", "/slow"))
            await asyncio.wait_for(asked.wait(), 10)
            slow.cancel()
            with pytest.raises(asyncio.CancelledError):
                await slow
        assert (await one.call("GET", "/")).status == 200
