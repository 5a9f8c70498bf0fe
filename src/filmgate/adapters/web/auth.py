"""Authentication of requests, their rate limits, and the reading of their bodies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request

from filmgate.adapters.web.bodies import APPLICATION, Bodies, Receive, release
from filmgate.adapters.web.headers import Headers, find
from filmgate.core.media.links import Links
from filmgate.core.tasks.access import AccessControl, Action, authorize
from filmgate.domain.errors import FilmgateError, TooManyRequests
from filmgate.domain.roles import KeyRole
from filmgate.ports.context import HEAD_ONLY, RequestContext
from filmgate.ports.rates import Rate

_A_MINUTE = 60
"""Seconds after which an empty bucket is full."""


class HttpAuthenticator:
    """Turns a request into its context, and counts it in the bucket of its key; `rates` are per minute."""

    def __init__(self, access: AccessControl, links: Links, rates: Mapping[Action, int], bodies: Bodies) -> None:
        self._access = access
        self._links = links
        self._rates = rates
        self._bodies = bodies

    async def enter(self, request: Request, action: Action) -> RequestContext:
        """Return the context of a request, once. Raises Unauthorized, Forbidden, HostNotAllowed, TooManyRequests."""
        admitted = getattr(request.state, "admitted", None)
        if admitted is None:
            admitted = await self.admit(request.scope, action, request.state.trace_id)
        context: RequestContext = admitted[0]
        request.state.rate = admitted[1]
        return context

    async def admit(self, scope: Any, action: Action, trace_id: str) -> tuple[RequestContext, Rate | None]:
        """Do the same for a raw ASGI scope, and give the state of the rate bucket, which an empty one leaves there."""
        context = await self.identify(scope, trace_id)
        authorize(context.caller, action)
        return context, self.count(scope, context, action)

    async def identify(self, scope: Any, trace_id: str) -> RequestContext:
        """Authenticate a request without counting it. Raises Unauthorized, HostNotAllowed."""
        headers: Headers = scope["headers"]
        host = find(headers, b"host")
        base = self._links.base(None if host is None else host.decode("latin-1"), scope["scheme"])
        caller = await self._access.caller(bearer(headers))
        state = scope.setdefault("state", {})
        state[APPLICATION] = caller.application_id
        return RequestContext(caller, trace_id, base, HEAD_ONLY not in state)

    def count(self, scope: Any, context: RequestContext, action: Action) -> Rate | None:
        """Count a request that `identify` has authenticated. Raises TooManyRequests."""
        try:
            return self._access.admit(context.caller, action)
        except TooManyRequests:
            scope.setdefault("state", {})["rate"] = Rate(self._rates[action], 0, _A_MINUTE)
            raise

    async def is_admin(self, scope: Any) -> bool:
        """Return whether the key of a request is an admin's."""
        try:
            caller = await self._access.caller(bearer(scope["headers"]))
        except FilmgateError:
            return False
        return caller.role is KeyRole.ADMIN

    async def recheck(self, request: Request) -> RequestContext:
        """Authenticate a request again without counting it. Raises Unauthorized."""
        return await self.identify(request.scope, request.state.trace_id)

    async def body(
        self, request: Request, *, files: bool = False, raw: bool = False, application: str | None = None
    ) -> bytes:
        """Read the whole body, as `Bodies.read` does."""
        return await self.read(request.scope, request.receive, files=files, raw=raw, application=application)

    async def read(
        self, scope: Any, receive: Receive, *, files: bool = False, raw: bool = False, application: str | None = None
    ) -> bytes:
        """Do the same for a raw ASGI scope."""
        return await self._bodies.read(scope, receive, files=files, raw=raw, application=application)

    async def read_short(self, scope: Any, receive: Receive) -> bytes | None:
        """Read a body that needs no memory reserved, as `Bodies.read_short` does."""
        return await self._bodies.read_short(scope, receive)

    def release(self, request: Request) -> None:
        """Release the memory of a body before the request ends."""
        release(request.scope)


def bearer(headers: Headers) -> bytes | None:
    """Return the key of an Authorization header; it may hold any characters, spaces too."""
    value = find(headers, b"authorization")
    if value is None or value[:7].lower() != b"bearer ":
        return None
    return value[7:].strip() or None
