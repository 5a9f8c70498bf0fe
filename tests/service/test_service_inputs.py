"""Pictures that lie elsewhere: a slow host stops nobody, and nothing is fetched twice."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx2
import pytest
from PIL import Image

from tests.support.files import files_below
from tests.support.processes import until
from tests.support.service import RunningService

from .conftest import client, ended, engines, new_key, submit

pytestmark = pytest.mark.xdist_group("inputs")

TABLE = engines(one={"type": "scripted", "slots": 1, "models": ["*"]})


class Elsewhere(ThreadingHTTPServer):
    """A host of pictures: those below `/slow` begin to come, and go on when the host is `well`."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self) -> None:
        data = io.BytesIO()
        Image.new("RGB", (64, 36), (200, 90, 30)).save(data, "PNG")
        self.picture = data.getvalue()
        self.asked: list[str] = []
        self.left: list[str] = []
        self.well = threading.Event()
        super().__init__(("127.0.0.1", 0), _Pictures)

    def url(self, path: str) -> str:
        """Return the address of a picture."""
        return f"http://127.0.0.1:{self.server_port}{path}"

    def handle_error(self, *_: Any) -> None:
        """Log nothing of clients that leave."""


class _Pictures(BaseHTTPRequestHandler):
    server: Elsewhere

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.server.picture)))
        self.end_headers()
        if self.path.startswith("/slow"):
            try:
                while not self.server.well.wait(0.05):
                    # A zero-length send would not notice that nobody listens.
                    self.connection.settimeout(0.01)
                    if self._is_left():
                        self.server.left.append(self.path)
                        return
            finally:
                self.connection.settimeout(None)
        self.wfile.write(self.server.picture)

    def _is_left(self) -> bool:
        try:
            return self.connection.recv(1) == b""
        except TimeoutError:
            return False

    def log_message(self, *_: Any) -> None:
        """Stay silent."""


@pytest.fixture
def elsewhere() -> Iterator[Elsewhere]:
    """A host of pictures."""
    server = Elsewhere()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.well.set()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def service(tmp_path: Path) -> Iterator[RunningService]:
    """A service of one slot, in which two files of an application are fetched at a time."""
    running = RunningService(tmp_path / "data", engines=TABLE, max_fetches="2", fetch_seconds="45", grace="1").start()
    yield running
    assert running.stop() == 0, running.log.read_text()[-4000:]
    assert "Traceback" not in running.log.read_text(), running.log.read_text()[-8000:]


def get(http: httpx2.Client, task_id: str) -> dict[str, Any]:
    """Return a task as it is."""
    task: dict[str, Any] = http.get(f"/api/v1/tasks/{task_id}").json()
    return task


def with_picture(http: httpx2.Client, *urls: str, prompt: str = "x") -> str:
    """Submit a task with pictures by address."""
    return submit(http, prompt, **{side: {"image": url} for side, url in zip(("start", "end"), urls, strict=False)})


def files_of(service: RunningService, task_id: str) -> list[str]:
    """List the files that the store has of a task."""
    return sorted(path.name for path in files_below(service.data / "media") if task_id in str(path))


def test_a_slow_host_stops_nobody(service: RunningService, elsewhere: Elsewhere):
    """While one tenant's pictures never come, its other tasks and another tenant's go through the only slot."""
    with client(service, new_key(service, "a")) as a, client(service, new_key(service, "b")) as b:
        slow = [with_picture(a, elsewhere.url(f"/slow/{number}.png")) for number in range(5)]
        until(lambda: len(elsewhere.asked), (2).__eq__)
        assert ended(b, submit(b))["state"] == "completed"
        assert ended(b, with_picture(b, elsewhere.url("/b.png")))["state"] == "completed"
        assert ended(a, submit(a))["state"] == "completed"
        for task_id in slow:
            task = get(a, task_id)
            assert (task["state"], task["stage"], task["waiting_for"]) == ("pending", "inputs", "inputs")
            assert task["started_at"] is None
        said = service.run("get", slow[0], FILMGATE_API_KEY=a.headers["Authorization"].removeprefix("Bearer ")).stdout
        assert "waits for" in said
        assert "the files it refers to, which are being fetched" in said
        # Its own share is two at a time; all come when the host is well again.
        assert sorted(path for path in elsewhere.asked if path.startswith("/slow")) == ["/slow/0.png", "/slow/1.png"]
        elsewhere.well.set()
        for task_id in slow:
            done = ended(a, task_id)
            assert (done["state"], done["waiting_for"]) == ("completed", None)


def test_a_restart_does_not_fetch_twice(service: RunningService, elsewhere: Elsewhere):
    """A service that is killed over the second picture of a task asks after its start for the second one only."""
    with client(service) as http:
        task_id = with_picture(http, elsewhere.url("/first.png"), elsewhere.url("/slow.png"))
        until(lambda: list(elsewhere.asked), ["/first.png", "/slow.png"].__eq__)
        service.kill_group()
        elsewhere.well.set()
        service.start()
        assert ended(http, task_id)["state"] == "completed"
    assert elsewhere.asked == ["/first.png", "/slow.png", "/slow.png"]


def test_who_cancels_leaves_nothing_behind(service: RunningService, elsewhere: Elsewhere):
    """A task that waits for a picture, or with its picture for the engine, is cancelled with all it has."""
    with client(service) as http:
        fetching = with_picture(http, elsewhere.url("/here.png"), elsewhere.url("/slow.png"))
        until(lambda: "/slow.png" in elsewhere.asked, bool)
        assert files_of(service, fetching) == ["input-start.png"]
        running = submit(http, "[hang]")
        until(lambda: get(http, running)["state"], "processing".__eq__)
        waiting = with_picture(http, elsewhere.url("/late.png"))
        until(lambda: get(http, waiting)["waiting_for"], "engine".__eq__)
        assert files_of(service, waiting) == ["input-start.png"]
        for task_id in (fetching, waiting, running):
            assert http.post(f"/api/v1/tasks/{task_id}/cancel").json()["failure"]["code"] == "cancelled"
        until(lambda: list(elsewhere.left), ["/slow.png"].__eq__)
        for task_id in (fetching, waiting):
            until(lambda task_id=task_id: files_of(service, task_id), [].__eq__)


def test_a_picture_that_does_not_come_ends_its_task(tmp_path: Path, elsewhere: Elsewhere):
    """When the time for a file is over, the task says whose file did not come, and the slot was never taken."""
    short = RunningService(tmp_path / "data", engines=TABLE, fetch_seconds="0.5").start()
    try:
        with client(short) as http:
            task = ended(http, with_picture(http, elsewhere.url("/slow.png")))
            assert task["failure"]["code"] == "input_unreachable"
            assert "did not serve its file within 0.5 seconds" in task["failure"]["message"]
            assert (task["started_at"], task["waiting_for"]) == (None, None)
            gateway = http.get(f"/luma/generations/{task['id']}").json()
            assert (gateway["state"], "0.5 seconds" in json.dumps(gateway)) == ("failed", True)
    finally:
        assert short.stop() == 0
