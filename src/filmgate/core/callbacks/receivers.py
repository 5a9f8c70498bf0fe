"""Whose turn it is: how many deliveries are under way at once to one receiver, for one application, of one task."""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

PER_RECEIVER = 16
PER_SILENT_RECEIVER = 2
"""For a receiver that did not answer the last time: its deliveries take all the time there is."""

PER_APPLICATION = 32
PER_TASK = 1

_USUAL_STAY = 0.1
_LONGEST_PAUSE = 30.0
_MOST_GATES = 10_000


class Visit:
    """An attempt to enter. With a `pause` in seconds it failed, and may be made again after it.

    Whoever was let in says whether the receiver `answered`.
    """

    def __init__(self, pause: float | None = None) -> None:
        self.pause = pause
        self.answered = False


class _Gate:
    """Lets so many in at once. It estimates when the next turn is from how long the last ones stayed."""

    def __init__(self, limit: int, chance: Callable[[], float]) -> None:
        self._limit = limit
        self._chance = chance
        self._stay = _USUAL_STAY
        self._turn = 0.0
        self.inside = 0
        self.silent = False

    @property
    def limit(self) -> int:
        return min(self._limit, PER_SILENT_RECEIVER) if self.silent else self._limit

    @property
    def full(self) -> bool:
        return self.inside >= self.limit

    def pause(self, now: float) -> float:
        """Give everybody who is sent away a turn of his own, so that they do not come back all at once."""
        latest = now + _LONGEST_PAUSE
        self._turn = min(max(self._turn, now) + self._stay / self.limit, latest)
        return self._turn - now if self._turn < latest else _LONGEST_PAUSE * (1 + self._chance()) / 2

    def left(self, stay: float) -> None:
        self.inside -= 1
        self._stay += (stay - self._stay) / 4

    def heard(self, stay: float, *, answered: bool) -> None:
        """Take note of whether somebody answers; how it was before he did says nothing any more."""
        if answered and self.silent:
            self._turn, self._stay = 0.0, stay
        self.silent = not answered


class Receivers:
    """Keeps one receiver, one application or one task from taking all the room there is."""

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, chance: Callable[[], float] = random.random
    ) -> None:
        self._clock = clock
        self._chance = chance
        self._gates: dict[str, _Gate] = {}

    @contextlib.contextmanager
    def visit(self, url: str, application_id: str, task_id: str) -> Iterator[Visit]:
        """Enter for one delivery, if there is room; never waits."""
        receiver = self._gate(f"receiver {urlsplit(url).netloc.lower()}", PER_RECEIVER)
        gates = (
            self._gate(f"task {task_id}", PER_TASK),
            receiver,
            self._gate(f"application {application_id}", PER_APPLICATION),
        )
        start = self._clock()
        full = next((gate for gate in gates if gate.full), None)
        if full is not None:
            yield Visit(full.pause(start))
            return
        for gate in gates:
            gate.inside += 1
        visit = Visit()
        try:
            yield visit
        finally:
            stay = self._clock() - start
            for gate in gates:
                gate.left(stay)
            receiver.heard(stay, answered=visit.answered)
            del self._gates[f"task {task_id}"]

    def _gate(self, name: str, limit: int) -> _Gate:
        if name not in self._gates:
            if len(self._gates) >= _MOST_GATES:
                self._gates = {name: gate for name, gate in self._gates.items() if gate.inside}
            self._gates[name] = _Gate(limit, self._chance)
        return self._gates[name]
