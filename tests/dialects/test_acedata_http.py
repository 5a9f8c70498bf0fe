"""The AceData dialect as its clients meet it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from .listener import Listener
from .test_acedata_wire import GOLDEN, shape

CAPTURED = json.loads((Path(__file__).parents[1] / "fixtures/acedata_requests.json").read_text())
Ended = Callable[[str], dict[str, Any]]


def submit(http: httpx2.Client, **body: Any) -> dict[str, Any]:
    """Submit a task that is to be queried later, and give the reply."""
    answer = http.post("/luma/videos", json={"async": True, **body})
    assert answer.status_code == 200, answer.text
    reply: dict[str, Any] = answer.json()
    return reply


def retrieve(http: httpx2.Client, task_id: str) -> dict[str, Any]:
    """Query one task."""
    answer = http.post("/luma/tasks", json={"id": task_id, "action": "retrieve"})
    assert answer.status_code == 200, answer.text
    task: dict[str, Any] = answer.json()
    return task


def batch(http: httpx2.Client, **filters: Any) -> httpx2.Response:
    """Query many tasks."""
    return http.post("/luma/tasks", json={"action": "retrieve_batch", **filters})


def with_prompt(http: httpx2.Client, prompt: str) -> int:
    """Count the newest tasks with a prompt."""
    tasks = http.get("/api/v1/tasks?limit=100").json()["tasks"]
    return sum(task["prompt"] == prompt for task in tasks)


def test_a_video_in_one_request(http: httpx2.Client):
    """The synchronous form answers the finished video; a query echoes the request and holds the same answer."""
    body = '{"action": "generate",  "prompt":"Astronauts", "timeout": null, "callback_url": null}'
    answer = http.post("/luma/videos", content=body, headers={"Content-Type": "text/plain"})
    assert answer.status_code == 200, answer.text
    video = answer.json()
    assert shape(video) == shape(GOLDEN["completed"]["response"])
    assert (video["video_width"], video["video_height"]) == (1360, 752)
    task = retrieve(http, video["task_id"])
    assert task["response"] == video
    assert task["request"] == json.loads(body)
    assert shape(task) | {"request": 0} == shape(GOLDEN["completed"]) | {"request": 0}


def test_a_video_to_be_queried_later(http: httpx2.Client, ended: Ended):
    """The asynchronous form answers at once; its trace id finds the task too."""
    reply = submit(http, prompt="x")
    assert set(reply) == {"success", "task_id", "video_id", "trace_id", "state"}
    assert retrieve(http, reply["task_id"])["data"]["id"] == reply["task_id"]
    ended(reply["task_id"])
    found = http.post("/luma/tasks", json={"trace_id": reply["trace_id"], "action": "retrieve"}).json()
    assert found == retrieve(http, reply["task_id"])
    assert found["response"]["video_id"] == reply["video_id"]


def test_the_pending_and_the_failed_shape(http: httpx2.Client, ended: Ended):
    """A task without a video has the golden shapes too."""
    waiting = submit(http, prompt="[hang]")["task_id"]
    running = retrieve(http, waiting)
    assert shape(running) | {"request": 0} == shape(GOLDEN[running["state"]]) | {"request": 0}
    http.post(f"/api/v1/tasks/{waiting}/cancel")
    failed = submit(http, prompt="[fail=api_error: boom]")["task_id"]
    ended(failed)
    assert shape(retrieve(http, failed)) | {"request": 0} == shape(GOLDEN["failed"]) | {"request": 0}
    assert retrieve(http, failed)["response"]["error"] == {"code": "api_error", "message": "boom"}


def test_a_failure_in_one_request(http: httpx2.Client):
    """A failed generation is 200 without success, refused content 403; neither is to be sent again."""
    failed = http.post("/luma/videos", json={"prompt": "[fail=broken: No.]"})
    assert failed.status_code == 200
    assert (failed.json()["success"], failed.json()["state"]) == (False, "failed")
    assert failed.json()["error"] == {"code": "broken", "message": "No."}
    refused = http.post("/luma/videos", json={"prompt": "[fail=moderated: Not this.]"})
    assert refused.status_code == 403
    assert refused.json()["error"] == {"code": "forbidden", "message": "Not this."}
    assert retrieve(http, refused.json()["task_id"])["response"]["error"]["code"] == "moderated"


def test_a_timeout_names_the_task_and_is_joined(http: httpx2.Client):
    """After a 504 the same body waits for the same task; once that was answered, it is a new one."""
    body = {"prompt": f"[delay=1] {uuid4()}", "timeout": 0.2}
    late = http.post("/luma/videos", json=body)
    assert late.status_code == 504
    assert late.json()["error"]["code"] == "timeout"
    task_id = late.json()["task_id"]
    assert retrieve(http, task_id)["state"] in ("pending", "processing")
    deadline = time.monotonic() + 30
    while (answer := http.post("/luma/videos", json=body)).status_code == 504:
        assert answer.json()["task_id"] == task_id
        assert time.monotonic() < deadline
    assert answer.json()["task_id"] == task_id
    assert with_prompt(http, body["prompt"]) == 1
    assert http.post("/luma/videos", json=body).json()["task_id"] != task_id


def test_the_same_request_twice_is_two_tasks(http: httpx2.Client):
    """Without a timeout before, the same body makes another video, at the same time too."""
    body = {"prompt": f"[delay=0.3] {uuid4()}"}
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda _: http.post("/luma/videos", json=body).json()["task_id"], range(2)))
    assert len(set(answers)) == 2


def test_an_extension_by_id_and_by_address(http: httpx2.Client, ended: Ended):
    """A video is extended by its id, in its own size, or by its link."""
    made = http.post("/luma/videos", json={"prompt": "x", "aspect_ratio": "1:1"}).json()
    extended = ended(submit(http, action="extend", prompt="more", video_id=made["video_id"])["task_id"])
    assert (extended["operation"], extended["video"]["width"], extended["video"]["frames"]) == ("extend", 1024, 242)
    linked = ended(submit(http, action="extend", video_url=made["video_url"], aspect_ratio="1:1")["task_id"])
    assert (linked["operation"], linked["state"]) == ("extend", "completed")
    unknown = http.post("/luma/videos", json={"action": "extend", "video_id": str(uuid4())})
    assert unknown.status_code == 404


def test_extending_an_unfinished_video(http: httpx2.Client):
    """A video that is not there yet cannot be extended; the message says why."""
    reply = submit(http, prompt="[hang]")
    answer = http.post("/luma/videos", json={"action": "extend", "video_id": reply["video_id"]})
    assert answer.status_code == 400
    assert "only a completed one" in answer.json()["error"]["message"]
    http.post(f"/api/v1/tasks/{reply['task_id']}/cancel")


def test_callbacks(http: httpx2.Client, ended: Ended, listener: Listener):
    """A callback gets the synchronous answer, of a failed task the error."""
    good = http.post("/luma/videos", json={"prompt": "x", "callback_url": f"{listener.url}/a"}).json()
    _, body = listener.post("/a")
    assert body == retrieve(http, good["task_id"])["response"]
    bad = http.post("/luma/videos", json={"prompt": "[fail=x: No.]", "callback_url": f"{listener.url}/b"}).json()
    _, body = listener.post("/b")
    assert (body["success"], body["task_id"], body["error"]) == (False, bad["task_id"], {"code": "x", "message": "No."})


def test_the_dummy_callback_is_taken(http: httpx2.Client, ended: Ended):
    """The address that old clients send only to be answered at once does not hurt the task."""
    reply = http.post("/luma/videos", json={"prompt": "x", "callback_url": "https://api.acedata.cloud/health"})
    assert ended(reply.json()["task_id"])["state"] == "completed"


def test_batches(http: httpx2.Client, ended: Ended):
    """Ids are answered in their order, filters narrow, and `count` is what came."""
    replies = [submit(http, prompt="[fail=x]") for _ in range(3)]
    ids = [reply["task_id"] for reply in replies]
    tasks = {task_id: ended(task_id) for task_id in ids}
    found = batch(http, ids=[ids[2], "unknown", ids[0]]).json()
    assert ([item["id"] for item in found["items"]], found["count"]) == ([ids[2], ids[0]], 2)
    assert found["items"][0] == retrieve(http, ids[2])
    traced = batch(http, trace_ids=[replies[1]["trace_id"]], type="videos").json()
    assert [item["id"] for item in traced["items"]] == [ids[1]]
    mine = retrieve(http, ids[0])
    assert batch(http, ids=ids, application_id=mine["application_id"], user_id=mine["user_id"]).json()["count"] == 3
    assert batch(http, ids=ids, application_id=str(uuid4())).json() == {"items": [], "count": 0}
    assert batch(http, ids=ids, user_id=str(uuid4())).json()["count"] == 0
    assert batch(http, ids=ids, type="images").json()["count"] == 0
    assert batch(http, ids=ids, limit=1, offset=1).json()["items"][0]["id"] == ids[1]
    then = mine["created_at"]
    assert [i["id"] for i in batch(http, ids=ids, created_at_min=then, created_at_max=then).json()["items"]] == [ids[0]]
    assert batch(http, created_at_max=1).json()["count"] == 0
    assert batch(http, ids=[]).json() == {"items": [], "count": 0}
    assert len(tasks) == 3


def test_a_page_of_a_batch_has_twelve(http: httpx2.Client):
    """Without a limit a filter answers twelve tasks, and all of the ids that were asked for."""
    ids = [submit(http, prompt="[fail=x]")["task_id"] for _ in range(13)]
    mine = retrieve(http, ids[0])["user_id"]
    assert batch(http, user_id=mine).json()["count"] == 12
    assert batch(http, ids=ids).json()["count"] == 13


@pytest.mark.parametrize("filters", [{}, {"limit": 5}, {"application_id": "", "ids": None}])
def test_a_batch_needs_a_filter(http: httpx2.Client, filters: dict[str, Any]):
    """Without any filter a batch is a bad request."""
    answer = batch(http, **filters)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "bad_request"


def test_errors_of_the_shared_path(http: httpx2.Client):
    """After the body is known an error has the form of its API, before that the union of both."""
    headers = {"Authorization": "Bearer wrong"}
    answers = {
        "acedata": [
            http.post("/luma/tasks", json={"action": "remix", "ids": ["x"]}),
            http.post("/luma/tasks", json={"action": "retrieve"}),
            http.post("/luma/tasks", json={"action": "retrieve", "id": 5}),
            http.post("/luma/tasks", json={"action": "retrieve", "id": "unknown"}),
            http.post("/luma/tasks?x=1", json={"action": "retrieve", "id": "unknown"}),
            batch(http, ids=["x"] * 101),
            batch(http, ids=["x"] * 101, limit=1),
        ],
        "gateway": [
            http.post("/luma/tasks", json={"ids": "x"}),
            http.post("/luma/tasks", json={"ids": [5], "action": ""}),
            http.post("/luma/tasks", json={"ids": ["x"] * 101}),
        ],
        "union": [
            http.post("/luma/tasks", json={"action": "retrieve", "id": "x"}, headers=headers),
            http.post("/luma/tasks", json={"ids": []}, headers=headers),
            http.post("/luma/tasks", content=b"{"),
            http.post("/luma/tasks", json={}),
            http.get("/luma/tasks"),
        ],
    }
    keys = {
        "acedata": {"success", "error", "trace_id"},
        "gateway": {"error", "detail", "trace_id"},
        "union": {"success", "error", "detail", "trace_id"},
    }
    for form, found in answers.items():
        for answer in found:
            assert answer.status_code in (400, 401, 404, 405)
            assert set(answer.json()) == keys[form], answer.text
            assert isinstance(answer.json()["error"], dict)
            assert answer.json()["trace_id"] == answer.headers["X-Trace-Id"]


@pytest.mark.parametrize("request_", CAPTURED, ids=[request["label"] for request in CAPTURED])
def test_captured_requests_of_the_sdk(http: httpx2.Client, ended: Ended, request_: dict[str, Any]):
    """What the SDK was seen to send is answered as its contract says."""
    known = http.post("/luma/videos", json={"prompt": "x"}).json()
    body = dict(request_["body"])
    for name, wanted in (("id", "task_id"), ("video_id", "video_id")):
        if name in body:
            body[name] = known[wanted]
    answer = http.request(request_["method"], request_["path"], headers=request_["headers"], json=body)
    if request_["label"] == "luma.generate_noargs":
        assert (answer.status_code, answer.json()["error"]["message"]) == (400, "prompt is required")
        return
    assert answer.status_code == 200, answer.text
    reply = answer.json()
    if request_["path"] == "/luma/tasks":
        assert reply["response"] == known
    elif body["async"]:
        assert reply["state"] == "pending"
        ended(reply["task_id"])
    else:
        assert reply["success"] is True
