"""The published libraries of Luma, against a real service."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from lumaai import LumaAI
from lumaai.types import Generation

from tests.support.processes import until
from tests.support.service import RunningService

from ..listener import Listener
from .pictures import mp4, png

Sdk = Callable[..., LumaAI]


@pytest.fixture
def sdk(service: RunningService) -> Iterator[Sdk]:
    """Make the SDK with a good key, or with what a test gives; it is closed at the end."""
    clients = []

    def make(strict: bool = False, **options: Any) -> LumaAI:
        given = {"auth_token": service.key, "base_url": f"{service.url}/dream-machine/v1", **options}
        clients.append(LumaAI(_strict_response_validation=strict, **given))
        return clients[-1]

    yield make
    for client in clients:
        client.close()


@pytest.fixture
def luma(sdk: Sdk) -> LumaAI:
    """The SDK, which refuses every answer that its types do not allow."""
    return sdk(strict=True)


@pytest.fixture
def files(listener: Listener) -> str:
    """The address of a server that has pictures and a clip."""
    listener.files |= {"/a.jpg": png(), "/b.jpg": png(), "/v.mp4": mp4()}
    return listener.url


def end(luma: LumaAI, generation: Generation) -> Generation:
    """Poll until a generation has ended, as the documentation of the SDK does."""
    assert generation.id
    known = str(generation.id)
    return until(lambda: luma.generations.get(known), lambda seen: seen.state in ("completed", "failed"))
