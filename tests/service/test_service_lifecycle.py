"""Starting, stopping, dying, and starting again: what was accepted goes on."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

import httpx2

from tests.support.processes import of_session, until
from tests.support.service import RunningService

from .conftest import client, ended, engines, submit

Start = Callable[..., RunningService]
ENGINES = engines(one={"type": "scripted", "slots": 1, "models": ["one"]}, many={"type": "scripted", "models": ["*"]})


def moment(text: str) -> float:
    """Read a time of an answer as unix seconds."""
    return datetime.fromisoformat(text).timestamp()


def state(http: httpx2.Client, task_id: str) -> str:
    """Return the state a task is in."""
    return str(http.get(f"/api/v1/tasks/{task_id}").json()["state"])


def test_sigterm_ends_cleanly(start_service: Start):
    """What is short is finished within the grace, what waits or is long goes on after the next start, in order."""
    service = start_service(engines=ENGINES, grace="3")
    with client(service) as http:
        assert ended(http, submit(http))["state"] == "completed", "what is started once only is there from now on"
        long = submit(http, "[delay=5]")
        first = submit(http, "[delay=1]", model="one")
        waiting = [submit(http, f"[delay=0.1] {number}", model="one") for number in range(3)]
        until(lambda: {state(http, first), state(http, long)}, {"processing"}.__eq__)
        assert {state(http, task_id) for task_id in waiting} == {"pending"}
    assert service.process is not None
    session, told = service.process.pid, time.time()
    assert service.stop() == 0
    stopped = time.time()
    assert stopped - told < 10
    until(lambda: of_session(session), lambda left: not left, deadline=5)
    service.start()
    with client(service) as http:
        ends = {task_id: ended(http, task_id) for task_id in (first, long, *waiting)}
    assert {end["state"] for end in ends.values()} == {"completed"}
    assert told < moment(ends[first]["finished_at"]) < stopped
    assert all(moment(ends[task_id]["started_at"]) > stopped for task_id in waiting)
    assert sorted(waiting, key=lambda task_id: ends[task_id]["finished_at"]) == waiting
    assert moment(ends[long]["started_at"]) < told, "it is the same task, and its clock was started once"


def test_render_children_end_with_the_service(start_service: Start):
    """A studio that renders is stopped with the service, leaves no process, and makes the video after all."""
    service = start_service(engines=engines(), grace="0.2")
    assert service.process is not None
    session = service.process.pid
    with client(service) as http:
        task_id = submit(http, "ocean")
        until(lambda: state(http, task_id), "processing".__eq__)
        until(lambda: len(of_session(session)), lambda count: count > 1)
    assert service.stop() == 0
    until(lambda: of_session(session), lambda left: not left, deadline=5)
    service.start()
    with client(service) as http:
        assert ended(http, task_id)["state"] == "completed"


def test_a_killed_service_goes_on_in_order(start_service: Start):
    """After a kill the interrupted task is not sent to the end of the line: the queue goes on in its order."""
    service = start_service(engines=ENGINES)
    with client(service) as http:
        tasks = [submit(http, "[delay=0.5]", model="one") for _ in range(4)]
        until(lambda: state(http, tasks[0]), "processing".__eq__)
    service.kill_group()
    service.start()
    with client(service) as http:
        ends = {task_id: ended(http, task_id) for task_id in tasks}
    assert {end["state"] for end in ends.values()} == {"completed"}
    assert sorted(tasks, key=lambda task_id: ends[task_id]["finished_at"]) == tasks


def test_who_waits_is_told_that_the_service_stops(start_service: Start):
    """A request that still waits when the grace is over gets an answer in its dialect's form."""
    service = start_service(engines=ENGINES, grace="0.5")
    answers: list[httpx2.Response] = []

    def wait() -> None:
        with client(service) as http:
            answers.append(http.post("/luma/videos", json={"prompt": "[hang]", "timeout": 100}))

    waiter = threading.Thread(target=wait)
    waiter.start()
    with client(service) as http:
        (task,) = until(lambda: listed(http), lambda tasks: [task["state"] for task in tasks] == ["processing"])
    assert service.stop() == 0
    waiter.join(10)
    (answer,) = answers
    assert answer.status_code == 504
    assert set(answer.json()) == {"success", "error", "trace_id", "task_id"}
    assert answer.json()["task_id"] == task["id"]
    assert answer.headers["X-Trace-Id"] == answer.json()["trace_id"]
    assert "Traceback" not in service.log.read_text()
    service.start()
    with client(service) as http:
        cancelled = http.post(f"/api/v1/tasks/{task['id']}/cancel").json()
        assert cancelled["failure"]["code"] == "cancelled", "it was still there and had not ended"


def test_a_second_signal_does_not_wait(start_service: Start):
    """Whoever interrupts twice does not want to wait for the grace."""
    service = start_service(engines=ENGINES, grace="60")
    with client(service) as http:
        http.get("/healthz")
    process = service.process
    assert process is not None
    waiter = threading.Thread(target=stays, args=(service,))
    waiter.start()
    with client(service) as http:
        until(lambda: listed(http), lambda tasks: [task["state"] for task in tasks] == ["processing"])
    process.send_signal(signal.SIGINT)
    until(lambda: refuses(service), bool, deadline=5)
    start = time.monotonic()
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 0
    assert time.monotonic() - start < 10
    waiter.join(10)


def stays(service: RunningService) -> None:
    """Keep a request open as long as the service lets it."""
    with client(service) as http:
        try:
            http.post("/luma/videos", json={"prompt": "[hang]", "timeout": 100})
        except httpx2.TransportError:
            return


def refuses(service: RunningService) -> bool:
    """Return whether new connections are refused."""
    try:
        httpx2.get(f"{service.url}/healthz")
    except httpx2.TransportError:
        return True
    return False


def listed(http: httpx2.Client) -> list[dict[str, Any]]:
    """List all tasks."""
    tasks: list[dict[str, Any]] = http.get("/api/v1/tasks").json()["tasks"]
    return tasks
