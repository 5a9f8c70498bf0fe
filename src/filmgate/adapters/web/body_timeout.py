"""Bodies on their way: they come whole and in time, or not at all."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, NamedTuple

from filmgate.domain.errors import BodyTooSlow, InvalidRequest

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]

WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
"""Methods whose body is read here."""


class BodyTimeout(NamedTuple):
    """How long a body may take: so many seconds (0: no limit), and one more for every `rate` bytes that have come."""

    seconds: float
    rate: int

    def receive(self, receive: Receive) -> Receive:
        """Limit the time of `receive`. It raises BodyTooSlow, and InvalidRequest for a body that is cut off."""
        return _BodyTimer(receive, self).receive


class _BodyTimer:
    """A body on its way. The time counts from the moment somebody reads it."""

    def __init__(self, receive: Receive, patience: BodyTimeout) -> None:
        self._receive = receive
        self._patience = patience
        self._until: float | None = None
        self._whole = False

    async def receive(self) -> MutableMapping[str, Any]:
        """Return the next part of the body, and when it is whole whatever happens to the connection."""
        if self._whole:
            return await self._receive()
        message = await self._in_time() if self._patience.seconds else await self._receive()
        if message["type"] == "http.disconnect":
            raise InvalidRequest("the body was cut off")
        self._whole = not message.get("more_body")
        return message

    async def _in_time(self) -> MutableMapping[str, Any]:
        if self._until is None:
            self._until = asyncio.get_running_loop().time() + self._patience.seconds
        try:
            async with asyncio.timeout_at(self._until):
                message = await self._receive()
        except TimeoutError as error:
            raise BodyTooSlow from error
        if self._patience.rate:
            self._until += len(message.get("body", b"")) / self._patience.rate
        return message
