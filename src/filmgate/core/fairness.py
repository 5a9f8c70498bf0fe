"""Fair turns: a pool that applications share has a bound, and a share for each of them."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter, deque
from collections.abc import AsyncIterator, Iterator


def key_share(room: int) -> int:
    """Return how much of its application's room one API key may take: the other keys always find a quarter."""
    return room - room // 4


class RequestSlots:
    """Counts the requests that are held open: at most `most` of one application (0: no limit)."""

    def __init__(self, most: int = 0) -> None:
        self.most = most
        self._taken: Counter[str] = Counter()

    @contextlib.contextmanager
    def place(self, application: str) -> Iterator[bool]:
        """Take a place for a while; with False there is none left, and none is taken."""
        if self.most and self._taken[application] >= self.most:
            yield False
            return
        self._taken[application] += 1
        try:
            yield True
        finally:
            self._taken[application] -= 1
            if not self._taken[application]:
                del self._taken[application]


class FairQueue:
    """Hands out turns: at most `share` to an application and `total` in all, round-robin to those who wait.

    With `assured` an application that has none gets one at once, whatever the others have.
    """

    def __init__(self, share: int, total: int, *, assured: bool = False) -> None:
        self._share, self._total, self._assured = share, total, assured
        self._taken: Counter[str] = Counter()
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}

    @contextlib.asynccontextmanager
    async def turn(self, application: str) -> AsyncIterator[None]:
        """Wait for a turn, and hold it."""
        await self.take(application)
        try:
            yield
        finally:
            self.give_back(application)

    async def take(self, application: str) -> None:
        """Wait for a turn. Whoever gets one gives it back."""
        if application not in self._waiting and self._is_free(application):
            self._taken[application] += 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(application, deque()).append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.cancelled():
                self._hand_on(application)
            else:
                self.give_back(application)
            raise

    def give_back(self, application: str) -> None:
        """End a turn and hand it on: to this application's waiters if its share was full, else to all in turn."""
        was_full = self._taken.total() >= self._total
        self._taken[application] -= 1
        if not self._taken[application]:
            del self._taken[application]
        for each in (*self._waiting,) if was_full else (application,):
            self._hand_on(each)

    def _hand_on(self, application: str) -> None:
        queue = self._waiting.get(application)
        if queue is None:
            return
        handed = False
        while queue and (queue[0].done() or self._is_free(application)):
            turn = queue.popleft()
            if not turn.done():
                turn.set_result(None)
                self._taken[application] += 1
                handed = True
        if not queue:
            del self._waiting[application]
        elif handed:
            # Whoever has just had a turn stands behind the others.
            self._waiting[application] = self._waiting.pop(application)

    def _is_free(self, application: str) -> bool:
        taken = self._taken[application]
        return (self._assured and taken == 0) or (taken < self._share and self._taken.total() < self._total)
