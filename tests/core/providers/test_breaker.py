"""When an account counts as in trouble, and for how long."""

from __future__ import annotations

import pytest

from filmgate.core.providers.breaker import Breaker
from tests.support.clock import Clock


@pytest.fixture
def clock() -> Clock:
    """The clock of the breaker."""
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> Breaker:
    """A breaker that has seen nothing yet."""
    return Breaker(clock)


def trips(breaker: Breaker, count: int) -> None:
    """Meet indefinite trouble so often."""
    for _ in range(count):
        breaker.bad("no answer", definite=False)


def test_definite_trouble_opens_it_at_once(breaker: Breaker):
    """A refused key is believed the first time, and named."""
    assert (breaker.trouble, breaker.wait) == (None, 0.0)
    breaker.bad("The key is refused.", definite=True)
    assert (breaker.trouble, breaker.wait) == ("The key is refused.", 5.0)


def test_other_trouble_opens_it_after_five_in_a_row(breaker: Breaker):
    """Four answers that were none are not enough, and a good one in between makes them forgotten."""
    trips(breaker, 4)
    breaker.alive()
    trips(breaker, 4)
    assert breaker.trouble is None
    trips(breaker, 1)
    assert breaker.trouble == "no answer"


def test_it_lets_requests_through_after_a_pause(breaker: Breaker, clock: Clock):
    """When the pause is over there is no trouble, though nothing is forgotten."""
    breaker.bad("no", definite=True)
    clock.pass_by(4.9)
    assert breaker.trouble == "no"
    clock.pass_by(0.2)
    assert (breaker.trouble, breaker.wait) == (None, 0.0)


def test_its_pause_doubles_up_to_five_minutes(breaker: Breaker, clock: Clock):
    """Each time that the first request after a pause fails, the next pause is twice as long."""
    pauses = []
    for _ in range(9):
        breaker.bad("no", definite=False) if pauses else breaker.bad("no", definite=True)
        pauses.append(breaker.wait)
        clock.pass_by(breaker.wait)
    assert pauses == [5, 10, 20, 40, 80, 160, 300, 300, 300]


def test_more_of_the_same_teaches_nothing_while_it_is_open(breaker: Breaker, clock: Clock):
    """Requests that were under way when it opened do not make the pause longer."""
    breaker.bad("first", definite=True)
    clock.pass_by(1)
    trips(breaker, 20)
    breaker.bad("second", definite=True)
    assert (breaker.trouble, breaker.wait) == ("first", 4.0)


def test_a_good_query_does_not_close_what_a_submit_has_opened(breaker: Breaker, clock: Clock):
    """A provider that answers questions may still refuse submits: the next failure opens it again, for longer."""
    breaker.bad("no balance", definite=True)
    breaker.alive()
    assert breaker.trouble == "no balance"
    clock.pass_by(5)
    breaker.alive()
    breaker.bad("no balance", definite=False)
    assert breaker.wait == 10


def test_a_good_submit_makes_it_forget(breaker: Breaker, clock: Clock):
    """Afterwards it opens for the first pause again, and only after five in a row."""
    breaker.bad("no", definite=True)
    clock.pass_by(5)
    breaker.bad("no", definite=False)
    breaker.good()
    assert (breaker.trouble, breaker.wait) == (None, 0.0)
    trips(breaker, 4)
    assert breaker.trouble is None
    trips(breaker, 1)
    assert breaker.wait == 5
