"""Fair turns in a pool that applications share."""

from __future__ import annotations

import asyncio

import pytest

from filmgate.core.fairness import FairQueue, RequestSlots


async def settled() -> None:
    """Let everybody go on who can."""
    for _ in range(5):
        await asyncio.sleep(0)


class Pool:
    """A pool and those who wait in it, by name; `order` has who got a turn."""

    def __init__(self, turns: FairQueue) -> None:
        self.turns = turns
        self.order: list[str] = []
        self.waiting: dict[str, asyncio.Task[None]] = {}

    async def want(self, application: str, *names: str) -> None:
        """Let somebody wait for a turn."""
        for name in names:
            self.waiting[name] = asyncio.create_task(self._take(application, name))
        await settled()

    async def end(self, application: str) -> None:
        """End a turn."""
        self.turns.give_back(application)
        await settled()

    async def _take(self, application: str, name: str) -> None:
        await self.turns.take(application)
        self.order.append(name)


async def test_an_application_leaves_room():
    """One with a thousand pieces of work has its share, and another is served at once."""
    pool = Pool(FairQueue(1, 2))
    await pool.want("a", "a1", "a2", "a3")
    assert pool.order == ["a1"]
    await pool.want("b", "b1")
    assert pool.order == ["a1", "b1"]
    await pool.end("a")
    await pool.end("a")
    assert pool.order == ["a1", "b1", "a2", "a3"]


async def test_those_who_wait_take_turns():
    """A full pool is handed on round-robin, not in the order in which everybody came."""
    pool = Pool(FairQueue(2, 2))
    await pool.want("a", "a1", "a2", "a3", "a4")
    await pool.want("b", "b1", "b2")
    await pool.want("c", "c1")
    for application in ("a", "a", "a", "b", "c"):
        await pool.end(application)
    assert pool.order[:2] == ["a1", "a2"]
    assert sorted(pool.order[2:5]) == ["a3", "b1", "c1"]
    assert sorted(pool.order[5:]) == ["a4", "b2"]


async def test_the_bound_holds_for_all_unless_one_is_assured():
    """A newcomer waits for a full pool; where one turn is assured it does not."""
    for assured, served in ((False, ["a1"]), (True, ["a1", "b1"])):
        pool = Pool(FairQueue(1, 1, assured=assured))
        await pool.want("a", "a1")
        await pool.want("b", "b1")
        assert pool.order == served
        for task in pool.waiting.values():
            task.cancel()


async def test_who_gives_up_takes_no_turn_along():
    """Neither one who waits, nor one who has just been served, keeps others waiting."""
    pool = Pool(FairQueue(1, 1))
    await pool.want("a", "a1")
    await pool.want("b", "b1", "b2")
    pool.waiting["b1"].cancel()
    await settled()
    await pool.end("a")
    assert pool.order == ["a1", "b2"]
    await pool.want("a", "a2")
    await pool.want("b", "b3")
    # Served and cancelled in the same moment.
    pool.turns.give_back("b")
    pool.waiting["a2"].cancel()
    await settled()
    assert pool.order == ["a1", "b2", "b3"]


async def test_a_turn_ends_with_an_error():
    """Work that breaks gives its turn back."""
    turns = FairQueue(1, 1)
    with pytest.raises(ValueError, match="broken"):
        async with turns.turn("a"):
            raise ValueError("broken")
    async with asyncio.timeout(10), turns.turn("b"):
        pass


def test_places_of_an_application_are_bounded():
    """An application has so many places at once, each for as long as it is used; others have their own."""
    places = RequestSlots(2)
    with places.place("a") as first, places.place("a") as second:
        with places.place("a") as third, places.place("b") as other:
            assert (first, second, third, other) == (True, True, False, True)
        with places.place("a") as again:
            assert not again, "a refused request gives no place back"
    with places.place("a") as free:
        assert free
    assert not places._taken
