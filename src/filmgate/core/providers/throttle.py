"""How fast an account is asked."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable


class Throttle:
    """Spaces requests evenly, so many per minute, and keeps quiet for as long as the provider asks for."""

    def __init__(self, per_minute: float, clock: Callable[[], float] = time.monotonic) -> None:
        """Take a rate; 0 is no limit."""
        self._gap = 60 / per_minute if per_minute else 0.0
        self._clock = clock
        self._next = 0.0
        self._held = 0.0

    @property
    def held(self) -> float:
        """Seconds for which the provider has asked for quiet, 0 if it has not."""
        return max(0.0, self._held - self._clock())

    def hold(self, seconds: float) -> None:
        """Let no request out for so long."""
        self._held = max(self._held, self._clock() + seconds)
        self._next = max(self._next, self._held)

    async def turn(self) -> None:
        """Wait until a request may go out."""
        while True:
            left = self._next - self._clock()
            if left <= 0:
                self._next = self._clock() + self._gap
                return
            await asyncio.sleep(left)
