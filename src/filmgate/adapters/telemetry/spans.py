"""The parts of the service, with spans of what they do put around them."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

from filmgate.adapters.telemetry.tracing import Tracing, about
from filmgate.domain.task import Task
from filmgate.ports.fetcher import Fetcher, Response
from filmgate.ports.ledger import Ledger
from filmgate.ports.transport import ProviderClient, Reply

_ID = re.compile(r"/([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})(?=/|$)")

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


def trace_app(app: App, dialect: Callable[[str], str | None], tracing: Tracing) -> App:
    """Put a span around each request, below that of the caller, if it names one."""

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        method, path = scope["method"], scope["path"]
        found = _ID.search(path)
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        asked = {
            "http.request.method": method,
            "filmgate.dialect": dialect(path),
            "filmgate.task_id": found and found[1],
        }
        with tracing.span(method, asked, kind="server", parent=headers.get(b"traceparent", "")) as span:

            async def note_status(message: Message) -> None:
                if message["type"] == "http.response.start":
                    span.set_attribute("http.response.status_code", message["status"])
                    answered = dict(message.get("headers", ()))
                    span.set_attribute("filmgate.trace_id", answered.get(b"x-trace-id", b"").decode())
                await send(message)

            await app(scope, receive, note_status)
            route = _route(scope, path)
            if route is not None:
                span.set_attribute("http.route", route)
                span.update_name(f"{method} {route}")

    return serve


def _route(scope: Scope, path: str) -> str | None:
    """Return the pattern of a path; the path itself may hold what only its owner should know."""
    pattern = getattr(scope.get("route"), "path", None)
    if isinstance(pattern, str):
        return pattern
    return _ID.sub("/{id}", path) if _ID.search(path) else None


def trace_ledger(ledger: Ledger, tracing: Tracing) -> Ledger:
    """Put a span around the commit of a submit."""
    return cast("Ledger", _TracedLedger(ledger, tracing))


class _TracedLedger:
    def __init__(self, ledger: Ledger, tracing: Tracing) -> None:
        self._ledger = ledger
        self._tracing = tracing

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ledger, name)

    async def submit(self, task: Task, *rest: Any, **options: Any) -> None:
        with self._tracing.span("commit", about(task)):
            await self._ledger.submit(task, *rest, **options)


class TracedProviderClient:
    """Implements ProviderClient with a span around each request; the provider is told nothing of it."""

    def __init__(self, line: ProviderClient, engine: str, tracing: Tracing) -> None:
        self._line = line
        self._engine = engine
        self._tracing = tracing

    @property
    def base(self) -> str:
        """The base address, without a slash at the end."""
        return self._line.base

    async def call(self, method: str, path: str, **request: Any) -> Reply:
        """Send one request to a path below the base address, and give the answer. Raises ProviderClientError."""
        asks = _asks(method, self.base) | {"filmgate.engine": self._engine}
        with self._tracing.span(f"{method} {self._engine}", asks, kind="client") as span:
            reply = await self._line.call(method, path, **request)
            span.set_attribute("http.response.status_code", reply.status)
            return reply

    def address(self, link: str) -> tuple[str, Mapping[str, str]]:
        """Return the full address of a link from an answer, and the headers a download of it needs."""
        return self._line.address(link)

    async def close(self) -> None:
        """Close the connections."""
        await self._line.close()


class TracedFetcher:
    """Implements Fetcher with a span around each request."""

    def __init__(self, fetcher: Fetcher, tracing: Tracing) -> None:
        self._fetcher = fetcher
        self._tracing = tracing

    def check(self, url: str) -> None:
        """Raise InvalidRequest if the address can be seen to be unusable without asking a name server."""
        self._fetcher.check(url)

    async def download(self, url: str, target: Path, **options: Any) -> None:
        """Write what the address serves to `target`. Raises FetchError."""
        with self._tracing.span("GET", _asks("GET", url), kind="client"):
            await self._fetcher.download(url, target, **options)

    async def post(self, url: str, body: bytes, headers: dict[str, str], **options: Any) -> Response:
        """POST once, following no redirect. Raises FetchError."""
        with self._tracing.span("POST", _asks("POST", url), kind="client") as span:
            response = await self._fetcher.post(url, body, headers, **options)
            span.set_attribute("http.response.status_code", response.status)
            return response

    async def close(self) -> None:
        """Close the connections."""
        await self._fetcher.close()


def _asks(method: str, url: str) -> dict[str, str | None]:
    """Return what a span says of a request: of its address the host, since the rest may be secret."""
    try:
        host = urlsplit(url).hostname
    except ValueError:
        host = None
    return {"http.request.method": method, "server.address": host}
