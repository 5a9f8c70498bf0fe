"""Memory for bodies has a bound, and a share for each application."""

from __future__ import annotations

import asyncio

import pytest

from filmgate.adapters.web.body_memory import BodyMemory, Release
from filmgate.domain.errors import Unavailable


async def settled() -> None:
    """Let everything run that can."""
    for _ in range(5):
        await asyncio.sleep(0)


class Line:
    """Those who ask for memory, and in which order they got it."""

    def __init__(self, memory: BodyMemory) -> None:
        self.memory = memory
        self.order: list[str] = []
        self.releases: dict[str, Release] = {}

    def ask(self, application: str, name: str, size: int) -> asyncio.Task[None]:
        """Ask for memory."""
        return asyncio.create_task(self._ask(application, name, size))

    async def _ask(self, application: str, name: str, size: int) -> None:
        self.releases[name] = await self.memory.reserve(application, size)
        self.order.append(name)


async def test_an_application_has_its_share_and_no_more() -> None:
    """One that holds its half waits, another one does not, and gets its turn before the first one's others."""
    line = Line(BodyMemory(100))
    tasks = [line.ask("a", f"a{n}", 25) for n in range(5)]
    await settled()
    assert line.order == ["a0", "a1"]
    tasks += [line.ask("b", f"b{n}", 25) for n in range(3)]
    await settled()
    assert line.order == ["a0", "a1", "b0", "b1"]
    assert line.memory.held == 100
    line.releases["b0"]()
    await settled()
    assert line.order[4:] == ["b2"]
    line.releases["a0"]()
    await settled()
    assert line.order[5:] == ["a2"]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_whoever_waits_for_memory_is_not_overtaken() -> None:
    """Small bodies of others do not keep a large one waiting for ever."""
    line = Line(BodyMemory(100))
    for application in "abcd":
        line.ask(application, application, 20)
    await settled()
    large = line.ask("large", "large", 50)
    await settled()
    small = line.ask("small", "small", 10)
    await settled()
    assert line.order == ["a", "b", "c", "d"], "20 are free, but the large one is first"
    line.releases["a"]()
    line.releases["b"]()
    await settled()
    assert line.order[4:] == ["large", "small"]
    await asyncio.gather(large, small)


async def test_turns() -> None:
    """Applications that wait take turns, whoever has asked for more."""
    line = Line(BodyMemory(40))
    first = await line.memory.reserve("x", 20)
    await line.memory.reserve("y", 20)
    tasks = [line.ask("a", f"a{n}", 10) for n in range(3)] + [line.ask("b", "b0", 10)]
    await settled()
    first()
    await settled()
    assert line.order == ["a0", "b0"]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_nothing_is_lost_when_nobody_waits_any_more() -> None:
    """Requests that are given up leave no reservation, waiting or just granted; giving back twice does no harm."""
    memory = BodyMemory(20)
    release = await memory.reserve("a", 10)
    gone = asyncio.create_task(memory.reserve("a", 10))
    behind = asyncio.create_task(memory.reserve("a", 10))
    await settled()
    gone.cancel()
    await settled()
    release()
    release()
    behind.cancel()  # granted at this moment, and given up at the same
    await asyncio.gather(gone, behind, return_exceptions=True)
    assert memory.held == 0
    (await memory.reserve("a", 10))()
    assert memory.held == 0


async def test_what_is_larger_than_a_share_takes_all_of_it() -> None:
    """A body larger than a share is let in when its application holds nothing; without a limit everybody is."""
    memory = BodyMemory(20)
    release = await memory.reserve("a", 1_000)
    assert memory.held == 10
    release()
    unlimited = BodyMemory(0)
    for _ in range(3):
        await unlimited.reserve("a", 10**12)


async def test_the_wait_ends() -> None:
    """Where no memory becomes free the request is refused as one that may be sent again, and takes nothing."""
    memory = BodyMemory(20, patience=0.01)
    release = await memory.reserve("a", 10)
    with pytest.raises(Unavailable) as refused:
        await memory.reserve("a", 10)
    assert refused.value.retry_after
    release()
    assert memory.held == 0
