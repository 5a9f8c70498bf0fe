"""How often, how many at once, how large: refused before anything is taken, and with a word on when to come back."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import httpx2
import pytest

from tests.support.service import RunningService

from .apis import BATCHES, OTHERS, READS, SUBMITS, UNKNOWN, code_of, form_for, form_of, message_of
from .conftest import client, ended, new_key, submit

pytestmark = pytest.mark.xdist_group("limited")

names = count()


@pytest.fixture
def caller(limited: RunningService) -> Iterator[httpx2.Client]:
    """A client whose key is new: nothing is counted for it yet, and its application has no tasks."""
    with client(limited, new_key(limited, f"caller {next(names)}")) as opened:
        yield opened


@pytest.fixture
def owner(limited: RunningService) -> Iterator[httpx2.Client]:
    """A client with the admin key, which has no limits."""
    with client(limited) as opened:
        yield opened


def slowed_down(answer: httpx2.Response, limit: int) -> None:
    """Check that a refusal says when to come back."""
    assert answer.status_code == 429, answer.text
    assert code_of(answer) in ("too_many_requests", "rate_limit_exceeded")
    assert 1 <= int(answer.headers["Retry-After"]) <= 60
    assert answer.headers["RateLimit-Limit"] == answer.headers["X-RateLimit-Limit"] == str(limit)
    assert answer.headers["RateLimit-Remaining"] == answer.headers["X-RateLimit-Remaining"] == "0"
    assert 1 <= int(answer.headers["RateLimit-Reset"]) <= 61


def test_a_key_with_spaces_has_no_limits(owner: httpx2.Client):
    """The admin key is that exact token; in no dialect is it ever counted."""
    assert owner.headers["Authorization"] == "Bearer My Auth Token"
    task_id = submit(owner, "[fail]")
    ended(owner, task_id)
    for _ in range(10):
        for read in READS.values():
            answer = read(task_id).send(owner)
            assert answer.status_code == 200
            assert "RateLimit-Limit" not in answer.headers
    for request in SUBMITS.values():
        for _ in range(5):
            answer = request.send(owner)
            assert answer.status_code in (200, 201)
            ended(owner, answer.json().get("id") or answer.json().get("task_id"))
    assert owner.get("/api/v1/me", headers={"Authorization": "Bearer My Auth"}).status_code == 401
    assert owner.get("/api/v1/me", headers={"Authorization": "bearer  My Auth Token"}).status_code == 200


def test_submits_per_minute(caller: httpx2.Client):
    """When the submits of a minute are used up, every dialect refuses before it looks at the body."""
    first = caller.post("/api/v1/tasks", json={"prompt": "x [fail]"})
    assert (first.status_code, first.headers["RateLimit-Remaining"]) == (201, "19")
    left = [caller.post("/luma/videos", content=b"{").headers["RateLimit-Remaining"] for _ in range(19)]
    assert left == [str(number) for number in range(18, -1, -1)]
    for name, request in SUBMITS.items():
        answer = request.send(caller)
        slowed_down(answer, 20)
        assert form_of(answer) == form_for(name)
    for name in ("native cancel", "native delete", "gateway extend"):
        slowed_down(OTHERS[name](first.json()["id"]).send(caller), 20)
    assert caller.get("/api/v1/tasks").json()["total"] == 1, "queries are counted apart, and nothing was taken"


def test_queries_per_minute(caller: httpx2.Client):
    """When the queries of a minute are used up, every read refuses in its own form, on both ways through the gate."""
    left = [caller.get(f"/api/v1/tasks/{UNKNOWN}").headers["RateLimit-Remaining"] for _ in range(12)]
    assert left == [str(number) for number in range(11, -1, -1)]
    for name, read in READS.items():
        for query in ("", "?x=1"):
            answer = read(UNKNOWN).send(caller, query)
            slowed_down(answer, 12)
            assert form_of(answer) == {"acedata": "union"}.get(name, form_for(name))
    for request, _ in BATCHES.values():
        answer = request([UNKNOWN]).send(caller)
        slowed_down(answer, 12)
        assert form_of(answer) == "union"
    assert caller.post("/api/v1/tasks", json={"prompt": "x [fail]"}).status_code == 201


def test_unfinished_tasks(caller: httpx2.Client, owner: httpx2.Client):
    """With too many unfinished tasks the next one is refused in every dialect; one that ends makes room."""
    tasks = [submit(caller, "[hang]") for _ in range(3)]
    for name, request in SUBMITS.items():
        answer = request.send(caller)
        assert answer.status_code == 429, answer.text
        assert "3" in message_of(answer)
        assert 1 <= int(answer.headers["Retry-After"]) <= 60
        assert len(answer.headers.get_list("RateLimit-Limit")) == 1
        assert form_of(answer) == form_for(name)
    assert owner.post("/api/v1/tasks", json={"prompt": "[fail]"}).status_code == 201, "another application has room"
    assert caller.get("/api/v1/tasks").json()["total"] == 3
    caller.post(f"/api/v1/tasks/{tasks[0]}/cancel")
    tasks.append(submit(caller, "[hang]"))
    for task_id in tasks[1:]:
        assert caller.delete(f"/api/v1/tasks/{task_id}").status_code == 204


def test_media_per_address(limited: RunningService, owner: httpx2.Client):
    """Files are counted per client address: with no more left it is 429, and the API goes on."""
    task_id = submit(owner)
    url = ended(owner, task_id)["video"]["url"]
    with httpx2.Client() as anybody:
        answers = [anybody.get(url) for _ in range(8)]
    assert [answer.status_code for answer in answers] == [200] * 6 + [429] * 2
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 60
    assert owner.get(f"/api/v1/tasks/{task_id}").status_code == 200


@pytest.mark.parametrize("chunked", [False, True], ids=["announced", "chunked"])
@pytest.mark.parametrize("name", [*SUBMITS, "tasks"])
def test_large_bodies(owner: httpx2.Client, name: str, chunked: bool):
    """A body over the limit is refused in the dialect's form, announced or not, and the connection can be used on."""
    path = "/luma/tasks" if name == "tasks" else SUBMITS[name].path
    body = b'{"ids": ["' + b"x" * 4000 + b'"]}'
    answer = owner.post(path, content=iter([body[:100], body[100:]]) if chunked else body)
    assert answer.status_code == 413
    assert message_of(answer)
    assert form_of(answer) == ("union" if name == "tasks" else form_for(name))
    assert owner.get("/api/v1/me").status_code == 200


def test_a_body_at_the_limit(owner: httpx2.Client):
    """The last byte that is allowed is allowed."""
    body = b'{"prompt": "x [fail]"'
    body += b" " * (3999 - len(body)) + b"}"
    assert len(body) == 4000
    for content in (body, iter([body])):
        answer = owner.post("/api/v1/tasks", content=content)
        assert answer.status_code == 201, answer.text
        ended(owner, answer.json()["id"])
