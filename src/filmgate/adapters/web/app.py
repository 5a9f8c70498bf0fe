"""The outermost application: what every request passes, whatever its route, and in which order."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import NamedTuple, Protocol

import uuid_utils

from filmgate.adapters.web.bodies import release
from filmgate.adapters.web.body_timeout import WITH_BODY, BodyTimeout
from filmgate.adapters.web.errors import defect
from filmgate.adapters.web.fast_path import FastPath, Receive, Scope, Send
from filmgate.adapters.web.headers import HANDSHAKE, RESERVED
from filmgate.adapters.web.middleware.body_size import check_announced_size
from filmgate.adapters.web.middleware.cors import answer_preflight
from filmgate.adapters.web.middleware.hosts import check_host
from filmgate.adapters.web.middleware.reply import HttpReply, ReplyContext
from filmgate.adapters.web.middleware.reserved import check_reserved
from filmgate.core.media.links import Links
from filmgate.domain.errors import FilmgateError, InvalidRequest, Unavailable
from filmgate.ports.context import HEAD_ONLY, trace_of

log = logging.getLogger(__name__)


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
    """The outermost ASGI application: the fast path of queries first, then mounted applications, then the framework.

    It names the request (trace id), serves HEAD as GET, and answers for a broken route; the modules of `middleware`
    do the rest.
    """

    def __init__(
        self,
        framework: object,
        fast_path: FastPath,
        links: Links,
        replies: ReplyContext,
        mounts: Mapping[str, Mount],
        *,
        max_body: int,
        body_timeout: BodyTimeout,
        is_admin: Callable[[Scope], Awaitable[bool]],
    ) -> None:
        self._framework = framework
        self._fast_path = fast_path
        self._links = links
        self._replies = replies
        self._paths = replies.paths
        self._mounts = mounts
        self._max_body = max_body
        self._body_timeout = body_timeout
        self._is_admin = is_admin

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._framework(scope, receive, send)  # type: ignore[operator]
            return
        outer = scope
        if scope["method"] == "HEAD":
            # The server sends no body to a HEAD, whatever is given to it: every route of a GET can answer one.
            scope = {**scope, "method": "GET", "state": {**scope.get("state", {}), HEAD_ONLY: True}}
        if self._paths.prefix and scope["path"].startswith(self._paths.prefix):
            scope = {**scope, "path": self._paths.below_prefix(scope["path"])}
        trace_id = str(uuid_utils.uuid4())
        reply = HttpReply(self._replies, scope, send, trace_id)
        if scope["method"] in WITH_BODY:
            receive = self._body_timeout.receive(receive)
        try:
            if RESERVED in scope.get("state", ()):
                await check_reserved(scope, self._is_admin)
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
            log.exception("request %s to %s failed", trace_id, scope["path"])
            if reply.started and not reply.ended:
                raise
            await reply.refuse(defect(error))
        finally:
            release(scope)
            if scope is not outer:
                outer["route"] = scope.get("route")

    async def _pass(self, scope: Scope, receive: Receive, reply: HttpReply) -> None:
        scope.setdefault("state", {})["trace_id"] = reply.trace_id
        trace_of.set(reply.trace_id)
        check_host(scope, self._links)
        check_announced_size(scope, self._max_body)
        if HANDSHAKE in scope["state"]:
            raise InvalidRequest(
                "WebSockets are not served here. Follow a task by server-sent events at /api/v1/tasks/{id}/events, "
                "or wait for it with ?wait=50."
            )
        if reply.is_open and scope["method"] == "OPTIONS":
            await answer_preflight(scope, reply)
        else:
            scope["route"] = await self._route(scope, receive, reply)
            if (stream := scope["state"].pop("stream", None)) is not None:
                await stream(receive, reply)

    async def _route(self, scope: Scope, receive: Receive, reply: HttpReply) -> object:
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

    def dialect_as_sent(self, path: str) -> str | None:
        """Return the name of the dialect of a path as a client sent it."""
        return self._paths.dialect(self._paths.below_prefix(path))
