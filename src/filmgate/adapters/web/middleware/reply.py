"""Answers on their way out: with the headers that all have, counted, and an error where there is no other answer."""

from __future__ import annotations

from functools import cached_property
from typing import NamedTuple

from filmgate.adapters.web.errors import Errors
from filmgate.adapters.web.fast_path import Message, Scope, Send
from filmgate.adapters.web.headers import CORS, NOSNIFF, Headers, rate_limit, trace
from filmgate.adapters.web.metrics import RequestCounter
from filmgate.adapters.web.middleware.paths import Paths
from filmgate.domain.errors import FilmgateError
from filmgate.domain.media import MEDIA_PREFIX


class ReplyContext(NamedTuple):
    """Collaborators that the replies of a service share."""

    paths: Paths
    errors: Errors
    requests: RequestCounter


class HttpReply:
    """Sends an answer with the headers that all answers have, counts it, and knows how far it has got."""

    def __init__(self, context: ReplyContext, scope: Scope, send: Send, trace_id: str) -> None:
        self.trace_id = trace_id
        self.started = self.ended = False
        self._context = context
        self._scope = scope
        self._send = send

    @cached_property
    def dialect(self) -> str | None:
        """The dialect that the request is in."""
        return self._context.paths.dialect(self._scope["path"])

    @cached_property
    def is_open(self) -> bool:
        """Whether pages from everywhere may read the answer."""
        return self.dialect is not None or self._scope["path"].startswith(MEDIA_PREFIX)

    async def __call__(self, message: Message) -> None:
        """Send a part of the answer."""
        if message["type"] == "http.response.start":
            self.started = True
            message["headers"] = [*message.get("headers", ()), *self._headers()]
            name = self._context.paths.name(self._scope["path"], self.dialect)
            self._context.requests.count(name, message["status"])
        await self._send(message)
        self.ended = message["type"] == "http.response.body" and not message.get("more_body")

    async def refuse(self, error: FilmgateError) -> None:
        """Answer with an error in the form of the path's dialect, unless there is an answer already."""
        if self.started:
            return
        status, headers, body = self._context.errors.answer(self._scope["path"], error, self.trace_id)
        headers = [*headers, (b"content-length", b"%d" % len(body))]
        await self({"type": "http.response.start", "status": status, "headers": headers})
        await self({"type": "http.response.body", "body": body})

    def _headers(self) -> Headers:
        rate = self._scope.get("state", {}).get("rate")
        return [
            *trace(self.trace_id),
            *(CORS if self.is_open else ()),
            NOSNIFF,
            *(() if rate is None else rate_limit(rate)),
        ]
