"""What the dialects have in common over HTTP: how each submits, queries and writes errors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import httpx2

UNKNOWN = "01a10000-0000-7000-8000-000000000000"


class Request(NamedTuple):
    """A request, without the key."""

    method: str
    path: str
    json: Any = None

    def send(self, http: httpx2.Client, query: str = "", **options: Any) -> httpx2.Response:
        """Send it; `query` is put behind the path as it is."""
        return http.request(self.method, self.path + query, json=self.json, **options)


SUBMITS: dict[str, Request] = {
    "native": Request("POST", "/api/v1/tasks", {"prompt": "x [fail]", "duration": 1}),
    "gateway": Request("POST", "/luma/generations", {"user_prompt": "x [fail]"}),
    "gateway-v2": Request("POST", "/luma/v2/generations", {"user_prompt": "x [fail]"}),
    "acedata": Request("POST", "/luma/videos", {"prompt": "x [fail]", "async": True}),
    "dream_machine": Request("POST", "/dream-machine/v1/generations/video", {"prompt": "x [fail]", "model": "ray-2"}),
    "agents": Request("POST", "/agents/v1/generations", {"prompt": "x [fail]", "model": "ray-3.2", "type": "video"}),
    "openai_videos": Request("POST", "/v1/videos", {"prompt": "x [fail]"}),
}
"""A submit in each dialect, of a task that fails at once."""

READS: dict[str, Callable[[str], Request]] = {
    "native": lambda task_id: Request("GET", f"/api/v1/tasks/{task_id}"),
    "gateway": lambda task_id: Request("GET", f"/luma/generations/{task_id}"),
    "gateway-v2": lambda task_id: Request("GET", f"/luma/v2/generations/{task_id}"),
    "acedata": lambda task_id: Request("POST", "/luma/tasks", {"id": task_id, "action": "retrieve"}),
    "dream_machine": lambda task_id: Request("GET", f"/dream-machine/v1/generations/{task_id}"),
    "agents": lambda task_id: Request("GET", f"/agents/v1/generations/{task_id}"),
    "openai_videos": lambda task_id: Request("GET", f"/v1/videos/{task_id}"),
}
"""A query by id in each form."""

OTHERS: dict[str, Callable[[str], Request]] = {
    "native wait": lambda task_id: Request("GET", f"/api/v1/tasks/{task_id}?wait=0.1"),
    "native cancel": lambda task_id: Request("POST", f"/api/v1/tasks/{task_id}/cancel"),
    "native delete": lambda task_id: Request("DELETE", f"/api/v1/tasks/{task_id}"),
    "native start": lambda task_id: Request("POST", "/api/v1/tasks", {"prompt": "x", "start": {"task": task_id}}),
    "gateway download": lambda task_id: Request("GET", f"/luma/generations/{task_id}/download_video_url"),
    "dream machine delete": lambda task_id: Request("DELETE", f"/dream-machine/v1/generations/{task_id}"),
    "dream machine upscale": lambda task_id: Request(
        "POST", f"/dream-machine/v1/generations/{task_id}/upscale", {"resolution": "1080p"}
    ),
    "dream machine keyframe": lambda task_id: Request(
        "POST",
        "/dream-machine/v1/generations",
        {"prompt": "more", "keyframes": {"frame0": {"type": "generation", "id": task_id}}},
    ),
    "openai content": lambda task_id: Request("GET", f"/v1/videos/{task_id}/content"),
    "openai remix": lambda task_id: Request("POST", f"/v1/videos/{task_id}/remix", {"prompt": "more"}),
    "openai delete": lambda task_id: Request("DELETE", f"/v1/videos/{task_id}"),
    "gateway extend": lambda task_id: Request("POST", f"/luma/generations/{task_id}/extend", {"user_prompt": "x"}),
}
"""What else can be done with a task whose id is known."""

BATCHES: dict[str, tuple[Callable[[list[str]], Request], Callable[[Any], list[Any]]]] = {
    "gateway": (lambda ids: Request("POST", "/luma/tasks", {"ids": ids}), lambda body: body),
    "gateway envelope": (
        lambda ids: Request("POST", "/luma/tasks?format=envelope", {"ids": ids}),
        lambda body: body["data"],
    ),
    "acedata": (
        lambda ids: Request("POST", "/luma/tasks", {"ids": ids, "action": "retrieve_batch"}),
        lambda body: body["items"],
    ),
    "acedata filter": (
        lambda ids: Request("POST", "/luma/tasks", {"ids": ids, "action": "retrieve_batch", "limit": 50}),
        lambda body: body["items"],
    ),
}
"""A query of many ids in each form, and where the tasks stand in its answer."""

_FORMS = {
    frozenset({"error", "detail", "trace_id"}): "gateway",
    frozenset({"success", "error", "trace_id"}): "acedata",
    frozenset({"success", "error", "detail", "trace_id"}): "union",
}


def form_for(name: str) -> str:
    """Return the form of the errors of a submit or read; Luma's own two APIs write a sentence under `detail`."""
    forms = {"gateway-v2": "gateway", "dream_machine": "detail", "dream": "detail", "agents": "detail"}
    return (forms | {"openai": "openai_videos"}).get(name, name)


def form_of(answer: httpx2.Response) -> str:
    """Return in whose form an error is written, after a look at what all of them need."""
    body = answer.json()
    assert answer.headers["Content-Type"] == "application/json"
    if isinstance(body.get("detail"), str):
        assert body["code"], body
        assert body["detail"], body
        assert answer.headers["X-Trace-Id"] == body["trace_id"]
        return "detail"
    error = body["error"]
    assert error["code"], body
    assert error["message"], body
    if set(error) == {"message", "type", "param", "code"}:
        return "openai_videos"
    assert answer.headers["X-Trace-Id"] == body.get("trace_id", error.get("trace_id"))
    return "native" if set(body) == {"error"} else _FORMS[frozenset(body)]


def code_of(answer: httpx2.Response) -> str:
    """Return the code of an error."""
    body = answer.json()
    return str(body["error"]["code"] if "error" in body else body["code"])


def message_of(answer: httpx2.Response) -> str:
    """Return the sentence of an error."""
    body = answer.json()
    return str(body["error"]["message"] if "error" in body else body["detail"])


def untraced(answer: httpx2.Response) -> tuple[int, str, set[str]]:
    """Return what an answer says, without the name of its request."""
    headers = {name for name in answer.headers if name != "date"}
    return answer.status_code, answer.text.replace(answer.headers["X-Trace-Id"], "…"), headers
