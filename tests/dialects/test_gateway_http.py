"""The gateway dialect as its clients meet it."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import jsonschema
from PIL import Image

from tests.support.clips import play

from .listener import Listener

PUBLISHED = json.loads((Path(__file__).parents[1] / "fixtures/gateway_task_schema.json").read_text())
Ended = Callable[[str], dict[str, Any]]


def submit(http: httpx2.Client, path: str = "/luma/generations", **body: Any) -> str:
    """Submit a task and give its id."""
    answer = http.post(path, json=body)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["id"])


def picture() -> str:
    """Return a small picture as a data URI."""
    data = io.BytesIO()
    Image.new("RGB", (64, 36), (200, 120, 40)).save(data, "PNG")
    return "data:image/png;base64," + base64.b64encode(data.getvalue()).decode()


def test_a_video_from_prompt_to_file(http: httpx2.Client, ended: Ended):
    """What is submitted can be queried at once, keeps the published schema at its end, and its file plays."""
    created = http.post("/luma/generations", json={"user_prompt": "cat dance", "image_url": "", "aspect_ratio": "9:16"})
    task_id = created.json()["id"]
    assert created.json()["state"] == "pending"
    assert http.get(f"/luma/generations/{task_id}").json()["id"] == task_id
    ended(task_id)
    answer = http.get(f"/luma/generations/{task_id}").json()
    jsonschema.validate(answer, PUBLISHED)
    assert answer["request"] == {"prompt": "cat dance", "aspect_ratio": "9:16"}
    with httpx2.Client() as anybody:
        seen = play(anybody.get(answer["video"]["download_url"]).content)
        for name in ("thumbnail", "last_frame"):
            still = Image.open(io.BytesIO(anybody.get(answer[name]["url"]).content))
            assert still.size == (answer[name]["width"], answer[name]["height"])
    assert tuple(seen) == (752, 1360, 121)
    assert http.get(f"/luma/generations/{task_id}/download_video_url").json() == {"url": answer["video"]["url"]}


def test_a_slash_at_the_end_is_answered_directly(http: httpx2.Client):
    """The web client's path with a slash is no redirect."""
    assert http.post("/luma/generations/", json={"user_prompt": "x"}, follow_redirects=False).status_code == 200


def test_an_unfinished_task_has_no_download(http: httpx2.Client):
    """As long as there is no video, its link is a conflict."""
    task_id = submit(http, user_prompt="[hang]")
    answer = http.get(f"/luma/generations/{task_id}/download_video_url")
    assert answer.status_code == 409
    assert answer.json()["error"]["code"] == "conflict"
    assert http.post(f"/api/v1/tasks/{task_id}/cancel").json()["failure"]["code"] == "cancelled"


def test_a_failed_task_is_answered_with_200(http: httpx2.Client, ended: Ended):
    """A failure is a state with a reason, not an error of the query."""
    task_id = submit(http, user_prompt="[fail=moderated: Frame moderation failed]")
    ended(task_id)
    answer = http.get(f"/luma/generations/{task_id}")
    assert answer.status_code == 200
    assert (answer.json()["state"], answer.json()["failure_reason"]) == ("failed", "Frame moderation failed")


def test_an_extension_has_both_parts(http: httpx2.Client, ended: Ended):
    """An extension is a new task of the same size, as long as both parts."""
    first = submit(http, user_prompt="x", aspect_ratio="1:1", resolution="540p", duration="1s")
    ended(first)
    second = submit(http, f"/luma/generations/{first}/extend", user_prompt="and then", duration=2, image_url="")
    assert second != first
    task = ended(second)
    assert (task["operation"], task["video"]["width"], task["video"]["frames"]) == ("extend", 720, 25 + 49)


def test_extending_what_cannot_be_extended(http: httpx2.Client):
    """An unknown id is 404, an unfinished task a conflict."""
    unknown = http.post("/luma/generations/4665a07c-7641-4809-a133-10786201bb56/extend", json={"user_prompt": "x"})
    assert unknown.status_code == 404
    task_id = submit(http, user_prompt="[hang]")
    answer = http.post(f"/luma/generations/{task_id}/extend", json={"user_prompt": "x"})
    assert answer.status_code == 409
    assert "only a completed one" in answer.json()["error"]["message"]
    http.post(f"/api/v1/tasks/{task_id}/cancel")


def test_both_forms_of_a_batch(http: httpx2.Client, ended: Ended):
    """Without an action, ids are answered as an array or in an envelope, in their order, unknown ones left out."""
    ids = [submit(http, user_prompt="[fail=x]"), submit(http, user_prompt="x", duration="1")]
    for task_id in ids:
        ended(task_id)
    asked = {"ids": [ids[1], "unknown", ids[0]]}
    single = [http.get(f"/luma/generations/{task_id}").json() for task_id in (ids[1], ids[0])]
    plain = http.post("/luma/tasks", content=json.dumps(asked), headers={"Content-Type": "text/plain"})
    assert plain.json() == single
    for action in (None, ""):
        assert http.post("/luma/tasks", json={**asked, "action": action}).json() == single
    envelope = http.post("/luma/tasks?format=envelope", json=asked).json()
    assert envelope["code"] == "success"
    assert [item["data"] for item in envelope["data"]] == single
    assert [item["status"] for item in envelope["data"]] == ["SUCCESS", "FAILURE"]
    wrong = http.post("/luma/tasks?format=xml", json=asked)
    assert wrong.status_code == 400
    assert wrong.json()["detail"]["code"] == 1


def test_the_operator_chooses_the_form_of_a_batch(start_service: Callable[..., Any]):
    """The option `gateway_batch` is the form where none is asked for."""
    service = start_service(gateway_batch="envelope")
    with httpx2.Client(base_url=service.url, headers=service.headers) as http:
        assert http.post("/luma/tasks", json={"ids": []}).json() == {"code": "success", "message": "", "data": []}
        assert http.post("/luma/tasks?format=array", json={"ids": []}).json() == []


def test_the_second_version(http: httpx2.Client, ended: Ended):
    """It answers the id alone, and later the task as the one member of a list."""
    created = http.post("/luma/v2/generations", json={"user_prompt": "x", "duration": "1s"}).json()
    assert set(created) == {"task_id"}
    ended(created["task_id"])
    answer = http.get(f"/luma/v2/generations/{created['task_id']}").json()
    assert answer == {"data": [http.get(f"/luma/generations/{created['task_id']}").json()]}
    assert answer["data"][0]["artifact"]["video"]["url"]


def test_an_upload_is_used_as_a_start(http: httpx2.Client, ended: Ended, listener: Listener):
    """A picture is kept, by data URI or by address, and its link can be used as an image."""
    listener.files["/a.png"] = base64.b64decode(picture().partition(",")[2])
    for source in (picture(), f"{listener.url}/a.png"):
        upload = http.post("/luma/generations/file_upload", json={"url": source}).json()
        assert upload["public_url"] == upload["presigned_url"]
        with httpx2.Client() as anybody:
            assert Image.open(io.BytesIO(anybody.get(upload["public_url"]).content)).size == (64, 36)
        task = ended(submit(http, image_url=upload["public_url"], duration="1"))
        assert task["state"] == "completed"


def test_a_data_uri_is_an_image_too(http: httpx2.Client, ended: Ended):
    """Start and end may be data URIs."""
    task = ended(submit(http, user_prompt="x", image_url=picture(), image_end_url=picture(), duration="1"))
    assert task["state"] == "completed"


def test_a_webhook_gets_the_finished_task(http: httpx2.Client, ended: Ended, listener: Listener):
    """The `notify_hook` is posted what a query answers."""
    task_id = submit(http, user_prompt="x", duration="1", notify_hook=f"{listener.url}/hook?secret=1")
    headers, body = listener.post("/hook?secret=1")
    assert headers["content-type"] == "application/json"
    assert body == http.get(f"/luma/generations/{task_id}").json()


def test_who_and_how_much(http: httpx2.Client):
    """The account's questions are answered truly, and a ping needs no key."""
    me, other = http.get("/luma/users/me").json(), http.get("/api/v1/me").json()
    assert (me["id"], me["application_id"]) == (other["user_id"], other["application_id"])
    submit(http, user_prompt="[fail=x]")
    usage = http.get("/luma/subscription/usage").json()
    assert sum(usage["generations"].values()) > 0
    assert (usage["capacity"], me["credits"]) == (None, None)
    with httpx2.Client(base_url=http.base_url) as anybody:
        assert anybody.get("/ping").json() == {"message": "pong"}
        assert anybody.get("/luma/users/me").status_code == 401
