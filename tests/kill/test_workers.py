"""A worker of the studio that dies or hangs is replaced, and its task completes."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.service.conftest import client, ended, submit
from tests.support.processes import of_session, until
from tests.support.service import RunningService

pytestmark = pytest.mark.xdist_group("studio workers")


def workers(service: RunningService) -> list[int]:
    """Return the studio's workers of a service."""
    assert service.process is not None
    found = []
    for pid in of_session(service.process.pid):
        try:
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            continue
        if b"studio.worker" in command:
            found.append(pid)
    return found


@pytest.mark.parametrize(("how", "said"), [(signal.SIGKILL, "signal 9"), (signal.SIGSTOP, "hangs")])
@pytest.mark.timeout(240)
def test_a_worker_that_dies_or_hangs_is_replaced(
    start_service: Callable[..., RunningService], how: signal.Signals, said: str
):
    """One that was killed is noticed at once, one that only says nothing any more after the engine's `stall`."""
    # On a machine with much to do, a worker takes a while until it says its first word.
    table = {"studio": {"type": "studio", "models": ["*"], "stall": 25}}
    service = start_service(engines=json.dumps(table))
    with client(service) as http:
        task = submit(http, "ocean waves")
        (worker,) = until(lambda: workers(service), lambda pids: len(pids) == 1)
        until(lambda: http.get(f"/api/v1/tasks/{task}").json()["stage"], lambda stage: stage == "follow")
        os.kill(worker, how)
        until(service.log.read_text, lambda log: said in log, deadline=60)
        assert worker not in workers(service)
        answer = until(lambda: ended(http, task), lambda found: found["state"] == "completed", deadline=100)
        assert answer["video"]["frames"] == 25


def test_the_stall_of_a_studio_is_a_number(tmp_path: Path):
    """A table that says anything else is refused at the start."""
    table = {"studio": {"type": "studio", "stall": "soon"}}
    service = RunningService(tmp_path / "data", engines=json.dumps(table))
    with pytest.raises(AssertionError, match="stall must be a number of seconds above 0"):
        service.start()
    assert service.stop() == 1
