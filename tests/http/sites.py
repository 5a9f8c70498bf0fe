"""Real HTTP servers on loopback addresses, that do what a test has them do."""

from __future__ import annotations

import asyncio
import ssl
import tomllib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from filmgate.adapters.outbound.fetcher import CheckedFetcher
from filmgate.adapters.outbound.resolver import Unresolved
from filmgate.ports.fetcher import FetchError

HOME = "127.0.0.2"
FORBIDDEN = "127.0.0.1"
ALLOWED = ("127.0.0.2/32",)

_HOSTILE = Path(__file__).with_name("hostile_addresses.toml")

Answer = Callable[[str, dict[str, str], bytes, asyncio.StreamWriter], Awaitable[None]]
"""Writes the answer to a request, given its path, headers and body."""


def hostile() -> list[str]:
    """Return the addresses that nobody may have the service call."""
    return [url for group in tomllib.loads(_HOSTILE.read_text()).values() for url in group]


class Site:
    """A real HTTP server on a loopback address; remembers the requests it got."""

    def __init__(self, answer: Answer, host: str) -> None:
        self.requests: list[tuple[str, dict[str, str], bytes]] = []
        self.connections = 0
        self.host = host
        self.port = 0
        self._answer = answer

    def url(self, path: str = "/") -> str:
        """Return the address of a path."""
        return f"http://{self.host}:{self.port}{path}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer requests until the client or the answer hangs up."""
        self.connections += 1
        try:
            while not writer.is_closing():
                await self._serve_one(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # what the client does to the connection is what is tested
        finally:
            writer.close()

    async def _serve_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:-2])}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        self.requests.append((head[0], headers, body))
        await self._answer(head[0].split()[1], headers, body, writer)
        await writer.drain()
        if headers.get("connection") == "close":
            writer.close()


@asynccontextmanager
async def site(answer: Answer, host: str = HOME, tls: ssl.SSLContext | None = None) -> AsyncIterator[Site]:
    """Run a server for the length of a test."""
    place = Site(answer, host)
    async with listening(place.serve, host, tls) as port:
        place.port = port
        yield place


@asynccontextmanager
async def listening(
    serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
    host: str = HOME,
    tls: ssl.SSLContext | None = None,
) -> AsyncIterator[int]:
    """Serve connections for the length of a test; gives the port."""
    running: set[asyncio.Task[None]] = set()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        running.add(task)
        try:
            await serve(reader, writer)
        finally:
            running.discard(task)
            writer.close()

    server = await asyncio.start_server(accept, host, 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in list(running):
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


def says(body: bytes, *, status: str = "200 OK", **headers: str) -> Answer:
    """Answer every request with these bytes."""
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    if "content_length" not in headers:
        lines.append(f"content-length: {len(body)}")
    head = "\r\n".join([f"HTTP/1.1 {status}", *lines, "", ""]).encode()

    async def answer(path: str, headers: dict[str, str], body_sent: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(head + body)

    return answer


def sends_to(location: str, status: str = "302 Found") -> Answer:
    """Answer every request with a redirect."""
    return says(b"", status=status, location=location)


async def no_names(host: str, application: str | None) -> Sequence[str]:
    """Resolve nothing, for tests that call addresses only."""
    raise Unresolved(f"The name {host} does not exist.", retryable=False)


def resolver(*answers: Sequence[str]) -> tuple[Callable[[str, str | None], Awaitable[Sequence[str]]], list[str]]:
    """Return a resolver that answers differently each time, and the list of names it was asked for."""
    asked: list[str] = []

    async def resolve(host: str, application: str | None) -> Sequence[str]:
        asked.append(host)
        return answers[min(len(asked), len(answers)) - 1]

    return resolve, asked


async def refused(
    fetcher: CheckedFetcher, url: str, folder: Path, *, max_bytes: int = 1000, **options: Any
) -> FetchError:
    """Download in vain; nothing may be left in the folder."""
    with pytest.raises(FetchError) as caught:
        await fetcher.download(url, folder / "target", max_bytes=max_bytes, application="a", **options)
    assert list(folder.glob("*")) == list(folder.glob(".*")) == []  # noqa: ASYNC240
    return caught.value
