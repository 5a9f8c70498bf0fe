"""What is promised of the work: turns, ends, tries, and the word to the owner."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import pytest

from tests.support.files import below, files_below
from tests.support.processes import until
from tests.support.service import RunningService

from .conftest import client, ended, engines, new_key, submit
from .receiver import receiver

pytestmark = pytest.mark.xdist_group("work")

Start = Callable[..., RunningService]
QUEUE_LIMIT = 3.0
TABLE = engines(
    many={"type": "scripted", "models": ["*"]},
    few={"type": "scripted", "slots": 4, "models": ["few"]},
    one={"type": "scripted", "slots": 1, "models": ["one"]},
    brief={"type": "scripted", "deadline": 1, "models": ["brief"]},
    line={"type": "scripted", "slots": 1, "queue_limit": QUEUE_LIMIT, "models": ["line"]},
)


@pytest.fixture(scope="module")
def works(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """A service with an engine for each promise."""
    running = RunningService(tmp_path_factory.mktemp("works") / "data", engines=TABLE).start()
    yield running
    assert running.stop() == 0
    assert "Traceback" not in running.log.read_text(), running.log.read_text()[-8000:]


@pytest.fixture
def owner(works: RunningService) -> Iterator[httpx2.Client]:
    """A client of that service."""
    with client(works) as opened:
        yield opened


def get(http: httpx2.Client, task_id: str) -> dict[str, Any]:
    """Return a task as it is."""
    task: dict[str, Any] = http.get(f"/api/v1/tasks/{task_id}").json()
    return task


def test_one_task_does_not_wait_for_two_hundred(works: RunningService, owner: httpx2.Client):
    """An application with one task gets its turn although another came before it with two hundred."""
    with client(works, new_key(works, "small")) as other:
        many = [submit(owner, "[delay=0.1] [fail]", model="few") for _ in range(200)]
        single = submit(other, "[delay=0.1] [fail]", model="few")
        done = ended(other, single)["finished_at"]
        last = max(ended(owner, task_id)["finished_at"] for task_id in many)
        before = sum(get(owner, task_id)["finished_at"] < done for task_id in many)
    assert done < last
    assert before < 150, f"{before} of 200 were done before the one"


def test_a_cancelled_task_frees_its_slot(owner: httpx2.Client):
    """Cancelling what runs stops the engine: the next task in line starts."""
    running, waiting = submit(owner, "[hang]", model="one"), submit(owner, "[fail]", model="one")
    until(lambda: get(owner, running)["state"], "processing".__eq__)
    assert get(owner, waiting)["state"] == "pending"
    cancelled = owner.post(f"/api/v1/tasks/{running}/cancel").json()
    assert (cancelled["state"], cancelled["failure"]["code"]) == ("failed", "cancelled")
    assert ended(owner, waiting)["failure"]["code"] == "generation_failed"
    assert get(owner, running) == cancelled, "nothing comes after the end"


def test_a_task_that_waits_can_be_cancelled(owner: httpx2.Client):
    """Cancelling what waits in line ends it without a start."""
    running, waiting = submit(owner, "[hang]", model="one"), submit(owner, "x", model="one")
    cancelled = owner.post(f"/api/v1/tasks/{waiting}/cancel").json()
    assert (cancelled["failure"]["code"], cancelled["started_at"]) == ("cancelled", None)
    assert owner.post(f"/api/v1/tasks/{running}/cancel").status_code == 200


def test_the_deadline_ends_a_task(owner: httpx2.Client):
    """A task that hangs ends `expired` at its engine's deadline, counted from its start."""
    task = ended(owner, submit(owner, "[hang]", model="brief"))
    assert (task["state"], task["failure"]["code"]) == ("failed", "expired")
    assert task["elapsed"] > 0.9
    assert "not finished in time" in task["failure"]["message"]


def test_waiting_in_line_has_an_end(owner: httpx2.Client):
    """A task that waits longer than its engine's limit ends `expired`; the one that runs goes on."""
    running = submit(owner, "[hang]", model="line")
    until(lambda: get(owner, running)["state"], "processing".__eq__)
    task = ended(owner, submit(owner, "x", model="line"))
    assert (task["failure"]["code"], task["started_at"]) == ("expired", None)
    assert get(owner, running)["state"] == "processing"
    assert owner.post(f"/api/v1/tasks/{running}/cancel").status_code == 200


@pytest.mark.parametrize(("crashes", "state"), [(1, "completed"), (2, "completed"), (3, "failed")])
def test_an_engine_that_crashes(owner: httpx2.Client, crashes: int, state: str):
    """After a crash the task is tried again; after the third it ends `engine_crashed`."""
    task = ended(owner, submit(owner, f"[crash={crashes}]"))
    assert task["state"] == state
    assert (task["failure"] or {}).get("code") == ("engine_crashed" if state == "failed" else None)


def test_callbacks_are_tried_again(owner: httpx2.Client):
    """A receiver that is in trouble gets the callback once more, with the same words as a query has."""
    with receiver(500) as hook:
        task_id = submit(owner, "[fail=moderated: No.]", callback_url=f"{hook.url}/hook?token=x")
        posts = [hook.posts.get(timeout=30), hook.posts.get(timeout=30)]
        task = get(owner, task_id)
    assert [post.path for post in posts] == ["/hook?token=x"] * 2
    for post in posts:
        assert json.loads(post.body) == task
        assert post.headers["content-type"] == "application/json"
        assert post.headers["x-trace-id"] == task["trace_id"]
        assert "authorization" not in post.headers


@pytest.mark.parametrize(
    ("path", "body", "name"),
    [
        ("/api/v1/tasks", {"prompt": "x [fail]"}, "callback_url"),
        ("/luma/generations", {"user_prompt": "x [fail]"}, "notify_hook"),
        ("/luma/v2/generations", {"user_prompt": "x [fail]"}, "callback_url"),
        ("/luma/videos", {"prompt": "x [fail]"}, "callback_url"),
    ],
)
def test_each_end_is_told_once(owner: httpx2.Client, path: str, body: dict[str, str], name: str):
    """In every dialect a receiver that says yes hears of an end once; a cancelled task is told too."""
    with receiver() as hook:
        answer = owner.post(path, json={**body, name: hook.url})
        assert answer.status_code in (200, 201)
        first = json.loads(hook.posts.get(timeout=30).body)
        cancelled = submit(owner, "[hang]", callback_url=hook.url)
        assert owner.post(f"/api/v1/tasks/{cancelled}/cancel").status_code == 200
        second = json.loads(hook.posts.get(timeout=30).body)
        assert hook.posts.empty()
    accepted = answer.json()
    assert accepted.get("id", accepted.get("task_id")) == first.get("id", first.get("task_id"))
    assert first["state"] == "failed"
    assert (second["id"], second["failure"]["code"]) == (cancelled, "cancelled")


def test_a_dummy_callback_is_nobody(owner: httpx2.Client, works: RunningService):
    """The address that old clients send only to be answered at once is accepted and never called."""
    body = {"prompt": "x [fail]", "callback_url": "https://api.acedata.cloud/health"}
    answer = owner.post("/luma/videos", json=body)
    assert answer.status_code == 200
    task_id = answer.json()["task_id"]
    assert ended(owner, task_id)["state"] == "failed"
    with receiver() as hook:  # callbacks are taken in turn: this one is later
        submit(owner, "[fail]", callback_url=hook.url)
        hook.posts.get(timeout=30)
    assert f"callback of task {task_id}" not in works.log.read_text()


def test_callbacks_outlive_the_service(start_service: Start):
    """A callback that could not be delivered is delivered after a kill and a restart."""
    service = start_service(engines=TABLE)
    with receiver(*[503] * 1_000) as hook:
        with client(service) as http:
            task_id = submit(http, "[fail]", callback_url=hook.url)
        hook.posts.get(timeout=30)
        service.kill_group()
        while not hook.posts.empty():
            hook.posts.get()
        hook.statuses.clear()
        service.start()
        assert json.loads(hook.posts.get(timeout=30).body)["id"] == task_id


@pytest.mark.parametrize("model", ["many", "studio"])
def test_deleting_what_runs_leaves_nothing(owner: httpx2.Client, works: RunningService, model: str):
    """A task that is deleted while it is worked on leaves no file, neither stored nor half made."""
    task_id = submit(owner, "ocean [hang]", model=model)
    until(lambda: get(owner, task_id)["state"], "processing".__eq__)
    assert owner.delete(f"/api/v1/tasks/{task_id}").status_code == 204
    assert owner.get(f"/api/v1/tasks/{task_id}").status_code == 404
    until(lambda: [path for path in below(works.data) if task_id in str(path)], lambda left: not left, deadline=10)


def test_work_leaves_no_litter(owner: httpx2.Client, works: RunningService):
    """When all is done the folder of work in progress is empty, and only completed tasks have files."""
    done, failed, crashed = submit(owner), submit(owner, "[fail]"), submit(owner, "[crash]")
    for task_id in (done, failed, crashed):
        ended(owner, task_id)
    mine = (done, failed, crashed)
    until(
        lambda: [path for path in (works.data / "work").iterdir() if path.name[:36] in mine],
        lambda left: not left,
        deadline=10,
    )
    stored = {path.parent.name for path in files_below(works.data / "media")}
    assert stored & set(mine) == {done}


def test_who_waits_long_enough_is_told_the_id(owner: httpx2.Client):
    """A synchronous submit whose time is up says under which id its task goes on."""
    start = time.monotonic()
    answer = owner.post("/luma/videos", json={"prompt": "x [hang]", "timeout": 1})
    assert answer.status_code == 504
    assert time.monotonic() - start > 0.9
    waited = answer.json()["task_id"]
    assert get(owner, waited)["state"] in ("pending", "processing")
    assert owner.post(f"/api/v1/tasks/{waited}/cancel").json()["failure"]["code"] == "cancelled"
