"""Running services and their clients."""

from __future__ import annotations

import contextlib
import json
import socket
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from tests.support.service import RunningService

Ended = Callable[..., dict[str, Any]]


@pytest.fixture
def http(service: RunningService) -> Iterator[httpx2.Client]:
    """A client of the shared service that holds a good key."""
    with client(service) as opened:
        yield opened


@pytest.fixture
def application() -> str:
    """Name an application that nobody has used before."""
    return f"tenant {uuid4()}"


@pytest.fixture
def tenant(service: RunningService, application: str) -> Iterator[httpx2.Client]:
    """A client with the key of a new application, which has no tasks."""
    with client(service, new_key(service, application)) as opened:
        yield opened


@pytest.fixture(scope="module")
def limited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """A service with low limits, and an admin key that has spaces in it."""
    options = {
        "admin_key": "My Auth Token",
        "submit_rate": "20",
        "query_rate": "12",
        "media_rate": "6",
        "max_unfinished": "3",
        "max_body": "4000",
        "grace": "1",
    }
    running = RunningService(tmp_path_factory.mktemp("limited") / "data", **options).start()
    yield running
    assert running.stop() == 0, running.log.read_text()[-4000:]
    assert "Traceback" not in running.log.read_text(), running.log.read_text()[-8000:]


def client(service: RunningService, key: str | None = None) -> httpx2.Client:
    """Open a client with this key, or with the service's own."""
    headers = service.headers if key is None else {"Authorization": f"Bearer {key}"}
    return httpx2.Client(base_url=service.url, headers=headers, timeout=30)


def new_key(service: RunningService, application: str) -> str:
    """Make a key of an application, on the command line."""
    done = service.run("keys", "create", "--name", f"of {application}", "--application", application)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def limit(http: httpx2.Client, application: str, **rules: Any) -> dict[str, Any]:
    """Set rules of an application, as an operator."""
    answer = http.patch(f"/api/v1/admin/limits/{application}", json=rules)
    assert answer.status_code == 200, answer.text
    standing: dict[str, Any] = answer.json()
    return standing


def submit(http: httpx2.Client, prompt: str = "x", **body: Any) -> str:
    """Submit a short task and give its id."""
    answer = http.post("/api/v1/tasks", json={"prompt": prompt, "duration": 1, "resolution": "540p", **body})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def ended(http: httpx2.Client, task_id: str) -> dict[str, Any]:
    """Wait for the end of a task and give it."""
    answer = http.get(f"/api/v1/tasks/{task_id}", params={"wait": "50"}, timeout=60)
    assert answer.status_code == 200, answer.text
    task: dict[str, Any] = answer.json()
    assert task["state"] in ("completed", "failed"), task
    return task


def exchange(service: RunningService, data: bytes, deadline: float = 10) -> bytes:
    """Send bytes and give all that comes back until the service closes the connection."""
    with dialled(service, deadline) as connection:
        connection.sendall(data)
        return received(connection)


@contextlib.contextmanager
def dialled(service: RunningService, deadline: float = 10, window: int = 0) -> Iterator[socket.socket]:
    """Open a bare connection, of which the system keeps about `window` bytes where that is given."""
    with socket.socket() as connection:
        connection.settimeout(deadline)
        if window:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
        connection.connect(("127.0.0.1", int(service.url.rpartition(":")[2])))
        yield connection


def received(connection: socket.socket) -> bytes:
    """Read until the other side closes the connection."""
    pieces = []
    while piece := connection.recv(65_536):
        pieces.append(piece)
    return b"".join(pieces)


def engines(**tables: dict[str, Any]) -> str:
    """Write engines as the option has them."""
    return json.dumps(tables)
