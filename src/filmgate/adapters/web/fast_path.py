"""Queries by id, read and answered in front of the framework.

It matches the route, authenticates, counts the request and writes bytes, without what a framework costs. The answer
itself comes from where the framework's operations get it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

from filmgate.adapters.web.answer import QueryAnswers
from filmgate.adapters.web.auth import HttpAuthenticator
from filmgate.adapters.web.errors import Errors
from filmgate.adapters.web.headers import CORS, NOSNIFF, Headers, find, rate_limit, trace
from filmgate.adapters.web.metrics import RequestCounter
from filmgate.core.query.cache import Serializer, TaskQuery
from filmgate.core.tasks.access import Action
from filmgate.domain.errors import ErrorWriter, FilmgateError
from filmgate.ports.rates import Rate

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

Route = tuple[str, Serializer, ErrorWriter, tuple[tuple[bytes, bytes], ...]]
"""The dialect of a query by id, what writes its tasks and its errors, and headers that a good answer has besides."""

BodyRoute = tuple[str, Callable[[bytes], TaskQuery | None]]
"""The dialect of a query in a body, and its parser, which returns None for what the framework has to look at."""

_ID = 36
"""Characters of an id; what is not as long is left to the framework."""


class FastPath:
    """Answers queries by id, and leaves everything else to the framework.

    `reads` maps the path in front of an id to its route, `bodies` a path to its own. Bodies of unknown length, or of
    more bytes than need no memory reserved, are left to the framework.
    """

    def __init__(
        self,
        reads: Mapping[str, Route],
        bodies: Mapping[str, BodyRoute],
        auth: HttpAuthenticator,
        answers: QueryAnswers,
        errors: Errors,
        requests: RequestCounter,
    ) -> None:
        self._reads = reads
        self._bodies = bodies
        self._auth = auth
        self._answer = answers.answer
        self._errors = errors
        self._requests = requests

    async def serve(self, scope: Scope, receive: Receive, send: Send, trace_id: str) -> Receive | None:
        """Answer the request and return None, or return the receiver with which the framework goes on."""
        path: str = scope["path"]
        query: bytes = scope["query_string"]
        if query and not (query.startswith(b"wait=") and b"&" not in query and b"%" not in query):
            return receive
        if scope["method"] == "GET":
            read = self._reads.get(path[:-_ID])
            if read is None or "/" in path[-_ID:]:
                return receive
            await self._read(scope, send, trace_id, read)
            return None
        if scope["method"] == "POST" and not query:
            body = self._bodies.get(path)
            if body is not None:
                return await self._read_body(scope, receive, send, trace_id, body)
        return receive

    async def _read(self, scope: Scope, send: Send, trace_id: str, read: Route) -> None:
        dialect, form, write_error, headers = read
        try:
            context, rate = await self._auth.admit(scope, Action.QUERY, trace_id)
        except FilmgateError as error:
            await self._refuse(scope, send, dialect, error, None, trace_id)
            return
        query = scope["query_string"]
        wait = query.removeprefix(b"wait=").decode("latin-1") if query else None
        asked = TaskQuery((scope["path"][-_ID:],), form, write_error, headers=headers)
        answer = await self._answer(context, asked, wait, _prefer(scope))
        await self._send(send, dialect, answer, rate, trace_id)

    async def _read_body(
        self, scope: Scope, receive: Receive, send: Send, trace_id: str, route: BodyRoute
    ) -> Receive | None:
        dialect, parse = route
        rate = None
        try:
            context, rate = await self._auth.admit(scope, Action.QUERY, trace_id)
            scope.setdefault("state", {})["admitted"] = context, rate
            data = await self._auth.read_short(scope, receive)
            asked = None if data is None else parse(data)
        except FilmgateError as error:
            await self._refuse(scope, send, dialect, error, rate, trace_id)
            return None
        if asked is None:
            return receive if data is None else _replay(data, receive)
        answer = await self._answer(context, asked, None, _prefer(scope))
        await self._send(send, dialect, answer, rate, trace_id)
        return None

    async def _refuse(
        self, scope: Scope, send: Send, dialect: str, error: FilmgateError, rate: Rate | None, trace_id: str
    ) -> None:
        answer = self._errors.answer(scope["path"], error, trace_id)
        await self._send(send, dialect, answer, rate or scope.get("state", {}).get("rate"), trace_id)

    async def _send(
        self, send: Send, dialect: str, answer: tuple[int, Headers, bytes], rate: Rate | None, trace_id: str
    ) -> None:
        status, headers, body = answer
        self._requests.count(dialect, status)
        headers = [*headers, (b"content-length", b"%d" % len(body)), *trace(trace_id), *CORS, NOSNIFF]
        if rate is not None:
            headers += rate_limit(rate)
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


def _prefer(scope: Scope) -> str | None:
    prefer = find(scope["headers"], b"prefer")
    return None if prefer is None else prefer.decode("latin-1")


def _replay(data: bytes, receive: Receive) -> Receive:
    """Return a receiver that delivers, once more, a body that was read already."""
    rest = [{"type": "http.request", "body": data, "more_body": False}]

    async def again() -> Message:
        return rest.pop() if rest else await receive()

    return again
