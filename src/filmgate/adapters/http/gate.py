"""The gate: what every request passes, whatever its route."""

from __future__ import annotations

import logging

import uuid_utils

from filmgate.adapters.http.errors import Errors
from filmgate.adapters.http.headers import CORS, DEFAULT_ALLOWED, PREFLIGHT, Headers, find, rate_limit, trace
from filmgate.adapters.http.lane import Lane, Message, Receive, Scope, Send
from filmgate.adapters.http.metrics import Requests
from filmgate.core.links import Links
from filmgate.domain.errors import FilmgateError, PayloadTooLarge

log = logging.getLogger(__name__)


class Gate:
    """The outermost ASGI application: the query lane first, then the framework.

    It names the request (trace id), refuses foreign Hosts and bodies announced too large, speaks CORS on the paths
    of the dialects, adds the headers that every answer has, counts it, and answers for a broken route.
    """

    def __init__(
        self,
        framework: object,
        lane: Lane,
        links: Links,
        errors: Errors,
        requests: Requests,
        dialects: dict[str, str],
        *,
        max_body: int,
    ) -> None:
        self._framework = framework
        self._lane = lane
        self._links = links
        self._errors = errors
        self._requests = requests
        self._dialects = sorted(dialects.items(), key=lambda entry: -len(entry[0]))
        self._max_body = max_body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._framework(scope, receive, send)  # type: ignore[operator]
            return
        trace_id = str(uuid_utils.uuid4())
        remaining = await self._lane.answer(scope, receive, send, trace_id)
        if remaining is not None:
            await self._pass(scope, remaining, send, trace_id)

    async def _pass(self, scope: Scope, receive: Receive, send: Send, trace_id: str) -> None:
        path: str = scope["path"]
        dialect = next((name for prefix, name in self._dialects if path.startswith(prefix)), None)
        state = scope.setdefault("state", {})
        state["trace_id"] = trace_id
        started = False

        async def send_with_headers(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                self._requests.count(dialect or "service", message["status"])
                message["headers"] = [*message.get("headers", ()), *self._headers(dialect, trace_id, state.get("rate"))]
            await send(message)

        try:
            self._check(scope)
            if dialect is not None and scope["method"] == "OPTIONS":
                await self._preflight(scope, send_with_headers)
                return
            await self._framework(scope, receive, send_with_headers)  # type: ignore[operator]
        except Exception as error:
            if not isinstance(error, FilmgateError):
                log.exception("request %s to %s broke", trace_id, path)
                error = FilmgateError("Something went wrong here. The trace id finds it in the log.")
            if started:
                raise
            await _answer(send_with_headers, *self._errors.answer(path, error, trace_id))

    def _check(self, scope: Scope) -> None:
        host = find(scope["headers"], b"host")
        self._links.base(None if host is None else host.decode("latin-1"), scope["scheme"])
        length = find(scope["headers"], b"content-length") or b""
        if self._max_body and length.isdigit() and int(length) > self._max_body:
            raise PayloadTooLarge(f"the body has {int(length)} bytes; at most {self._max_body} are allowed")

    @staticmethod
    def _headers(dialect: str | None, trace_id: str, rate: object) -> Headers:
        headers = trace(trace_id) if dialect is None else [*trace(trace_id), *CORS]
        headers.append((b"x-content-type-options", b"nosniff"))
        return headers + rate_limit(rate) if rate is not None else headers  # type: ignore[arg-type]

    @staticmethod
    async def _preflight(scope: Scope, send: Send) -> None:
        asked = find(scope["headers"], b"access-control-request-headers") or DEFAULT_ALLOWED
        headers = [*PREFLIGHT, (b"access-control-allow-headers", asked)]
        await send({"type": "http.response.start", "status": 204, "headers": headers})
        await send({"type": "http.response.body", "body": b""})


async def _answer(send: Send, status: int, headers: Headers, body: bytes) -> None:
    headers = [*headers, (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
