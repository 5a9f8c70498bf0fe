"""Requests that nobody would write, to every route there is, and what may be answered to them."""

from __future__ import annotations

import copy
import json
import random
import re
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote_to_bytes

import httpx2

from tests.support.service import RunningService

from .apis import SUBMITS, form_of
from .probes import AGENT_PROBES, ID, PROBES, Probe

ENGINES = json.dumps(
    {
        "fails": {"type": "scripted", "models": ["*"], "fail": "generation_failed", "slots": 16},
        "works": {"type": "scripted", "models": ["works"]},
    }
)
"""Tasks fail at once, so that thousands of requests cost little."""

OPTIONS = {"engines": ENGINES, "max_unfinished": "0", "max_body": "300000", "body_seconds": "0.3", "head_seconds": "1"}
"""How a service is started that is to be tried."""

GROWTH = 512 * 1024 * 1024
"""Bytes by which the service may grow under whatever comes."""

_DEADLINE = 60.0
_FORMS = (
    *(("/luma/tasks", {"union", "acedata", "gateway"}), ("/luma/videos", {"acedata"}), ("/luma/", {"gateway"})),
    *(("/ping", {"gateway"}), ("/dream-machine/", {"detail"}), ("/agents/v1", {"detail"})),
    *(("/v1/videos", {"openai_videos"}), ("/v1/models", {"openai_videos"}), ("/", {"native"})),
)
_PLACEHOLDER = re.compile(r"\{[a-z_]+\}")
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "BREW", "get", "CONNECT")
_TYPES = (
    *("application/json", "application/json; charset=utf-16", "text/plain", "application/x-www-form-urlencoded"),
    *("multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; boundary=b", "*/*", ";;;", ""),
    *('multipart/form-data; boundary="b', "multipart/mixed; boundary=b", "image/png", "application/xml", "\xff\xfe"),
)
_HEADERS: dict[str, tuple[str, ...]] = {
    "Content-Type": _TYPES,
    "Content-Encoding": ("gzip", "br", "identity", "chunked", ""),
    "Accept": ("*/*", "application/json", "text/event-stream", "application/json, text/event-stream", "\xff", ""),
    "Accept-Encoding": ("gzip", "zstd;q=0", "*"),
    "Idempotency-Key": ("a", "a", "x" * 255, "x" * 256, "\xe9", "", " ", "a, b"),
    "X-Stainless-Retry-Count": ("0", "1", "-1", "99999999999", "x", ""),
    "Prefer": ("wait=0", "wait=0.01", "wait=x", "respond-async, wait=0", "wait=1e9", "wait=-1", ",;=", "wait"),
    "Last-Event-ID": ("0", "1", "999999999999999999", "x", "-1", "\xff"),
    "Range": ("bytes=0-1", "bytes=-1", "bytes=9999999-", "bytes=5-1", "bytes=0-0,2-2", "lines=1", "bytes=-", "\xff"),
    "If-None-Match": ("*", '"x"', "W/", '"', "\xff"),
    "If-Range": ('"x"', "x"),
    "Origin": ("http://127.0.0.1", "null", "http://evil.example", "http://[", "\xff", "http://127.0.0.1:99999999"),
    "Host": (
        "127.0.0.1",
        "localhost:1",
        "evil.example",
        "",
        "[::1",
        "127.0.0.1:x",
        "a b",
        "\xff",
        "[::1]",
        "127.0.0.1",
    ),
    "Expect": ("100-continue", "x"),
    "Connection": ("keep-alive", "upgrade", "te", "\xff"),
    "Upgrade": ("websocket", "h2c"),
    "X-Forwarded-For": ("1.2.3.4", "\xff", ","),
    "X-Forwarded-Proto": ("https", "javascript"),
    "Access-Control-Request-Method": ("POST", "\xff"),
    "Access-Control-Request-Headers": ("x", "\xff", "a" * 5000),
    "Mcp-Protocol-Version": ("2026-07-28", "2025-06-18", "1999-01-01", "", "\xff"),
    "Mcp-Method": ("tools/call", "tasks/get", "", "\xff"),
    "Mcp-Name": ("luma_get_task", "", "\xff"),
    "Mcp-Session-Id": ("x", "\xff"),
    "Cookie": ("a=b", "\xff"),
    "Transfer-Encoding": ("gzip", "identity", "chunked, chunked"),
    "Content-Length": ("0", "-1", "99999999999999999999", "1, 2", "x"),
}
_PART = b'--b\r\nContent-Disposition: form-data; name="%b\r\n\r\n\xff\r\n--b--\r\n'
_BODIES = (
    *(b"", b"null", b"true", b"[]", b"{}", b'"x"', b"0", b"{", b"\x00", b"\xff\xfe{\x00}\x00", b"\xef\xbb\xbf{}"),
    *(b"[" * 100_000, b'{"a":' * 50_000, b'{"prompt":"\xff"}', b'{"prompt":"\\ud800"}', b'{"prompt":"\\u0000"}'),
    *(b'{"prompt":"x","prompt":5}', b'{"prompt":NaN}', b'{"prompt":"x","duration":1e400}', b'{"ids":["x"],"ids":5}'),
    *(b'{"duration":' + b"9" * 5_000 + b"}", b'{"prompt":"x"} trailing', b"a=b&c=d", b"%00", b"\x1f\x8b\x08\x00"),
    *(b"--b\r\n\r\nx\r\n--b--", b'--b\r\nContent-Disposition: form-data; name="prompt"\r\n\r\nx\r\n--b--\r\n', b"--b"),
    *(
        _PART % b'file"; filename="\xff"\r\nContent-Type: \xff',
        _PART % b'prompt"; filename="../../x"',
        _PART % b'\xff"',
    ),
    *(b'--b\r\nContent-Disposition: form-data; name="video[id]"\r\n\r\nx\r\n' * 60 + b"--b--\r\n", b"x" * 300_001),
    *(b'{"jsonrpc":"2.0","id":1e400,"method":"tools/call"}', b'[{"jsonrpc":"2.0","id":1,"method":"ping"}]'),
    *(b'{"jsonrpc":"2.0","id":null,"method":"tools/call","params":[]}', b'{"jsonrpc":"1.0"}', b'{"method":5}'),
)
_TEXTS = (
    *(
        "",
        " ",
        "\0",
        "\ud800",
        "\U0001f3ac" * 40,
        "x" * 6_000,
        "-1",
        "1e9",
        "NaN",
        "null",
        "true",
        "../..",
        "%00",
        "\r\nX: y",
    ),
    *(
        "data:image/png;base64,AAAA",
        "data:",
        "data:image/png;base64,",
        "data:video/mp4;base64,////",
        "http://",
        "https://[",
    ),
    *(
        "http://127.0.0.1:1/x",
        "http://10.0.0.1/",
        "ftp://x/",
        "16:9",
        "1:0",
        "0:0",
        "5s",
        "0s",
        "720p",
        "4k",
        "works",
        "ray-2",
    ),
    *(
        "retrieve",
        "retrieve_batch",
        "extend",
        "generation",
        "image",
        "video",
        "video_edit",
        "layering",
        "auto",
        "frame0",
    ),
    *("' OR 1=1 --", "{{7*7}}", "${jndi:ldap://x}", "<script>", "\u202e", "2026-01-01T00:00:00Z", "fg_" + "0" * 36),
)
_NUMBERS = (
    0,
    -1,
    1,
    2**31,
    2**63 - 1,
    2**63,
    2**64,
    -(2**63) - 1,
    10**400,
    1.5,
    -0.0,
    1e308,
    float("nan"),
    float("inf"),
)


class Raw(NamedTuple):
    """A request as it goes over the wire."""

    method: bytes
    target: bytes
    data: bytes


class Summary(NamedTuple):
    """What came of many requests."""

    inputs: int
    seed: int
    seconds: float
    statuses: dict[str, int]
    routes: int
    rss_before: int
    rss_after: int
    faults: list[str]


class Fuzzer:
    """Sends odd requests to a service and notes what should not be."""

    def __init__(self, service: RunningService) -> None:
        self.statuses: Counter[str] = Counter()
        self.faults: list[str] = []
        self.sent = 0
        self._service = service
        self._port = int(service.url.rpartition(":")[2])
        with httpx2.Client(base_url=service.url, headers=service.headers, timeout=60) as http:
            described = http.get("/openapi.json").json()
            http.post("/mcp", json=AGENT_PROBES[1].json, headers=dict(AGENT_PROBES[1].headers))
            self._ids = tuple(http.post("/api/v1/tasks", json={"prompt": "x"}).json()["id"] for _ in range(4))
            done = http.post("/api/v1/tasks", json={"prompt": "x", "model": "works", "duration": 1}).json()["id"]
            film = http.get(f"/api/v1/tasks/{done}?wait=50").json()
            token = film["video"]["url"].rpartition("/media/")[2].partition("/")[0]
            self._ids += (done, film["video_id"], film["trace_id"], token)
        self._fields = tuple(sorted(set(_names(described))))
        self._rss = self.rss()

    def rss(self) -> int:
        """Return the resident memory of the service in bytes."""
        assert self._service.process is not None
        status = Path(f"/proc/{self._service.process.pid}/status").read_text()
        return int(re.findall(r"VmRSS:\s+(\d+) kB", status)[0]) * 1024

    def run(self, inputs: int, number: int, progress: Callable[[int], None] = lambda sent: None) -> Summary:
        """Send so many requests, always the same for the same number, and give what came of them."""
        started = time.monotonic()
        routes = [(route, probe) for route, probes in sorted(PROBES.items()) for probe in probes]
        routes += [("POST /mcp", probe) for probe in AGENT_PROBES]
        good = [(f"POST {each.path}", Probe("POST", each.path, each.json)) for each in SUBMITS.values()]
        for at in range(inputs):
            chance = random.Random(f"{number} {at}")
            self.send(self._request(chance.choice(good if chance.random() < 0.2 else routes)[1], chance))
            progress(self.sent)
        self._look_back()
        return Summary(
            self.sent,
            number,
            round(time.monotonic() - started, 1),
            dict(sorted(self.statuses.items())),
            len({route for route, _ in routes}),
            self._rss,
            self.rss(),
            self.faults,
        )

    def send(self, request: Raw) -> None:
        """Send one request and judge what comes back."""
        self.sent += 1
        try:
            answer = self._exchange(request)
        except (TimeoutError, OSError) as error:
            self.faults.append(f"input {self.sent}: {type(error).__name__} {error} after {request!r:.600}")
            return
        self.statuses["closed" if answer is None else str(answer.status_code)] += 1
        fault = None if answer is None else _fault(request, answer)
        if fault is not None:
            self.faults.append(f"input {self.sent}: {fault}: {request!r:.600}")

    def _exchange(self, request: Raw) -> httpx2.Response | None:
        with socket.create_connection(("127.0.0.1", self._port), timeout=_DEADLINE) as connection:
            with suppress(BrokenPipeError, ConnectionResetError):
                connection.sendall(request.data)
            received = b""
            with suppress(ConnectionResetError):
                while piece := connection.recv(1 << 18):
                    received += piece
                    if b"content-type: text/event-stream" in received and b"\r\n\r\n" in received:
                        break
        received = received.removeprefix(b"HTTP/1.1 100 Continue\r\n\r\n")
        return _read(received) if received else None

    def _look_back(self) -> None:
        """See to it that the service is as well as it was."""
        assert self._service.process is not None
        if self._service.process.poll() is not None:
            self.faults.append("the service has ended")
            return
        log = self._service.log.read_text(errors="replace")
        self.faults += [f"in the log: {log[at - 200 : at + 2000]}" for at in _places(log, "Traceback")][:3]
        grown = self.rss() - self._rss
        if grown > GROWTH:
            self.faults.append(f"the service has grown by {grown} bytes")

    def _request(self, probe: Probe, chance: random.Random) -> Raw:
        """Make a request of one that is nearly good."""
        rarely = chance.random
        method = chance.choice(_METHODS) if rarely() < 0.1 else probe.method
        target = self._target(probe.path, chance)
        body = self._body(probe, chance)
        headers = [("Host", "127.0.0.1"), ("Connection", "close"), *probe.headers]
        if rarely() < 0.93:
            headers.append(("Authorization", f"Bearer {self._service.key}"))
        else:
            headers.append(("Authorization", chance.choice(("", "Bearer", "Bearer \xff", "Basic x", "Bearer fg_x"))))
        for name in chance.sample(sorted(_HEADERS), chance.choice((0, 0, 1, 1, 2, 3))):
            if name == "Host" and rarely() < 0.5:
                headers = headers[1:]
            if name not in ("Transfer-Encoding", "Content-Length", "Connection", "Upgrade") or rarely() < 0.2:
                headers.append((name, chance.choice(_HEADERS[name])))
        if rarely() < 0.1 and body:
            headers.append(("Transfer-Encoding", "chunked"))
            at = chance.randrange(len(body))
            body = (
                b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (body[:at], body[at:]) if part) + b"0\r\n\r\n"
            )
        elif body or method in ("POST", "PUT"):
            length = len(body) + (chance.choice((-1, 7)) if rarely() < 0.01 else 0)
            headers.append(("Content-Length", str(max(0, length))))
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers).encode("latin-1")
        start = b"%b %b HTTP/1.1\r\n" % (method.encode(), target)
        return Raw(method.encode(), target, start + lines + b"\r\n" + body)

    def _target(self, path: str, chance: random.Random) -> bytes:
        while ID in path:
            path = path.replace(ID, self._name(chance), 1)
        target = path.encode("latin-1", "replace").replace(b" ", b"%20")
        if chance.random() < 0.15:
            names = (
                "wait",
                "limit",
                "offset",
                "state",
                "after",
                "order",
                "cursor",
                "format",
                "variant",
                "task",
                "status",
            )
            values = ("0.01", "-1", "x", "%ff", "%00", "9" * 40, "pending", "", "a&a=b", "1e5", "true", "%F0%9F%8E%AC")
            target += b"?" if b"?" not in target else b"&"
            target += f"{chance.choice(names)}={chance.choice(values)}".encode()
        if chance.random() < 0.03:
            at = chance.randrange(1, len(target) + 1)
            target = (
                target[:at]
                + chance.choice((b"//", b"%2e%2e/", b"\xff", b"%", b"%zz", b"#x", b"%0d%0a", b";"))
                + target[at:]
            )
        return target

    def _name(self, chance: random.Random) -> str:
        if chance.random() < 0.6:
            return chance.choice(self._ids)
        odd = (
            "x",
            "%00",
            "%ff%fe",
            "x" * 36,
            "-" * 36,
            "..",
            "%2e%2e",
            "%F0%9F%8E%AC",
            "0",
            "a" * 3000,
            "%25",
            "%0d%0a",
        )
        return chance.choice(odd)

    def _body(self, probe: Probe, chance: random.Random) -> bytes:
        if probe.json is None or chance.random() < 0.15:
            return chance.choice(_BODIES) if chance.random() < (0.3 if probe.json is None else 1) else b""
        value = json.loads(json.dumps(probe.json).replace(ID, self._name(chance).replace("\\", "")))
        for _ in range(chance.choice((0, 0, 1, 1, 2, 3))):
            value = self._mutated(value, chance)
        text = json.dumps(value, ensure_ascii=chance.random() < 0.8)
        return text.encode("utf-8", "surrogatepass")

    def _mutated(self, value: Any, chance: random.Random) -> Any:
        """Change one thing anywhere in a JSON value."""
        places = list(_containers(value))
        if not places:
            return self._odd(chance)
        value = copy.deepcopy(value)
        place = chance.choice(list(_containers(value)))
        if isinstance(place, dict):
            name = chance.choice(sorted(place)) if place and chance.random() < 0.6 else chance.choice(self._fields)
            place[name] = self._odd(chance)
        else:
            place[:] = chance.choice(([], [self._odd(chance)], [*place, self._odd(chance)], place * 120))
        return value

    def _odd(self, chance: random.Random) -> Any:
        kind = chance.randrange(8)
        if kind < 3:
            return chance.choice(_TEXTS)
        if kind == 3:
            return chance.choice(_NUMBERS)
        if kind == 4:
            return chance.choice((None, True, False, [], {}, [[]], [None], {"": None}))
        if kind == 5:
            return {chance.choice(self._fields): self._odd(chance) for _ in range(chance.randrange(3))}
        if kind == 6:
            return [self._odd(chance) for _ in range(chance.randrange(3))]
        return chance.choice(self._ids)


def _containers(value: Any) -> Iterator[Any]:
    if isinstance(value, dict | list):
        yield value
        for each in value.values() if isinstance(value, dict) else value:
            yield from _containers(each)


def _names(described: Any) -> Iterator[str]:
    """Return the names of all fields that a description has."""
    for each in _containers(described):
        if isinstance(each, dict) and isinstance(each.get("properties"), dict):
            yield from each["properties"]


def _places(text: str, word: str) -> Iterator[int]:
    at = text.find(word)
    while at >= 0:
        yield max(200, at)
        at = text.find(word, at + 1)


def _read(received: bytes) -> httpx2.Response:
    head, _, body = received.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    headers = [(name, value) for name, _, value in (line.partition(": ") for line in lines[1:])]
    if ("transfer-encoding", "chunked") in headers:
        body = _dechunked(body)
    kept = [(name, value) for name, value in headers if name != "transfer-encoding"]
    return httpx2.Response(int(lines[0].split()[1]), headers=kept, content=body)


def _dechunked(body: bytes) -> bytes:
    pieces = []
    while body:
        size, _, body = body.partition(b"\r\n")
        length = int(size or b"0", 16)
        pieces.append(body[:length])
        body = body[length + 2 :] if length else b""
    return b"".join(pieces)


def _fault(request: Raw, answer: httpx2.Response) -> str | None:
    """Return what is wrong with an answer; None if nothing is."""
    status, kind = answer.status_code, answer.headers.get("content-type", "")
    if status >= 500 and status not in (503, 504):
        return f"status {status}"
    if b"Traceback" in answer.content:
        return "a traceback"
    if status < 400 or request.method == b"HEAD" or "X-Trace-Id" not in answer.headers:
        # What is no HTTP is refused by the server, in front of every dialect.
        known = status < 400 or request.method == b"HEAD" or status in (400, 408, 431)
        return None if known else f"a bare {status}"
    if kind != "application/json":
        return f"an error as {kind}"
    return _ill_formed(request, answer)


def _ill_formed(request: Raw, answer: httpx2.Response) -> str | None:
    path = unquote_to_bytes(request.target.partition(b"?")[0].partition(b"#")[0]).decode("utf-8", "replace")
    if path.startswith("/mcp"):
        return None if set(answer.json()) >= {"jsonrpc", "error"} else f"no JSON-RPC error: {answer.text:.300}"
    expected = next(forms for prefix, forms in _FORMS if path.startswith(prefix) or prefix == "/")
    try:
        form = form_of(answer)
    except (AssertionError, KeyError, TypeError, ValueError) as error:
        return f"{answer.status_code} in no form ({error!r}): {answer.text:.300}"
    return None if form in expected else f"{answer.status_code} in the form {form}, not {expected}"
