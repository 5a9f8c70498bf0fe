"""Pauses between tries."""

from __future__ import annotations

import pytest

from filmgate.domain.backoff import exponential, spread, step


def test_a_pause_doubles_up_to_its_limit():
    """Each earlier try doubles it, and any number of them is a number."""
    assert [exponential(tries, 0.5, 3.0) for tries in range(5)] == [0.5, 1.0, 2.0, 3.0, 3.0]
    assert exponential(10**9, 0.1, 60.0) == 60.0


def test_a_ladder_ends_at_its_last_pause():
    """After its end the last one is repeated, or another that is named."""
    assert [step(tries, (2.0, 10.0)) for tries in range(4)] == [2.0, 10.0, 10.0, 10.0]
    assert [step(tries, (2.0, 10.0), 60.0) for tries in range(4)] == [2.0, 10.0, 60.0, 60.0]


@pytest.mark.parametrize(("chance", "pause"), [(0.0, 8.0), (0.5, 10.0), (1.0, 12.0)])
def test_a_pause_is_spread_between_two_factors(chance: float, pause: float):
    """The chance chooses the factor evenly."""
    assert spread(10.0, 0.8, 1.2, lambda: chance) == pytest.approx(pause)
