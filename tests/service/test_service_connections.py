"""Clients that open more connections than there can be."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2
import pytest

from tests.support.processes import until
from tests.support.service import RunningService

from .conftest import client, dialled, ended, new_key, received, submit

pytestmark = pytest.mark.xdist_group("connections")

DESCRIPTORS = 256


@pytest.fixture(scope="module")
def narrow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """A service with few descriptors, soft and hard."""
    running = RunningService(tmp_path_factory.mktemp("narrow") / "data")
    running.prefix = ["prlimit", f"--nofile={DESCRIPTORS}:{DESCRIPTORS}"]
    yield running.start()
    assert running.stop() == 0, running.log.read_text()[-4000:]
    log = running.log.read_text()
    assert "Traceback" not in log, log[-8000:]
    assert "Too many open files" not in log, log[-4000:]


def descriptors(service: RunningService) -> int:
    """Count the open descriptors of a service."""
    assert service.process is not None
    return len(list(Path(f"/proc/{service.process.pid}/fd").iterdir()))


def limits(service: RunningService) -> list[int]:
    """Return the soft and the hard limit of descriptors of a service."""
    assert service.process is not None
    lines = Path(f"/proc/{service.process.pid}/limits").read_text().splitlines()
    return [int(word) for word in next(line for line in lines if line.startswith("Max open files")).split()[3:5]]


@contextlib.contextmanager
def crowd(service: RunningService, sent: bytes) -> Iterator[list[int]]:
    """Keep 400 connections open that have sent this, opening each anew when it is closed; count how many were."""
    address = ("127.0.0.1", int(service.url.rpartition(":")[2]))
    stop = threading.Event()
    count = [0]

    def fill() -> None:
        open_ones: list[socket.socket] = []
        while not stop.is_set():
            for connection in list(open_ones):
                with contextlib.suppress(BlockingIOError):
                    try:
                        if connection.recv(65_536):
                            continue
                    except ConnectionError:
                        pass
                    connection.close()
                    open_ones.remove(connection)
            while len(open_ones) < 400 and not stop.is_set():
                connection = socket.create_connection(address, 5)
                with contextlib.suppress(OSError):
                    connection.sendall(sent)
                connection.setblocking(False)  # noqa: FBT003
                open_ones.append(connection)
                count[0] += 1
            stop.wait(0.05)
        for connection in open_ones:
            connection.close()

    thread = threading.Thread(target=fill)
    thread.start()
    try:
        until(lambda: count[0], lambda opened: opened > 600)
        yield count
    finally:
        stop.set()
        thread.join(30)


@pytest.mark.parametrize(
    "sent",
    [b"", b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n", b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"],
    ids=["silent", "half a head", "a request without a key"],
)
def test_a_crowd_of_idle_connections(narrow: RunningService, sent: bytes):
    """From the attacker's own address, old and new clients are answered, and what they submit is completed."""
    with client(narrow) as old:
        assert old.get("/api/v1/me").status_code == 200
        with crowd(narrow, sent) as count:
            tasks = [submit(old, "x") for _ in range(3)]
            for _ in range(10):
                with client(narrow) as new:
                    assert new.get("/api/v1/me").status_code == 200
                assert descriptors(narrow) < DESCRIPTORS * 7 // 8
            before = count[0]
            until(lambda: count[0], lambda opened: opened > before + 200)
            assert old.get("/api/v1/me").status_code == 200
            assert [ended(old, task)["state"] for task in tasks] == ["completed"] * 3
            kept = old._transport._pool.connections  # type: ignore[attr-defined]
            assert len(kept) == 1, "the old client's connection was never closed"


def waiting(service: RunningService, http: httpx2.Client, stack: contextlib.ExitStack) -> Callable[[], socket.socket]:
    """Submit a task that does not end by itself; give what opens connections that wait for it."""
    task = submit(http, "x [hang]")
    key = str(http.headers["Authorization"])
    lines = (f"GET /api/v1/tasks/{task}?wait=50 HTTP/1.1", "Host: 127.0.0.1", f"Authorization: {key}")
    request = "\r\n".join((*lines, "Connection: close", "", "")).encode()

    def wait() -> socket.socket:
        connection = stack.enter_context(dialled(service, 60))
        connection.sendall(request)
        return connection

    return wait


def heard(connection: socket.socket) -> bytes:
    """Return what comes on a connection at once, if anything does."""
    connection.settimeout(0.2)
    with contextlib.suppress(TimeoutError):
        return received(connection)
    return b""


def test_busy_connections_are_not_closed(tmp_path: Path):
    """Whoever waits for a task stays, however many others come from the address; these get a clear refusal."""
    running = RunningService(tmp_path / "data", max_connections_per_address="4").start()
    elsewhere = httpx2.HTTPTransport(local_address="127.0.0.2")
    try:
        with (
            httpx2.Client(base_url=running.url, headers=running.headers, transport=elsewhere, timeout=30) as http,
            contextlib.ExitStack() as stack,
        ):
            wait = waiting(running, http, stack)
            waits = [wait() for _ in range(4)]

            def refusal() -> bytes:
                with dialled(running) as connection:
                    return heard(connection)

            answer = until(refusal, bool)
            assert answer.startswith(b"HTTP/1.1 503 ")
            assert b"\r\nretry-after: " in answer
            for task in http.get("/api/v1/tasks").json()["tasks"]:
                assert http.post(f"/api/v1/tasks/{task['id']}/cancel").status_code == 200
            assert all(received(each).startswith(b"HTTP/1.1 200 ") for each in waits)
    finally:
        assert running.stop() == 0


def test_one_application_does_not_hold_all_connections(tmp_path: Path):
    """Where it waits with half of them it is answered at once; only several hold all, and then admins are served."""
    key = "an admin key of the environment"
    running = RunningService(tmp_path / "data", admin_key=key, max_connections_per_address="0")
    running.prefix = ["prlimit", "--nofile=160:160"]
    running.start()
    try:
        with contextlib.ExitStack() as stack:
            tenants = [stack.enter_context(client(running, new_key(running, name))) for name in ("a", "b", "c")]
            one, two, three = (waiting(running, http, stack) for http in tenants)
            answer = until(lambda: heard(one()), bool)
            assert answer.startswith(b"HTTP/1.1 200 ")
            assert b'"processing"' in answer or b'"pending"' in answer
            with tenants[0].stream("GET", "/api/v1/events") as events:
                assert events.status_code == 429
            assert tenants[1].get("/api/v1/me").status_code == 200
            assert until(lambda: heard(two()), bool).startswith(b"HTTP/1.1 200 ")
            answer = until(lambda: heard(three()), bool)
            assert answer.startswith(b"HTTP/1.1 503 ")
            assert b'"unavailable"' in answer, "the connection was taken, the request was not"
            with client(running, key) as admin:
                assert admin.get("/api/v1/admin/engines").status_code == 200
            assert httpx2.get(f"{running.url}/healthz").status_code == 200, "a probe would have it started again"
            listed = running.run("engines", "--json", FILMGATE_API_KEY="")
            assert listed.returncode == 0, listed.stderr
    finally:
        assert running.stop() == 0


def test_the_soft_limit_is_raised(tmp_path: Path):
    """Whatever the soft limit is, the hard one counts."""
    running = RunningService(tmp_path / "data")
    running.prefix = ["prlimit", "--nofile=128:2048"]
    running.start()
    try:
        assert limits(running) == [2048, 2048]
    finally:
        assert running.stop() == 0


def is_open(connection: socket.socket) -> bool:
    """Return whether the service has left a connection open on which nothing was asked."""
    connection.setblocking(False)  # noqa: FBT003
    try:
        return bool(connection.recv(1))
    except BlockingIOError:
        return True
    except ConnectionError:
        return False


@pytest.mark.parametrize(("options", "left"), [({}, 3), ({"trusted_proxies": "127.0.0.1"}, 8)])
def test_the_bound_per_address_is_an_option(tmp_path: Path, options: dict[str, str], left: int):
    """With a bound of three, the fourth connection takes the place of an idle one, unless a proxy is trusted."""
    running = RunningService(tmp_path / "data", max_connections_per_address="3", **options).start()
    try:
        with contextlib.ExitStack() as stack:
            opened = [stack.enter_context(dialled(running)) for _ in range(8)]
            until(lambda: sum(map(is_open, opened)), lambda count: bool(count == left))
    finally:
        assert running.stop() == 0
