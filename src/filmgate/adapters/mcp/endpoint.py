"""`/mcp`: streamable HTTP without sessions."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable, MutableMapping
from pathlib import Path
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

import msgspec

from filmgate.adapters.mcp import fast_path
from filmgate.adapters.mcp.handlers import Call, Toolbox, ToolResult
from filmgate.adapters.mcp.protocol import FullServer
from filmgate.adapters.mcp.resources import Resources
from filmgate.adapters.mcp.results import error_result, error_words
from filmgate.adapters.mcp.thumbnails import Thumbnails
from filmgate.adapters.mcp.tools import BY_NAME, WAIT, Tool
from filmgate.core.media.links import Links
from filmgate.core.providers.models import Models
from filmgate.core.query.cache import Query
from filmgate.core.tasks.access import Action
from filmgate.core.tasks.service import TaskService
from filmgate.domain.errors import FilmgateError, Forbidden, PayloadTooLarge, TooManyRequests
from filmgate.domain.retry_after import retry_after_header
from filmgate.ports.context import RequestContext
from filmgate.ports.media import MediaStore, MediaTools
from filmgate.ports.rates import Rate

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

PATH: Final = "/mcp"

_CODES: Final = {400: -32600, 404: -32601, 413: -32600, 415: -32600, 500: -32603}
_REFUSED: Final = -32000
_EITHER = (b"accept", b"application/json, text/event-stream")
_JSON = (b"content-type", b"application/json")
_PREFLIGHT: Final = (
    (b"access-control-allow-methods", b"POST, OPTIONS"),
    (b"access-control-allow-headers", b"Authorization, Content-Type, Mcp-Protocol-Version, Mcp-Method, Mcp-Name"),
    (b"access-control-max-age", b"600"),
)


class McpAuthenticator(Protocol):
    """Authenticates requests and counts them."""

    async def identify(self, scope: Any, trace_id: str) -> RequestContext:
        """Return the context of a request. Raises Unauthorized, HostNotAllowed."""

    def count(self, scope: Any, context: RequestContext, action: Action) -> Rate | None:
        """Count a request. Raises TooManyRequests."""

    async def read(self, scope: Any, receive: Receive, *, files: bool) -> bytes:
        """Read a whole body, which may have `files`. Raises PayloadTooLarge, Unavailable."""


class _Asked(msgspec.Struct):
    """As much of a message as it takes to count it."""

    class _NamedCall(msgspec.Struct):
        name: str = ""

    method: str = ""
    params: _NamedCall | None = None

    @property
    def tool(self) -> Tool | None:
        """The tool that is called."""
        return BY_NAME.get(self.params.name) if self.method == "tools/call" and self.params else None


class McpEndpoint:
    """An ASGI application at one path. It lets requests in and has them answered, the short way where that will do.

    A message that calls no tool which takes files has at most `max_small_body` bytes; 0 is no limit. `work` is for
    files in progress.
    """

    def __init__(
        self,
        auth: McpAuthenticator,
        links: Links,
        tasks: TaskService,
        query: Query,
        models: Models,
        store: MediaStore,
        tools: MediaTools,
        *,
        work: Path,
        max_small_body: int,
    ) -> None:
        self._auth = auth
        self._links = links
        self._max_small_body = max_small_body
        self._toolbox = Toolbox(tasks, query, models, Thumbnails(store, tools, work))
        self._server = FullServer(self._toolbox, tasks, Resources(tasks, store))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request. Raises FilmgateError for what is refused before it is read."""
        origin = self._origin(scope)
        send = _allowing(send, origin)
        if scope["method"] == "OPTIONS" and origin is not None:
            await _send(send, 204, b"", _PREFLIGHT)
            return
        context = await self._auth.identify(scope, scope["state"]["trace_id"])
        if scope["method"] != "POST":
            error = FilmgateError("Only POST is served here: there are no sessions to listen to or to end.")
            await _send(send, 405, write_error(error, context.trace_id), (_JSON, (b"allow", b"POST")))
            return
        data = await self._auth.read(scope, receive, files=True)
        if self._max_small_body and len(data) > self._max_small_body and not _takes_files(data):
            most = self._max_small_body
            raise PayloadTooLarge(f"the message has more than {most} bytes, and calls no tool that takes files")
        call = fast_path.plain(data, scope["headers"])
        if call is None or (call.tool.name == WAIT and call.wants_progress and _may_stream(scope["headers"])):
            await self._wholly(scope, receive, send, context, data)
        else:
            await self._shortly(scope, receive, send, context, call)

    async def close(self) -> None:
        """Stop running work."""
        await self._server.close()

    async def _shortly(
        self, scope: Scope, receive: Receive, send: Send, context: RequestContext, call: fast_path.Plain
    ) -> None:
        headers: Iterable[tuple[bytes, bytes]] = (_JSON,)
        try:
            scope["state"]["rate"] = self._auth.count(scope, context, call.tool.action)
            work = self._toolbox.call(call.tool, call.arguments, Call(context, call.long))
            outcome = await (_while_there(receive, work) if call.tool.name == WAIT else work)
        except TooManyRequests as error:
            outcome = ToolResult(error_result(error, context.trace_id))
            headers = (_JSON, retry_after_header(error.retry_after))
        await _send(send, 200, fast_path.answer(call, outcome), headers)

    async def _wholly(self, scope: Scope, receive: Receive, send: Send, context: RequestContext, data: bytes) -> None:
        action, waits = _kind(data)
        scope["state"]["rate"] = self._auth.count(scope, context, action)
        # What is accepted is decided here, for both ways alike; the SDK gets to see headers that it agrees with.
        headers = [header for header in scope["headers"] if header[0] not in (b"accept", b"content-type")]
        inner = {**scope, "headers": [*headers, _EITHER, _JSON], "filmgate.context": context}
        await self._server.serve(inner, _replay(data, receive), send, stream=waits and _may_stream(scope["headers"]))

    def _origin(self, scope: Scope) -> bytes | None:
        """Return the Origin of a browser, None for other programs. Raises Forbidden for a page from elsewhere."""
        origin: bytes | None = next((value for name, value in scope["headers"] if name == b"origin"), None)
        if origin is None:
            return None
        try:
            parts = urlsplit(origin.decode("latin-1"))
        except ValueError:
            parts = urlsplit("")
        if parts.scheme in ("http", "https") and self._links.serves(parts.netloc, parts.scheme):
            return origin
        raise Forbidden("Pages of this Origin are not served here: add its host to FILMGATE_ALLOWED_HOSTS.")


def write_error(error: FilmgateError, trace_id: str) -> bytes:
    """Write the refusal of a request that was not, or cannot be, read as a JSON-RPC error."""
    code = _CODES.get(error.status, _REFUSED)
    words = {"code": code, "message": error.message, "data": error_words(error, trace_id)}
    return msgspec.json.encode({"jsonrpc": "2.0", "id": None, "error": words})


def _kind(data: bytes) -> tuple[Action, bool]:
    """Return as what a message counts, and whether its answer may be worth a stream."""
    asked = _read(data)
    tool = asked.tool
    if tool is None:
        return Action.SUBMIT if asked.method == "tasks/cancel" else Action.QUERY, False
    return tool.action, tool.name == WAIT


def _takes_files(data: bytes) -> bool:
    """Return whether a message calls a tool that takes files."""
    tool = _read(data).tool
    return tool is not None and tool.takes_files


def _read(data: bytes) -> _Asked:
    """Read as much of a message as can be."""
    try:
        return msgspec.json.decode(data, type=_Asked)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return _Asked()


async def _while_there(receive: Receive, work: Coroutine[Any, Any, ToolResult]) -> ToolResult:
    """Do the work as long as the client is there; one that has gone needs no answer."""
    working, leaving = asyncio.ensure_future(work), asyncio.ensure_future(receive())
    try:
        await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
        return working.result() if working.done() else ToolResult(b"{}")
    finally:
        for task in (working, leaving):
            task.cancel()
        await asyncio.gather(working, leaving, return_exceptions=True)


def _may_stream(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    return any(name == b"accept" and b"text/event-stream" in value.lower() for name, value in headers)


def _replay(data: bytes, receive: Receive) -> Receive:
    """Return a body that was read already once more."""
    rest: list[MutableMapping[str, Any]] = [{"type": "http.request", "body": data, "more_body": False}]

    async def again() -> MutableMapping[str, Any]:
        return rest.pop() if rest else await receive()

    return again


def _allowing(send: Send, origin: bytes | None) -> Send:
    """Let the page of an Origin that is served here read the answer."""
    if origin is None:
        return send
    headers = [(b"access-control-allow-origin", origin), (b"vary", b"Origin")]

    async def send_with_allow(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", ()), *headers]
        await send(message)

    return send_with_allow


async def _send(send: Send, status: int, body: bytes, headers: Iterable[tuple[bytes, bytes]]) -> None:
    length = (b"content-length", b"%d" % len(body))
    await send({"type": "http.response.start", "status": status, "headers": [*headers, length]})
    await send({"type": "http.response.body", "body": body})
