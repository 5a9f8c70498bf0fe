"""MCP on standard input and output, carried to the service's `/mcp` over HTTP and back.

Each request travels on its own, so that one which waits keeps no other waiting; what comes back is written in the
order in which it arrives. The service remembers nothing between requests, so neither does the bridge, but for the
protocol version that the client and the service agreed on.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing
from typing import TypeVar

import httpx2
import msgspec

from filmgate.adapters.cli import output
from filmgate.adapters.cli.errors import CommandExit, stop_for
from filmgate.adapters.cli.mcp.http import answers
from filmgate.adapters.cli.mcp.jsonrpc import (
    INTERNAL_ERROR,
    INVALID_REQUEST,
    PARSE_ERROR,
    Message,
    failure,
    negotiated_version,
    read,
    refusal,
)
from filmgate.adapters.cli.mcp.local_files import LocalFiles
from filmgate.adapters.cli.mcp.locate import ServiceLocator
from filmgate.adapters.cli.mcp.roots import InputRequired, Roots
from filmgate.adapters.cli.mcp.save_tool import NAME as SAVE
from filmgate.adapters.cli.mcp.save_tool import SaveTool
from filmgate.client import (
    ConnectionFailed,
    DownloadFailed,
    FilmgateClientError,
    InvalidInput,
    OutcomeUnknown,
    WrongService,
)
from filmgate.client.calls import Call, connection, error_of, file, get, request
from filmgate.client.calls import read as read_answer
from filmgate.client.identity import async_transport
from filmgate.client.results import Task
from filmgate.client.target import Target

log = logging.getLogger(__name__)

_PAUSES = (0.1, 0.2, 0.4)
"""Seconds between the attempts to reach a service, which may be restarting."""

_LAST_SECONDS = 1.5
"""How long what is at work may take once the input has ended: agents kill who has not gone after two seconds."""


_UPLOADS = "/luma/generations/file_upload"
_SILENCE = 120.0
_PIECE = 1024 * 1024
T = TypeVar("T")


class _Kept(msgspec.Struct):
    public_url: str


class Proxy:
    """Carries messages between a client, line by line, and the service at a place."""

    def __init__(
        self,
        place: ServiceLocator,
        write: Callable[[bytes], None],
        *,
        allowed: Sequence[str] = (),
        save: str | None = None,
    ) -> None:
        """Let agents name files in `allowed` folders, and save results in the folder `save`."""
        self._place = place
        self._roots = Roots(write)
        self._files = LocalFiles(allowed, self._roots, self._upload)
        self._saving = None if save is None else SaveTool(save, self._task, self._pieces)
        self._write = write
        self._version: str | None = None
        self._at_work: dict[bytes, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._complaint: str | None = None
        self._clients: dict[Target, httpx2.AsyncClient] = {}

    async def run(self, lines: AsyncIterator[bytes]) -> None:
        """Carry messages until the input ends and, for a moment longer, until open requests are answered."""
        try:
            async for line in lines:
                if line.strip():
                    self._take(line)
            if self._tasks:
                await self._place.settle()
                await asyncio.wait(self._tasks, timeout=_LAST_SECONDS)
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
        finally:
            for http in self._clients.values():
                await http.aclose()

    def _client(self, target: Target) -> httpx2.AsyncClient:
        """Return the client for a service; each has to prove itself in its own way, if at all."""
        if target not in self._clients:
            limits = httpx2.Limits(max_connections=None, max_keepalive_connections=8)
            self._clients[target] = httpx2.AsyncClient(
                trust_env=not target.local and target.data is None,
                limits=limits,
                transport=async_transport(target, limits),
            )
        return self._clients[target]

    def _take(self, line: bytes) -> None:
        try:
            message = read(line)
        except msgspec.ValidationError:
            self._write(failure(None, INVALID_REQUEST, "This is not one JSON-RPC message."))
            return
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            self._write(failure(None, PARSE_ERROR, f"This line is not JSON: {error}"))
            return
        if self._roots.note(message):
            return
        if message.method == "notifications/cancelled":
            self._cancel(message)
            return
        task = asyncio.ensure_future(self._carry(line, message))
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

    async def _carry(self, line: bytes, message: Message) -> None:
        try:
            try:
                if self._saving is not None and message.parameter("name") == SAVE and message.method == "tools/call":
                    answer = await self._saving.call(message)
                    if message.wants_answer:
                        self._write(answer)
                    return
                line = await self._files.replace_paths(line, message)
            except InputRequired as asking:
                self._write(asking.answer)
                return
            except FilmgateClientError as error:
                refused = isinstance(error, InvalidInput | DownloadFailed) or error.status not in (None, 401)
                if message.wants_answer and refused:
                    self._write(refusal(message, error))
                    return
                raise
            await self._exchange(line, message)
        except OutcomeUnknown as error:
            stop = stop_for(error)
            stop.hint = "Look whether it was carried out: luma_list_tasks."
            self._refuse(message, stop)
        except FilmgateClientError as error:
            self._refuse(message, stop_for(error))
        except CommandExit as stop:
            self._refuse(message, stop)
        except Exception:
            log.exception("the message %s could not be sent", message.method)
            if message.wants_answer:
                self._write(failure(message.id, INTERNAL_ERROR, "This could not be sent; the reason is on stderr."))

    async def _exchange(self, line: bytes, message: Message) -> None:
        """Post a message until the service can be reached; never resend one that may have been carried out."""
        for pause in (*_PAUSES, None):
            target = await self._place.find()
            try:
                async with aclosing(answers(self._client(target), target, line, message, self._version)) as arriving:
                    async for answer in arriving:
                        self._deliver(message, answer)
            except OutcomeUnknown:
                raise
            except (ConnectionFailed, WrongService):
                self._place.lost(target)
                if pause is None:
                    raise
                await asyncio.sleep(pause)
            else:
                return

    async def _upload(self, data_uri: str) -> str:
        """Upload a file to the service and return its link. Sent twice, it is kept twice, and harms nobody."""
        body = msgspec.json.encode({"url": data_uri})
        return (await self._send(Call("POST", _UPLOADS, msgspec.json.Decoder(_Kept).decode, body=body))).public_url

    async def _task(self, task_id: str) -> Task:
        return await self._send(get(task_id))

    async def _pieces(self, url: str) -> AsyncGenerator[bytes, None]:
        """Fetch a file by its link. Raises FilmgateClientError."""
        target, call = await self._place.find(), file(url)
        with connection(target, call):
            response = await self._client(target).send(
                request(self._client(target), target, call, _SILENCE), stream=True
            )
            try:
                if not response.is_success:
                    await response.aread()
                    raise error_of(response)
                async for piece in response.aiter_bytes(_PIECE):
                    yield piece
            finally:
                await response.aclose()

    async def _send(self, call: Call[T]) -> T:
        """Send what may be sent twice, until the service can be reached, and return the answer."""
        for pause in (*_PAUSES, None):
            target = await self._place.find()
            try:
                with connection(target, call):
                    response = await self._client(target).send(request(self._client(target), target, call, _SILENCE))
                return read_answer(call, response)
            except (ConnectionFailed, WrongService):
                self._place.lost(target)
                if pause is None:
                    raise
                await asyncio.sleep(pause)
        raise AssertionError("the last try returns or raises")

    def _deliver(self, message: Message, answer: bytes) -> None:
        if message.method == "initialize":
            self._version = negotiated_version(answer) or self._version
        if message.method == "tools/list" and self._saving is not None:
            answer = self._saving.append_tool(answer)
        self._write(answer)

    def _refuse(self, message: Message, stop: CommandExit) -> None:
        """Answer a request that could not be sent, and say so once on standard error."""
        if stop.message != self._complaint:
            self._complaint = stop.message
            output.complain(stop, as_json=False)
        if message.wants_answer:
            text = " ".join(filter(None, (stop.message.rstrip(".") + ".", stop.hint)))
            told = {name: value for name, value in stop.told.items() if value is not None}
            self._write(failure(message.id, message=text, data=told))
