"""The outermost application: what every request passes, whatever its route."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from functools import cached_property
from typing import NamedTuple, Protocol

import uuid_utils

from filmgate.adapters.web.bodies import release
from filmgate.adapters.web.body_timeout import WITH_BODY, BodyTimeout
from filmgate.adapters.web.errors import Errors, defect
from filmgate.adapters.web.fast_path import FastPath, Message, Receive, Scope, Send
from filmgate.adapters.web.headers import (
    ALLOWED_METHODS,
    CORS,
    DEFAULT_ALLOWED,
    HANDSHAKE,
    NOSNIFF,
    PREFLIGHT,
    READING_METHODS,
    RESERVED,
    Headers,
    find,
    rate_limit,
    trace,
)
from filmgate.adapters.web.metrics import RequestCounter
from filmgate.core.media.links import Links
from filmgate.domain.errors import FilmgateError, InvalidRequest, PayloadTooLarge, Unavailable
from filmgate.domain.identity import PATH as IDENTITY
from filmgate.domain.media import MEDIA_PREFIX
from filmgate.ports.context import HEAD_ONLY, trace_of

log = logging.getLogger(__name__)

HEALTH = frozenset({"/healthz", "/readyz"})
"""Paths that answer whatever Host is named: those who probe them know addresses, not names."""

_KEYLESS = HEALTH | {IDENTITY}


class Mountable(Protocol):
    """A raw ASGI application. WebApp answers for the errors it raises before its answer has begun."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""

    async def close(self) -> None:
        """Stop running work."""


class Mount(NamedTuple):
    """An application beside the framework, at a path of its own; `name` is what its requests are counted as."""

    name: str
    app: Mountable


class WebApp:
    """The outermost ASGI application: the fast path of queries first, then what is mounted, then the framework.

    It names the request (trace id), refuses foreign Hosts and bodies that are announced too large or come too
    slowly, speaks CORS on the paths of the dialects and of files, adds the headers that every answer has, counts it,
    and answers for a broken route. On connections that are kept free for admins it serves nobody else,
    but for probes, and proofs that the service is the folder's. Paths may begin
    with `prefix`, that of the public address, which is taken away.
    """

    def __init__(
        self,
        framework: object,
        fast_path: FastPath,
        links: Links,
        errors: Errors,
        requests: RequestCounter,
        dialects: dict[str, str],
        mounts: Mapping[str, Mount],
        *,
        max_body: int,
        patience: BodyTimeout,
        is_admin: Callable[[Scope], Awaitable[bool]],
        prefix: str = "",
    ) -> None:
        self._framework = framework
        self._fast_path = fast_path
        self._links = links
        self._errors = errors
        self._requests = requests
        self._dialects = sorted(dialects.items(), key=lambda entry: -len(entry[0]))
        self._mounts = mounts
        self._max_body = max_body
        self._patience = patience
        self._is_admin = is_admin
        self._prefix = prefix and f"{prefix}/"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._framework(scope, receive, send)  # type: ignore[operator]
            return
        outer = scope
        if scope["method"] == "HEAD":
            # The server sends no body to a HEAD, whatever is given to it: every route of a GET can answer one.
            scope = {**scope, "method": "GET", "state": {**scope.get("state", {}), HEAD_ONLY: True}}
        if self._prefix and scope["path"].startswith(self._prefix):
            scope = {**scope, "path": self._below_prefix(scope["path"])}
        trace_id = str(uuid_utils.uuid4())
        reply = _Reply(self, scope, send, trace_id)
        if scope["method"] in WITH_BODY:
            receive = self._patience.receive(receive)
        try:
            if RESERVED in scope.get("state", ()):
                await self._check_reserved(scope)
            handshake = HANDSHAKE in scope.get("state", ())
            remaining = receive if handshake else await self._fast_path.serve(scope, receive, send, trace_id)
            if remaining is not None:
                await self._pass(scope, remaining, reply)
        except FilmgateError as error:
            await reply.refuse(error)
        except asyncio.CancelledError:
            # The server cancels what still runs when its time to stop is over; what has started is cut off.
            await reply.refuse(Unavailable("The service is stopping. What it has accepted goes on when it runs again."))
        except Exception as error:
            log.exception("request %s to %s broke", trace_id, scope["path"])
            if reply.started and not reply.ended:
                raise
            await reply.refuse(defect(error))
        finally:
            release(scope)
            if scope is not outer:
                outer["route"] = scope.get("route")

    async def _pass(self, scope: Scope, receive: Receive, reply: _Reply) -> None:
        scope.setdefault("state", {})["trace_id"] = reply.trace_id
        trace_of.set(reply.trace_id)
        self._check(scope)
        if HANDSHAKE in scope["state"]:
            raise InvalidRequest(
                "WebSockets are not served here. Follow a task by server-sent events at /api/v1/tasks/{id}/events, "
                "or wait for it with ?wait=50."
            )
        if reply.is_open and scope["method"] == "OPTIONS":
            await self._preflight(scope, reply)
        else:
            scope["route"] = await self._route(scope, receive, reply)
            if (stream := scope["state"].pop("stream", None)) is not None:
                await stream(receive, reply)

    async def _route(self, scope: Scope, receive: Receive, reply: _Reply) -> object:
        """Dispatch to the mount of the path or to the framework, and return the chosen route.

        It gets a scope of its own, so that its large additions are gone before a stream begins.
        """
        mount, own = self._mounts.get(scope["path"]), {**scope}
        await (self._framework if mount is None else mount.app)(own, receive, reply)  # type: ignore[operator]
        return own.get("route")

    async def close(self) -> None:
        """Stop the work that runs in mounted applications."""
        for app in {id(mount.app): mount.app for mount in self._mounts.values()}.values():
            await app.close()

    def dialect(self, path: str) -> str | None:
        """Return the name of the dialect that a path belongs to."""
        if path in self._mounts:
            return None
        return next((name for prefix, name in self._dialects if path.startswith(prefix)), None)

    def dialect_as_sent(self, path: str) -> str | None:
        """Return the name of the dialect of a path as a client sent it."""
        return self.dialect(self._below_prefix(path))

    def _below_prefix(self, path: str) -> str:
        return path[len(self._prefix) - 1 :] if self._prefix and path.startswith(self._prefix) else path

    def refusal(self, path: str, error: FilmgateError, trace_id: str) -> tuple[int, Headers, bytes]:
        """Write an error in the form of the path's dialect."""
        return self._errors.answer(path, error, trace_id)

    def count(self, dialect: str | None, path: str, status: int) -> None:
        """Count an answer under its dialect, the application mounted at its path, or the service itself."""
        mount = self._mounts.get(path)
        self._requests.count(dialect or ("service" if mount is None else mount.name), status)

    async def _check_reserved(self, scope: Scope) -> None:
        """Refuse all but admins on a connection kept for them. Probes and proofs come without a key."""
        if scope["path"] not in _KEYLESS and not await self._is_admin(scope):
            raise Unavailable("Too many connections are open. Close some, or send the request again later.")

    def _check(self, scope: Scope) -> None:
        host = find(scope["headers"], b"host")
        if scope["path"] not in HEALTH or (host is None and scope["http_version"] != "1.0"):
            self._links.base(None if host is None else host.decode("latin-1"), scope["scheme"])
        length = find(scope["headers"], b"content-length") or b""
        if self._max_body and length.isdigit() and int(length) > self._max_body:
            raise PayloadTooLarge(f"the body has {int(length)} bytes; at most {self._max_body} are allowed")

    @staticmethod
    async def _preflight(scope: Scope, send: Send) -> None:
        asked = find(scope["headers"], b"access-control-request-headers") or DEFAULT_ALLOWED
        methods = READING_METHODS if scope["path"].startswith(MEDIA_PREFIX) else ALLOWED_METHODS
        headers = [
            *PREFLIGHT,
            (b"access-control-allow-methods", methods),
            (b"access-control-allow-headers", asked),
        ]
        await send({"type": "http.response.start", "status": 204, "headers": headers})
        await send({"type": "http.response.body", "body": b""})


class _Reply:
    """Sends an answer with the headers that all answers have, counts it, and knows how far it has got."""

    def __init__(self, app: WebApp, scope: Scope, send: Send, trace_id: str) -> None:
        self.trace_id = trace_id
        self.started = self.ended = False
        self._app = app
        self._scope = scope
        self._send = send

    @cached_property
    def dialect(self) -> str | None:
        """The dialect that the request is in."""
        return self._app.dialect(self._scope["path"])

    @cached_property
    def is_open(self) -> bool:
        """Whether pages from everywhere may read the answer."""
        return self.dialect is not None or self._scope["path"].startswith(MEDIA_PREFIX)

    async def __call__(self, message: Message) -> None:
        """Send a part of the answer."""
        if message["type"] == "http.response.start":
            self.started = True
            message["headers"] = [*message.get("headers", ()), *self._headers()]
            self._app.count(self.dialect, self._scope["path"], message["status"])
        await self._send(message)
        self.ended = message["type"] == "http.response.body" and not message.get("more_body")

    async def refuse(self, error: FilmgateError) -> None:
        """Answer with an error, unless there is an answer already."""
        if self.started:
            return
        status, headers, body = self._app.refusal(self._scope["path"], error, self.trace_id)
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
