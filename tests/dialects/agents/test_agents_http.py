"""The Agents dialect as HTTP clients meet it."""

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

from tests.support.files import files_below
from tests.support.service import RunningService

from .test_agents_sdk import picture

FIXTURES = Path(__file__).parents[2] / "fixtures"
PUBLISHED = json.loads((FIXTURES / "agents_generation_schema.json").read_text())
CAPTURED = {request["label"]: request for request in json.loads((FIXTURES / "agents_requests.json").read_text())}
Ended = Callable[[str], dict[str, Any]]


def submit(http: httpx2.Client, **body: Any) -> str:
    """Submit a generation and give its id."""
    answer = http.post("/agents/v1/generations", json={"prompt": "x", "type": "video", **body})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def test_what_the_sdk_was_seen_to_send(http: httpx2.Client, ended: Ended):
    """The captured requests are understood, word for word."""
    create, get = CAPTURED["create_video"], CAPTURED["get"]
    created = http.post(create["path"], json=create["body"], headers=create["headers"])
    assert created.status_code == 201
    jsonschema.validate(created.json(), PUBLISHED)
    task = ended(created.json()["id"])
    assert (task["loop"], task["resolution"], task["model"], task["dialect"]) == (True, "720p", "ray-3.2", "agents")
    answer = http.get(get["path"].rpartition("/")[0] + "/" + task["id"], headers=get["headers"])
    jsonschema.validate(answer.json(), PUBLISHED)
    assert answer.json()["state"] == "completed"


def test_inline_data_is_not_remembered(http: httpx2.Client, service: RunningService, ended: Ended):
    """What was sent as data is a stored file; only its link is kept with the task."""
    data = base64.b64encode(picture((65, 37))).decode()
    task_id = submit(http, video={"start_frame": {"data": data, "media_type": "image/png"}})
    ended(task_id)
    with contextlib.closing(sqlite3.connect(f"file:{service.data / 'filmgate.db'}?mode=ro", uri=True)) as ledger:
        ((body,),) = ledger.execute("SELECT body FROM requests WHERE task_id = ?", (task_id,)).fetchall()
    assert data.encode() not in body
    assert json.loads(body)["video"]["start_frame"]["url"].startswith(f"{service.url}/media/")


def test_references_that_cannot_be_used_are_named(http: httpx2.Client):
    """What is wrong with a picture or a clip is said of the field that it stands in."""
    broken = {"data": "AAAA", "media_type": "image/png"}
    for body, field in (
        ({"type": "video", "video": {"start_frame": broken}}, "video.start_frame"),
        ({"type": "video", "video": {"end_frame": broken}}, "video.end_frame"),
        ({"type": "video_edit", "source": broken}, "source"),
    ):
        answer = http.post("/agents/v1/generations", json={"prompt": "x", **body})
        assert (answer.status_code, answer.json()["field"]) == (400, field)


def test_a_form_brings_its_file(http: httpx2.Client):
    """A form's file is kept at once, with nothing more to send."""
    created = http.post(
        "/agents/v1/files", files={"file": ("a.png", picture(), "image/png")}, data={"purpose": "input"}
    )
    assert created.status_code == 201, created.text
    assert (created.json()["state"], created.json()["upload"]) == ("ready", None)
    assert http.get(f"/agents/v1/files/{created.json()['id']}").json() == created.json()["file"]
    for files in ({"other": ("a.png", picture(), "image/png")}, {"file": ("a.txt", b"hello", "text/plain")}):
        assert http.post("/agents/v1/files", files=files).status_code == 400
    broken = http.post("/agents/v1/files", content=b"x", headers={"Content-Type": "multipart/form-data; boundary=y"})
    assert broken.status_code == 400
    assert (
        http.post("/agents/v1/files", content=b"x", headers={"Content-Type": "multipart/form-data"}).status_code == 400
    )


def test_bytes_that_were_not_announced(http: httpx2.Client):
    """Only the announced number of bytes is taken, only a picture that is one, and only once."""
    data = picture()
    create = {"mime_type": "image/png", "size_bytes": len(data)}
    with httpx2.Client() as anybody:
        put = http.post("/agents/v1/files", json=create).json()["upload"]["url"]
        wrong = anybody.put(put, content=data + b"x")
        assert (wrong.status_code, wrong.json()["field"]) == (400, "size_bytes")
        broken = anybody.put(put, content=b"x" * len(data))
        assert (broken.status_code, broken.json()["code"]) == (400, "invalid_media")
        assert anybody.put(put, content=data).json()["state"] == "ready"
        assert anybody.put(put, content=data).status_code == 404
        assert anybody.put(put.replace("/files/", "/files/x"), content=data).status_code == 404


def test_a_strangers_file_is_nowhere(start_service: Callable[..., RunningService]):
    """A file of another application, kept or announced, is as unknown as one that never was."""
    service = start_service()
    made = service.run("keys", "create", "--name", "b", "--application", "b").stdout.strip()
    with (
        httpx2.Client(base_url=service.url, headers=service.headers) as owner,
        httpx2.Client(base_url=service.url, headers={"Authorization": f"Bearer {made}"}) as stranger,
    ):
        kept = owner.post("/agents/v1/files", files={"file": ("a.png", picture(), "image/png")}).json()["id"]
        announced = owner.post("/agents/v1/files", json={"mime_type": "image/png", "size_bytes": 5}).json()["id"]
        for file_id in (kept, announced, "x" * 22):
            path = f"/agents/v1/files/{file_id}"
            answers = [stranger.get(path), stranger.delete(path), stranger.post(f"{path}/complete")]
            body = {"prompt": "x", "type": "image_edit", "source": {"file_id": file_id}}
            answers.append(stranger.post("/agents/v1/generations", json=body))
            assert [answer.status_code for answer in answers] == [404] * 4
        assert stranger.get("/agents/v1/files").json()["data"] == []
        assert owner.delete(f"/agents/v1/files/{announced}").status_code == 204
        assert owner.get(f"/agents/v1/files/{announced}").status_code == 404
        task_file = owner.get(f"/agents/v1/files/{uuid4()}")
        assert task_file.status_code == 404


def test_a_deleted_file_has_no_link(http: httpx2.Client, service: RunningService):
    """With the file its link goes, and so do its bytes."""
    kept = http.post("/agents/v1/files", files={"file": ("a.png", picture(), "image/png")}).json()["file"]
    link = f"/media/{kept['id']}/{kept['filename']}"
    assert len(http.get(link).content) == kept["size_bytes"]
    before = set(files_below(service.data / "media" / "uploads"))
    assert http.delete(f"/agents/v1/files/{kept['id']}").status_code == 204
    assert http.get(link).status_code == 404
    gone = [path for path in before if not path.exists()]
    assert gone


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/agents/v1/generations/nothing", None, 404),
        ("GET", "/agents/v1/nothing", None, 404),
        ("DELETE", "/agents/v1/generations", None, 405),
        ("POST", "/agents/v1/generations", b"{", 400),
        ("POST", "/agents/v1/generations", b"[]", 400),
        ("POST", "/agents/v1/generations", b"{}", 400),
        ("POST", "/agents/v1/files", b"{}", 400),
        ("GET", "/agents/v1/files?limit=0", None, 400),
        ("GET", "/agents/v1/files?limit=101", None, 400),
        ("GET", "/agents/v1/files?state=lost", None, 400),
        ("GET", "/agents/v1/files?purpose=fun", None, 400),
    ],
)
def test_errors_have_the_form_of_this_api(http: httpx2.Client, method: str, path: str, body: bytes | None, status: int):
    """Every error says in a sentence what is wrong, and names its request."""
    answer = http.request(method, path, content=body)
    assert answer.status_code == status, answer.text
    assert set(answer.json()) == {"detail", "code", "field", "trace_id"}
    assert answer.json()["detail"]
    assert answer.json()["trace_id"] == answer.headers["X-Request-Id"]
    with httpx2.Client(base_url=http.base_url) as stranger:
        refused = stranger.request(method, path, content=body)
    if status not in (404, 405) or "/generations/" in path:
        assert (refused.status_code, refused.json()["code"]) == (401, "invalid_token")


def test_answers_keep_their_description(http: httpx2.Client, ended: Ended):
    """What is really answered is what is published."""
    published = http.get("/openapi.json").json()

    def keeps(path: str, answer: httpx2.Response) -> None:
        operation = published["paths"][path][answer.request.method.lower()]
        content = operation["responses"][str(answer.status_code)].get("content", {})
        if content:
            schema = content["application/json"]["schema"]
            Draft202012Validator({**schema, "components": published["components"]}).validate(answer.json())

    for prompt in ("x", "[fail=moderated]"):
        created = http.post("/agents/v1/generations", json={"prompt": prompt})
        keeps("/agents/v1/generations", created)
        ended(created.json()["id"])
        one = "/agents/v1/generations/{generation_id}"
        keeps(one, http.get(one.format(generation_id=created.json()["id"])))
        keeps(one, http.get(one.format(generation_id=uuid4())))
    for sent in (
        {"json": {"mime_type": "image/png", "size_bytes": 5}},
        {"files": {"file": ("a", picture(), "image/png")}},
    ):
        created = http.post("/agents/v1/files", **sent)  # type: ignore[arg-type]
        keeps("/agents/v1/files", created)
        one = "/agents/v1/files/{file_id}"
        keeps(one, http.get(one.format(file_id=created.json()["id"])))
        keeps(f"{one}/complete", http.post(one.format(file_id=created.json()["id"]) + "/complete"))
        keeps("/agents/v1/files", http.get("/agents/v1/files?limit=1"))
        keeps(one, http.delete(one.format(file_id=created.json()["id"])))
