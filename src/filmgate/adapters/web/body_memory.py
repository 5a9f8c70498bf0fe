"""Memory for bodies: so many bytes of them are held at once, and no application holds all."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final

from filmgate.domain.errors import Unavailable

PATIENCE: Final = 30.0
"""Seconds that a request waits for memory."""

Release = Callable[[], None]
"""Gives back what was reserved; more than once does no harm."""


class BodyMemory:
    """Reserves bytes (0: no limit) for bodies that are read. Applications take turns; each may hold half."""

    def __init__(self, most: int, *, patience: float = PATIENCE) -> None:
        self._most = most
        self._patience = patience
        self._held: dict[str, int] = {}
        self._waiting: dict[str, deque[tuple[int, asyncio.Future[None]]]] = {}

    async def reserve(self, application: str, size: int) -> Release:
        """Wait for room for a number of bytes, and take it. A body larger than a share takes a whole share.

        Raises Unavailable where none becomes free in time.
        """
        if not self._most:
            return lambda: None
        size = min(size, self.share)
        granted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(application, deque()).append((size, granted))
        self._grant()
        try:
            async with asyncio.timeout(self._patience):
                await granted
        except TimeoutError as error:
            self._forget(application, size, granted)
            raise Unavailable("Too many large request bodies are being read. Send the request again later.") from error
        except asyncio.CancelledError:
            self._forget(application, size, granted)
            raise
        return self._releasing(application, size)

    @property
    def held(self) -> int:
        """The bytes that are reserved now."""
        return sum(self._held.values())

    @property
    def share(self) -> int:
        """The bytes that one application may hold."""
        return max(1, self._most // 2)

    def _releasing(self, application: str, size: int) -> Release:
        done = False

        def release() -> None:
            nonlocal done
            if not done:
                done = True
                self._give_back(application, size)

        return release

    def _give_back(self, application: str, size: int) -> None:
        left = self._held[application] - size
        if left:
            self._held[application] = left
        else:
            del self._held[application]
        self._grant()

    def _forget(self, application: str, size: int, granted: asyncio.Future[None]) -> None:
        """Take back a reservation that was given up, granted or not."""
        if granted.done() and not granted.cancelled():
            self._give_back(application, size)
        else:
            granted.cancel()
            self._grant()

    def _grant(self) -> None:
        """Grant reservations in turns. One that waits for memory, not for its own share, is not overtaken."""
        while (application := self._next()) is not None:
            line = self._waiting.pop(application)
            size, granted = line.popleft()
            if line:
                self._waiting[application] = line  # behind the others
            self._held[application] = self._held.get(application, 0) + size
            granted.set_result(None)

    def _next(self) -> str | None:
        """Return the next reservation to grant, None if none can be granted."""
        for application, line in list(self._waiting.items()):
            while line and line[0][1].cancelled():
                line.popleft()
            if not line:
                del self._waiting[application]
            elif self._held.get(application, 0) + line[0][0] <= self.share:
                return application if self.held + line[0][0] <= self._most else None
        return None
