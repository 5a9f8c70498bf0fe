"""How requests to an account are spaced."""

from __future__ import annotations

import asyncio
import time
from itertools import pairwise

from filmgate.core.providers.throttle import Throttle
from tests.support.clock import Clock

EARLY = 0.005
"""Seconds that a timer of the loop may be off."""


async def moment(pace: Throttle) -> float:
    """Take a turn and give its time."""
    await pace.turn()
    return time.monotonic()


async def test_without_a_rate_nobody_waits():
    """A rate of 0 is no limit: time need not pass."""
    pace = Throttle(0, Clock())
    async with asyncio.timeout(60):
        for _ in range(1_000):
            await pace.turn()
    assert pace.held == 0


async def test_requests_are_spaced_evenly():
    """1,500 a minute are one each 40 ms, not a burst and a pause."""
    pace = Throttle(1_500)
    taken = [await moment(pace) for _ in range(5)]
    assert all(later - sooner > 0.04 - EARLY for sooner, later in pairwise(taken))


async def test_many_who_wait_go_one_by_one():
    """However many wait at once, each has a turn of its own."""
    pace = Throttle(6_000)
    taken = sorted(await asyncio.gather(*(moment(pace) for _ in range(20))))
    assert taken[-1] - taken[0] > 19 * 0.01 - EARLY
    assert all(later - sooner > 0.01 - EARLY for sooner, later in pairwise(taken))


async def test_one_who_goes_away_takes_no_turn():
    """A turn belongs to those who still wait for it."""
    pace = Throttle(300)
    await pace.turn()
    begun = time.monotonic()
    gone = [asyncio.ensure_future(pace.turn()) for _ in range(9)]
    await asyncio.sleep(0)
    for each in gone:
        each.cancel()
    await asyncio.gather(*gone, return_exceptions=True)
    await pace.turn()
    assert time.monotonic() - begun < 1


async def test_a_hold_keeps_everybody_back():
    """Nobody goes before the time that the provider asked for, and then they are spaced as ever."""
    pace = Throttle(3_000)
    pace.hold(0.2)
    begun = time.monotonic()
    taken = sorted(await asyncio.gather(*(moment(pace) for _ in range(3))))
    assert taken[0] - begun > 0.2 - EARLY
    assert taken[2] - taken[0] > 0.04 - EARLY


def test_it_says_for_how_long_it_is_held():
    """A shorter wish does not shorten a longer one, and the rate is no hold."""
    clock = Clock()
    pace = Throttle(6, clock)
    assert pace.held == 0
    pace.hold(30)
    pace.hold(10)
    assert pace.held == 30
    clock.pass_by(31)
    assert pace.held == 0


async def test_a_turn_begins_no_hold():
    """Whoever waits for the rate alone is not kept quiet by the provider."""
    pace = Throttle(6, Clock())
    await pace.turn()
    assert pace.held == 0
