"""Clients of the endpoint."""

from __future__ import annotations

from collections.abc import Iterator

import httpx2
import pytest

from tests.support.service import RunningService


@pytest.fixture
def http(service: RunningService) -> Iterator[httpx2.Client]:
    """A plain HTTP client of the shared service that holds a good key."""
    with httpx2.Client(base_url=service.url, headers=service.headers, timeout=60) as opened:
        yield opened
