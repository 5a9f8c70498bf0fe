"""Filmgate's own API over HTTP."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from .listener import Listener

Ended = Callable[[str], dict[str, Any]]
UNKNOWN = "4665a07c-7641-4809-a133-10786201bb56"


def submit(http: httpx2.Client, prompt: str = "x", **body: Any) -> dict[str, Any]:
    """Submit a task and give it."""
    answer = http.post("/api/v1/tasks", json={"prompt": prompt, "duration": 1, **body})
    assert answer.status_code == 201, answer.text
    task: dict[str, Any] = answer.json()
    return task


def test_a_task_from_submit_to_end(http: httpx2.Client, ended: Ended):
    """A new task is 201 and pending; at its end it has the engine's notes."""
    new = submit(http, resolution="540p", model="anything")
    assert (new["state"], new["dialect"], new["model"]) == ("pending", "native", "anything")
    task = ended(new["id"])
    assert task["metadata"] == {"engine": "scripted", "frames": 25}
    assert (task["video"]["width"], task["video"]["height"]) == (960, 540)
    assert new | task == task


def test_waiting_has_an_end(http: httpx2.Client):
    """When the time is up the state is answered as it is."""
    task = submit(http, "[hang]")
    start = time.monotonic()
    answer = http.get(f"/api/v1/tasks/{task['id']}?wait=0.3")
    assert answer.status_code == 200
    assert answer.json()["state"] in ("pending", "processing")
    assert 0.25 < time.monotonic() - start < 10
    http.post(f"/api/v1/tasks/{task['id']}/cancel")


def test_cancelling(http: httpx2.Client, ended: Ended):
    """A cancelled task is failed with its own code; one that has ended stays as it is."""
    task = submit(http, "[hang]")
    cancelled = http.post(f"/api/v1/tasks/{task['id']}/cancel")
    assert cancelled.status_code == 200
    assert (cancelled.json()["state"], cancelled.json()["failure"]["code"]) == ("failed", "cancelled")
    finished = ended(submit(http)["id"])
    assert http.post(f"/api/v1/tasks/{finished['id']}/cancel").json() == finished
    assert http.post(f"/api/v1/tasks/{UNKNOWN}/cancel").status_code == 404


def test_deleting(http: httpx2.Client, ended: Ended):
    """A deleted task and its files are gone at once, in every dialect."""
    task = ended(submit(http)["id"])
    gone = http.delete(f"/api/v1/tasks/{task['id']}")
    assert (gone.status_code, gone.content) == (204, b"")
    assert http.get(f"/api/v1/tasks/{task['id']}").status_code == 404
    assert http.get(f"/luma/generations/{task['id']}").status_code == 404
    assert http.post("/luma/tasks", json={"action": "retrieve", "id": task["id"]}).status_code == 404
    assert httpx2.get(task["video"]["url"]).status_code == 404
    assert http.delete(f"/api/v1/tasks/{task['id']}").status_code == 404


def test_lists(start_service: Callable[..., Any]):
    """Lists have pages, an order, and states to choose from."""
    service = start_service()
    with httpx2.Client(base_url=service.url, headers=service.headers, timeout=60) as http:
        ids = [submit(http, "[hang]")["id"], submit(http, "[hang]")["id"], submit(http, "[fail=x]")["id"]]
        assert http.get(f"/api/v1/tasks/{ids[2]}?wait=30").json()["state"] == "failed"
        page = http.get("/api/v1/tasks").json()
        assert [task["id"] for task in page["tasks"]] == ids[::-1]
        assert (page["total"], page["limit"], page["offset"]) == (3, 20, 0)
        second = http.get("/api/v1/tasks?limit=1&offset=1&newest=false").json()
        assert ([task["id"] for task in second["tasks"]], second["total"]) == ([ids[1]], 3)
        failed = http.get("/api/v1/tasks?state=failed,completed").json()
        assert ([task["id"] for task in failed["tasks"]], failed["total"]) == ([ids[2]], 1)
        assert http.get("/api/v1/tasks?state=done").json()["error"]["field"] == "state"


def test_a_clip_between_two_tasks(http: httpx2.Client, ended: Ended):
    """Tasks can be what a clip starts from and ends at."""
    first = ended(submit(http)["id"])
    between = ended(submit(http, start={"task": first["id"]}, end={"task": first["id"]})["id"])
    assert (between["operation"], between["video"]["frames"]) == ("interpolate", 75)
    own = ended(submit(http, end={"video": first["video"]["url"]})["id"])
    assert (own["operation"], own["state"]) == ("reverse_extend", "completed")


@pytest.mark.parametrize("names", [("webhook_url",), ("callback_url",), ("webhook_url", "callback_url")])
def test_a_webhook_gets_the_task(http: httpx2.Client, ended: Ended, listener: Listener, names: tuple[str, ...]):
    """The address of the webhook, under its name or its former one, is posted what a query answers."""
    path = f"/{'-'.join(names)}"
    task = submit(http, **dict.fromkeys(names, listener.url + path))
    assert task["adjustments"] == []
    _, body = listener.post(path)
    assert body == ended(task["id"])


def test_a_webhook_with_two_addresses_is_refused(http: httpx2.Client):
    """Both names with different addresses are refused, where something is submitted and where nothing is."""
    body = {"prompt": "x", "webhook_url": "http://a.example/", "callback_url": "http://b.example/"}
    for path in ("/api/v1/tasks", "/api/v1/admin/route"):
        answer = http.post(path, json=body)
        assert (answer.status_code, answer.json()["error"]["field"]) == (400, "webhook_url"), path


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("callbacks", "/api/v1/webhooks"),
        ("callbacks/secret/rotate", "/api/v1/webhooks"),
        ("operator/limits", "/api/v1/admin"),
        ("operator/adopt", "/api/v1/admin/import"),
    ],
)
def test_former_paths_name_the_new_ones(http: httpx2.Client, method: str, path: str, name: str):
    """A former path is 410 in the native form and names its successor, with a key and without one."""
    with httpx2.Client(base_url=http.base_url) as stranger:
        for client in (http, stranger):
            answer = client.request(method, f"/api/v1/{path}")
            error = answer.json()["error"]
            assert (answer.status_code, error["code"], error["trace_id"]) == (410, "gone", answer.headers["x-trace-id"])
            assert name in error["message"]
    assert not any(path.startswith(("/api/v1/callbacks", "/api/v1/operator")) for path in described(http))


def described(http: httpx2.Client) -> list[str]:
    """Return the paths of the published description."""
    return [*http.get("/openapi.json").json()["paths"]]


def test_engines_and_account(http: httpx2.Client):
    """The engines are listed with their models, the account with its ids."""
    engines = {engine["name"]: engine for engine in http.get("/api/v1/engines").json()["engines"]}
    assert engines["scripted"] == {
        "name": "scripted",
        "type": "scripted",
        "slots": 64,
        "models": ["*"],
        "default": True,
    }
    assert engines["studio"]["models"] == ["studio"]
    account = http.get("/api/v1/me").json()
    assert set(account) == {"application_id", "user_id", "credential_id", "limited", "role"}
