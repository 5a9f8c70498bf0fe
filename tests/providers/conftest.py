"""Services in front of providers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import pytest

from tests.providers.hostile import Hostile, hostile
from tests.support.service import RunningService

FAST = {"poll": 0.2, "poll_max": 0.5, "timeout": 5}
"""Settings of an account that is asked often, so that tests are short."""


@pytest.fixture
def provider() -> Iterator[Hostile]:
    """A provider that does what the prompts say."""
    with hostile() as running:
        yield running


StartGate = Callable[..., tuple[RunningService, httpx2.Client]]


@pytest.fixture
def gate(start_service: Callable[..., RunningService], monkeypatch: pytest.MonkeyPatch) -> Iterator[StartGate]:
    """Start services with these engines, each with a client of its own API."""
    monkeypatch.setenv("PROVIDER_KEY", "a secret of the operator's")
    clients: list[httpx2.Client] = []

    def start(engines: dict[str, dict[str, Any]], **options: str) -> tuple[RunningService, httpx2.Client]:
        running = start_service(engines=json.dumps(engines), **options)
        client = httpx2.Client(base_url=f"{running.url}/api/v1", headers=running.headers, timeout=70)
        clients.append(client)
        return running, client

    yield start
    for client in clients:
        client.close()


def account(kind: str, base_url: str, **more: Any) -> dict[str, Any]:
    """Return the table of an account with a provider on this machine."""
    return {"type": kind, "base_url": base_url, "key_env": "PROVIDER_KEY", "models": ["*"], **FAST, **more}
