"""Queries by id: the answer in every state, dialect and way of sending."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from tests.support.processes import until
from tests.support.service import RunningService

from .apis import BATCHES, READS, UNKNOWN, untraced
from .conftest import client, ended, engines, submit

pytestmark = pytest.mark.xdist_group("queries")

STATES = ("pending", "processing", "completed", "failed", "unknown")


@pytest.fixture(scope="module")
def single(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """A service with an engine that works on one task at a time."""
    table = engines(one={"type": "scripted", "slots": 1, "models": ["one"]}, many={"type": "scripted", "models": ["*"]})
    running = RunningService(tmp_path_factory.mktemp("single") / "data", engines=table).start()
    yield running
    assert running.stop() == 0


@pytest.fixture(scope="module")
def owner(single: RunningService) -> Iterator[httpx2.Client]:
    """A client of that service."""
    with client(single) as opened:
        yield opened


@pytest.fixture(scope="module")
def tasks(owner: httpx2.Client) -> dict[str, str]:
    """A task in each state, by the state; they stay in it."""
    ids = {
        "processing": submit(owner, "[hang]", model="one"),
        "completed": submit(owner),
        "failed": submit(owner, "[fail=moderated: No.]"),
        "unknown": UNKNOWN,
    }
    ended(owner, ids["completed"])
    ended(owner, ids["failed"])
    until(lambda: owner.get(f"/api/v1/tasks/{ids['processing']}").json()["state"], "processing".__eq__)
    ids["pending"] = submit(owner, model="one")
    return ids


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("name", READS)
def test_one_task(owner: httpx2.Client, tasks: dict[str, str], name: str, state: str):
    """The ledger and the cache give the same answer, and so does the operation that documents the route."""
    read = READS[name](tasks[state])
    expected = untraced(read.send(owner))
    assert expected[0] == (404 if state == "unknown" else 200)
    assert untraced(read.send(owner)) == expected
    assert untraced(read.send(owner, "?x=1")) == expected


@pytest.mark.parametrize(
    "body",
    [
        *({"action": "retrieve", "id": state} for state in STATES),
        {"action": "retrieve_batch", "ids": list(STATES)},
        {"action": "retrieve_batch", "ids": ["failed", "failed", "completed"]},
        {"action": "retrieve_batch", "ids": []},
        {"action": "retrieve_batch", "ids": ["x"] * 101},
        {"ids": list(STATES)},
        {"ids": ["failed", "failed"], "action": ""},
        {"ids": "completed", "action": "retrieve_batch"},
        {"action": "retrieve"},
        {"action": "retrieve", "id": 5},
        {"action": "dance", "id": "completed"},
        {"id": "completed"},
        {},
        [],
        "completed",
        None,
    ],
    ids=lambda body: json.dumps(body)[:60],
)
def test_bodies(owner: httpx2.Client, tasks: dict[str, str], body: Any):
    """Whether the length of a body is announced or not makes no difference to its answer."""
    content = json.dumps(named(body, tasks)).encode()
    announced = owner.post("/luma/tasks", content=content)
    assert "content-length" in announced.request.headers
    chunked = owner.post("/luma/tasks", content=iter([content[:7], content[7:]]))
    assert "content-length" not in chunked.request.headers
    assert announced.status_code in (200, 400, 404)
    assert untraced(chunked) == untraced(announced)


MANY = [f"{number:032x}" for number in range(101)]


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/luma/tasks", {"ids": MANY}, "ids"),
        ("/luma/tasks", {"action": "retrieve_batch", "ids": MANY}, "ids"),
        ("/luma/tasks", {"action": "retrieve_batch", "ids": MANY, "type": "videos"}, "ids"),
        ("/luma/tasks", {"action": "retrieve_batch", "trace_ids": MANY}, "trace_ids"),
        (
            "/mcp",
            {
                "jsonrpc": "2.0",
                "id": 1,
                "method": "tools/call",
                "params": {"name": "luma_get_tasks_batch", "arguments": {"task_ids": MANY}},
            },
            "task_ids",
        ),
    ],
    ids=["gateway", "acedata", "filtered", "traces", "mcp"],
)
def test_a_batch_has_a_limit(owner: httpx2.Client, path: str, body: Any, field: str):
    """More ids than are answered at once are refused by the name that the caller has for them."""
    refused = owner.post(path, json=body, headers={"Accept": "application/json, text/event-stream"})
    assert refused.status_code == (200 if path == "/mcp" else 400)
    assert f"{field} must have at most 100 entries, got 101" in refused.text


def named(body: Any, tasks: dict[str, str]) -> Any:
    """Put the ids in the place of the states."""
    if isinstance(body, dict):
        return {key: named(value, tasks) for key, value in body.items()}
    if isinstance(body, list):
        return [named(value, tasks) for value in body]
    return tasks.get(body, body) if isinstance(body, str) else body


@pytest.mark.parametrize("content", [b"", b"{", b'{"action": "retrieve", "id": "\xff"}', b"[" * 100_000, b"\x00"])
def test_what_is_no_json(owner: httpx2.Client, content: bytes):
    """What is no JSON is refused in the same words whether its length is announced or not."""
    announced = owner.post("/luma/tasks", content=content)
    assert announced.status_code == 400
    assert untraced(owner.post("/luma/tasks", content=iter([content]))) == untraced(announced)


def test_a_deleted_task_is_gone_at_once(owner: httpx2.Client):
    """What the cache has of a task is gone with the task, in every form."""
    deleted, kept = submit(owner, "[fail]"), submit(owner, "[fail]")
    for task_id in (deleted, kept):
        ended(owner, task_id)
        for _ in range(2):
            assert {read(task_id).send(owner).status_code for read in READS.values()} == {200}
    for request, items in BATCHES.values():
        assert len(items(request([deleted, kept]).send(owner).json())) == 2
    assert owner.delete(f"/api/v1/tasks/{deleted}").status_code == 204
    assert {read(deleted).send(owner).status_code for read in READS.values()} == {404}
    for request, items in BATCHES.values():
        assert len(items(request([deleted, kept]).send(owner).json())) == 1
    assert owner.delete(f"/api/v1/tasks/{deleted}").status_code == 404


def test_an_end_is_seen_at_once(owner: httpx2.Client):
    """A task that was queried while it ran is answered with its end as soon as it has one."""
    task_id = submit(owner, "[hang]")
    before = {name: read(task_id).send(owner).text for name, read in READS.items()}
    assert owner.post(f"/api/v1/tasks/{task_id}/cancel").status_code == 200
    for name, read in READS.items():
        after = read(task_id).send(owner).text
        assert after != before[name]
        assert "failed" in after
