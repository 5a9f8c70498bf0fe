"""What a running service removes by the rules of an application, and how it answers from then on."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.mcp.callers import called, caller
from tests.support.processes import until
from tests.support.service import RunningService

from .apis import BATCHES, READS
from .conftest import client, ended, limit, new_key, submit

pytestmark = pytest.mark.xdist_group("retention")

AT_ONCE = 1e-9
"""Days after which everything that has ended is too old."""


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """A service that looks for what is to be removed several times a second."""
    running = RunningService(tmp_path_factory.mktemp("retention") / "data", collect_every="0.2").start()
    yield running
    assert running.stop() == 0
    assert "Traceback" not in running.log.read_text(), running.log.read_text()[-8000:]


def look(http: httpx2.Client, task_id: str) -> dict[str, Any] | None:
    """Return a task as it is now, None if it is gone."""
    answer = http.get(f"/api/v1/tasks/{task_id}")
    task: dict[str, Any] = answer.json()
    return None if answer.status_code == 404 else task


def expired(http: httpx2.Client, task_id: str) -> bool:
    """Return whether the files of a task were removed."""
    task = look(http, task_id)
    return task is not None and task["media_expired_at"] is not None


def folder(service: RunningService, task_id: str) -> Path:
    """Return the place of a task's files."""
    return service.data / "media" / task_id


def test_files_go_and_the_task_stays(
    service: RunningService, http: httpx2.Client, tenant: httpx2.Client, application: str
):
    """The links are dead and the files are gone; every dialect goes on answering in full, and the task says it."""
    task = ended(tenant, submit(tenant))
    before = {name: read(task["id"]).send(tenant).json() for name, read in READS.items()}
    limit(http, application, media_days=AT_ONCE)
    until(lambda: expired(tenant, task["id"]), bool)
    for name, read in READS.items():
        answer = read(task["id"]).send(tenant)
        assert answer.status_code == 200
        changed = {key for key, value in answer.json().items() if value != before[name][key]}
        assert changed == {"native": {"media_expired_at"}, "openai_videos": {"expires_at"}}.get(name, set())
        assert answer.json().keys() == before[name].keys()
    for link in (task["video"]["url"], task["thumbnail"], task["last_frame"]):
        assert httpx2.get(link).status_code == 404
    assert tenant.get(f"/v1/videos/{task['id']}/content").status_code == 404
    assert tenant.get(f"/luma/generations/{task['id']}/download_video_url").status_code == 404
    more = tenant.post("/api/v1/tasks", json={"prompt": "more", "start": {"task": task["id"]}})
    assert (more.status_code, more.json()["error"]["field"]) == (400, "start")
    again = tenant.post("/api/v1/tasks", json={"prompt": "more", "start": {"video": task["video"]["url"]}})
    assert again.status_code == 404
    until(lambda: folder(service, task["id"]).exists(), lambda there: not there)
    assert tenant.get("/api/v1/usage").json()["now"]["bytes_held"] == 0


async def test_agents_are_told_that_files_are_gone(service: RunningService, http: httpx2.Client, application: str):
    """What there is to do next with a task whose files are gone is not to hand on its links."""
    key = new_key(service, application)
    with client(service, key) as tenant:
        task_id = ended(tenant, submit(tenant))["id"]
        limit(http, application, media_days=AT_ONCE)
        until(lambda: expired(tenant, task_id), bool)
    async with caller(service, key=key) as agent:
        task = await called(agent, "luma_get_task", task_id=task_id)
    assert "not kept any more" in task["next_step"]


def test_tasks_go(service: RunningService, http: httpx2.Client, tenant: httpx2.Client, application: str):
    """A removed task is unknown in every form, its answers that were kept ready too, and what was used stays."""
    task = ended(tenant, submit(tenant))
    for read in READS.values():
        assert read(task["id"]).send(tenant).status_code == 200
    with tenant.stream("GET", "/api/v1/events") as events:
        assert events.status_code == 200
        limit(http, application, task_days=AT_ONCE)
        assert any("deleted" in line for line in events.iter_lines() if task["id"] in line or "event:" in line)
    for read in READS.values():
        assert read(task["id"]).send(tenant).status_code == 404
    for request, listed in BATCHES.values():
        assert listed(request([task["id"]]).send(tenant).json()) == []
    until(lambda: folder(service, task["id"]).exists(), lambda there: not there)
    usage = tenant.get("/api/v1/usage").json()
    assert (usage["total"]["completed"], usage["now"]["files_held"]) == (1, 0)


def test_what_an_unfinished_extend_goes_on_from_stays(http: httpx2.Client, tenant: httpx2.Client, application: str):
    """While others go, the parent of an unfinished task stays, and the task can be finished; then it goes too."""
    parent, other = [ended(tenant, submit(tenant))["id"] for _ in range(2)]
    child = submit(tenant, "[hang]", start={"task": parent})
    limit(http, application, task_days=AT_ONCE, media_bytes=1)
    until(lambda: look(tenant, other), lambda task: task is None)
    kept = look(tenant, parent)
    assert kept is not None
    assert kept["media_expired_at"] is None
    assert httpx2.get(kept["video"]["url"]).status_code == 200
    still = look(tenant, child)
    assert still is not None
    assert still["failure"] is None
    assert tenant.delete(f"/api/v1/tasks/{child}").status_code == 204
    until(lambda: look(tenant, parent), lambda task: task is None)


def test_with_too_many_bytes_the_oldest_go(http: httpx2.Client, tenant: httpx2.Client, application: str):
    """What ended first loses its files first, and no more than is too much."""
    tasks = [ended(tenant, submit(tenant))["id"] for _ in range(3)]
    held = tenant.get("/api/v1/usage").json()["now"]["bytes_held"]
    limit(http, application, media_bytes=held - 1)
    until(lambda: expired(tenant, tasks[0]), bool)
    assert [expired(tenant, each) for each in tasks] == [True, False, False]


def test_a_kill_leaves_nothing_behind(start_service: Callable[..., RunningService]):
    """Killed while it removes, the service goes on at its next start until neither row nor file is left."""
    service = start_service(collect_every="0.05")
    with client(service) as http:
        tasks = [submit(http) for _ in range(20)]
        for each in tasks:
            ended(http, each)
        limit(http, "default", task_days=AT_ONCE)
        until(lambda: look(http, tasks[0]), lambda task: task is None)
    service.stop(signal.SIGKILL)
    service.start()
    with client(service) as http:
        until(lambda: http.get("/api/v1/tasks").json()["total"], lambda total: total == 0)
        until(lambda: [each for each in tasks if folder(service, each).exists()], lambda left: not left)
        assert http.get("/api/v1/usage").json()["total"]["completed"] == 20
