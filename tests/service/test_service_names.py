"""Whose names are looked up: tenants and providers have shares of their own."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Literal

import pytest

from filmgate.adapters.outbound.resolver import Unresolved
from filmgate.app import resolvers
from filmgate.app.resolvers import Names
from filmgate.domain.settings import Settings
from tests.http.machine import played

from . import silent_names

SHARE = 2
ALL = {"dns": 1_024, "system": SHARE * 8}
"""Look-ups of tenants at once, all together."""

ADDRESS = ["203.0.113.7"]


@pytest.mark.timeout(240)
async def test_silent_names_of_a_tenant_delay_nobody():
    """With a hundred names whose server is silent, another tenant's webhook and the provider are reached at once."""
    status, errors = await played(silent_names.__name__, silent_names.shares.__name__)
    assert status == 0, errors


class Silent:
    """Name servers that never answer for a name that begins with "silent"."""

    def __init__(self) -> None:
        self.asked = 0
        self.news = asyncio.Event()

    async def ask(self, host: str) -> Sequence[str]:
        if host.startswith("silent"):
            self.asked += 1
            self.news.set()
            await asyncio.Event().wait()
        return ADDRESS

    async def heard(self, resolvers: int) -> None:
        """Wait until so many silent names have been asked for."""
        while self.asked < resolvers:
            self.news.clear()
            await self.news.wait()

    async def close(self) -> None:
        """Nothing is open."""


@pytest.mark.parametrize("way", ALL)
async def test_providers_share_nothing_with_tenants(way: Literal["dns", "system"], monkeypatch: pytest.MonkeyPatch):
    """Though tenants have taken up all look-ups there are, each provider's name is looked up; and the other way."""
    silent = Silent()
    monkeypatch.setattr(resolvers, "NameServers", lambda: silent)
    monkeypatch.setattr(resolvers, "ask_system", silent.ask)
    resolving = Names(Settings(resolver=way, max_lookups=SHARE))
    one = resolving.of_provider("one")
    everybody = [
        asyncio.ensure_future(resolving.resolve(f"silent{n}", f"tenant {who}"))
        for who in range(ALL[way] // SHARE)
        for n in range(SHARE)
    ]
    async with asyncio.timeout(30):
        await silent.heard(ALL[way])
        assert await one("provider.test") == ADDRESS
        assert await resolving.resolve("files.test", None) == ADDRESS
        assert (resolving.lookups()["tenants"].found, resolving.lookups()["providers"].found) == (0, 2)
        hanging = [asyncio.ensure_future(one(f"silent{n}")) for n in range(SHARE)]
        await silent.heard(ALL[way] + SHARE)
        assert await resolving.of_provider("other")("provider.test") == ADDRESS
        assert await resolving.resolve("files.test", None) == ADDRESS
        assert await resolving.resolve("hook.test", "engine one") == ADDRESS, "it is called like a provider's share"
        await resolving.close()
        outcomes = await asyncio.gather(*everybody, *hanging, return_exceptions=True)
    assert all(isinstance(each, asyncio.CancelledError | Unresolved) for each in outcomes)
