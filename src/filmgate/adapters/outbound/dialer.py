"""How a provider is dialled: its name is resolved by our resolver, and its addresses are tried side by side."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any

import httpcore2

from filmgate.adapters.outbound.addresses import as_ip
from filmgate.adapters.outbound.resolver import Unresolved

_HEAD_START = 0.25
"""Seconds that an address has before the next one is tried too (RFC 8305)."""

_DIALLED = 6


class ResolvingBackend(httpcore2.AsyncNetworkBackend):
    """Opens connections for an HTTP client, whose own way is a thread of the event loop per name."""

    def __init__(self, resolve: Callable[[str], Awaitable[Sequence[str]]]) -> None:
        self._resolve = resolve
        self._sockets = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Connect to a name or an address, `timeout` seconds for both parts. Raises ConnectError, ConnectTimeout."""

        def dial(ip: str) -> Awaitable[httpcore2.AsyncNetworkStream]:
            return self._sockets.connect_tcp(ip, port, None, local_address, socket_options)

        try:
            async with asyncio.timeout(timeout):
                ips = [host] if as_ip(host) else await self._resolve(host)
                return await first_connected([*dict.fromkeys(ips)][:_DIALLED], dial)
        except TimeoutError as error:
            raise httpcore2.ConnectTimeout from error
        except Unresolved as error:
            raise httpcore2.ConnectError(error.message) from error

    async def sleep(self, seconds: float) -> None:
        """Pause between two tries of the client."""
        await asyncio.sleep(seconds)


async def first_connected(
    ips: Sequence[str],
    dial: Callable[[str], Awaitable[httpcore2.AsyncNetworkStream]],
    *,
    head_start: float = _HEAD_START,
) -> httpcore2.AsyncNetworkStream:
    """Dial one address after the other, each a moment after the last or when that failed; return the first connection.

    Others that come about too are closed. Raises the error of the first address if there is none.
    """
    dials: list[asyncio.Future[httpcore2.AsyncNetworkStream]] = []
    running: set[asyncio.Future[httpcore2.AsyncNetworkStream]] = set()
    winner: asyncio.Future[httpcore2.AsyncNetworkStream] | None = None
    waiting = [*ips]
    try:
        while winner is None and (waiting or running):
            if waiting:
                dials.append(asyncio.ensure_future(dial(waiting.pop(0))))
                running.add(dials[-1])
            patience = head_start if waiting else None
            done, running = await asyncio.wait(running, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
            winner = next((each for each in done if each.exception() is None), None)
        return (winner or dials[0]).result()
    finally:
        await _hang_up([each for each in dials if each is not winner])


async def _hang_up(dials: Sequence[asyncio.Future[httpcore2.AsyncNetworkStream]]) -> None:
    """Cancel unneeded dials and close their connections."""
    for each in dials:
        each.cancel()
    for opened in await asyncio.gather(*dials, return_exceptions=True):
        if isinstance(opened, httpcore2.AsyncNetworkStream):
            with contextlib.suppress(Exception):
                await opened.aclose()
