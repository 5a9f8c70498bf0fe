"""Clients of a running service."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import pytest

from tests.support.service import RunningService

from .listener import Listener


@pytest.fixture
def http(service: RunningService) -> Iterator[httpx2.Client]:
    """An HTTP client that holds a good key."""
    with httpx2.Client(base_url=service.url, headers=service.headers, timeout=60) as client:
        yield client


@pytest.fixture
def ended(http: httpx2.Client) -> Callable[[str], dict[str, Any]]:
    """Wait for the end of a task and give it as Filmgate's own API does."""

    def wait(task_id: str) -> dict[str, Any]:
        answer = http.get(f"/api/v1/tasks/{task_id}", params={"wait": "50"})
        assert answer.status_code == 200, answer.text
        task: dict[str, Any] = answer.json()
        assert task["state"] in ("completed", "failed"), task
        return task

    return wait


@pytest.fixture
def accepted(http: httpx2.Client) -> Callable[[], int]:
    """Count the tasks that were ever accepted."""

    def count() -> int:
        numbers = http.get("/luma/subscription/usage").json()["generations"]
        return sum(numbers.values())

    return count


@pytest.fixture
def listener() -> Iterator[Listener]:
    """Somebody else's server, for this test alone."""
    server = Listener()
    yield server
    server.close()
