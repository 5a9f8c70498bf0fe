"""What every request passes: names, headers, CORS, odd requests, slow ones, and what breaks."""

from __future__ import annotations

import re
import shutil
import socket
import sqlite3
import time
from collections.abc import Callable
from uuid import UUID

import httpx2
import pytest

from tests.support.processes import until
from tests.support.service import RunningService

from .apis import READS, SUBMITS, UNKNOWN, form_for, form_of
from .conftest import client, dialled, ended, exchange, received, submit

Start = Callable[..., RunningService]
DIALECT_PATHS = [
    "/api/v1/me",
    "/luma/generations/x",
    "/luma/tasks",
    "/luma/videos",
    "/luma/users/me",
    "/ping",
    "/v1/videos/x",
]
OWN_PATHS = ["/healthz", "/readyz", "/metrics", "/docs", "/openapi.json", "/nothing"]


def test_every_answer_names_its_request(http: httpx2.Client):
    """Good or bad, of a dialect or not: each answer has a trace id of its own, under both names."""
    answers = [
        *(http.get(path) for path in [*DIALECT_PATHS, *OWN_PATHS, "/media/x/y"]),
        *(http.put(path) for path in DIALECT_PATHS + OWN_PATHS),
        *(http.options(path) for path in DIALECT_PATHS + OWN_PATHS),
        *(read(UNKNOWN).send(http) for read in READS.values()),
        http.post("/api/v1/tasks", content=b"{"),
        httpx2.get(http.base_url.join("/api/v1/me")),
        http.get("/ping", headers={"Host": "evil.example", "X-Trace-Id": "mine", "X-Request-Id": "mine"}),
    ]
    for answer in answers:
        assert str(UUID(answer.headers["X-Trace-Id"])) == answer.headers["X-Request-Id"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert all(len(answer.headers.get_list(name)) == 1 for name in answer.headers if name != "vary")
        assert "server" not in answer.headers
    assert len({answer.headers["X-Trace-Id"] for answer in answers}) == len(answers)


def test_cors_is_open_on_dialects_only(http: httpx2.Client):
    """A browser may talk to the dialects, without credentials, and to nothing else here."""
    asking = {"Origin": "https://films.example", "Access-Control-Request-Headers": "authorization, x-mine"}
    for path in DIALECT_PATHS:
        flight = httpx2.options(http.base_url.join(path), headers={**asking, "Access-Control-Request-Method": "POST"})
        assert (flight.status_code, flight.content) == (204, b"")
        assert flight.headers["Access-Control-Allow-Origin"] == "*"
        assert flight.headers["Access-Control-Allow-Headers"] == "authorization, x-mine"
        assert {"GET", "POST", "DELETE"} <= set(flight.headers["Access-Control-Allow-Methods"].split(", "))
        for answer in (http.get(path, headers=asking), httpx2.get(http.base_url.join(path))):
            assert answer.headers["Access-Control-Allow-Origin"] == "*"
            assert "X-Trace-Id" in answer.headers["Access-Control-Expose-Headers"]
            assert "Access-Control-Allow-Credentials" not in answer.headers
    for path in OWN_PATHS:
        for answer in (http.get(path, headers=asking), http.options(path, headers=asking)):
            assert not [name for name in answer.headers if name.startswith("access-control")], path


@pytest.mark.parametrize(
    ("path", "form"),
    [("/nothing", "native"), ("/api/v1/nothing", "native"), ("/luma/nothing", "gateway"), ("/luma", "native")],
)
def test_unknown_paths(http: httpx2.Client, path: str, form: str):
    """Where there is nothing, the answer says so in the form of the neighbours."""
    answer = http.get(path)
    assert answer.status_code == 404
    assert form_of(answer) == form
    assert answer.json()["error"]["code"] == "not_found"


@pytest.mark.parametrize(
    ("path", "form", "allowed"),
    [
        ("/api/v1/tasks", "native", {"GET", "HEAD", "POST"}),
        ("/luma/generations", "gateway", {"POST"}),
        ("/luma/videos", "acedata", {"POST"}),
        ("/luma/tasks", "union", {"POST"}),
        ("/healthz", "native", {"GET", "HEAD"}),
    ],
)
def test_methods_that_are_not_allowed(http: httpx2.Client, path: str, form: str, allowed: set[str]):
    """A method that is not allowed is 405 in the dialect's form, and the answer names those that are."""
    for method in ("PUT", "PATCH", "TRACE"):
        answer = http.request(method, path)
        assert answer.status_code == 405
        assert form_of(answer) == form
        assert set(answer.headers["Allow"].split(", ")) <= allowed
    assert http.head(path).status_code == (200 if "HEAD" in allowed else 405)
    assert http.head(path).content == b""


def head(answer: bytes) -> tuple[int, dict[str, str]]:
    """Read the status and the headers of a bare answer."""
    lines = answer.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")
    return int(lines[0].split()[1]), dict(line.lower().split(": ", 1) for line in lines[1:])


@pytest.mark.parametrize(
    "line",
    [
        b"X-A: b\r\n Set-Cookie: folded=1",
        b"X-A: b\rSet-Cookie: bare=1",
        b"X-A: b\x00Set-Cookie: null=1",
        b"X-Trace-Id: x\nSet-Cookie: newline=1",
        b"Access-Control-Request-Headers: x\tSet-Cookie: tab=1",
        b"Transfer-Encoding: chunked\r\nContent-Length: 3",
        b"Content-Length: -1",
        b"Content-Length: 99999999999999999999999999",
        b"Content-Length: 1\r\nContent-Length: 2",
        b"Authorization: Bearer \xff\xfe\x00",
        b"X-A: " + b"a" * 100_000,
        b": nameless",
    ],
)
def test_odd_headers(service: RunningService, http: httpx2.Client, line: bytes):
    """Headers that are not what they seem put nothing into the answer, and the service goes on."""
    for method, path in ((b"GET", b"/api/v1/me"), (b"OPTIONS", b"/api/v1/me"), (b"POST", b"/luma/tasks")):
        request = b"%s %s HTTP/1.1\r\nHost: 127.0.0.1\r\n%s\r\nConnection: close\r\n\r\n0\r\n\r\n" % (
            method,
            path,
            line,
        )
        status, headers = head(exchange(service, request))
        assert status in (204, 400, 401, 413, 431), status
        assert "set-cookie" not in headers
    assert http.get("/api/v1/me").status_code == 200


@pytest.mark.parametrize(
    "line",
    [
        b"GET /\xff\xfe HTTP/1.1",
        b"GET /api/v1/tasks/%00%0d%0aSet-Cookie:%20x=1 HTTP/1.1",
        b"GET /luma/generations/%ff%fe%fd HTTP/1.1",
        b"GET http://evil.example/api/v1/me HTTP/1.1",
        b"GET //evil.example/api/v1/me HTTP/1.1",
        b"GET /api/v1/../../healthz HTTP/1.1",
        b"GET * HTTP/1.1",
        b"GET /" + b"a" * 70_000 + b" HTTP/1.1",
        b"BREW /api/v1/me HTTP/1.1",
        b"GET /healthz HTTP/9.9",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
)
def test_odd_request_lines(service: RunningService, http: httpx2.Client, line: bytes):
    """What is hardly a request gets a refusal, and the service goes on."""
    status, headers = head(exchange(service, line + b"\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"))
    assert status in (400, 401, 404, 405), status
    assert "set-cookie" not in headers
    assert "evil" not in headers.get("location", "")
    assert http.get("/api/v1/me").status_code == 200


def test_a_slow_body_holds_nobody_up(service: RunningService, http: httpx2.Client):
    """While somebody sends a body byte by byte others are answered, and in the end he is too."""
    body = b'{"ids": ["x"]}'
    key = service.headers["Authorization"].encode()
    request = b"POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: %s\r\nConnection: close\r\n" + (
        b"Content-Length: %d\r\n\r\n" % len(body)
    )
    with dialled(service) as first, dialled(service) as second:
        for connection, path in ((first, b"/luma/tasks"), (second, b"/api/v1/tasks")):
            connection.sendall(request % (path, key) + body[:5])
        start = time.monotonic()
        for _ in range(20):
            assert http.get("/api/v1/me").status_code == 200
            assert http.post("/luma/tasks", json={"ids": []}).json() == []
        assert time.monotonic() - start < 10
        for connection, status in ((first, 200), (second, 400)):
            for byte in body[5:]:
                connection.sendall(bytes([byte]))
            assert head(received(connection))[0] == status


def test_a_body_that_is_cut_off(service: RunningService, http: httpx2.Client):
    """Who goes away in the middle of a body leaves neither a task nor trouble."""
    before = http.get("/api/v1/tasks").json()["total"]
    for request in SUBMITS.values():
        with dialled(service) as connection:
            lines = (
                f"POST {request.path} HTTP/1.1",
                "Host: 127.0.0.1",
                f"Authorization: {service.headers['Authorization']}",
                "Content-Length: 100",
            )
            connection.sendall("\r\n".join(lines).encode() + b'\r\n\r\n{"prompt": "x"}')
            connection.shutdown(socket.SHUT_WR)
            received(connection)
    assert http.get("/api/v1/tasks").json()["total"] == before


def test_metrics_count_requests_and_tasks(http: httpx2.Client):
    """An admin sees answers by dialect and status, and unfinished tasks by engine."""
    task_id = submit(http, "[hang]")
    url = http.base_url.join("/metrics")

    def value(name: str) -> float:
        answer = http.get(url)
        assert answer.headers["Content-Type"].startswith("text/plain")
        found = re.search(rf"^{re.escape(name)} (\S+)$", answer.text, re.MULTILINE)
        return float(found[1]) if found else 0.0

    lane, broken = (
        'filmgate_requests_total{dialect="native",status="200"}',
        ('filmgate_requests_total{dialect="acedata",status="400"}'),
    )
    before = value(lane), value(broken)
    for _ in range(3):
        http.get(f"/api/v1/tasks/{task_id}")
        http.get(f"/api/v1/tasks/{task_id}?x=1")
        http.post("/luma/videos", content=b"{")
    assert value(lane) >= before[0] + 6
    assert value(broken) >= before[1] + 3
    until(lambda: value('filmgate_unfinished_tasks{engine="scripted",state="processing"}'), lambda count: count >= 1)
    http.post(f"/api/v1/tasks/{task_id}/cancel")


def test_documentation_loads_nothing_from_elsewhere(http: httpx2.Client):
    """The page of the documentation names no other machine, and all that it loads is there."""
    page = http.get("/docs").text
    assert not re.search(r"(src|href)=[\"'](https?:)?//", page)
    loaded = re.findall(r"(?:src|href)=[\"']([^\"']+)", page)
    assert len(loaded) >= 3
    for path in loaded:
        assert httpx2.get(http.base_url.join(path)).status_code == 200, path
    assert not re.search(r"url\(['\"]?(https?:)?//", http.get("/docs/assets/swagger-ui.css").text)
    assert http.get("/openapi.json").json()["info"]["title"] == "Filmgate"
    for path in ("/docs/assets/../../etc/passwd", "/docs/assets/%2e%2e/%2e%2e/etc/passwd", "/docs/assets//etc/passwd"):
        assert http.get(path).status_code == 404


def test_readiness_and_what_breaks(start_service: Start):
    """With a part of it broken the service says which, answers in every dialect's form, and recovers by itself."""
    service = start_service()
    with client(service) as http:
        assert http.get("/healthz").json()["status"] == "ok"
        assert http.get("/readyz").json() == {
            "status": "ready",
            "checks": {"ledger": "ok", "store": "ok", "engines": "ok"},
        }
        task_id = submit(http, "[hang]")
        media = service.data / "media"
        while media.is_dir():  # the service may be putting something there
            shutil.rmtree(media, ignore_errors=True)
        media.touch()
        answer = http.get("/readyz")
        assert answer.status_code == 503
        assert answer.json()["status"] == "not ready"
        assert "media store" in answer.json()["checks"]["store"]
        assert http.get("/healthz").status_code == 200
        media.unlink()
        assert http.get("/readyz").status_code == 200
        broken = sqlite3.connect(service.data / "filmgate.db")
        broken.execute("ALTER TABLE tasks RENAME TO elsewhere")
        traces = []
        for name, read in READS.items():
            for query in ("", "?x=1"):
                answer = read(task_id).send(http, query)
                assert answer.status_code == 500
                assert form_of(answer) == {"acedata": "union"}.get(name, form_for(name))
                assert answer.headers["Access-Control-Allow-Origin"] == "*"
                assert "elsewhere" not in answer.text
                traces.append(answer.headers["X-Trace-Id"])
        until(service.log.read_text, lambda log: all(f"request {trace} " in log for trace in traces))
        broken.execute("ALTER TABLE elsewhere RENAME TO tasks")
        broken.close()
        assert http.get(f"/api/v1/tasks/{task_id}").status_code == 200
        done = submit(http)
        assert ended(http, done)["state"] == "completed"
