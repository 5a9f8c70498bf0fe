"""Room is shared: no receiver, application or task has more than its part of it."""

from __future__ import annotations

import contextlib

from filmgate.core.callbacks.receivers import PER_APPLICATION, PER_RECEIVER, PER_SILENT_RECEIVER, Receivers
from tests.support.clock import Clock

HOOK = "http://hook.test/a"


def entered(stack: contextlib.ExitStack, receivers: Receivers, url: str, owner: str, tasks: range) -> int:
    """Enter for many tasks and stay; says for how many there was room."""
    visits = [stack.enter_context(receivers.visit(url, owner, f"{owner} {url} {task}")) for task in tasks]
    for visit in visits:
        visit.answered = True
    return sum(visit.pause is None for visit in visits)


def test_a_receiver_has_a_limit():
    """Paths and spellings of one host are one receiver; another host is another."""
    receivers = Receivers(Clock())
    with contextlib.ExitStack() as stack:
        assert entered(stack, receivers, HOOK, "a", range(20)) == PER_RECEIVER
        assert entered(stack, receivers, "http://HOOK.test/b?c", "b", range(5)) == 0
        assert entered(stack, receivers, "http://other.test/", "b", range(5)) == 5


def test_an_application_has_a_limit():
    """However many hosts an application has, others find room."""
    receivers = Receivers(Clock())
    with contextlib.ExitStack() as stack:
        rooms = [entered(stack, receivers, f"http://{host}.test/", "a", range(10)) for host in "wxyz"]
        assert sum(rooms) == PER_APPLICATION
        assert entered(stack, receivers, "http://v.test/", "b", range(10)) == 10


def test_a_task_has_one_at_a_time():
    """Two callbacks of one task are never under way at once."""
    receivers = Receivers(Clock())
    with receivers.visit(HOOK, "a", "task") as first, receivers.visit(HOOK, "a", "task") as second:
        assert (first.pause is None, second.pause is None) == (True, False)
    with receivers.visit(HOOK, "a", "task") as third:
        assert third.pause is None


def test_a_silent_receiver_has_less_room_until_it_answers():
    """After a delivery without an answer two are made at a time, after an answer as many as before."""
    receivers = Receivers(Clock())
    with receivers.visit(HOOK, "a", "task"):
        pass
    with contextlib.ExitStack() as stack:
        assert entered(stack, receivers, HOOK, "a", range(20)) == PER_SILENT_RECEIVER
    with contextlib.ExitStack() as stack:
        assert entered(stack, receivers, HOOK, "a", range(20)) == PER_RECEIVER


def test_who_is_sent_away_comes_back_in_turn():
    """The pauses are spread as deliveries are expected to end, half a minute at most, and short after an answer."""
    clock = Clock()
    receivers = Receivers(clock, chance=lambda: 0.5)
    for _ in range(20):
        with receivers.visit(HOOK, "a", "task"):
            clock.pass_by(10)
    with contextlib.ExitStack() as stack:
        entered(stack, receivers, HOOK, "a", range(PER_SILENT_RECEIVER))
        pauses = [stack.enter_context(receivers.visit(HOOK, "a", f"task {n}")).pause or 0 for n in range(30)]
    assert [round(pause) for pause in pauses[:4]] == [5, 10, 15, 20]
    assert set(pauses[6:]) == {22.5}
    with contextlib.ExitStack() as stack:
        assert entered(stack, receivers, HOOK, "a", range(1)) == 1
    with contextlib.ExitStack() as stack:
        assert entered(stack, receivers, HOOK, "a", range(PER_RECEIVER)) == PER_RECEIVER
        with receivers.visit(HOOK, "a", "one more") as sent_away:
            assert sent_away.pause is not None
            assert sent_away.pause < 1
