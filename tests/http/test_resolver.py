"""Each application has its share of the look-ups, and no name of one delays another's."""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
from collections import Counter
from collections.abc import Coroutine, Sequence
from typing import Any

import pytest

from filmgate.adapters.outbound.name_servers import ask_system
from filmgate.adapters.outbound.resolver import Resolver, Unresolved


class Servers:
    """Answers when it is told to; names that begin with `silent` never."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self.news = asyncio.Event()
        self.over = asyncio.Event()

    async def ask(self, host: str) -> Sequence[str]:
        self.asked[host] += 1
        self.news.set()
        if host.startswith("silent"):
            await self.over.wait()
            raise Unresolved("It is over.", retryable=True)
        if host.startswith("no"):
            raise Unresolved(f"The name {host} does not exist.", retryable=False)
        return [] if host.startswith("empty") else ["203.0.113.7"]

    async def heard(self, names: int) -> None:
        """Wait until so many names have been asked for."""
        while self.asked.total() < names:
            self.news.clear()
            await self.news.wait()


def begin(resolver: Resolver, names: Sequence[str], application: str) -> list[asyncio.Task[Sequence[str]]]:
    """Ask for names of an application, all at once."""
    return [asyncio.create_task(resolver.resolve(name, application)) for name in names]


async def refusals(tasks: Sequence[Coroutine[Any, Any, Any] | asyncio.Task[Any]]) -> list[str]:
    """Return why names could not be resolved; each reason is one that may pass."""
    errors = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(each, Unresolved) and each.retryable for each in errors)
    return [str(each) for each in errors]


async def test_share_of_an_application(caplog: pytest.LogCaptureFixture):
    """Silent names take up the share of their application; what exceeds it is refused, and others are not delayed."""
    servers = Servers()
    resolver = Resolver(servers.ask, share=3, total=100, seconds=0.3)
    silent = begin(resolver, [f"silent{n}.test" for n in range(5)], "a")
    await servers.heard(3)
    assert resolver.lookups.running == 3
    assert await resolver.resolve("good.test", "b") == ["203.0.113.7"]
    with caplog.at_level(logging.WARNING):
        reasons = await refusals([*silent, *begin(resolver, ["good.test"], "a")])
    assert sum("not looked up in time" in each for each in reasons) == 3
    assert sum("could not be resolved in time" in each for each in reasons) == 3
    assert [record.args[0] for record in caplog.records] == ["a"], "one line a minute"
    assert resolver.lookups == (3, 1, 3, 3)
    assert await resolver.resolve("good.test", "b") == ["203.0.113.7"]
    await resolver.close()


async def test_turn_is_held_until_the_look_up_ends():
    """A name that nobody waits for any more still counts, for it still takes up room; after its end there is room."""
    servers = Servers()
    resolver = Resolver(servers.ask, share=1, seconds=0.1)
    (left,) = begin(resolver, ["silent.test"], "a")
    await servers.heard(1)
    left.cancel()
    assert "not looked up in time" in (await refusals(begin(resolver, ["good.test"], "a")))[0]
    servers.over.set()
    assert await resolver.resolve("good.test", "a") == ["203.0.113.7"]
    await resolver.close()


async def test_everybody_has_one_look_up():
    """Where others have used up all the room there is, an application still has one look-up at a time."""
    servers = Servers()
    resolver = Resolver(servers.ask, share=4, total=2, seconds=0.3)
    silent = [each for app in "abc" for each in begin(resolver, [f"silent{n}.test" for n in range(4)], app)]
    await servers.heard(4)
    assert await asyncio.gather(*begin(resolver, ["good.test", "good2.test"], "d")) == [["203.0.113.7"]] * 2
    assert resolver.lookups.running == 4, "two of a, who came first, and one each of b and c"
    await refusals(silent)
    await resolver.close()


async def test_one_look_up_for_the_same_name():
    """Requests of one application for one name share a look-up; another application makes its own."""
    servers = Servers()
    resolver = Resolver(servers.ask, seconds=0.2)
    await refusals([*begin(resolver, ["silent.test"] * 50, "a"), *begin(resolver, ["silent.test"], "b")])
    assert servers.asked["silent.test"] == 2
    await resolver.close()


@pytest.mark.parametrize(("name", "seconds"), [("nowhere.test", 30), ("empty.test", 2), ("silent.test", 2)])
async def test_failures_are_remembered(name: str, seconds: float):
    """A name that failed is not asked for again at once, for the application that asked, and not for long."""
    servers, now = Servers(), 1000.0
    resolver = Resolver(servers.ask, seconds=0.1, clock=lambda: now)
    first = await asyncio.gather(*begin(resolver, [name], "a"), return_exceptions=True)
    now += seconds - 0.1
    again = await asyncio.gather(*begin(resolver, [name], "a"), return_exceptions=True)
    assert (str(again[0]), again[0].retryable) == (str(first[0]), first[0].retryable)
    assert servers.asked[name] == 1
    await asyncio.gather(*begin(resolver, [name], "b"), return_exceptions=True)
    assert servers.asked[name] == 2
    now += 0.2
    await asyncio.gather(*begin(resolver, [name], "a"), return_exceptions=True)
    assert servers.asked[name] == 3
    await resolver.close()


async def test_few_failures_are_remembered():
    """The memory of names that failed is bounded: the oldest is forgotten."""
    servers = Servers()
    resolver = Resolver(servers.ask, share=1_000)
    for part in range(5):
        await asyncio.gather(*begin(resolver, [f"no{part}-{n}" for n in range(1_000)], "a"), return_exceptions=True)
    for name in ("no0-0", "no4-999"):
        await asyncio.gather(*begin(resolver, [name], "a"), return_exceptions=True)
    assert (servers.asked["no0-0"], servers.asked["no4-999"]) == (2, 1)
    await resolver.close()


async def test_close_with_look_ups_under_way():
    """A resolver that is closed leaves nothing behind."""
    servers = Servers()
    resolver = Resolver(servers.ask, share=1)
    waiting = begin(resolver, ["silent1.test", "silent2.test"], "a")
    await servers.heard(1)
    await resolver.close()
    assert resolver.lookups.running == 0
    assert all(
        isinstance(each, asyncio.CancelledError) for each in await asyncio.gather(*waiting, return_exceptions=True)
    )


async def test_system_resolver(monkeypatch: pytest.MonkeyPatch):
    """The system's resolver blocks threads of ours alone, as many as the shares allow."""
    release, loop = threading.Event(), asyncio.get_running_loop()
    started: asyncio.Queue[str] = asyncio.Queue()

    def getaddrinfo(host: str, *_: object, **__: object) -> list[tuple[Any, ...]]:
        loop.call_soon_threadsafe(started.put_nowait, threading.current_thread().name)
        if host.startswith("silent"):
            release.wait(60)
        if host.startswith("no"):
            raise socket.gaierror(socket.EAI_NONAME, "no")
        if host.startswith("again"):
            raise socket.gaierror(socket.EAI_AGAIN, "again")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("203.0.113.7", 0))]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    resolver = Resolver(ask_system, share=2, total=4, seconds=0.3)
    silent = [each for app in "ab" for each in begin(resolver, [f"silent{n}.test" for n in range(20)], app)]
    threads = [await started.get() for _ in range(4)]
    assert threads == ["look-up"] * 4
    assert await resolver.resolve("good.test", "c") == ["203.0.113.7"]
    with pytest.raises(Unresolved, match="does not exist") as caught:
        await resolver.resolve("nowhere.test", "c")
    assert not caught.value.retryable
    with pytest.raises(Unresolved, match="could not be resolved") as caught:
        await resolver.resolve("again.test", "c")
    assert caught.value.retryable
    await refusals(silent)
    assert threading.active_count() < 20
    release.set()
    await resolver.close()


async def test_system_knows_this_machine():
    """The system's own resolver finds what is in /etc/hosts."""
    assert "127.0.0.1" in await ask_system("localhost")
