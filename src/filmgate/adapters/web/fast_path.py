"""The query lane: queries by id, answered in front of the framework.

It does what the framework's routes do, through the same functions, without what a framework costs: match the route,
find the key, count the request, get the answer, write the bytes.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from typing import Any, Protocol

from filmgate.adapters.web.auth import HttpAuthenticator
from filmgate.adapters.web.errors import Errors, ErrorWriter, headers_of
from filmgate.adapters.web.headers import APPLIED, CORS, NOSNIFF, Headers, find, rate_limit, trace
from filmgate.adapters.web.metrics import RequestCounter
from filmgate.core.query.cache import Query, Serializer
from filmgate.core.query.wait import hold
from filmgate.core.tasks.access import Action, Rate
from filmgate.core.tasks.service import TaskService
from filmgate.domain.errors import FilmgateError
from filmgate.ports.context import RequestContext

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

Route = tuple[str, Serializer, tuple[tuple[bytes, bytes], ...]]
"""The dialect of a query by id, the form of its answer, and headers that a good answer has besides."""

_JSON = (b"content-type", b"application/json")
_ID = 36
"""Characters of an id; what is not as long is left to the framework."""


class Question(Protocol):
    """What a body asks for, as a dialect understands it."""

    @property
    def form(self) -> Serializer:
        """The form of the answer."""

    @property
    def ids(self) -> Sequence[str]:
        """The tasks that are asked for."""

    @property
    def single(self) -> bool:
        """Whether one task is asked for, not a batch of one."""

    @property
    def error(self) -> ErrorWriter:
        """How an error about it is written."""


class FastPath:
    """Answers what it can, and says of the rest that it is the framework's.

    `reads` maps the path in front of an id to (dialect, form, headers of a good answer), `bodies` a path to (dialect,
    parser of its body). Bodies of more than `longest` bytes are left to the framework.
    """

    def __init__(
        self,
        reads: Mapping[str, Route],
        bodies: Mapping[str, tuple[str, Callable[[bytes], Question | None]]],
        auth: HttpAuthenticator,
        tasks: TaskService,
        query: Query,
        errors: Errors,
        requests: RequestCounter,
        *,
        longest: int,
    ) -> None:
        self._reads = reads
        self._bodies = bodies
        self._auth = auth
        self._tasks = tasks
        self._query = query
        self._errors = errors
        self._requests = requests
        self._longest = longest

    async def answer(self, scope: Scope, receive: Receive, send: Send, trace_id: str) -> Receive | None:
        """Answer the request and give None, or give what the framework has to receive from instead."""
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
        rate = None
        try:
            context, rate = await self._auth.admit(scope, Action.QUERY, trace_id)
            query, prefer = scope["query_string"], find(scope["headers"], b"prefer")
            applied, body = await self._one(context, scope["path"][-_ID:], read[1], query, prefer)
            status, headers = 200, [_JSON, *read[2], *applied]
        except FilmgateError as error:
            status, headers, body = self._errors.answer(scope["path"], error, trace_id)
            rate = rate or scope.get("state", {}).get("rate")
        await self._send(send, read[0], (status, headers, body), rate, trace_id)

    async def _read_body(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
        trace_id: str,
        route: tuple[str, Callable[[bytes], Question | None]],
    ) -> Receive | None:
        dialect, parse = route
        rate, question = None, None
        try:
            context, rate = await self._auth.admit(scope, Action.QUERY, trace_id)
            scope.setdefault("state", {})["admitted"] = context, rate
            data = await self._whole(scope, receive)
            if data is None:
                return receive
            question = parse(data)
            if question is None:
                return _replay(data, receive)
            status, headers = 200, [_JSON]
            if question.single:
                prefer = find(scope["headers"], b"prefer")
                applied, body = await self._one(context, question.ids[0], question.form, b"", prefer)
                headers += applied
            else:
                body = await self._query.many(context, question.ids, question.form)
        except FilmgateError as error:
            status, headers, body = self._errors.answer(scope["path"], error, trace_id)
            if question is not None:
                headers, body = headers_of(error), question.error(error, trace_id)
            rate = rate or scope.get("state", {}).get("rate")
        await self._send(send, dialect, (status, headers, body), rate, trace_id)
        return None

    async def _one(
        self, context: RequestContext, task_id: str, form: Serializer, query: bytes, prefer: bytes | None
    ) -> tuple[Headers, bytes]:
        """Write the answer for one task, after as long a wait as the request asks for; say so if it prefers that."""
        if not query and prefer is None:
            return [], await self._query.one(context, task_id, form)
        wait = query.removeprefix(b"wait=").decode("latin-1") if query else None
        wanted = hold(wait, None if prefer is None else prefer.decode("latin-1"))
        ended = await self._tasks.hold(context, task_id, wanted.seconds) if wanted.seconds else None
        body = await self._query.one(context, task_id, form, ended)
        return [APPLIED] if wanted.preferred else [], body

    async def _whole(self, scope: Scope, receive: Receive) -> bytes | None:
        """Read a body that is known to be short; the others, which need memory reserved, are left to the framework."""
        length = find(scope["headers"], b"content-length")
        if length is None or not length.isdigit() or int(length) > self._longest:
            return None
        pieces = []
        while True:
            message = await receive()
            pieces.append(message.get("body", b""))
            if not message.get("more_body"):
                return b"".join(pieces)

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


def _replay(data: bytes, receive: Receive) -> Receive:
    """Return a body that was read already to the framework once more."""
    rest = [{"type": "http.request", "body": data, "more_body": False}]

    async def again() -> Message:
        return rest.pop() if rest else await receive()

    return again
