"""Whether an account is worth asking now."""

from __future__ import annotations

import time
from collections.abc import Callable

from filmgate.domain.backoff import exponential

_IN_A_ROW = 5
_FIRST_PAUSE = 5.0
_LONGEST_PAUSE = 300.0


class Breaker:
    """Opens on definite trouble of the account, or on five answers in a row that were none, and says why.

    It lets requests through again after a pause that doubles each time, from 5 seconds to 5 minutes; only a good
    answer to a submit makes it forget.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failures = 0
        self._opened = 0
        self._until = 0.0
        self._reason: str | None = None

    @property
    def trouble(self) -> str | None:
        """Why it is open, None if it is not."""
        return self._reason if self.wait > 0 else None

    @property
    def wait(self) -> float:
        """Seconds until it lets requests through again, 0 if it does."""
        return max(0.0, self._until - self._clock())

    def good(self) -> None:
        """Take note of a good answer to a submit."""
        self._failures, self._opened, self._until, self._reason = 0, 0, 0.0, None

    def alive(self) -> None:
        """Take note of a good answer to a query: the provider is there, whatever it thinks of submits."""
        if not self._opened:
            self._failures = 0

    def bad(self, reason: str, *, definite: bool) -> None:
        """Take note of trouble. While it is open nothing new is learned from more of the same."""
        self._failures += 1
        if self.wait > 0 or not (definite or self._opened or self._failures >= _IN_A_ROW):
            return
        self._until = self._clock() + exponential(self._opened, _FIRST_PAUSE, _LONGEST_PAUSE)
        self._opened += 1
        self._reason = reason
