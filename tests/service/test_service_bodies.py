"""Bodies that are made to cost more than their bytes, or that fill the memory for bodies."""

from __future__ import annotations

import base64
import contextlib
import io
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
import pytest
from PIL import Image

from tests.mcp.callers import message
from tests.support.processes import until
from tests.support.service import RunningService

from .apis import SUBMITS, form_for, form_of
from .conftest import client, dialled, new_key, received
from .test_service_slow import answered, begun

pytestmark = pytest.mark.xdist_group("bodies")

MIB = 1024 * 1024
SIZE = 20 * MIB
GROWTH = 160 * MIB
READERS = {name: request.path for name, request in SUBMITS.items()} | {"tasks": "/luma/tasks", "mcp": "/mcp"}
ACCEPTED = {"accept": "application/json, text/event-stream", "content-type": "application/json"}
SMALL = {
    "tasks": ("POST", "/luma/tasks"),
    "upscale": ("POST", "/dream-machine/v1/generations/x/upscale"),
    "remix": ("POST", "/v1/videos/x/remix"),
    "announce": ("POST", "/agents/v1/files"),
    "rotate": ("POST", "/api/v1/webhooks/secret/rotate"),
    "route": ("POST", "/api/v1/admin/route"),
    "limits": ("PATCH", "/api/v1/admin/limits/x"),
    "adopt": ("POST", "/api/v1/admin/import"),
    "decide": ("POST", "/api/v1/admin/unknown/x"),
}
"""Requests whose bodies have no place for a file."""


def filled(item: bytes, head: bytes = b'"junk":[', tail: bytes = b"0]") -> bytes:
    """Write a body of 20 MiB that every route would read."""
    start = b'{"prompt":"x [fail]","user_prompt":"x [fail]","jsonrpc":"2.0","method":"ping","id":1,"action":"retrieve",'
    return start + head + item * (SIZE // len(item)) + tail + b"}"


SHAPES = {
    "objects": filled(b"{},"),
    "arrays": filled(b"[],"),
    "numbers": filled(b"1,"),
    "one key": filled(b'"a":0,', b'"junk":{', b'"b":0}'),
    "white space": filled(b" ", b'"junk":', b"0"),
    "number": filled(b"1", b'"junk":', b""),
    "escapes": filled(b"\\u0041", b'"junk":"', b'"'),
    "wide text": filled(b"A", b'"junk":"', '\N{GRINNING FACE}"'.encode()),
    "nested": filled(b"[", b'"junk":', b""),
}


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """A service with the limits that it has by itself."""
    running = RunningService(tmp_path_factory.mktemp("plain") / "data").start()
    yield running
    assert running.stop() == 0, running.log.read_text()[-4000:]
    assert "Traceback" not in running.log.read_text(), running.log.read_text()[-8000:]


@pytest.fixture(scope="module")
def tight(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """A service with memory for 800,000 bytes of bodies, half of them for each application."""
    options = {"max_body_memory": "800000", "body_rate": "100000"}
    running = RunningService(tmp_path_factory.mktemp("tight") / "data", **options).start()
    yield running
    assert running.stop() == 0, running.log.read_text()[-4000:]
    assert "Traceback" not in running.log.read_text(), running.log.read_text()[-8000:]


def resident(service: RunningService, name: str = "VmRSS") -> int:
    """Return the bytes of memory of a service, or what they were at most."""
    assert service.process is not None
    status = Path(f"/proc/{service.process.pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith(name)).split()[1]) * 1024


@contextlib.contextmanager
def growth(service: RunningService) -> Iterator[None]:
    """Check that the memory of a service does not grow by more than the bodies themselves."""
    assert service.process is not None
    Path(f"/proc/{service.process.pid}/clear_refs").write_text("5")  # the most counts from here
    before = resident(service)
    yield
    assert resident(service, "VmHWM") - before < GROWTH


def at_once(service: RunningService, path: str, bodies: list[bytes], **headers: str) -> list[httpx2.Response]:
    """Send bodies at the same time, each on a connection of its own."""
    answers: list[httpx2.Response] = []

    def send(body: bytes) -> None:
        with client(service) as http:
            answers.append(http.post(path, content=body, headers=ACCEPTED | headers))

    threads = [threading.Thread(target=send, args=(body,)) for body in bodies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return answers


@pytest.mark.parametrize("name", READERS)
def test_bodies_that_would_grow(plain: RunningService, name: str):
    """Whatever a large body is made of, in every dialect: memory stays, and it is refused in the dialect's form."""
    with growth(plain):
        answers = at_once(plain, READERS[name], list(SHAPES.values())[:4])
        answers += at_once(plain, READERS[name], list(SHAPES.values())[4:], **{"idempotency-key": name})
    assert len(answers) == len(SHAPES)
    for answer in answers:
        assert answer.status_code in (400, 413), answer.text[:500]
        if name == "mcp":
            assert answer.json()["error"]["data"]["code"] in ("bad_request", "payload_too_large")
        else:
            assert form_of(answer) == ("union" if name == "tasks" else form_for(name))


def test_the_answer_is_seen_by_clients_that_send_all_first(plain: RunningService):
    """A client that reads nothing before it has sent all, and then wants the connection closed, sees the answer."""
    for path in ("/luma/generations", "/luma/tasks"):
        head = begun(plain, path, f"Content-Length: {SIZE}", "Connection: close")
        with dialled(plain, 30) as connection:
            connection.sendall(head + b'{"junk":[')
            connection.sendall(b"{}," * ((SIZE - 9) // 3) + b" " * ((SIZE - 9) % 3))
            assert answered(received(connection)).status_code in (400, 413)


def test_forms_that_would_grow(plain: RunningService):
    """A form with hundreds of thousands of headers is refused, too."""
    form = b'--x\r\nContent-Disposition: form-data; name="prompt"\r\n' + b"a: b\r\n" * (SIZE // 6)
    with growth(plain), client(plain) as http:
        for path in ("/v1/videos", "/agents/v1/files"):
            answer = http.post(path, content=form, headers={"content-type": "multipart/form-data; boundary=x"})
            assert answer.status_code == 413, answer.text


def test_files_still_come_in(plain: RunningService):
    """Pictures larger than the small bound are taken in every way: in JSON, in a form, by a tool, and bare."""
    noise = np.random.default_rng(1).integers(0, 256, (800, 800, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(noise).save(buffer, "PNG")
    picture = buffer.getvalue()
    assert len(picture) > MIB
    uri = f"data:image/png;base64,{base64.b64encode(picture).decode()}"
    start = {"start_image_url": uri, "prompt": "日本 x [fail]"}
    with client(plain) as http:
        made = [
            http.post("/luma/generations", json={"image_url": uri, "user_prompt": "日本 x [fail]"}),
            http.post("/luma/generations", content=json.dumps({"image_url": uri}).replace("/", "\\/")),
            http.post("/luma/videos", json=start | {"async": True}, headers={"idempotency-key": "files"}),
            http.post("/v1/videos", data={"prompt": "x [fail]"}, files={"input_reference": ("a.png", picture)}),
            http.post(
                "/mcp",
                json=message("tools/call", {"name": "luma_generate_video_from_image", "arguments": start}),
                headers=ACCEPTED,
            ),
        ]
        assert [answer.status_code for answer in made] == [200] * 5, [answer.text[:300] for answer in made]
        assert "error" not in made[-1].json(), made[-1].text[:500]
        assert not made[-1].json()["result"].get("isError"), made[-1].text[:500]
        announced = http.post("/agents/v1/files", json={"mime_type": "image/png", "size_bytes": len(picture)}).json()
        assert http.put(announced["upload"]["url"], content=picture).status_code == 200


def test_a_file_that_no_field_refers_to(plain: RunningService):
    """Base64 in a field that nobody knows is not kept in the ledger: 413, and no task."""
    with client(plain) as http:
        before = http.get("/api/v1/tasks?limit=1").json()["total"]
        for path in ("/api/v1/tasks", "/luma/generations"):
            answer = http.post(path, json={"prompt": "x [fail]", "user_prompt": "x [fail]", "junk": "A" * 2 * MIB})
            assert answer.status_code == 413, answer.text
        assert http.get("/api/v1/tasks?limit=1").json()["total"] == before


@pytest.mark.parametrize("name", SMALL)
def test_bodies_that_cannot_carry_a_file(plain: RunningService, name: str):
    """They have a small bound, announced or not, even if what they are made of could be a file."""
    method, path = SMALL[name]
    body = b'{"action":"retrieve","junk":"' + b"A" * MIB + b'"}'

    def pieces() -> Iterator[bytes]:
        for at in range(0, len(body), 65_536):
            yield body[at : at + 65_536]

    with client(plain) as http:
        for content in (body, pieces()):
            answer = http.request(method, path, content=content)
            assert answer.status_code == 413, answer.text
            assert str(MIB) in answer.text
        assert http.request(method, path, content=body[: MIB - 100] + b'"}').status_code != 413


def test_tools_that_take_no_files(plain: RunningService):
    """A message has the small bound unless it calls a tool that takes files; the protocol's own have it, too."""
    called = message("tools/call", {"name": "luma_get_task", "arguments": {"task_id": "x", "junk": "A" * MIB}})
    with client(plain) as http:
        for asked in (called, message("ping", {"junk": "A" * MIB})):
            answer = http.post("/mcp", json=asked, headers=ACCEPTED)
            assert answer.status_code == 413, answer.text
            assert answer.json()["error"]["data"]["code"] == "payload_too_large"


def test_the_small_bound_is_an_option(tmp_path: Path):
    """`max_small_body` lowers it."""
    running = RunningService(tmp_path / "data", max_small_body="2000").start()
    try:
        with client(running) as http:
            assert http.post("/luma/tasks", json={"ids": ["x" * 2000]}).status_code == 413
            assert http.post("/luma/tasks", json={"ids": ["x" * 1000]}).status_code == 200
    finally:
        running.stop()


def test_an_application_does_not_hold_the_memory_of_others(tight: RunningService, application: str):
    """One that sends slowly fills its own share: its next body waits, another application's does not."""
    body = json.dumps({"prompt": "x [fail]", "junk": "x" * 300_000}).encode()
    head = (f"Content-Length: {len(body)}", "Connection: close")
    order: list[str] = []

    def send(name: str, http: httpx2.Client) -> None:
        assert http.post("/api/v1/tasks", content=body).status_code == 201
        order.append(name)

    with dialled(tight, 30) as slow, client(tight) as own, client(tight, new_key(tight, application)) as other:
        slow.sendall(begun(tight, "/api/v1/tasks", *head) + body[:200_000])
        waiting = threading.Thread(target=send, args=("own", own))
        waiting.start()
        for _ in range(3):
            send("other", other)
        assert own.get("/api/v1/me").status_code == 200
        assert order == ["other"] * 3
        slow.sendall(body[200_000:])
        assert answered(received(slow)).status_code == 201
        waiting.join(30)
        assert order == ["other"] * 3 + ["own"]


@pytest.mark.parametrize(
    ("path", "waits"),
    [
        ("/luma/videos", {"prompt": "x [hang]", "timeout": 60}),
        ("/dream-machine/v1/generations/image", {"prompt": "x [hang]", "model": "photon-1", "sync": True}),
    ],
)
def test_whoever_waits_for_a_video_holds_no_memory(tight: RunningService, path: str, waits: dict[str, Any]):
    """The body of a synchronous submit is given back when it is accepted: others like it are accepted, too."""
    body = json.dumps(waits | {"junk": "x" * 390_000}).encode()
    head = begun(tight, path, f"Content-Length: {len(body)}", "Connection: close")
    with contextlib.ExitStack() as stack, client(tight) as http:
        before = http.get("/api/v1/tasks?limit=1").json()["total"]
        for _ in range(2):
            stack.enter_context(dialled(tight)).sendall(head + body)
        own = http.post("/api/v1/tasks", json={"prompt": "x [fail]", "junk": "x" * 390_000})
        assert own.status_code == 201
        found = until(
            lambda: http.get("/api/v1/tasks?limit=5").json(), lambda page: bool(page["total"] == before + 3), 25
        )
        for task in found["tasks"]:
            http.post(f"/api/v1/tasks/{task['id']}/cancel")
