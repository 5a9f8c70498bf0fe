"""Providers on loopback, and lines to them."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Callable, Iterator

import pytest

from filmgate.adapters.dialects.agents.upstream import AgentsUpstream
from filmgate.adapters.dialects.dream_machine.upstream import DreamMachineUpstream
from filmgate.adapters.outbound.provider_client import HttpProviderClient
from filmgate.ports.transport import ProviderClient
from tests.support.service import RunningService

from .asked import Asked

PLAIN = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Trusts nobody: what is here speaks plain HTTP, and reading whom to trust takes over a tenth of a second per line."""


@pytest.fixture
def asked() -> Iterator[Asked]:
    """A provider that answers what the test prepares, for this test alone."""
    server = Asked()
    yield server
    server.close()


@pytest.fixture
async def line(asked: Asked) -> AsyncIterator[ProviderClient]:
    """A line to that provider, with the key "test"."""
    line = HttpProviderClient(asked.url, {"Authorization": "Bearer test"}, timeout=30, tls=PLAIN)
    yield line
    await line.close()


@pytest.fixture
async def filmgate(service: RunningService) -> AsyncIterator[Callable[[str], ProviderClient]]:
    """Make lines to a second Filmgate below the path of a dialect."""
    lines: list[ProviderClient] = []

    def make(path: str) -> ProviderClient:
        lines.append(HttpProviderClient(service.url + path, service.headers, timeout=60, tls=PLAIN))
        return lines[-1]

    yield make
    for line in lines:
        await line.close()


@pytest.fixture
def luma(line: ProviderClient) -> DreamMachineUpstream:
    """A provider that speaks Dream Machine and answers what the test prepares."""
    return DreamMachineUpstream(line, {})


@pytest.fixture
def agents(line: ProviderClient) -> AgentsUpstream:
    """A provider that speaks the Agents API and answers what the test prepares."""
    return AgentsUpstream(line, {})
