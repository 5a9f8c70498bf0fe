"""Room is shared: no receiver, API key, application or task has more than its part of it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable

import pytest

from filmgate.core.fairness import key_share
from filmgate.core.webhooks.limit import (
    ALWAYS,
    PER_APPLICATION,
    PER_APPLICATION_ASIDE,
    PER_RECEIVER,
    PROMPT_SECONDS,
    ROOMS,
    TOTAL,
    ConcurrencyLimiter,
    ReceiverHealth,
    origin_of,
)
from tests.support.clock import Clock

HOOK = "http://hook.test/a"
LATE = PROMPT_SECONDS + 0.1


class Room:
    """Receivers, and deliveries to them that last until the test ends them."""

    def __init__(self, stack: contextlib.ExitStack) -> None:
        self.clock = Clock()
        self.receivers = ConcurrencyLimiter(self.clock, chance=lambda: 0.5)
        self.stack = stack
        self.tasks = 0

    def begun(self, urls: Iterable[str], owner: str = "a", key: str = "key") -> int:
        """Begin a delivery to each address, and stay; return for how many there was room."""
        return sum(self.pause(url, owner, key) is None for url in urls)

    def pause(self, url: str, owner: str = "a", key: str = "key") -> float | None:
        """Begin a delivery and stay; return the pause if there was no room."""
        self.tasks += 1
        return self.stack.enter_context(self.receivers.visit(url, owner, key, f"task {self.tasks}")).pause

    def took(self, url: str, seconds: float, *, answered: bool, owner: str = "a") -> None:
        """Make one delivery that takes so long."""
        self.tasks += 1
        with self.receivers.visit(url, owner, "key", f"task {self.tasks}") as visit:
            assert visit.pause is None
            self.clock.pass_by(seconds)
            visit.answered = answered


@pytest.fixture
def room() -> Iterable[Room]:
    """Receivers that nobody has used."""
    with contextlib.ExitStack() as stack:
        yield Room(stack)


def hosts(name: str, count: int = 200) -> list[str]:
    """Return an address at each of many hosts."""
    return [f"http://{name}{n}.test/" for n in range(count)]


def prompt(room: Room, urls: list[str], owner: str = "a") -> list[str]:
    """Let receivers answer at once, and return their addresses."""
    for url in urls:
        room.took(url, 0.1, answered=True, owner=owner)
    return urls


@pytest.mark.parametrize(
    ("seconds", "answered", "health"),
    [
        (0.1, True, ReceiverHealth.PROMPT),
        (0.1, False, ReceiverHealth.PROMPT),
        (LATE, True, ReceiverHealth.SLOW),
        (LATE, False, ReceiverHealth.SILENT),
    ],
)
def test_a_receiver_has_as_much_room_as_it_was_quick(
    room: Room, seconds: float, answered: bool, health: ReceiverHealth
):
    """After a prompt answer, or refusal, it gets many at once; after a slow one few, after none one."""
    assert room.begun([HOOK] * 3) == PER_RECEIVER[ReceiverHealth.NEW]
    room.took("http://other.test/", seconds, answered=answered)
    assert room.begun(["http://other.test/"] * 30) == PER_RECEIVER[health]


def test_a_receiver_that_falls_silent_gets_no_more_while_it_is(room: Room):
    """That its deliveries last is enough: nobody has to wait until they have failed."""
    prompt(room, [HOOK])
    assert room.begun([HOOK] * 5) == 5
    room.clock.pass_by(LATE)
    assert room.begun([HOOK]) == 0


@pytest.mark.parametrize("dead", [20, 100])
def test_new_dead_receivers_leave_room(room: Room, dead: int):
    """However many deliveries one application has to hosts that never answer, its other receivers have room."""
    known = prompt(room, hosts("known", 32))
    for url in known[:5]:
        room.begun(hosts("dead", dead) * 3)
        assert room.begun([url]) == 1
        room.clock.pass_by(LATE)
    assert room.begun(known[5:15]) == 10


def test_twenty_dead_receivers_leave_room_for_a_new_one(room: Room):
    """A receiver that nobody knows yet finds room beside them at once, before and after they are known."""
    room.begun(hosts("dead", 20) * 50)
    assert room.begun(["http://first.test/"]) == 1
    room.clock.pass_by(LATE)
    room.begun(hosts("dead", 20) * 50)
    assert room.begun(["http://second.test/"]) == 1


def test_receivers_that_were_prompt_and_die_together_leave_room(room: Room):
    """When many die at once the room they hold is free again as soon as they are late."""
    dying = prompt(room, hosts("dying", 20))
    prompt(room, [HOOK])
    assert room.begun(dying * 16) == key_share(ROOMS[ReceiverHealth.PROMPT])
    assert room.begun([HOOK]) == 0
    room.clock.pass_by(LATE)
    assert room.begun(dying * 16) <= ROOMS[ReceiverHealth.SLOW]
    assert room.begun([HOOK] * 10) == 10


def test_slow_ones_stand_aside(room: Room):
    """Receivers that did not answer share a small room, whatever the number of them."""
    for url in hosts("slow", 40):
        room.took(url, 10, answered=False)
    assert room.begun(hosts("slow", 40) * 3) == key_share(ROOMS[ReceiverHealth.SLOW])
    assert room.begun(hosts("new")) == key_share(ROOMS[ReceiverHealth.NEW])


def test_an_application_has_a_limit(room: Room):
    """However many receivers an application has, and whatever they are like, others find room."""
    for _ in range(20):
        for key in ("one", "two"):
            room.begun(hosts("new"), key=key)
        room.clock.pass_by(LATE)
    assert len(room.receivers._applications["a"].visits) == PER_APPLICATION_ASIDE
    assert PER_APPLICATION_ASIDE < PER_APPLICATION < TOTAL
    assert room.begun(hosts("new", 10), "b") == 10


def test_many_applications_leave_room_for_one_more(room: Room):
    """When all room is taken, an application that has little of it still begins some."""
    owners = [f"owner {n}" for n in range(8)]
    for _ in range(4):
        for owner in owners:
            room.begun(hosts("dead"), owner)
        room.clock.pass_by(LATE)
    assert sum(len(each.visits) for each in room.receivers._applications.values()) >= TOTAL
    assert room.begun(hosts("new", 30), "late") == ALWAYS


def test_a_key_leaves_room_to_the_others(room: Room):
    """One key's dead receivers leave a quarter of each room to the other keys of their application."""
    assert [room.begun(hosts(f"dead-{key}"), key=key) for key in ("one", "two")] == [24, 8]
    assert [room.begun(prompt(room, hosts("prompt", 40), owner), owner) for owner in ("b", "c")] == [24, 24]


def test_applications_do_not_share_what_is_known(room: Room):
    """That a host is silent for one application, or busy with it, is nothing to another."""
    room.took(HOOK, 10, answered=False)
    prompt(room, [HOOK], "b")
    assert room.begun([HOOK] * 5) == 1
    assert room.begun([HOOK] * 5, "b") == 5


def test_a_task_has_one_at_a_time(room: Room):
    """Two webhooks of one task are never under way at once."""
    visit = room.receivers.visit
    with visit(HOOK, "a", "key", "task") as first, visit("http://b.test/", "a", "key", "task") as second:
        assert (first.pause is None, second.pause is None) == (True, False)
    with visit(HOOK, "a", "key", "task") as third:
        assert third.pause is None


@pytest.mark.parametrize(
    ("urls", "origin"),
    [
        (["http://hook.test", "http://HOOK.test:80/b?c", "http://Hook.Test./#d"], "http://hook.test:80"),
        (["https://straße.de/", "https://xn--strae-oqa.DE:443/"], "https://xn--strae-oqa.de:443"),
        (["http://127.0.0.1/", "http://[::ffff:127.0.0.1]/"], "http://127.0.0.1:80"),
        (["http://[fd00:0::5]:81/", "http://[FD00::0:5]:81/"], "http://[fd00::5]:81"),
        (["http://hook.test:8080/"], "http://hook.test:8080"),
        (["https://hook.test/"], "https://hook.test:443"),
    ],
)
def test_a_receiver_is_an_origin(urls: list[str], origin: str):
    """Spellings of one scheme, host and port are one receiver; each other port and scheme is another."""
    assert {origin_of(url) for url in urls} == {origin}


def test_who_is_sent_away_comes_back_in_turn(room: Room):
    """The pauses are spread as deliveries are expected to end; the longer a receiver is silent, the longer they are."""
    for _ in range(20):
        room.took(HOOK, 10, answered=False)
    assert room.pause(HOOK) is None
    pauses = [room.pause(HOOK) or 0 for _ in range(70)]
    assert [round(pause) for pause in pauses[:4]] == [10, 20, 30, 40]
    assert set(pauses[61:]) == {450}


def test_a_receiver_that_answers_again_is_not_kept_waiting(room: Room):
    """How long it took before says nothing any more."""
    for _ in range(20):
        room.took(HOOK, 10, answered=False)
    prompt(room, [HOOK])
    assert room.begun([HOOK] * PER_RECEIVER[ReceiverHealth.PROMPT]) == PER_RECEIVER[ReceiverHealth.PROMPT]
    assert (room.pause(HOOK) or 99) < 1


def test_who_waits_for_a_new_receiver_comes_back_soon(room: Room):
    """What a receiver is like is known after two seconds, so nobody is sent away for longer."""
    room.begun([HOOK])
    assert all((room.pause(HOOK) or 99) <= PROMPT_SECONDS for _ in range(1_000))


def test_what_is_known_of_receivers_is_bounded(room: Room):
    """An application that uses ever new hosts forgets its own first, and nobody else's."""
    prompt(room, [HOOK], "b")
    prompt(room, hosts("host", 1_200))
    assert len(room.receivers._applications["a"]._receivers) == 1_000
    assert room.begun([HOOK] * 5, "b") == 5
