"""A data folder and a backup that an earlier version left: today's opens both, answers, and finishes what was begun.

`tests/fixtures/earlier.tar.xz` was made by `scripts/earlier_data.py` with the code before the kinds of work, the ports
and the stages were named anew. The service was killed while one task was under way and others waited.
"""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import httpx2
import pytest

from tests.service.apis import READS
from tests.support.clips import play
from tests.support.earlier import ENGINES
from tests.support.processes import until
from tests.support.service import RunningService

ARCHIVE = Path(__file__).parents[1] / "fixtures" / "earlier.tar.xz"

pytestmark = pytest.mark.timeout(180)


class Earlier(NamedTuple):
    """What lay on the disk, the key of its owner, and the state in which each task was left."""

    folder: Path
    key: str
    tasks: dict[str, str]


@pytest.fixture
def earlier(tmp_path: Path) -> Earlier:
    """Unpack what the earlier version left."""
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(tmp_path, filter="fully_trusted")
    said = json.loads((tmp_path / "tasks.json").read_text())
    return Earlier(tmp_path, said["key"], said["tasks"])


@pytest.fixture(params=["data folder", "backup"])
def service(request: pytest.FixtureRequest, earlier: Earlier) -> Iterator[RunningService]:
    """Start a service on the data folder, or on what the backup restores to."""
    data = earlier.folder / "data"
    running = RunningService(data, engines=json.dumps(ENGINES))
    if request.param == "backup":
        running = RunningService(earlier.folder / "restored", engines=json.dumps(ENGINES))
        done = running.run("restore", str(earlier.folder / "backup"), "--data", str(running.data), "--json")
        assert done.returncode == 0, done.stderr
    yield running.start()
    assert running.stop() == 0, running.log.read_text()[-4000:]
    assert "Traceback" not in running.log.read_text(), running.log.read_text()[-8000:]


def test_what_an_earlier_version_left_is_answered_and_finished(service: RunningService, earlier: Earlier):
    """Final tasks are as they were in every dialect, with their files, and unfinished ones reach their end."""
    with httpx2.Client(base_url=service.url, headers={"Authorization": f"Bearer {earlier.key}"}, timeout=60) as http:
        for task_id, left in earlier.tasks.items():
            state = left if left in ("completed", "failed") else "completed"
            found = until(
                lambda task_id=task_id: http.get(f"/api/v1/tasks/{task_id}").json(),  # type: ignore[misc]
                lambda task: task["state"] in ("completed", "failed"),
                deadline=90,
            )
            assert found["state"] == state, found
            for name, read in READS.items():
                answer = read(task_id).send(http)
                assert answer.status_code == 200, answer.text
                told = answer.json()["data"][0] if name == "gateway-v2" else answer.json()
                assert told["status" if name == "openai_videos" else "state"] == state, (name, told)
            if state == "completed":
                video = http.get("/media/" + found["video"]["url"].partition("/media/")[2])
                assert play(video.content).frames >= 25
        assert {task["id"] for task in http.get("/api/v1/tasks?limit=100").json()["tasks"]} == set(earlier.tasks)
