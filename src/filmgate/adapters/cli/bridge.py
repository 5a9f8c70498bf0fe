"""MCP on standard input and output, carried to the service's `/mcp` over HTTP and back.

Each request travels on its own, so that one which waits keeps no other waiting; what comes back is written in the
order in which it arrives. The service remembers nothing between requests, so neither does the bridge, but for the
protocol version that the client and the service agreed on.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing

import httpx2
import msgspec

from filmgate.adapters.cli import output
from filmgate.adapters.cli.exits import Stop, stop_for
from filmgate.adapters.cli.messages import (
    INTERNAL_ERROR,
    INVALID_REQUEST,
    PARSE_ERROR,
    Message,
    agreed_version,
    failure,
    read,
)
from filmgate.adapters.cli.place import Place
from filmgate.adapters.cli.posts import answers
from filmgate.client import ConnectionFailed, FilmgateClientError, OutcomeUnknown

log = logging.getLogger(__name__)

_PAUSES = (0.1, 0.2, 0.4)
"""Seconds between the attempts to reach a service, which may be restarting."""

_LAST_SECONDS = 1.5
"""How long what is at work may take once the input has ended: agents kill who has not gone after two seconds."""


class Bridge:
    """Carries messages between a client, line by line, and the service at a place."""

    def __init__(self, place: Place, write: Callable[[bytes], None]) -> None:
        self._place = place
        self._write = write
        self._version: str | None = None
        self._at_work: dict[bytes, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._complaint: str | None = None

    async def run(self, lines: AsyncIterator[bytes]) -> None:
        """Carry messages until the lines end and, for a moment, until what they asked for is answered."""
        limits = httpx2.Limits(max_connections=None, max_keepalive_connections=8)
        async with httpx2.AsyncClient(trust_env=not self._place.local, limits=limits) as http:
            async for line in lines:
                if line.strip():
                    self._take(http, line)
            if self._tasks:
                await self._place.settled()
                await asyncio.wait(self._tasks, timeout=_LAST_SECONDS)
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def _take(self, http: httpx2.AsyncClient, line: bytes) -> None:
        try:
            message = read(line)
        except msgspec.ValidationError:
            self._write(failure(None, INVALID_REQUEST, "This is not one JSON-RPC message."))
            return
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            self._write(failure(None, PARSE_ERROR, f"This line is not JSON: {error}"))
            return
        if message.method == "notifications/cancelled":
            self._cancel(message)
            return
        task = asyncio.ensure_future(self._carry(http, line, message))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        if message.wants_answer:
            self._at_work[message.key] = task
            task.add_done_callback(lambda done: self._forget(message.key, done))

    def _cancel(self, message: Message) -> None:
        """End the exchange of a cancelled request: the service takes a closed connection as the word to stop."""
        task = self._at_work.get(message.cancelled_key)
        if task is not None:
            task.cancel()

    def _forget(self, key: bytes, task: asyncio.Task[None]) -> None:
        if self._at_work.get(key) is task:
            del self._at_work[key]

    async def _carry(self, http: httpx2.AsyncClient, line: bytes, message: Message) -> None:
        try:
            await self._exchange(http, line, message)
        except OutcomeUnknown as error:
            stop = stop_for(error)
            stop.hint = "Look whether it was carried out: luma_list_tasks."
            self._refuse(message, stop)
        except FilmgateClientError as error:
            self._refuse(message, stop_for(error))
        except Stop as stop:
            self._refuse(message, stop)
        except Exception:
            log.exception("the message %s could not be carried", message.method)
            if message.wants_answer:
                self._write(failure(message.id, INTERNAL_ERROR, "This could not be carried; the reason is on stderr."))

    async def _exchange(self, http: httpx2.AsyncClient, line: bytes, message: Message) -> None:
        """Post a message until the service can be reached; what it may have carried out is not sent again."""
        for pause in (*_PAUSES, None):
            target = await self._place.find()
            try:
                async with aclosing(answers(http, target, line, message, self._version)) as arriving:
                    async for answer in arriving:
                        self._deliver(message, answer)
            except OutcomeUnknown:
                raise
            except ConnectionFailed:
                self._place.lost(target)
                if pause is None:
                    raise
                await asyncio.sleep(pause)
            else:
                return

    def _deliver(self, message: Message, answer: bytes) -> None:
        if message.method == "initialize":
            self._version = agreed_version(answer) or self._version
        self._write(answer)

    def _refuse(self, message: Message, stop: Stop) -> None:
        """Answer a request that could not be carried, and say so once on standard error."""
        if stop.message != self._complaint:
            self._complaint = stop.message
            output.complain(stop, as_json=False)
        if message.wants_answer:
            text = " ".join(filter(None, (stop.message.rstrip(".") + ".", stop.hint)))
            told = {name: value for name, value in stop.told.items() if value is not None}
            self._write(failure(message.id, message=text, data=told))
