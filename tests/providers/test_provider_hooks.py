"""What providers call back is a hint, and nothing but that."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest

from tests.providers.recorder import Recorder, recorder
from tests.providers.test_matrix import PATHS
from tests.support.processes import until
from tests.support.service import RunningService

pytestmark = pytest.mark.xdist_group("provider hooks")

CALLING = ("dream_machine", "acedata", "gateway")
SELDOM = {"poll": 60, "poll_max": 60, "timeout": 5}
"""Settings of an account that is hardly ever asked."""


class Front:
    """A service that providers can call back, and a client of it."""

    def __init__(self, running: RunningService, provider: Recorder, http: httpx2.Client) -> None:
        self.running = running
        self.provider = provider
        self.http = http

    def submit(self, model: str, prompt: str) -> dict[str, Any]:
        """Submit a task to the provider of a model."""
        answer = self.http.post("/api/v1/tasks", json={"prompt": prompt, "model": model, "duration": 1})
        assert answer.status_code == 201, answer.text
        return answer.json()

    def task(self, task_id: str) -> dict[str, Any]:
        """Return a task as it is."""
        return self.http.get(f"/api/v1/tasks/{task_id}").json()

    def followed(self, prompt: str) -> tuple[dict[str, Any], str, str]:
        """Start the recorder's work on a task; return the task, its id there, and the path of the callback."""
        task = self.submit("recorded", prompt)
        until(lambda: self.task(task["id"])["stage"], lambda stage: stage == "follow")
        upstream = self.provider.id_of(prompt)
        return task, upstream, urlsplit(self.provider.made[upstream]["request"]["callback_url"]).path


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    """A service with a public address, in front of another Filmgate and of a recorder."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"http://127.0.0.1:{free.getsockname()[1]}"
    with recorder() as provider:
        back = RunningService(tmp_path_factory.mktemp("back") / "data").start()
        engines = {
            kind: {
                "type": kind,
                "base_url": back.url + PATHS[kind],
                "key_env": "BACK_KEY",
                "models": {f"by-{kind}": {"name": "ray-2"}},
                **SELDOM,
            }
            for kind in CALLING
        }
        engines["recorded"] = {"type": "acedata", "base_url": provider.url, "models": ["recorded"], **SELDOM}
        data = tmp_path_factory.mktemp("front") / "data"
        running = RunningService(data, engines=json.dumps(engines), public_url=address)
        running.url = address
        running.env["BACK_KEY"] = back.key
        running.start()
        with httpx2.Client(base_url=running.url, headers=running.headers, timeout=60) as http:
            yield Front(running, provider, http)
        assert running.stop() == 0
        assert back.stop() == 0
        assert "Traceback" not in running.log.read_text(), running.log.read_text()[-8000:]


def test_a_callback_shortens_the_wait(front: Front):
    """With questions a minute apart, tasks of three providers end when their providers say that there is news."""
    begun = time.monotonic()
    good = [front.submit(f"by-{kind}", f"a lake, {kind} [delay=1]") for kind in CALLING]
    bad = [front.submit(f"by-{kind}", f"a cat, {kind} [delay=1] [fail=moderated: Not today.]") for kind in CALLING]
    for task in (*good, *bad):
        until(lambda task=task: front.task(task["id"])["state"], lambda state: state in ("completed", "failed"), 50)
    assert time.monotonic() - begun < 55
    assert [front.task(task["id"])["state"] for task in good] == ["completed"] * 3
    assert [front.task(task["id"])["failure"]["message"] for task in bad] == ["Not today."] * 3


def test_a_callback_for_nobody_does_nothing(front: Front):
    """A wrong key and a wrong engine are answered like the right ones; only these make that the provider is asked."""
    _, upstream, path = front.followed("a lake that is called back")
    _, hooks, engine, key = path.split("/")
    assert (hooks, engine) == ("hooks", "recorded")
    wrong = [f"/hooks/acedata/{key}", f"/hooks/studio/{key}", f"/hooks/recorded/{'0' * len(key)}", "/hooks/nobody/x"]
    for each in (*wrong, f"{path}x", path.upper().replace("HOOKS", "hooks")):
        answer = httpx2.post(front.running.url + each, json={"task_id": upstream})
        assert (answer.status_code, answer.content) == (204, b"")
    assert front.provider.queries(upstream) == 0
    answer = httpx2.post(front.running.url + path, json={"task_id": upstream})
    assert (answer.status_code, answer.content) == (204, b"")
    until(lambda: front.provider.queries(upstream), lambda count: count == 1)


@pytest.mark.parametrize(
    "lie",
    [
        {"state": "completed", "response": {"success": True, "video_url": "http://127.0.0.1:1/evil.mp4"}},
        {"state": "failed", "response": {"success": False, "error": {"code": "forbidden", "message": "evil"}}},
        "no JSON at all",
    ],
)
def test_a_lie_is_not_believed(front: Front, lie: Any):
    """Whatever a callback says, the task is what the provider says when it is asked."""
    prompt = f"a lake that is lied about, {str(lie)[:20]}"
    task, upstream, path = front.followed(prompt)
    body = lie if isinstance(lie, str) else json.dumps({"task_id": upstream, **lie})
    assert httpx2.post(front.running.url + path, content=body).status_code == 204
    until(lambda: front.provider.queries(upstream), lambda count: count == 1)
    now = front.task(task["id"])
    assert (now["state"], now["stage"], now["failure"]) == ("processing", "follow", None)
    front.provider.ready.add(upstream)
    assert httpx2.post(front.running.url + path, content=body).status_code == 204
    until(lambda: front.task(task["id"])["state"], lambda state: state == "completed")


def test_a_callback_is_a_post(front: Front):
    """Who only looks at the address changes nothing."""
    assert httpx2.get(f"{front.running.url}/hooks/recorded/key").status_code == 405
