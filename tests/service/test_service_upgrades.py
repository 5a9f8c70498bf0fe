"""Clients that offer another protocol with a request: the offer is ignored, the request is served, body and all."""

from __future__ import annotations

import contextlib
import http.client
import json
from collections.abc import Iterator
from contextlib import closing

import httpx2
import pytest

from tests.mcp.callers import message
from tests.support.processes import sockets, until
from tests.support.service import RunningService

from .apis import SUBMITS, form_of
from .conftest import dialled, exchange, received

H2C = {"Connection": "Upgrade, HTTP2-Settings", "Upgrade": "h2c", "HTTP2-Settings": "AAEAAEAAAAIAAAABAAMAAABk"}
OFFERS = {
    "h2c": H2C,
    "websocket": {"Connection": "keep-alive, Upgrade", "Upgrade": "websocket"},
    "tls": {"connection": "upgrade", "upgrade": "TLS/1.0"},
    "several": {"Connection": "Upgrade", "Upgrade": "h2c, IRC/6.9, x/1"},
}
HANDSHAKE = OFFERS["websocket"] | {"Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "AQIDBAUGBwgJCgsMDQ4PEA=="}
BODY = b'{"prompt": "offered [fail]", "user_prompt": "offered [fail]"}'
BODIES = {request.path: BODY for request in SUBMITS.values()} | {
    "/luma/tasks": b'{"ids": []}',
    "/mcp": json.dumps(message("tools/list", {})).encode(),
}


def head(service: RunningService, line: str, headers: dict[str, str]) -> bytes:
    """Write the head of a request."""
    lines = [f"{line} HTTP/1.1", "Host: 127.0.0.1", f"Authorization: Bearer {service.key}"]
    return "\r\n".join([*lines, *(f"{name}: {value}" for name, value in headers.items()), "", ""]).encode()


def statuses(answers: bytes) -> list[int]:
    """Return the status of each of several answers on one connection."""
    return [int(piece[:3]) for piece in answers.split(b"HTTP/1.1 ")[1:]]


def connected(service: RunningService) -> http.client.HTTPConnection:
    """Open a connection that is used for one request after another."""
    return http.client.HTTPConnection("127.0.0.1", int(service.url.rpartition(":")[2]), timeout=20)


@pytest.mark.parametrize("offer", OFFERS)
@pytest.mark.parametrize("path", BODIES)
def test_a_body_behind_an_offer_is_read(service: RunningService, path: str, offer: str):
    """Whatever is offered, the body arrives, in both ways bodies come, and the connection can be used on."""
    body, headers = BODIES[path], service.headers | OFFERS[offer]
    with closing(connected(service)) as connection:
        for chunked in (False, True, False):
            pieces: Iterator[bytes] = iter((body[:3], body[3:]))
            connection.request(
                "POST",
                path,
                pieces if chunked else body,
                headers | ({"Transfer-Encoding": "chunked"} if chunked else {}),
                encode_chunked=chunked,
            )
            used = connection.sock
            answer = connection.getresponse()
            assert answer.status in (200, 201), answer.read()
            assert "upgrade" not in {name.lower() for name, _ in answer.getheaders()}
            answer.read()
            assert connection.sock is used
        connection.request("GET", "/ping", headers=service.headers)
        assert connection.getresponse().status == 200


def test_the_body_waits_for_the_go_ahead(service: RunningService):
    """`Expect: 100-continue` beside an offer is answered before the body is sent."""
    request = head(service, "POST /api/v1/tasks", H2C | {"Expect": "100-continue", "Content-Length": str(len(BODY))})
    with dialled(service) as connection:
        connection.sendall(request)
        assert connection.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(BODY)
        assert connection.recv(100).startswith(b"HTTP/1.1 201 ")


def test_requests_behind_an_offer(service: RunningService):
    """What comes in one piece with an offer, or byte by byte, is read as so many requests, in their order."""
    body = b'{"ids": []}'
    offered = head(service, "POST /luma/tasks", H2C | {"Content-Length": str(len(body))}) + body
    broken = head(service, "POST /api/v1/tasks", H2C | {"Content-Length": "1"}) + b"{"
    last = head(service, "GET /ping", {"Connection": "close"})
    answers = exchange(service, (offered + broken) * 100 + last)
    assert statuses(answers) == [200, 400] * 100 + [200]
    with dialled(service) as connection:
        for byte in offered + broken + last:
            connection.sendall(bytes([byte]))
        assert statuses(received(connection)) == [200, 400, 200]


@pytest.mark.parametrize("framing", [{"Content-Length": "{}"}, {"Transfer-Encoding": "chunked"}])
def test_a_request_in_a_body_is_no_request(service: RunningService, framing: dict[str, str]):
    """A body that looks like a request is a body, though the head before it offers another protocol."""
    inner = head(service, "DELETE /api/v1/me", H2C)
    body = inner if "Content-Length" in framing else b"%x\r\n%b\r\n0\r\n\r\n" % (len(inner), inner)
    sent = {name: value.format(len(inner)) for name, value in framing.items()}
    last = head(service, "GET /ping", {"Connection": "close"})
    assert statuses(exchange(service, head(service, "POST /luma/tasks", H2C | sent) + body + last)) == [400, 200]


@pytest.mark.parametrize(
    "lines",
    [
        {"Transfer-Encoding": "chunked", "Content-Length": "3"},
        {"Content-Length": "3", "content-length": "4"},
        {"Transfer-Encoding": "gzip, chunked, identity"},
        {"Transfer-Encoding": "chunked", "Transfer-encoding": "identity"},
        {"Content-Length": "+3"},
        {"X-A : b": "c"},
        {"X-A": "b\r\n folded: 1"},
    ],
)
def test_an_offer_hides_no_smuggling(service: RunningService, lines: dict[str, str]):
    """A head that two servers would read in two ways is refused with an offer as it is without."""
    for offer in ({}, H2C):
        request = head(service, "POST /luma/tasks", offer | lines) + b"3\r\n{} \r\n0\r\n\r\n"
        answers = exchange(service, request + head(service, "GET /ping", {"Connection": "close"}))
        assert statuses(answers) == [400], answers


def test_offers_are_bounded_like_other_heads(service: RunningService):
    """An offer does not make room for a larger head."""
    for offer in ({}, H2C):
        unfinished = head(service, "GET /ping", offer | {"X-A": "a" * 70_000}).removesuffix(b"\r\n")
        assert statuses(exchange(service, unfinished)) == [431]


def test_a_client_that_goes_before_its_body(service: RunningService):
    """A connection that ends between an offer and its body leaves no socket open."""
    assert service.process is not None
    pid = service.process.pid
    before = sockets(pid)
    for part in (b"", BODY[:5]):
        for _ in range(20):
            with dialled(service) as connection:
                connection.sendall(head(service, "POST /api/v1/tasks", H2C | {"Content-Length": "1000"}) + part)
    until(lambda: sockets(pid), lambda count: count <= before)


@pytest.mark.parametrize("path", ["/api/v1/events", "/luma/generations/x", "/nothing"])
def test_a_websocket_is_refused(service: RunningService, path: str):
    """A client that can only use a WebSocket is told at once that there is none, and what there is."""
    with closing(connected(service)) as connection:
        connection.request("GET", path, headers=service.headers | HANDSHAKE)
        raw = connection.getresponse()
        answer = httpx2.Response(raw.status, headers=raw.getheaders(), content=raw.read())
    assert answer.status_code == 400
    assert form_of(answer) == ("gateway" if path.startswith("/luma") else "native")
    assert "server-sent events" in answer.json()["error"]["message"]


def test_tunnels_are_refused(service: RunningService):
    """CONNECT is no request to this service: it is refused, and nothing behind it is read."""
    for target in ("127.0.0.1:443", "/ping"):
        answers = exchange(service, head(service, f"CONNECT {target}", {}) + head(service, "GET /ping", {}))
        assert statuses(answers) == [400]


@pytest.mark.parametrize("size", [1, 1000])
def test_http2_without_asking_is_refused_in_its_frames(service: RunningService, size: int):
    """A client that begins with HTTP/2 reads why it is refused, however much it goes on sending."""
    preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes((0, 0, 0, 4, 0, 0, 0, 0, 0))
    with dialled(service) as connection:
        for start in range(0, len(preface), size):
            connection.sendall(preface[start : start + size])
        frames = []
        answer = received(connection)
        while answer:
            end = 9 + int.from_bytes(answer[:3], "big")
            frames.append((answer[3], answer[9:end]))
            answer = answer[end:]
        with contextlib.suppress(ConnectionError):
            for _ in range(100):
                connection.sendall(b"x" * 10_000)
    (settings, empty), (goaway, said) = frames
    assert (settings, empty, goaway) == (4, b"", 7)
    assert (int.from_bytes(said[:4], "big"), int.from_bytes(said[4:8], "big")) == (0, 13)
    assert b"HTTP/1.1" in said[8:]
