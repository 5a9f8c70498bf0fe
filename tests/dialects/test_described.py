"""The published description of the dialects' operations, against what they do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from jsonschema import Draft202012Validator

Ended = Callable[[str], dict[str, Any]]
PREFIXES = ("/luma/", "/api/v1/", "/ping")
METHODS = ("get", "post", "delete", "put", "patch")


@pytest.fixture
def published(http: httpx2.Client) -> dict[str, Any]:
    """The description that the service publishes."""
    answer: dict[str, Any] = http.get("/openapi.json").json()
    return answer


def operations(published: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    """Return the operations of the dialects: path, method, description."""
    return [
        (path, method, operation)
        for path, methods in published["paths"].items()
        for method, operation in methods.items()
        if path.startswith(PREFIXES) and method in METHODS
    ]


def keeps(published: dict[str, Any], path: str, answer: httpx2.Response) -> None:
    """Check that an answer is one of those described for its operation."""
    method = answer.request.method.lower()
    described = published["paths"][path][method]["responses"]
    assert str(answer.status_code) in described, answer.text
    if answer.status_code == 204:
        return
    assert answer.headers["Content-Type"] == "application/json"
    schema = described[str(answer.status_code)]["content"]["application/json"]["schema"]
    Draft202012Validator({**schema, "components": published["components"]}).validate(answer.json())


def test_every_operation_says_what_it_does(published: dict[str, Any]):
    """Operations have an id of their own, a tag, a summary, a description, and errors that they have."""
    found = operations(published)
    assert len(found) >= 17
    ids = [operation["operationId"] for *_, operation in found]
    assert len(set(ids)) == len(ids)
    for path, _, operation in found:
        assert operation["tags"]
        assert operation["summary"]
        assert operation["description"]
        keyed = any(each["name"] == "Idempotency-Key" for each in operation.get("parameters", ()))
        assert ("422" in operation["responses"]) == keyed
        if path != "/ping":
            assert operation["security"] == [{"bearer": []}]
            assert {"400", "401", "429", "500", "503"} <= set(operation["responses"])


def test_schemas_are_schemas(published: dict[str, Any]):
    """Every schema of a body is valid by itself, and no enumeration lists a value twice."""
    for *_, operation in operations(published):
        if "requestBody" in operation:
            schema = operation["requestBody"]["content"]["application/json"]["schema"]
            Draft202012Validator.check_schema(schema)
    for name, schema in published["components"]["schemas"].items():
        values = schema.get("enum", [])
        assert len(values) == len(set(values)), name


@pytest.mark.parametrize("prompt", ["x", "[fail=moderated]"])
def test_answers_keep_their_description(http: httpx2.Client, published: dict[str, Any], prompt: str):
    """What is really answered is what is described, at the beginning and at the end of a task."""
    body = {"prompt": prompt, "duration": 1}
    native = http.post("/api/v1/tasks", json=body)
    keeps(published, "/api/v1/tasks", native)
    task_id = native.json()["id"]
    for path in ("/luma/generations", "/luma/v2/generations"):
        keeps(published, path, http.post(path, json=body))
    keeps(published, "/luma/videos", http.post("/luma/videos", json={"prompt": prompt}))
    keeps(published, "/luma/videos", http.post("/luma/videos", json={"prompt": prompt, "async": True}))
    for _ in range(2):
        keeps(published, "/api/v1/tasks", http.get("/api/v1/tasks?limit=3"))
        keeps(published, "/api/v1/tasks/{task_id}", http.get(f"/api/v1/tasks/{task_id}"))
        keeps(published, "/luma/generations/{task_id}", http.get(f"/luma/generations/{task_id}"))
        keeps(published, "/luma/v2/generations/{task_id}", http.get(f"/luma/v2/generations/{task_id}"))
        download = "/luma/generations/{task_id}/download_video_url"
        keeps(published, download, http.get(download.format(task_id=task_id)))
        for query in (
            {"action": "retrieve", "id": task_id},
            {"action": "retrieve_batch", "ids": [task_id]},
            {"ids": [task_id]},
        ):
            keeps(published, "/luma/tasks", http.post("/luma/tasks", json=query))
            keeps(published, "/luma/tasks", http.post("/luma/tasks?format=envelope", json=query))
        http.get(f"/api/v1/tasks/{task_id}?wait=50")
    extend = "/luma/generations/{task_id}/extend"
    keeps(published, extend, http.post(extend.format(task_id=task_id), json={"user_prompt": "x", "duration": "1s"}))
    keeps(published, "/api/v1/tasks/{task_id}/cancel", http.post(f"/api/v1/tasks/{task_id}/cancel"))
    keeps(published, "/api/v1/tasks/{task_id}", http.delete(f"/api/v1/tasks/{task_id}"))


def test_errors_keep_their_description(http: httpx2.Client, published: dict[str, Any]):
    """Errors are described as well as answers."""
    unknown = str(uuid4())
    for path, method, operation in operations(published):
        if path == "/ping":
            continue
        address = path.format(task_id=unknown, webhook_id=unknown, application=unknown)
        with httpx2.Client(base_url=http.base_url) as stranger:
            keeps(published, path, stranger.request(method, address))
        if "{task_id}" in path and "requestBody" not in operation:
            keeps(published, path, http.request(method, address))
        if "requestBody" in operation:
            keeps(published, path, http.request(method, address, content=b"{"))
            keeps(published, path, http.request(method, address, json={}))


ACCOUNTS = ("/api/v1/usage", "/api/v1/admin/usage", "/api/v1/admin/limits")


def test_questions_without_a_body_keep_their_description(http: httpx2.Client, published: dict[str, Any]):
    """The account and the engines answer as described."""
    for path in ("/luma/users/me", "/luma/subscription/usage", "/ping", "/api/v1/engines", "/api/v1/me", *ACCOUNTS):
        keeps(published, path, http.get(path))
