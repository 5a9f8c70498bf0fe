"""Names are asked of real name servers, which are silent, lie and break off as those of the world do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.http import machine
from tests.http.machine import CASES, played
from tests.support.nameserver import BROKEN, GARBAGE, REFUSED, SILENT, NameServer, name_server

from filmgate.adapters.outbound.name_servers import NameServers
from filmgate.adapters.outbound.resolver import Unresolved

MANY = [f"203.0.113.{n}" for n in range(1, 251)]
NAMES = {
    "good.test": ["203.0.113.7"],
    "six.test": ["2001:db8::7"],
    "both.test": ["2001:db8::7", "203.0.113.7"],
    "mixed.test": ["203.0.113.7", "10.0.0.1", "2001:db8::7"],
    "many.test": MANY,
    "chain.test": ["->second.test"],
    "second.test": ["->third.test"],
    "third.test": ["203.0.113.9"],
    "none.test": [],
    "silent.test": SILENT,
    "garbage.test": GARBAGE,
    "refused.test": REFUSED,
    "broken.test": BROKEN,
}


@asynccontextmanager
async def servers(server: NameServer, **options: Any) -> AsyncIterator[NameServers]:
    """Ask one name server for the length of a test."""
    names = NameServers(servers=[server.address], **options)
    yield names
    await names.close()


@pytest.mark.parametrize("name", ["good.test", "six.test", "both.test", "mixed.test", "many.test"])
async def test_all_addresses(name: str):
    """Every address of a name is given, of both families, however many they are: all of them will be checked."""
    async with name_server(NAMES) as server, servers(server) as names:
        assert sorted(await names.ask(name)) == sorted(NAMES[name])
        assert bool(server.tcp[name]) is (name == "many.test")


async def test_aliases_are_followed():
    """A chain of CNAME records leads to the address at its end."""
    async with name_server(NAMES) as server, servers(server) as names:
        assert await names.ask("chain.test") == ["203.0.113.9"]


@pytest.mark.parametrize(
    ("name", "words", "retryable"),
    [
        ("nowhere.test", "does not exist", False),
        ("none.test", "has no address", True),
        ("garbage.test", "could not be resolved", True),
        ("refused.test", "could not be resolved", True),
        ("broken.test", "could not be resolved", True),
        ("silent.test", "could not be resolved in time", True),
        (f"{'a' * 64}.test", "does not exist", False),
    ],
)
async def test_names_in_trouble(name: str, words: str, retryable: bool):
    """What a name server says of a name is definite only if it says that there is none."""
    async with name_server(NAMES) as server, servers(server) as names:
        with pytest.raises(Unresolved, match=words) as caught:
            await names.ask(name)
    assert caught.value.retryable is retryable
    assert name in caught.value.message


async def test_silence_about_one_family():
    """A name server that never answers for IPv6, as some do, does not hide the IPv4 address."""
    async with name_server(NAMES, silent_aaaa=True) as server, servers(server) as names:
        assert await names.ask("good.test") == ["203.0.113.7"]


async def test_next_server_is_asked():
    """Of several name servers a silent or missing first one is passed over."""
    async with name_server({"good.test": SILENT}) as dead, name_server(NAMES) as server:
        names = NameServers(servers=["127.0.0.1:1", dead.address, server.address])
        assert await names.ask("good.test") == ["203.0.113.7"]
        await names.close()


async def test_silent_names_do_not_delay_others():
    """A hundred names without an answer delay no other name, though they share a socket."""
    silent = {f"n{n}.silent.test": SILENT for n in range(100)}
    async with name_server(NAMES | silent) as server, servers(server) as names:
        under_way = [asyncio.create_task(names.ask(name)) for name in silent]
        await server.heard(100)
        assert await names.ask("good.test") == ["203.0.113.7"]
        assert not any(each.done() for each in under_way)
        for each in under_way:
            each.cancel()


async def test_changed_configuration(tmp_path: Path):
    """After a change of the configuration the next name is asked anew; look-ups under way come to their end."""
    async with name_server({"a.test": SILENT}) as first, name_server({"a.test": ["203.0.113.2"]}) as second:
        configuration, options = tmp_path / "resolv.conf", {"servers": [first.address]}
        names = NameServers([configuration], **options)
        under_way = asyncio.create_task(names.ask("a.test"))
        await first.heard(1)
        names._options["servers"] = [second.address]
        configuration.write_text("anything new")
        assert await names.ask("a.test") == ["203.0.113.2"]
        with pytest.raises(Unresolved, match="in time"):
            await under_way
        await names.close()


@pytest.mark.parametrize("case", [each.__name__ for each in CASES])
async def test_system_configuration(case: str):
    """What /etc says of names holds: hosts, search domains, a changed `resolv.conf`, a machine without IPv6."""
    status, errors = await played(machine.__name__, case)
    assert status == 0, errors


async def test_answers_are_kept_as_long_as_they_allow():
    """An answer is asked for once while its time to live runs, and no longer than five minutes."""
    now = 0.0
    async with name_server(NAMES, ttl=3_600) as server, servers(server, clock=lambda: now) as names:
        for _ in range(3):
            await names.ask("good.test")
        assert server.asked["good.test"] == 1
        now = 301.0
        await names.ask("good.test")
        assert server.asked["good.test"] == 2


async def test_kept_answers_are_bounded():
    """A thousand names begin a new cache, so that nobody fills the memory with names of his own."""
    async with name_server(NAMES, ttl=3_600) as server, servers(server) as names:
        for _ in range(999):
            await names.ask("six.test")
        await names.ask("good.test")
        await names.ask("good.test")
    assert server.asked["good.test"] == 2
