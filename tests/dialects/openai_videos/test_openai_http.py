"""The OpenAI dialect as HTTP clients meet it."""

from __future__ import annotations

import base64
import contextlib
import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2
import jsonschema
import pytest
from jsonschema import Draft202012Validator

from tests.support.service import RunningService

from .test_openai_sdk import picture

FIXTURES = Path(__file__).parents[2] / "fixtures"
PUBLISHED = json.loads((FIXTURES / "openai_video_schema.json").read_text())
CAPTURED = json.loads((FIXTURES / "openai_requests.json").read_text())
Ended = Callable[[str], dict[str, Any]]


def submit(http: httpx2.Client, **body: Any) -> str:
    """Submit a video as JSON and give its id."""
    answer = http.post("/v1/videos", json={"prompt": "x", "seconds": 1, "size": "960x540", **body})
    assert answer.status_code == 200, answer.text
    jsonschema.validate(answer.json(), PUBLISHED)
    return str(answer.json()["id"])


@pytest.mark.parametrize("captured", CAPTURED, ids=lambda request: request["label"])
def test_what_the_sdk_was_seen_to_send(http: httpx2.Client, ended: Ended, captured: dict[str, Any]):
    """The captured requests are understood, byte for byte."""
    mine = submit(http)
    ended(mine)
    path = captured["path"].replace("video_abc123", mine)
    query = {**captured["query"], **({"after": mine} if "after" in captured["query"] else {})}
    body = captured["body"]
    content = json.dumps(body) if isinstance(body, dict) else body
    answer = http.request(captured["method"], path, params=query, content=content, headers=captured["headers"])
    assert answer.status_code == 200, answer.text
    if captured["method"] == "POST":
        jsonschema.validate(answer.json(), PUBLISHED)
        made = ended(answer.json()["id"])
        assert made["state"] == "completed"
        assert made["prompt"] in ("cat", "make it blue")


def test_forms_and_json_ask_for_the_same(http: httpx2.Client, ended: Ended):
    """What a form says, JSON says as well: strings for numbers, an address or a data URI for a file."""
    uri = f"data:image/png;base64,{base64.b64encode(picture()).decode()}"
    sent = [
        {
            "files": {
                "prompt": (None, "x"),
                "seconds": (None, "2"),
                "input_reference": ("a.png", picture(), "image/png"),
            }
        },
        {"files": {"prompt": (None, "x"), "seconds": (None, "2"), "input_reference[image_url]": (None, uri)}},
        {"json": {"prompt": "x", "seconds": 2, "input_reference": {"image_url": uri}}},
        {"json": {"prompt": "x", "seconds": "2", "input_reference": uri}},
    ]
    for request in sent:
        answer = http.post("/v1/videos", **request)  # type: ignore[arg-type]
        assert answer.status_code == 200, answer.text
        task = ended(answer.json()["id"])
        assert (task["duration"], task["state"], task["aspect_ratio"]) == (2, "completed", "9:16")


def test_a_source_is_named_in_both_kinds_of_bodies(http: httpx2.Client, ended: Ended):
    """Edits and extensions take the id of a video from JSON and from a form."""
    first = submit(http)
    ended(first)
    for path, operation in (("edits", "modify"), ("extensions", "extend")):
        as_json = http.post(f"/v1/videos/{path}", json={"prompt": "y", "seconds": "1", "video": {"id": first}})
        form = {"prompt": (None, "y"), "seconds": (None, "1"), "video[id]": (None, first)}
        as_form = http.post(f"/v1/videos/{path}", files=form)
        for answer in (as_json, as_form):
            assert answer.status_code == 200, answer.text
            assert answer.json()["size"] == "960x540"
            assert ended(answer.json()["id"])["operation"] == operation
        unknown = http.post(f"/v1/videos/{path}", json={"prompt": "y", "video": {"id": str(uuid4())}})
        assert unknown.status_code == 404
    last = http.get(f"/v1/videos/{as_form.json()['id']}").json()
    assert last["seconds"] == "2"


def test_when_to_ask_again(http: httpx2.Client, ended: Ended):
    """A video that is known comes with the milliseconds after which to poll, an unknown one without."""
    task_id = submit(http, prompt="[fail]")
    ended(task_id)
    assert http.get(f"/v1/videos/{task_id}").headers["openai-poll-after-ms"] == "500"
    assert "openai-poll-after-ms" not in http.get(f"/v1/videos/{uuid4()}").headers


def test_parts_of_the_content(http: httpx2.Client, ended: Ended):
    """A range is answered as behind a media link, and the tag of a file is honoured."""
    task_id = submit(http)
    link = ended(task_id)["video"]["url"]
    path = f"/v1/videos/{task_id}/content"
    whole = http.get(path)
    assert whole.content == http.get(link).content
    assert whole.headers["Content-Type"] == "video/mp4"
    part = http.get(path, headers={"Range": "bytes=4-7"})
    assert (part.status_code, part.content) == (206, whole.content[4:8])
    assert http.get(path, headers={"Range": "bytes=99999999-"}).status_code == 416
    assert http.get(path, headers={"If-None-Match": whole.headers["ETag"]}).status_code == 304


def test_a_file_is_not_remembered(http: httpx2.Client, service: RunningService, ended: Ended):
    """What was sent as a file is stored; only its link is kept with the task."""
    form = {"prompt": (None, "x"), "input_reference": ("a.png", picture(), "image/png")}
    task_id = http.post("/v1/videos", files=form).json()["id"]
    ended(task_id)
    with contextlib.closing(sqlite3.connect(f"file:{service.data / 'filmgate.db'}?mode=ro", uri=True)) as ledger:
        ((body,),) = ledger.execute("SELECT body FROM requests WHERE task_id = ?", (task_id,)).fetchall()
    assert json.loads(body)["input_reference"]["image_url"].startswith(f"{service.url}/media/")


def test_files_that_are_too_large(start_service: Callable[..., RunningService]):
    """A picture larger than the limit is refused by its size, a body larger than the limit before it is read."""
    service = start_service(max_image="100", max_body="20000")
    with httpx2.Client(base_url=service.url, headers=service.headers) as http:
        small = http.post("/v1/videos", files={"prompt": (None, "x"), "input_reference": ("a", picture(), "image/png")})
        assert small.status_code == 400
        assert "more than 100 bytes" in small.json()["error"]["message"]
        assert small.json()["error"]["param"] == "input_reference"
        large = http.post("/v1/videos", files={"input_reference": ("a.png", b"x" * 30_000, "image/png")})
        assert (large.status_code, large.json()["error"]["code"]) == (413, "payload_too_large")


def test_a_stranger_sees_nothing(start_service: Callable[..., RunningService]):
    """Another application's video is as unknown as one that never was."""
    service = start_service()
    key = service.run("keys", "create", "--name", "b", "--application", "b").stdout.strip()
    with (
        httpx2.Client(base_url=service.url, headers=service.headers) as owner,
        httpx2.Client(base_url=service.url, headers={"Authorization": f"Bearer {key}"}) as stranger,
    ):
        task_id = submit(owner)
        path = f"/v1/videos/{task_id}"
        asked = [
            stranger.get(path),
            stranger.get(f"{path}?x=1"),
            stranger.get(f"{path}/content"),
            stranger.delete(path),
            stranger.post(f"{path}/remix", json={"prompt": "x"}),
            stranger.post("/v1/videos/edits", json={"prompt": "x", "video": {"id": task_id}}),
            stranger.post("/v1/videos/extensions", json={"prompt": "x", "video": {"id": task_id}}),
            stranger.get(f"/v1/videos?after={task_id}"),
        ]
        assert [answer.status_code for answer in asked] == [404] * len(asked)
        assert stranger.get("/v1/videos").json()["data"] == []


@pytest.mark.parametrize(
    ("method", "path", "content", "status", "param"),
    [
        ("GET", "/v1/videos/nothing", None, 404, None),
        ("GET", "/v1/videos/nothing/content", None, 404, None),
        ("GET", "/v1/videos/nothing/sound", None, 404, None),
        ("PUT", "/v1/videos", None, 405, None),
        ("POST", "/v1/videos", b"{", 400, None),
        ("POST", "/v1/videos", b"[]", 400, None),
        ("POST", "/v1/videos", b"{}", 400, "prompt"),
        ("POST", "/v1/videos/edits", b'{"prompt":"x"}', 400, "video"),
        ("POST", "/v1/videos/extensions", b'{"prompt":"x","seconds":"soon"}', 400, "seconds"),
        ("POST", "/v1/videos/nothing/remix", b'{"prompt":"x"}', 404, None),
        ("POST", "/v1/videos/characters", b"{}", 400, None),
        ("GET", "/v1/videos?limit=0", None, 400, "limit"),
        ("GET", "/v1/videos?order=up", None, 400, "order"),
    ],
)
def test_errors_have_the_form_of_this_api(
    http: httpx2.Client, method: str, path: str, content: bytes | None, status: int, param: str | None
):
    """Every error has its message, type, parameter and code, and its request is named in the headers."""
    answer = http.request(method, path, content=content)
    assert answer.status_code == status, answer.text
    error = answer.json()["error"]
    assert set(answer.json()) == {"error"}
    assert set(error) == {"message", "type", "param", "code"}
    assert error["message"]
    assert error["param"] == param
    assert answer.headers["X-Request-Id"]


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("multipart/form-data", b"--x\r\n"),
        ("multipart/form-data; boundary=x", b"hello"),
        ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: form-data\r\n\r\ncat\r\n--x--\r\n"),
        ("multipart/form-data; boundary=x", b""),
    ],
)
def test_forms_that_are_none(http: httpx2.Client, kind: str, content: bytes):
    """A form that cannot be read is refused, in words."""
    answer = http.post("/v1/videos", content=content, headers={"Content-Type": kind})
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"]["message"]


def test_answers_keep_their_description(http: httpx2.Client, ended: Ended):
    """What is really answered is what is published."""
    published = http.get("/openapi.json").json()

    def keeps(path: str, answer: httpx2.Response) -> None:
        operation = published["paths"][path][answer.request.method.lower()]
        described = operation["responses"][str(answer.status_code)]["content"]
        if answer.headers["Content-Type"] != "application/json":
            assert answer.headers["Content-Type"] in described
            return
        schema = described["application/json"]["schema"]
        Draft202012Validator({**schema, "components": published["components"]}).validate(answer.json())

    one = "/v1/videos/{video_id}"
    for prompt in ("x", "[fail=moderated]"):
        created = http.post("/v1/videos", json={"prompt": prompt, "seconds": "1"})
        keeps("/v1/videos", created)
        task_id = created.json()["id"]
        ended(task_id)
        for named in (task_id, str(uuid4())):
            keeps(one, http.get(one.format(video_id=named)))
            keeps(f"{one}/content", http.get(one.format(video_id=named) + "/content"))
            keeps(f"{one}/remix", http.post(one.format(video_id=named) + "/remix", json={"prompt": "y"}))
            source = {"prompt": "y", "video": {"id": named}}
            for path in ("/v1/videos/edits", "/v1/videos/extensions"):
                keeps(path, http.post(path, json=source))
        keeps("/v1/videos", http.get("/v1/videos?limit=2"))
        keeps(one, http.delete(one.format(video_id=task_id)))
