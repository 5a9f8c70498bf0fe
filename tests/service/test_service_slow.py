"""Clients that are slow on purpose, send too much, or send what two servers would read in two ways."""

from __future__ import annotations

import contextlib
import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.mcp.callers import message
from tests.support.files import below, files_below
from tests.support.processes import sockets, until
from tests.support.service import RunningService

from .apis import SUBMITS, code_of, form_for, form_of
from .conftest import client, dialled, exchange, received

pytestmark = pytest.mark.xdist_group("slow")

MIB = 1024 * 1024
BODY = b'{"prompt": "x [fail]", "user_prompt": "x [fail]"}'
READERS = {name: request.path for name, request in SUBMITS.items()} | {"tasks": "/luma/tasks", "mcp": "/mcp"}


@pytest.fixture(scope="module")
def hasty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """A service that waits for nobody for long."""
    seconds = {"head_seconds": "2", "body_seconds": "2", "read_seconds": "2"}
    options = seconds | {"body_rate": "1000", "max_body": "100000"}
    running = RunningService(tmp_path_factory.mktemp("hasty") / "data", **options).start()
    yield running
    assert running.stop() == 0, running.log.read_text()[-4000:]
    assert "Traceback" not in running.log.read_text(), running.log.read_text()[-8000:]


@pytest.fixture
def http(hasty: RunningService) -> Iterator[httpx2.Client]:
    """A client of that service."""
    with client(hasty) as opened:
        yield opened


def begun(service: RunningService, path: str, *lines: str, method: str = "POST") -> bytes:
    """Write the head of a request, up to the body."""
    head = (f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", f"Authorization: Bearer {service.key}", *lines, "", "")
    return "\r\n".join(head).encode()


def answered(raw: bytes) -> httpx2.Response:
    """Read a bare answer."""
    head, _, body = raw.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    headers = [(name, value) for name, _, value in (line.partition(": ") for line in lines[1:])]
    return httpx2.Response(int(lines[0].split()[1]), headers=headers, content=body)


@pytest.mark.parametrize("encoding", ["Content-Length: 100", "Transfer-Encoding: chunked"])
def test_bodies_that_do_not_come(hasty: RunningService, http: httpx2.Client, encoding: str):
    """Who announces a body and leaves it is told 408 in the dialect's form, and the connection is closed."""
    before = http.get("/api/v1/tasks?limit=1").json()["total"]
    part = BODY[:9] if "Length" in encoding else b"9\r\n" + BODY[:9] + b"\r\n"
    with contextlib.ExitStack() as stack:
        connections = {name: stack.enter_context(dialled(hasty)) for name in READERS}
        for name, connection in connections.items():
            connection.sendall(begun(hasty, READERS[name], encoding) + part)
        answers = {name: answered(received(connection)) for name, connection in connections.items()}
    for name, answer in answers.items():
        assert answer.status_code == 408, name
        assert answer.headers["Connection"] == "close"
        if name == "mcp":
            assert answer.json()["error"]["data"]["code"] == "request_timeout"
        else:
            assert form_of(answer) == ("union" if name == "tasks" else form_for(name))
            assert code_of(answer) in ("request_timeout", "bad_request")
    assert http.get("/api/v1/tasks?limit=1").json()["total"] == before


def test_bytes_of_a_file_that_do_not_come(hasty: RunningService, http: httpx2.Client):
    """An announced file can be sent once more after it has been sent too slowly."""
    made = http.post("/agents/v1/files", json={"mime_type": "image/png", "size_bytes": 90}).json()
    path = f"/agents/v1/files/{made['id']}/content"
    answer = answered(exchange(hasty, begun(hasty, path, "Content-Length: 90", method="PUT") + b"\x89PNG"))
    assert (answer.status_code, form_of(answer)) == (408, "detail")
    assert http.put(path, content=b"x" * 90).status_code == 400


def test_a_body_that_is_slow_but_comes(hasty: RunningService):
    """What keeps up the rate is taken, however long it takes in all."""
    body = BODY + b" " * 9_000
    started = time.monotonic()
    with dialled(hasty) as connection:
        connection.sendall(begun(hasty, "/api/v1/tasks", f"Content-Length: {len(body)}", "Connection: close"))
        connection.sendall(body[:8_000])
        for at, byte in enumerate(body[8_000:8_050]):
            until(time.monotonic, lambda now, wanted=started + at / 20: now >= wanted)
            connection.sendall(bytes([byte]))
        connection.sendall(body[8_050:])
        assert answered(received(connection)).status_code == 201
    assert time.monotonic() - started > 2.3


def test_a_body_that_is_cut_off_is_not_acted_upon(hasty: RunningService, http: httpx2.Client):
    """A whole JSON document in half a body is half a request: no task is made of it, whatever the reader."""
    before = http.get("/api/v1/tasks?limit=1").json()["total"]
    called = message("tools/call", {"name": "luma_generate_video", "arguments": {"prompt": "x [fail]"}})
    for path, body in ((READERS["native"], BODY), (READERS["acedata"], BODY), ("/mcp", json.dumps(called).encode())):
        with dialled(hasty) as connection:
            connection.sendall(begun(hasty, path, "Content-Length: 5000") + body)
            connection.shutdown(socket.SHUT_WR)
            received(connection)
    assert http.get("/api/v1/tasks?limit=1").json()["total"] == before


@pytest.mark.parametrize("sent", [b"", b"G", b"GET /api/v1/me HTTP/1.1\r\nHost: 127.0.0.1\r\nX-A: "])
def test_a_head_that_does_not_come(hasty: RunningService, sent: bytes):
    """A connection on which no request comes is closed, at its beginning and after other requests."""
    whole = begun(hasty, "/api/v1/me", method="GET")
    for before in (b"", whole, whole * 3):
        answers = exchange(hasty, before + sent)
        assert answers.count(b"HTTP/1.1 200 OK") == len(before) // len(whole)
        assert (b"HTTP/1.1 408 " in answers) is (sent != b"")
        if sent == b"":
            break  # a connection that was used well may wait for longer


def test_a_head_sent_byte_by_byte(hasty: RunningService):
    """A byte now and then keeps no head alive."""
    started = time.monotonic()
    with dialled(hasty) as connection, contextlib.suppress(ConnectionError):
        connection.settimeout(0.1)
        connection.sendall(b"GET /api/v1/me HTTP/1.1\r\nX-A: ")
        while time.monotonic() < started + 9:
            connection.sendall(b"a")
            with contextlib.suppress(TimeoutError):
                assert connection.recv(100).startswith(b"HTTP/1.1 408 ")
                break
    assert 1.9 < time.monotonic() - started < 8


@pytest.mark.parametrize(
    "line", [b"X-A: " + b"a" * 8 * MIB, b"X-A: b\r\n" * MIB, b"a" * 8 * MIB, b": " * MIB], ids=lambda line: line[:8]
)
def test_a_head_without_end(hasty: RunningService, http: httpx2.Client, line: bytes):
    """A head is not gathered beyond its limit, in whatever it is large."""
    with dialled(hasty) as connection, contextlib.suppress(ConnectionError):
        connection.sendall(b"GET /healthz HTTP/1.1\r\n" + line)
        assert received(connection)[:12] in (b"HTTP/1.1 431", b"HTTP/1.1 400")
    with dialled(hasty) as connection, contextlib.suppress(ConnectionError):
        connection.sendall(begun(hasty, "/api/v1/tasks", "Transfer-Encoding: chunked") + b"1\r\n{\r\n0\r\n" + line)
        received(connection)
    assert http.get("/api/v1/me").status_code == 200


def test_trailers_are_dropped(hasty: RunningService, http: httpx2.Client):
    """A header behind the body is none: it brings no key, no Host and no name of a submit."""
    chunked = b"%x\r\n%b\r\n0\r\n" % (len(BODY), BODY)
    trailer = b"Idempotency-Key: trailed\r\nAuthorization: Bearer x\r\nHost: evil.example\r\n\r\n"
    made = []
    for _ in range(2):
        head = begun(hasty, "/api/v1/tasks", "Transfer-Encoding: chunked", "Connection: close", "Trailer: x")
        made.append(answered(exchange(hasty, head + chunked + trailer)))
    assert [answer.status_code for answer in made] == [201, 201]
    assert b"trailed" not in made[0].content
    assert b"evil" not in made[0].content


@pytest.mark.parametrize("name", READERS)
def test_a_body_too_large_is_refused_early(hasty: RunningService, name: str):
    """The 413 comes before the body: nobody waits for bytes that are not wanted, and none are kept."""
    for encoding, part in (
        ("Content-Length: 5000000000", b""),
        ("Transfer-Encoding: chunked", b"1ffff\r\n" + b" " * 0x1FFFF + b"\r\n"),
    ):
        with dialled(hasty) as connection:
            connection.sendall(begun(hasty, READERS[name], encoding) + part)
            assert connection.recv(65_536).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize("path", ["/nothing", "/api/v1/me", "/luma/videos"])
def test_a_body_that_nobody_reads(hasty: RunningService, path: str):
    """Who goes on sending after the answer has a moment for it, then the connection is closed."""
    head = begun(hasty, path, "Content-Length: 90000").replace(hasty.key.encode(), b"wrong")
    with dialled(hasty) as connection, contextlib.suppress(ConnectionError):
        connection.sendall(head + b"x" * 1000)
        started = time.monotonic()
        assert connection.recv(65_536).startswith((b"HTTP/1.1 401", b"HTTP/1.1 404", b"HTTP/1.1 405"))
        connection.settimeout(0.1)
        while time.monotonic() < started + 9:
            connection.sendall(b"x")
            with contextlib.suppress(TimeoutError):
                if connection.recv(100) == b"":
                    break
    assert time.monotonic() - started < 8


def test_many_slow_connections(service: RunningService):
    """Hundreds of connections with half a head, half a body or nothing at all do not keep others from being served."""
    with contextlib.ExitStack() as stack, client(service) as http:
        for number in range(210):
            connection = stack.enter_context(dialled(service))
            half = begun(service, "/luma/videos", "Content-Length: 1000") + b'{"prompt'
            connection.sendall((b"", half[:40], half)[number % 3])
        for _ in range(50):
            assert http.get("/api/v1/me").status_code == 200
            assert http.post("/luma/tasks", json={"ids": []}).json() == []
        with client(service) as another:
            assert another.get("/healthz").status_code == 200


SMUGGLED: dict[str, list[bytes]] = {
    "both": [b"Content-Length: 4", b"Transfer-Encoding: chunked"],
    "both, the other way round": [b"Transfer-Encoding: chunked", b"Content-Length: 4"],
    "two lengths": [b"Content-Length: 4", b"Content-Length: 50"],
    "two lengths in one": [b"Content-Length: 4, 50"],
    "a length with a sign": [b"Content-Length: +4"],
    "a length in hexadecimal": [b"Content-Length: 0x4"],
    "a length with a space": [b"Content-Length : 4"],
    "an unknown encoding": [b"Transfer-Encoding: xchunked"],
    "an encoding on top": [b"Transfer-Encoding: chunked, identity"],
    "two encodings": [b"Transfer-Encoding: chunked", b"Transfer-Encoding: identity"],
    "a folded encoding": [b"Transfer-Encoding:\r\n chunked", b"Content-Length: 4"],
    "a tab in the name": [b"Transfer-Encoding\t: chunked", b"Content-Length: 4"],
    "a bare line's end": [b"X: y\nTransfer-Encoding: chunked", b"Content-Length: 4"],
    "an end in an end": [b"X: y\rTransfer-Encoding: chunked", b"Content-Length: 4"],
    "null in the name": [b"Transfer-Encoding\x00: chunked", b"Content-Length: 4"],
}


@pytest.mark.parametrize("name", SMUGGLED)
def test_smuggled_requests(hasty: RunningService, name: str):
    """Heads that two servers could read in two ways are refused, and what follows is no request of its own."""
    head = begun(hasty, "/luma/tasks", *(line.decode() for line in SMUGGLED[name]))
    inner = begun(hasty, "/api/v1/me", method="GET")
    answers = exchange(hasty, head + b"0\r\n\r\n" + inner)
    assert answers.startswith(b"HTTP/1.1 400 "), answers[:200]
    assert answers.count(b"HTTP/1.1 ") == 1
    assert b"application_id" not in answers


def test_what_an_answer_repeats(hasty: RunningService, http: httpx2.Client):
    """Nothing that a client names comes back as a header: ids, keys, traces, names of files, preferences."""
    evil = "x\r\nSet-Cookie: a=1"
    encoded = "x%0d%0aSet-Cookie:%20a=1"
    answers: list[httpx2.Response] = [
        *(
            http.get(f"{prefix}/{encoded}")
            for prefix in ("/api/v1/tasks", "/luma/generations", "/v1/videos", "/media/x")
        ),
        *(http.get(f"/api/v1/webhooks/{encoded}{more}") for more in ("", "?x=1")),
        *(http.get("/api/v1/tasks", params={"state": evil, name: evil}) for name in ("x", "offset")),
        http.post("/luma/tasks", json={"action": "retrieve", "id": evil}),
        http.post("/luma/tasks", json={"action": "retrieve", "trace_id": evil}),
        http.post("/api/v1/tasks", json={"prompt": evil, "model": evil}),
        http.post("/agents/v1/files", files={"file": ('x"\r\nSet-Cookie: a=1;.png', b"x", "image/png")}),
        http.post("/mcp", json=message("tools/call", {"name": "luma_get_task", "arguments": {"task_id": evil}})),
        http.options("/api/v1/me", headers={"Access-Control-Request-Headers": "x, Set-Cookie"}),
    ]
    for name in ("Idempotency-Key", "X-Trace-Id", "X-Request-Id", "Prefer", "Origin", "Last-Event-ID"):
        answers.append(http.post("/api/v1/tasks", json={"prompt": "x [fail]"}, headers={name: encoded}))
    for answer in answers:
        assert "set-cookie" not in answer.headers, answer.request
        assert not [value for value in answer.headers.values() if "\r" in value or "\n" in value]
        assert answer.status_code < 500, answer.request


def test_answers_that_nobody_reads(hasty: RunningService, http: httpx2.Client):
    """Who leaves what was sent for too long is cut off in the middle; others are served all the while."""
    assert http.get("/healthz").status_code == 200
    assert hasty.process is not None
    pid, asked = hasty.process.pid, 100
    before = sockets(pid)
    with dialled(hasty, deadline=20, window=4096) as connection:
        connection.sendall(begun(hasty, "/openapi.json", method="GET") * asked)
        until(lambda: http.get("/healthz").status_code == 200 and sockets(pid) <= before, bool)
        assert 0 < unread(connection).count(b"HTTP/1.1 200") < asked


def unread(connection: socket.socket) -> bytes:
    """Read what still comes of a connection that was cut."""
    pieces = []
    with contextlib.suppress(ConnectionResetError):
        while piece := connection.recv(65_536):
            pieces.append(piece)
    return b"".join(pieces)


def _named(http: httpx2.Client, name: str) -> dict[str, Any]:
    answer = http.post("/api/v1/tasks", json={"prompt": name, "duration": 1, "resolution": "540p"})
    return dict(http.get(f"/api/v1/tasks/{answer.json()['id']}?wait=30").json())


TRAVERSALS = [
    *("..", "../..", "%2e%2e", "%2e%2e/%2e%2e", "..%2f..", "%2e%2e%2f%2e%2e", "..\\..", "..%5c..", "%2e%2e%5c"),
    *("%252e%252e%252f", "%252e%252e/", "..%00", "%00", "%00/..", "....//....", "..;/..", ".%2e/.%2e", "%c0%ae%c0%ae/"),
    *("%uff0e%uff0e/", "%ef%bc%8e%ef%bc%8e/", "/etc/passwd", "%2fetc%2fpasswd", "C:%5c", "file:%2f%2f", "~"),
]


def test_paths_that_lead_out(hasty: RunningService, http: httpx2.Client):
    """No spelling of a path leads out of the folder of files, of the assets, or to another file of the same folder."""
    task = _named(http, "a film")
    link = task["video"]["url"].removeprefix(hasty.url)
    folder, _, name = link.rpartition("/")
    secret = (hasty.data / "first-key").read_text().strip()
    targets = ["first-key", "filmgate.db", "etc/passwd", name, ""]
    for trick in TRAVERSALS:
        for target in targets:
            for path in (
                f"{folder}/{trick}/{target}",
                f"{folder}/{trick}{target}",
                f"{folder}/{name}/{trick}/{target}",
                f"/media/{trick}/{target}",
                f"/docs/assets/{trick}/{target}",
                f"/agents/v1/files/{trick}/content",
            ):
                answer = answered(exchange(hasty, begun(hasty, path, "Connection: close", method="GET")))
                assert answer.status_code in (400, 404, 405), path
                assert secret.encode() not in answer.content
                assert b"root:" not in answer.content
    assert http.get(link).status_code == 200


def test_names_of_uploads_lead_nowhere(hasty: RunningService, http: httpx2.Client):
    """What a client calls a file plays no part in where it is kept or what its link is called."""
    from tests.providers.clients import picture

    def elsewhere() -> set[Path]:
        """Return the files outside the folders where files are kept and made."""
        return {path for path in files_below(hasty.data.parent) if not {"media", "work"} & set(path.parts)}

    before = elsewhere()
    for name in ("../../evil.png", "..\\..\\evil.png", "/tmp/evil.png", "evil\x00.png", "%2e%2e%2fevil.png", "", "."):
        answer = http.post("/agents/v1/files", files={"file": (name, picture(), "image/png")})
        assert answer.status_code in (201, 400), answer.text
        assert "evil" not in answer.text
    assert elsewhere() == before
    assert not [path for path in below(hasty.data) if "evil" in path.name]
