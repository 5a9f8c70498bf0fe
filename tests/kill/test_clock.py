"""Somebody sets the clock: work goes on at once, and time limits stay as long as they were."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.service.conftest import client, ended, submit
from tests.service.receiver import receiver
from tests.support.processes import until
from tests.support.service import RunningService

TABLE = {
    "one": {"type": "scripted", "models": ["*"], "slots": 1, "deadline": 600},
    "hasty": {"type": "scripted", "models": ["hasty"], "deadline": 6},
}


class Shifted(RunningService):
    """A service whose clock is wrong."""

    def __init__(self, data: Path) -> None:
        super().__init__(data, engines=json.dumps(TABLE))
        self._file = data.with_name("clock")
        path = [str(Path(__file__).with_name("shifted")), os.environ.get("PYTHONPATH", "")]
        self.env |= {"PYTHONPATH": os.pathsep.join(filter(None, path)), "SHIFTED_CLOCK": str(self._file)}
        self.set(0)

    def set(self, seconds: float) -> None:
        """Set the clock, as seen from the right time."""
        new = self._file.with_suffix(".new")
        new.write_text(str(seconds))
        new.replace(self._file)


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Shifted]:
    """A service whose clock is right at first."""
    running = Shifted(tmp_path / "data")
    running.start()
    yield running
    assert running.stop() == 0
    assert "Traceback" not in running.log.read_text()


@pytest.mark.parametrize("hours", [-1, 1])
def test_the_clock_is_set_while_tasks_wait(service: Shifted, hours: int):
    """What waits in line and for a receiver goes on; nothing expires early, and what hangs does in its time."""
    with client(service) as http, receiver(503) as hooks:
        told = submit(http, callback_url=f"{hooks.url}/hook")
        ended(http, told)
        hooks.posts.get(timeout=20)
        tasks = [submit(http, "[delay=1.5]") for _ in range(3)]
        hanging = submit(http, "[hang]", model="hasty")
        until(lambda: http.get(f"/api/v1/tasks/{hanging}").json()["state"], lambda state: state == "processing")
        start = time.monotonic()
        service.set(3600 * hours)
        assert {ended(http, task)["state"] for task in tasks} == {"completed"}
        assert ended(http, hanging)["failure"]["code"] == "expired"
        assert 3 < time.monotonic() - start < 30
        hooks.posts.get(timeout=30)
        assert ended(http, submit(http))["state"] == "completed"
