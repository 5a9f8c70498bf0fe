"""Lines that are called in vain, and what may be seen of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from filmgate.adapters.outbound.provider_client import HttpProviderClient
from filmgate.ports.transport import ProviderClient, ProviderClientError

KEY = {"Authorization": "Bearer top-secret-key"}
Open = Callable[..., HttpProviderClient]
"""Opens a line to a base address, which is closed after the test."""


async def failure(line: ProviderClient, method: str = "POST", path: str = "/x", **request: Any) -> ProviderClientError:
    """Call in vain; the error never names the key."""
    with pytest.raises(ProviderClientError) as caught:
        await line.call(method, path, **request)
    shown = f"{caught.value!r} {caught.value.message} {line!r}"
    assert "secret" not in shown
    assert caught.value.message.endswith(".")
    return caught.value
