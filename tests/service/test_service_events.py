"""Changes of tasks as server-sent events."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple
from uuid import uuid4

import httpx2

from tests.support.processes import until
from tests.support.service import RunningService

from .apis import UNKNOWN
from .conftest import client, dialled, ended, new_key, submit

Start = Callable[..., RunningService]
ALL = "/api/v1/events"


class Event(NamedTuple):
    """An event as a browser reads it; what only sets the place has no name."""

    name: str | None
    id: str | None
    data: Any


class Stream:
    """An open stream."""

    def __init__(self, response: httpx2.Response) -> None:
        self.response = response
        self._lines = response.iter_lines()

    def __iter__(self) -> Iterator[Event]:
        """Return the events; comments are left out."""
        fields: dict[str, str] = {}
        for line in self._lines:
            if line:
                name, _, value = line.partition(": ")
                fields[name] = value
            elif set(fields) != {":"}:
                yield Event(fields.get("event"), fields.get("id"), json.loads(fields.get("data", "null")))
                fields = {}

    def until(self, found: Callable[[Event], bool]) -> list[Event]:
        """Read up to an event."""
        read = []
        for event in self:
            read.append(event)
            if found(event):
                return read
        raise AssertionError(f"the stream ended with {read[-1:]}")


@contextlib.contextmanager
def stream(http: httpx2.Client, path: str, after: str | None = None) -> Iterator[Stream]:
    """Open a stream, at a place if one is given."""
    headers = {} if after is None else {"Last-Event-ID": after}
    with http.stream("GET", path, headers=headers, timeout=30) as response:
        assert response.status_code == 200, response.read()
        assert response.headers["Content-Type"].startswith("text/event-stream")
        yield Stream(response)


def is_final(event: Event) -> bool:
    """Return whether an event is the end of a task."""
    return event.name == "task" and event.data["state"] in ("completed", "failed")


def of(task_id: str) -> str:
    """Return the path of a task's events."""
    return f"/api/v1/tasks/{task_id}/events"


def test_a_task_from_now_to_its_end(http: httpx2.Client):
    """The stream of a task has it as a query answers it, after every change, and ends with it."""
    task_id = submit(http, "[delay=0.5] x")
    with stream(http, of(task_id)) as opened:
        told = list(opened)
    assert (told[0].name, told[0].id) == (None, None)
    assert {event.name for event in told[1:]} == {"task"}
    assert [event.data["id"] for event in told[1:]] == [task_id] * (len(told) - 1)
    places = [int(event.id or 0) for event in told[1:]]
    assert places == sorted(set(places))
    assert told[-1].data == http.get(f"/api/v1/tasks/{task_id}").json()
    assert told[-1].data["state"] == "completed"
    assert [event.data["state"] for event in told[1:]].count("completed") == 1


def test_a_task_that_has_ended(http: httpx2.Client):
    """Its end is told to whoever has not read it; there is nothing to come behind it."""
    task_id = submit(http, "[fail]")
    ended(http, task_id)
    with stream(http, of(task_id)) as opened:
        (_, end) = list(opened)
    assert end.data["state"] == "failed"
    with stream(http, of(task_id), str(int(end.id or 0) - 1)) as opened:
        assert list(opened)[1:] == [end]
    assert http.get(of(task_id), headers={"Last-Event-ID": end.id or ""}).status_code == 204


def test_a_task_that_is_deleted(http: httpx2.Client):
    """The stream of a task that is deleted says so and ends."""
    task_id = submit(http, "[hang]")
    with stream(http, of(task_id)) as opened:
        opened.until(lambda event: event.name == "task")
        assert http.delete(f"/api/v1/tasks/{task_id}").status_code == 204
        assert list(opened)[-1][::2] == ("deleted", {"id": task_id})


def test_all_tasks_of_the_application(tenant: httpx2.Client, http: httpx2.Client):
    """The stream of an application has the changes of its own tasks from now on, in their order."""
    ended(tenant, submit(tenant, "[fail] before"))
    with stream(tenant, ALL) as opened:
        place = next(iter(opened))
        assert (place.name, place.data) == (None, None)
        assert int(place.id or 0) > 0
        ended(http, submit(http, "[fail] a stranger's"))
        mine = submit(tenant, "[fail] mine")
        told = opened.until(is_final)
        assert {event.data["id"] for event in told} == {mine}
        assert int(told[0].id or 0) > int(place.id or 0)
        assert tenant.delete(f"/api/v1/tasks/{mine}").status_code == 204
        assert opened.until(lambda event: event.name == "deleted")[-1].data == {"id": mine}


def test_a_stream_goes_on_after_a_crash(start_service: Start):
    """Whoever comes back with the last id reads what has changed since, though the service was killed in between."""
    service = start_service()
    with client(service) as http, stream(http, ALL) as opened:
        known = submit(http, "[fail] known")
        last = opened.until(is_final)[-1]
        gone = submit(http, "[hang] gone")
        opened.until(lambda event: event.data["id"] == gone)
    with client(service) as http:
        missed = [submit(http, f"[fail] missed {number}") for number in range(70)]
        http.delete(f"/api/v1/tasks/{gone}")
    service.kill_group()
    service.start()
    with client(service) as http, stream(http, ALL, last.id) as opened:
        ends: dict[str, str] = {}
        for event in opened:
            if event.name == "deleted" or is_final(event):
                assert event.data["id"] not in ends
                ends[event.data["id"]] = event.name or ""
            if len(ends) == 71:
                break
    assert ends == dict.fromkeys(missed, "task") | {gone: "deleted"}
    assert known not in ends


def test_a_place_ahead_of_the_ledger(tenant: httpx2.Client):
    """A place that the ledger has not come to, as after a restore, means now; what is no place is refused."""
    with stream(tenant, ALL, "999999999999") as opened:
        assert int(next(iter(opened)).id or 0) < 999999999999
        submit(tenant, "[fail]")
        opened.until(is_final)
    for wrong in ("x", "-1", "1.5", "9" * 19):
        assert tenant.get(ALL, headers={"Last-Event-ID": wrong}).status_code == 400


def test_who_may_read(service: RunningService, http: httpx2.Client, tenant: httpx2.Client):
    """A stream needs a key, and the task of somebody else is no more there than an unknown one."""
    task_id = submit(http, "[fail]")
    for path in (ALL, of(task_id)):
        assert httpx2.get(service.url + path).status_code == 401
    assert tenant.get(of(task_id)).json()["error"]["code"] == "not_found"
    assert tenant.get(of(UNKNOWN)).status_code == 404


def test_streams_are_limited(start_service: Start):
    """A key has so many streams at once and no more; a closed one makes room."""
    service = start_service(max_streams="2")

    def again() -> int:
        with http.stream("GET", ALL) as response:
            return response.status_code

    with client(service) as http, contextlib.ExitStack() as others:
        with stream(http, ALL) as first:
            next(iter(first))
            second = others.enter_context(stream(http, ALL))
            next(iter(second))
            refused = http.get(ALL)
            assert (refused.status_code, refused.json()["error"]["code"]) == (429, "too_many_requests")
            assert int(refused.headers["Retry-After"]) > 0
        others.close()
        until(again, (200).__eq__)
        head = f"GET {ALL} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {service.key}\r\n\r\n"

        def gone_with_more_to_ask() -> bool:
            with dialled(service) as connection:
                connection.sendall(head.encode() * 2)
                return connection.recv(100).startswith(b"HTTP/1.1 200")

        for _ in range(3):
            until(gone_with_more_to_ask, bool, deadline=10)


def test_a_stop_ends_streams_at_once(start_service: Start):
    """Streams do not hold up a service that is being stopped; they end as whole answers."""
    service = start_service(grace="30")
    with client(service) as http, stream(http, ALL) as opened:
        next(iter(opened))
        start = time.monotonic()
        stopped = threading.Thread(target=service.stop)
        stopped.start()
        assert list(opened) == []
        stopped.join(30)
        assert time.monotonic() - start < 15


def test_a_revoked_key_reads_no_more(service: RunningService):
    """The stream of a key that is revoked ends before its next event, some seconds later."""
    key = new_key(service, name := f"revoked {uuid4()}")
    key_id = next(
        one["id"]
        for one in json.loads(service.run("keys", "list", "--json").stdout)["keys"]
        if one["name"] == f"of {name}"
    )
    with client(service, key) as http, client(service, new_key(service, name)) as other, stream(http, ALL) as opened:
        next(iter(opened))
        assert service.run("keys", "revoke", key_id).returncode == 0
        over = threading.Event()

        def make() -> None:
            while not over.wait(0.2):
                submit(other, "[fail]")

        maker = threading.Thread(target=make)
        maker.start()
        try:
            list(opened)
        finally:
            over.set()
            maker.join(30)
