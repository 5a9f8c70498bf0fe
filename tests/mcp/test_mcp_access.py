"""Who is let in to `/mcp`, from which pages, how often, and what strangers see."""

from __future__ import annotations

import json
from collections.abc import Callable
from uuid import UUID

import httpx2
import pytest
from mcp.client.client import ConnectMode
from mcp.shared.exceptions import MCPError

from tests.service.conftest import new_key
from tests.service.receiver import receiver
from tests.support.service import RunningService

from .callers import MODES, SHORT, UNKNOWN, called, caller, message, modern, refused

Start = Callable[..., RunningService]
LOOK = message("tools/call", {"name": "luma_get_task", "arguments": {"task_id": UNKNOWN}})
LIST = message("tools/list")


@pytest.mark.parametrize("body", [LOOK, LIST, {}, {"jsonrpc": "2.0", "method": "notifications/initialized"}])
@pytest.mark.parametrize("key", [None, "Bearer wrong", "Bearer", "Basic abc"])
def test_without_a_good_key_nothing_is_answered(service: RunningService, key: str | None, body: dict[str, object]):
    """Whatever the message: 401, the way to ask for a key, and an error that names the request."""
    headers = {} if key is None else {"Authorization": key}
    answer = httpx2.post(f"{service.url}/mcp", json=body, headers=headers)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer ")
    error = answer.json()["error"]
    assert error["data"]["code"] == "invalid_token"
    assert error["data"]["trace_id"] == answer.headers["X-Trace-Id"]


async def test_a_wrong_key_is_told_to_the_caller(service: RunningService):
    """The official client raises what the service says, in both eras."""
    for mode in MODES:
        with pytest.raises((MCPError, BaseExceptionGroup)) as caught:
            async with caller(service, key="wrong", mode=mode):
                pass
        assert "API key" in str(_first(caught.value))


def _first(error: BaseException) -> BaseException:
    return _first(error.exceptions[0]) if isinstance(error, BaseExceptionGroup) else error


@pytest.mark.parametrize("mode", MODES)
async def test_a_strangers_task_is_unknown(service: RunningService, mode: ConnectMode):
    """A task of another application gets the same answer as an id that never was, in every tool and as a resource."""
    async with caller(service) as owner:
        task = await called(owner, "luma_generate_video", prompt="x [hang]", **SHORT)
    stranger = new_key(service, "strangers of agents")
    async with caller(service, key=stranger, mode=mode) as client:
        for tool in ("luma_get_task", "luma_wait_task", "luma_cancel_task", "luma_delete_task"):
            foreign = await refused(client, tool, task_id=task["task_id"])
            unknown = await refused(client, tool, task_id=UNKNOWN)
            assert {**foreign, "trace_id": ""} == {**unknown, "trace_id": ""}
            assert foreign["code"] == "not_found"
        extended = await refused(client, "luma_extend_video", video_id=task["video_id"], prompt="x")
        assert extended["code"] == "not_found"
        assert "task_id" in extended["message"]
        batch = await called(client, "luma_get_tasks_batch", task_ids=[task["task_id"]])
        assert (batch["tasks"], batch["missing"]) == ([], [task["task_id"]])
        assert task["task_id"] not in json.dumps(await called(client, "luma_list_tasks", limit=50))
        for uri in (f"filmgate://tasks/{task['task_id']}", f"filmgate://tasks/{task['task_id']}/video"):
            with pytest.raises(MCPError, match="No such task"):
                await client.read_resource(uri)
    async with caller(service) as owner:
        await called(owner, "luma_cancel_task", task_id=task["task_id"])


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://127.0.0.1.evil.example", "file://", "http://"]
)
def test_pages_from_elsewhere_are_refused(http: httpx2.Client, origin: str):
    """A browser names the page that asks; one that is not ours gets nothing, even with a good key."""
    for send in (
        lambda: http.post("/mcp", json=LOOK, headers={"Origin": origin}),
        lambda: http.options("/mcp", headers={"Origin": origin}),
    ):
        answer = send()
        assert answer.status_code == 403
        assert answer.json()["error"]["data"]["code"] == "forbidden"
        assert "Access-Control-Allow-Origin" not in answer.headers


@pytest.mark.parametrize("origin", ["http://localhost:6274", "http://127.0.0.1:1", "https://[::1]"])
def test_pages_of_this_machine_are_served(http: httpx2.Client, origin: str):
    """A page on this machine may ask, after a preflight, and read the answer."""
    flight = httpx2.options(http.base_url.join("/mcp"), headers={"Origin": origin})
    assert flight.status_code == 204
    assert "Authorization" in flight.headers["Access-Control-Allow-Headers"]
    for body in (LOOK, LIST):
        answer = http.post("/mcp", json=body, headers={"Origin": origin})
        assert answer.status_code == 200
        assert answer.headers["Access-Control-Allow-Origin"] == origin
        assert "Origin" in answer.headers["Vary"]


def test_a_foreign_host_is_refused(http: httpx2.Client):
    """A Host that is not ours is refused, so that no name can be pointed here by others."""
    for body in (LOOK, LIST):
        answer = http.post("/mcp", json=body, headers={"Host": "evil.example"})
        assert answer.status_code == 400
        assert answer.json()["error"]["data"]["code"] == "host_not_allowed"


@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT", "HEAD"])
def test_there_are_no_sessions(http: httpx2.Client, method: str):
    """Without sessions there is nothing to listen to or to end: only POST is allowed."""
    answer = http.request(method, "/mcp", headers={"Accept": "text/event-stream"})
    assert answer.status_code == 405
    assert answer.headers["Allow"] == "POST"
    assert http.post("/mcp/", json=LIST).status_code == 200


def test_answers_have_what_all_answers_have(http: httpx2.Client, service: RunningService):
    """Trace ids, nosniff and JSON, whichever way a message takes; no session id is given out."""
    body, headers = modern("tools/call", {"name": "luma_get_task", "arguments": {"task_id": UNKNOWN}})
    answers = [
        http.post("/mcp", json=LOOK),
        http.post("/mcp", json=LIST),
        http.post("/mcp", json=body, headers=headers),
    ]
    for answer in answers:
        UUID(answer.headers["X-Trace-Id"])
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Content-Type"] == "application/json"
        assert "mcp-session-id" not in answer.headers
    text = json.loads(answers[0].json()["result"]["content"][0]["text"])
    assert text["error"]["trace_id"] == answers[0].headers["X-Trace-Id"]
    metrics = httpx2.get(f"{service.url}/metrics", headers=service.headers).text
    assert 'filmgate_requests_total{dialect="mcp",status="200"}' in metrics


def test_limits(start_service: Start):
    """Looks and submits are counted in the buckets that all dialects share; an agent reads when to come back."""
    service = start_service(query_rate="4", submit_rate="2", max_body="3000")
    with httpx2.Client(base_url=service.url, headers=service.headers) as http:
        answers = [http.post("/mcp", json=LOOK) for _ in range(5)]
        assert [int(answer.headers["RateLimit-Remaining"]) for answer in answers] == [3, 2, 1, 0, 0]
        last = answers[-1]
        assert last.status_code == 200
        assert 1 <= int(last.headers["Retry-After"]) <= 60
        error = json.loads(last.json()["result"]["content"][0]["text"])["error"]
        assert (error["code"], error["retry_after_seconds"]) == ("too_many_requests", int(last.headers["Retry-After"]))
        listed = http.post("/mcp", json=LIST)
        assert listed.status_code == 429
        assert listed.json()["error"]["data"]["retry_after_seconds"] == int(listed.headers["Retry-After"])
        start = message("tools/call", {"name": "luma_generate_video", "arguments": {"prompt": "x [fail]"}})
        answers = [http.post("/mcp", json=start) for _ in range(3)]
        assert [answer.json()["result"]["isError"] for answer in answers] == [False, False, True]
        large = http.post("/mcp", json=message("tools/call", {"name": "x", "arguments": {"prompt": "x" * 3_000}}))
        assert large.status_code == 413
        assert large.json()["error"]["data"]["code"] == "payload_too_large"
        chunks = http.post("/mcp", content=iter([b"x" * 2_000, b"x" * 2_000]))
        assert chunks.status_code == 413


def test_a_callback_is_posted_as_by_other_servers(service: RunningService, http: httpx2.Client):
    """The address that a tool is given gets the finished task in AceData's form."""
    with receiver() as hook:
        arguments = {"prompt": "x [fail=moderated: No.]", "callback_url": f"{hook.url}/done"}
        start = message("tools/call", {"name": "luma_generate_video", "arguments": arguments})
        task_id = http.post("/mcp", json=start).json()["result"]["structuredContent"]["task_id"]
        posted = json.loads(hook.posts.get(timeout=30).body)
        assert (posted["task_id"], posted["success"], posted["error"]["code"]) == (task_id, False, "moderated")
