"""The studio under the service: when its worker dies in the middle of a clip, the service does not."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.support.processes import of_session, until
from tests.support.service import RunningService

from .conftest import client, ended, submit

Start = Callable[..., RunningService]
WORKER = b"filmgate.adapters.engines.studio.worker"


def workers(service: RunningService) -> list[int]:
    """Return the process ids of the render workers a service has."""
    assert service.process is not None
    found = []
    for pid in of_session(service.process.pid):
        try:
            command = (Path("/proc") / str(pid) / "cmdline").read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if WORKER in command:
            found.append(pid)
    return found


def task(http: httpx2.Client, task_id: str) -> dict[str, Any]:
    """Return a task as it is."""
    found: dict[str, Any] = http.get(f"/api/v1/tasks/{task_id}").json()
    return found


def test_a_worker_that_dies_is_replaced_and_the_clip_is_made(start_service: Start) -> None:
    """A task whose worker was killed in the middle is rendered again from its first frame, and the service lives."""
    service = start_service()
    with client(service) as http:
        task_id = submit(http, "cat dance", model="studio", duration=2)
        until(lambda: task(http, task_id)["progress"], lambda percent: percent > 10)
        [worker] = workers(service)
        os.kill(worker, signal.SIGKILL)
        assert http.get("/healthz").status_code == 200
        done = ended(http, task_id)
        assert (done["state"], done["video"]["duration"]) == ("completed", pytest.approx(49 / 24, abs=1e-3))
        assert workers(service) != [worker]
