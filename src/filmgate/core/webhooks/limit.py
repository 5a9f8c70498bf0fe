"""Limit concurrent deliveries: per receiver, API key, application and in all; receivers that are slow stand aside."""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from typing import Final
from urllib.parse import urlsplit

from filmgate.core.fairness import key_share
from filmgate.domain.backoff import exponential, spread
from filmgate.domain.hosts import parse_host

PROMPT_SECONDS: Final = 2.0
"""A delivery that takes longer than this is slow, and is so as soon as it has lasted that long."""

TOTAL: Final = 192
"""Deliveries under way at once; an application that has fewer than ALWAYS of them may begin one even then."""

ALWAYS: Final = 16

PER_APPLICATION: Final = 96
PER_APPLICATION_ASIDE: Final = 64
"""So many of an application's are under way when no more begin that are not to receivers known to be prompt."""

PER_TASK: Final = 1

_LONGEST_PAUSE = 30.0
_LONGEST_SILENT_PAUSE = 600.0
_USUAL_STAY = 0.1
_RECEIVERS = 1_000
_APPLICATIONS = 10_000


class ReceiverHealth(StrEnum):
    """How a receiver took its last delivery. A fast failure is prompt: it holds nobody up."""

    PROMPT = "prompt"
    NEW = "new"
    SLOW = "slow"
    SILENT = "silent"


PER_RECEIVER: Final = {
    ReceiverHealth.PROMPT: 16,
    ReceiverHealth.NEW: 1,
    ReceiverHealth.SLOW: 4,
    ReceiverHealth.SILENT: 1,
}
"""Deliveries under way at once to one receiver of an application."""

ROOMS: Final = {ReceiverHealth.PROMPT: 32, ReceiverHealth.NEW: 32, ReceiverHealth.SLOW: 8}
"""Deliveries under way at once of one application, by what they are now; silent receivers share the room of slow ones.

None begins in a full room. A prompt or new one that turns out to be slow goes over to those, whose room may overflow.
"""


def origin_of(url: str) -> str:
    """Return the scheme, host and port that are dialled, in one spelling; an unreadable address as it is."""
    try:
        parts = urlsplit(url)
        host = parse_host(parts.netloc.rpartition("@")[2])
    except ValueError:
        return url
    return url if host is None else f"{parts.scheme}://{host._replace(port=host.port_for(parts.scheme))}"


class Admission:
    """An attempt to begin a delivery. With a `pause` in seconds it failed, and may be made again after it.

    Set `answered` once the receiver has answered.
    """

    def __init__(self, health: ReceiverHealth, credential_id: str, start: float, pause: float | None = None) -> None:
        self.pause = pause
        self.answered = False
        self.credential_id = credential_id
        self.start = start
        self._health = health

    def is_late(self, now: float) -> bool:
        """Whether it has lasted longer than a prompt delivery does."""
        return now - self.start > PROMPT_SECONDS

    def room(self, now: float) -> ReceiverHealth:
        """Return the room of its application that it takes up now."""
        return ReceiverHealth.SLOW if self.is_late(now) else room_of(self._health)


def room_of(health: ReceiverHealth) -> ReceiverHealth:
    """Return the room in which deliveries to such receivers begin."""
    return ReceiverHealth.SLOW if health is ReceiverHealth.SILENT else health


class _Turns:
    """Estimates when there is room again, from how long the last deliveries took."""

    def __init__(self, chance: Callable[[], float]) -> None:
        self._chance = chance
        self._stay = _USUAL_STAY
        self._next = 0.0

    def pause(self, now: float, limit: int, longest: float) -> float:
        """Return the seconds until a turn of its own, so that refused deliveries do not all come back at once."""
        latest = now + longest
        self._next = min(max(self._next, now) + self._stay / limit, latest)
        return self._next - now if self._next < latest else spread(longest, 0.5, 1.0, self._chance)

    def note_end(self, stay: float) -> None:
        """Count a delivery by its seconds."""
        self._stay += (stay - self._stay) / 4

    def restart(self, stay: float) -> None:
        """Forget how it was before."""
        self._next, self._stay = 0.0, stay


class _Receiver:
    """One origin as one application knows it."""

    def __init__(self, chance: Callable[[], float]) -> None:
        self.visits: set[Admission] = set()
        self.turns = _Turns(chance)
        self._health = ReceiverHealth.NEW
        self._silences = 0

    def health(self, now: float) -> ReceiverHealth:
        """Return how it takes deliveries, also as far as those under way show it."""
        if self._health in (ReceiverHealth.PROMPT, ReceiverHealth.NEW) and any(
            visit.is_late(now) for visit in self.visits
        ):
            return ReceiverHealth.SILENT
        return self._health

    def longest_pause(self, health: ReceiverHealth) -> float:
        """Return the longest pause of refused deliveries; a new receiver is known soon."""
        if health is ReceiverHealth.NEW:
            return PROMPT_SECONDS
        if health is ReceiverHealth.SILENT:
            return exponential(self._silences, _LONGEST_PAUSE, _LONGEST_SILENT_PAUSE)
        return _LONGEST_PAUSE

    def note_end(self, visit: Admission, now: float) -> None:
        """Learn from a delivery; how it was before the receiver answered says nothing any more."""
        self.visits.discard(visit)
        before, stay = self._health, now - visit.start
        if not visit.is_late(now):
            self._health = ReceiverHealth.PROMPT
        else:
            self._health = ReceiverHealth.SLOW if visit.answered else ReceiverHealth.SILENT
        self._silences = self._silences + 1 if self._health is ReceiverHealth.SILENT else 0
        if before in (ReceiverHealth.NEW, ReceiverHealth.SILENT) and self._health is not ReceiverHealth.SILENT:
            self.turns.restart(stay)
        else:
            self.turns.note_end(stay)


class _ApplicationReceivers:
    """The receivers of one application, and its deliveries under way."""

    def __init__(self, chance: Callable[[], float]) -> None:
        self.visits: set[Admission] = set()
        self.turns = {room: _Turns(chance) for room in ROOMS}
        self._receivers: dict[str, _Receiver] = {}
        self._chance = chance

    def receiver(self, origin: str) -> _Receiver:
        """Return the state of a receiver; the least recently used are forgotten first."""
        found = self._receivers.pop(origin, None)
        if found is None:
            found = _Receiver(self._chance)
            if len(self._receivers) >= _RECEIVERS:
                del self._receivers[next(name for name, each in self._receivers.items() if not each.visits)]
        self._receivers[origin] = found
        return found

    def is_full(self, room: ReceiverHealth, credential_id: str, now: float) -> bool:
        """Return whether no delivery may begin in this room, for anybody or for this key."""
        most = PER_APPLICATION if room is ReceiverHealth.PROMPT else PER_APPLICATION_ASIDE
        return _is_taken(self.visits, most, credential_id) or _is_taken(
            [visit for visit in self.visits if visit.room(now) is room], ROOMS[room], credential_id
        )


class ConcurrencyLimiter:
    """Keeps one receiver, API key or application from taking all the room there is."""

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, chance: Callable[[], float] = random.random
    ) -> None:
        self._clock = clock
        self._chance = chance
        self._applications: dict[str, _ApplicationReceivers] = {}
        self._tasks: dict[str, _Turns] = {}
        self._under_way = 0

    @contextlib.contextmanager
    def visit(self, url: str, application_id: str, credential_id: str, task_id: str) -> Iterator[Admission]:
        """Begin one delivery, if there is room; never waits."""
        now = self._clock()
        application = self._application(application_id)
        receiver = application.receiver(origin_of(url))
        health = receiver.health(now)
        pause = self._pause(application, receiver, health, credential_id, task_id, now)
        visit = Admission(health, credential_id, now, pause)
        if pause is not None:
            yield visit
            return
        self._under_way += 1
        self._tasks[task_id] = _Turns(self._chance)
        application.visits.add(visit)
        receiver.visits.add(visit)
        try:
            yield visit
        finally:
            now = self._clock()
            self._under_way -= 1
            del self._tasks[task_id]
            application.visits.discard(visit)
            application.turns[room_of(health)].note_end(now - visit.start)
            receiver.note_end(visit, now)

    def _pause(
        self,
        application: _ApplicationReceivers,
        receiver: _Receiver,
        health: ReceiverHealth,
        credential_id: str,
        task_id: str,
        now: float,
    ) -> float | None:
        """Return for how many seconds a delivery has to wait; None if there is room for it."""
        if task_id in self._tasks:
            return self._tasks[task_id].pause(now, PER_TASK, _LONGEST_PAUSE)
        if len(receiver.visits) >= PER_RECEIVER[health]:
            return receiver.turns.pause(now, PER_RECEIVER[health], receiver.longest_pause(health))
        room = room_of(health)
        crowded = self._under_way >= TOTAL and len(application.visits) >= ALWAYS
        if crowded or application.is_full(room, credential_id, now):
            return application.turns[room].pause(now, ROOMS[room], _LONGEST_PAUSE)
        return None

    def _application(self, application_id: str) -> _ApplicationReceivers:
        found = self._applications.get(application_id)
        if found is None:
            if len(self._applications) >= _APPLICATIONS:
                self._applications = {name: each for name, each in self._applications.items() if each.visits}
            found = self._applications[application_id] = _ApplicationReceivers(self._chance)
        return found


def _is_taken(visits: Iterable[Admission], room: int, credential_id: str) -> bool:
    held = [visit.credential_id for visit in visits]
    return len(held) >= room or held.count(credential_id) >= key_share(room)
