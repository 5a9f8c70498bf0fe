"""Bad input in every dialect: a clear error in the dialect's form, and the service goes on."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple
from urllib.parse import urlsplit
from uuid import uuid4

import httpx2
import pytest

from tests.support.service import RunningService

from .bad import PLAYLIST, bomb, data_uri
from .listener import Listener

Ended = Callable[[str], dict[str, Any]]
MIB = 1024 * 1024


class Api(NamedTuple):
    """How one dialect submits and queries, and in which form it writes errors."""

    submit: str
    prompt: str
    image: str
    callback: str
    extra: dict[str, Any]
    query: Callable[[httpx2.Client, str], httpx2.Response]
    batch: Callable[[httpx2.Client, list[str]], httpx2.Response] | None
    id: str
    keys: set[str]

    def body(self, **fields: Any) -> dict[str, Any]:
        """Return the body of a submit; `prompt`, `image` and `callback` are written in the dialect's words."""
        names = {"prompt": self.prompt, "callback": self.callback}
        image = {} if "image" not in fields else self._start(fields.pop("image"))
        return {**self.extra, **{names.get(key, key): value for key, value in fields.items()}, **image}

    def _start(self, url: Any) -> dict[str, Any]:
        return {"start": {"image": url}} if self.image == "start" else {self.image: url}


APIS = {
    "native": Api(
        "/api/v1/tasks",
        "prompt",
        "start",
        "callback_url",
        {"duration": 1},
        lambda http, task_id: http.get(f"/api/v1/tasks/{task_id}"),
        None,
        "id",
        {"error"},
    ),
    "gateway": Api(
        "/luma/generations",
        "user_prompt",
        "image_url",
        "notify_hook",
        {"duration": "1s"},
        lambda http, task_id: http.get(f"/luma/generations/{task_id}"),
        lambda http, ids: http.post("/luma/tasks", json={"ids": ids}),
        "id",
        {"error", "detail", "trace_id"},
    ),
    "acedata": Api(
        "/luma/videos",
        "prompt",
        "start_image_url",
        "callback_url",
        {"async": True},
        lambda http, task_id: http.post("/luma/tasks", json={"id": task_id, "action": "retrieve"}),
        lambda http, ids: http.post("/luma/tasks", json={"ids": ids, "action": "retrieve_batch"}),
        "task_id",
        {"success", "error", "trace_id"},
    ),
}


@pytest.fixture(params=list(APIS))
def api(request: pytest.FixtureRequest) -> Api:
    """Each dialect in turn."""
    return APIS[request.param]


@pytest.fixture(autouse=True)
def goes_on(http: httpx2.Client) -> Iterator[None]:
    """After each test the service is alive and takes and finishes a task."""
    yield
    assert http.get("/healthz").status_code == 200
    task = http.post("/api/v1/tasks", json={"prompt": "[fail=x]"}).json()
    assert http.get(f"/api/v1/tasks/{task['id']}?wait=30").json()["state"] == "failed"


def refused(answer: httpx2.Response, status: int, api: Api, *words: str) -> None:
    """Check an error: its status, its form, its trace id, and that the message says what is wrong."""
    assert answer.status_code == status, answer.text
    body = answer.json()
    assert set(body) == api.keys or set(body) == {"success", "error", "detail", "trace_id"}, body
    assert isinstance(body["error"]["code"], str)
    assert answer.headers["X-Trace-Id"] == body.get("trace_id", body["error"].get("trace_id"))
    for word in words:
        assert word in body["error"]["message"]
    assert "Traceback" not in answer.text


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"null", b'"x"', b"\xff\xfe", b"[" * 50_000, b'{"prompt": "x"} x']
)
def test_malformed_json(http: httpx2.Client, api: Api, content: bytes):
    """What is no JSON object is refused, whatever it calls itself."""
    for kind in ("application/json", "text/plain"):
        refused(http.post(api.submit, content=content, headers={"Content-Type": kind}), 400, api, "JSON")


@pytest.mark.parametrize(
    "fields",
    [
        {"prompt": 5},
        {"prompt": ["x"]},
        {"prompt": {"text": "x"}},
        {"prompt": True},
        {"prompt": "x", "loop": "yes"},
        {"prompt": "x", "aspect_ratio": 169},
        {"prompt": "x", "image": 5},
        {"prompt": "x", "callback": ["https://example.com/"]},
        {"prompt": "x", "model": 2},
    ],
)
def test_wrong_types(http: httpx2.Client, api: Api, fields: dict[str, Any]):
    """A value of the wrong type is refused."""
    refused(http.post(api.submit, json=api.body(**fields)), 400, api)


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({}, "is required"),
        ({"prompt": ""}, "is required"),
        ({"prompt": None}, "is required"),
        ({"prompt": " \t\n"}, "is required"),
        ({"prompt": "x" * 5_001}, "5000"),
        ({"prompt": "x", "aspect_ratio": "2:1"}, "16:9"),
        ({"prompt": "x", "aspect_ratio": "16:9 "}, "16:9"),
    ],
)
def test_wrong_values(http: httpx2.Client, api: Api, fields: dict[str, Any], word: str):
    """A value that is not allowed is refused, and the message says what is."""
    refused(http.post(api.submit, json=api.body(**fields)), 400, api, word)


def test_the_longest_prompt(http: httpx2.Client, api: Api):
    """5,000 characters are allowed, whatever characters they are."""
    prompt = "[hang]" + "\N{CLAPPER BOARD}" * 4_994
    answer = http.post(api.submit, json=api.body(prompt=prompt))
    assert answer.is_success, answer.text
    cancelled = http.post(f"/api/v1/tasks/{answer.json()[api.id]}/cancel").json()
    assert cancelled["prompt"] == prompt


def test_unusual_characters(http: httpx2.Client, api: Api):
    """A prompt may hold any character, and comes back as it was."""
    prompt = "[fail=x] \0 \x7f \u202e \ufffe \N{PILE OF POO} ' \" \\ </script>"
    answer = http.post(api.submit, json=api.body(prompt=prompt))
    assert answer.is_success, answer.text
    task_id = answer.json()[api.id]
    assert http.get(f"/api/v1/tasks/{task_id}").json()["prompt"] == prompt
    assert api.query(http, task_id).status_code == 200


def test_a_body_announced_too_large(http: httpx2.Client, service: RunningService, api: Api):
    """A body that says it has 100 MB is refused before it is sent."""
    place = urlsplit(service.url)
    head = (
        f"POST {api.submit} HTTP/1.1\r\nHost: {place.netloc}\r\nAuthorization: Bearer {service.key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {100 * MIB}\r\nConnection: close\r\n\r\n"
    )
    with socket.create_connection((place.hostname, place.port), timeout=30) as connection:
        connection.sendall(head.encode() + b'{"prompt": "')
        assert connection.recv(64).startswith(b"HTTP/1.1 413 ")


def test_a_body_that_turns_out_too_large(http: httpx2.Client, api: Api):
    """A body of unknown length is cut off at the limit."""

    def endless() -> Iterator[bytes]:
        for _ in range(100):
            yield b" " * MIB

    refused(http.post(api.submit, content=endless()), 413, api)


@pytest.mark.parametrize(
    ("url", "word"),
    [
        (data_uri(b"not a picture"), ""),
        (data_uri(PLAYLIST), ""),
        ("data:image/png;base64,", ""),
        ("data:image/png;base64,!!!!", "base64"),
        ("data:image/png,plain", "data URI"),
        ("data:;base64,AAAA", ""),
        (data_uri(bomb()), "pixel"),
        ("ftp://example.com/a.png", "http"),
        ("file:///etc/passwd", "http"),
        ("a.png", "http"),
        ("http://10.0.0.1/a.png", "not public"),
        ("http://169.254.169.254/latest/meta-data", "not public"),
        ("http://[::1]/a.png", "not public"),
        ("http://0x0a000001/", "unusual"),
        ("https://user:secret@example.com/a.png", "user name"),
        ("https://example.com/" + "a" * 9_000, "8192"),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else None,
)
def test_images_that_are_refused_at_once(http: httpx2.Client, api: Api, url: str, word: str):
    """What can be seen to be unusable is refused at the door, and no task is made."""
    before = http.get("/api/v1/tasks?limit=1").json()["total"]
    refused(http.post(api.submit, json=api.body(prompt="x", image=url)), 400, api, word)
    assert http.get("/api/v1/tasks?limit=1").json()["total"] == before


@pytest.mark.parametrize("url", ["ftp://example.com/", "http://10.0.0.1/hook", "nowhere", "http://"])
def test_callbacks_that_are_refused(http: httpx2.Client, api: Api, url: str):
    """A callback address that can be seen to be unusable is refused."""
    refused(http.post(api.submit, json=api.body(prompt="x", callback=url)), 400, api)


def test_images_that_cannot_be_had(http: httpx2.Client, ended: Ended, listener: Listener, api: Api):
    """An address that does not answer, is missing, or serves something else ends the task with the reason."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        nobody = f"http://127.0.0.1:{closed.getsockname()[1]}/a.png"
    listener.files |= {"/clip.mp4": PLAYLIST, "/bomb.png": bomb(), "/empty.png": b""}
    wanted = {
        nobody: "input_unreachable",
        f"{listener.url}/missing.png": "input_unreachable",
        f"{listener.url}/empty.png": "input_unreachable",
        f"{listener.url}/clip.mp4": "invalid_media",
        f"{listener.url}/bomb.png": "invalid_media",
    }
    submitted = {url: http.post(api.submit, json=api.body(prompt="x", image=url)) for url in wanted}
    for url, answer in submitted.items():
        assert answer.is_success, answer.text
        task = ended(answer.json()[api.id])
        assert (task["state"], task["failure"]["code"]) == ("failed", wanted[url]), url
        assert task["failure"]["message"]
        assert api.query(http, task["id"]).status_code == 200


def test_clips_that_cannot_be_used(http: httpx2.Client, ended: Ended, listener: Listener):
    """A playlist that is called a video is not opened, wherever it comes from."""
    listener.files["/clip.mp4"] = PLAYLIST
    address = f"{listener.url}/clip.mp4"
    extended = http.post("/luma/videos", json={"action": "extend", "video_url": address, "async": True}).json()
    native = http.post("/api/v1/tasks", json={"prompt": "x", "start": {"video": address}}).json()
    for task_id in (extended["task_id"], native["id"]):
        assert ended(task_id)["failure"]["code"] == "invalid_media"
    sent = http.post("/api/v1/tasks", json={"start": {"video": data_uri(PLAYLIST, "video/mp4")}})
    refused(sent, 400, APIS["native"])
    for source in (address, data_uri(PLAYLIST, "video/mp4")):
        refused(http.post("/luma/generations/file_upload", json={"url": source}), 400, APIS["gateway"], "")


@pytest.mark.parametrize(
    "task_id", ["4665a07c-7641-4809-a133-10786201bb56", "x", "x" * 2_000, "%00", "..x", "\N{CLAPPER BOARD}"]
)
def test_unknown_ids(http: httpx2.Client, api: Api, task_id: str):
    """An unknown id is 404, whatever it looks like."""
    refused(api.query(http, task_id), 404, api)


def test_batches_that_are_too_large(http: httpx2.Client, api: Api):
    """100 ids are allowed, 101 are not."""
    if api.batch is None:
        return
    assert api.batch(http, [str(uuid4()) for _ in range(100)]).status_code == 200
    refused(api.batch(http, [str(uuid4()) for _ in range(101)]), 400, api, "100")


@pytest.mark.parametrize(
    "header",
    [None, "", "Bearer", "Bearer wrong", "Basic eDp5", "Bearer fg_" + "0" * 36, "Bearer My Auth Token"],
)
def test_missing_and_wrong_keys(service: RunningService, api: Api, header: str | None):
    """Without a good key nothing is said but that."""
    headers = {} if header is None else {"Authorization": header}
    with httpx2.Client(base_url=service.url, headers=headers) as stranger:
        for answer in (
            stranger.post(api.submit, json=api.body(prompt="x")),
            stranger.post(api.submit, content=b"{"),
            api.query(stranger, str(uuid4())),
        ):
            refused(answer, 401, api)
            assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_exhausted_rates(start_service: Callable[..., RunningService], api: Api):
    """Rates are counted per key; an exhausted one is told when to come back."""
    service = start_service(submit_rate="1", query_rate="1")
    with httpx2.Client(base_url=service.url, headers=service.headers) as http:
        first = http.post(api.submit, json=api.body(prompt="[hang]"))
        assert first.is_success, first.text
        late = http.post(api.submit, json=api.body(prompt="[hang]"))
        assert api.query(http, first.json()[api.id]).status_code == 200
        too_often = api.query(http, first.json()[api.id])
    for answer in (late, too_often):
        refused(answer, 429, api)
        assert 1 <= int(answer.headers["Retry-After"]) <= 60


@pytest.mark.parametrize("path", ["/luma/nothing", "/luma/generations", "/luma/videos", "/luma/tasks", "/api/v1/x"])
def test_paths_and_methods_that_are_not_there(http: httpx2.Client, path: str):
    """Other paths are 404 and other methods 405, in the form of their dialect."""
    answer = http.put(path, json={})
    assert answer.status_code in (404, 405)
    assert answer.json()["error"]["message"]
    if answer.status_code == 405:
        assert answer.headers["Allow"]
