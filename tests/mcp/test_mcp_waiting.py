"""Waiting for a task: with progress, given up, cut short, and as long work of the protocol's own."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import httpx2
import mcp_types as types
import pytest
from mcp.client.client import ConnectMode
from mcp.client.extension import ClaimContext
from mcp.shared.exceptions import MCPError

from filmgate.app import open_service
from filmgate.core.tasks.service import SubmitRequest
from filmgate.domain.generation import Generation
from filmgate.domain.settings import EngineSettings, Settings
from filmgate.ports.context import RequestContext
from tests.support.service import RunningService

from .callers import (
    MODERN,
    MODES,
    SHORT,
    UNKNOWN,
    LongWork,
    TaskHandle,
    TaskRequest,
    called,
    caller,
    ended,
    eventually,
    message,
    modern,
)

Start = Callable[..., RunningService]


@pytest.mark.parametrize("mode", MODES)
async def test_progress_is_told_while_waiting(service: RunningService, mode: ConnectMode):
    """A client that asks for it hears how far the task is, in growing steps, before it gets the end."""
    told: list[tuple[float, float | None, str | None]] = []

    async def hear(progress: float, total: float | None, words: str | None) -> None:
        told.append((progress, total, words))

    async with caller(service, mode=mode) as client:
        task = await called(client, "luma_generate_video", prompt="x [delay=3] [steps=6]", **SHORT)
        result = await client.call_tool("luma_wait_task", {"task_id": task["task_id"]}, progress_callback=hear)
        assert result.structured_content["state"] == "completed"
        steps = [progress for progress, _, _ in told]
        assert len(steps) >= 3
        assert steps == sorted(set(steps))
        assert {total for _, total, _ in told} == {100}
        assert any("being made" in (words or "") for _, _, words in told)


@pytest.mark.parametrize("mode", MODES)
async def test_a_wait_ends_with_what_there_is(service: RunningService, mode: ConnectMode):
    """When the time is up the task is given as it is, which is no error; looking never waits."""
    async with caller(service, mode=mode) as client:
        task_id = (await called(client, "luma_generate_video", prompt="x [hang]", **SHORT))["task_id"]
        start = time.monotonic()
        waited = await called(client, "luma_wait_task", task_id=task_id, timeout_seconds=0.5)
        assert 0.4 < time.monotonic() - start < 10
        assert waited["state"] == "pending"
        start = time.monotonic()
        await called(client, "luma_get_task", task_id=task_id)
        await called(client, "luma_wait_task", task_id=task_id, timeout_seconds=0)
        assert time.monotonic() - start < 5
        await called(client, "luma_cancel_task", task_id=task_id)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("progress", [False, True])
async def test_giving_up_a_wait_does_not_stop_the_task(service: RunningService, mode: ConnectMode, progress: bool):
    """An agent that stops waiting leaves the task alone: it goes on, and ends as it would have."""
    heard = asyncio.Event()

    async def hear(progress: float, total: float | None, words: str | None) -> None:
        heard.set()

    async with caller(service, mode=mode) as client:
        task = await called(client, "luma_generate_video", prompt="x [delay=3] [steps=6]", **SHORT)
        with anyio.move_on_after(0.5) as scope:
            await client.call_tool(
                "luma_wait_task",
                {"task_id": task["task_id"], "timeout_seconds": 1.5},
                progress_callback=hear if progress else None,
            )
        assert scope.cancelled_caught
        assert heard.is_set() is progress
        assert (await called(client, "luma_get_task", task_id=task["task_id"]))["state"] == "pending"
        assert (await ended(client, task["task_id"]))["state"] == "completed"


async def test_a_wait_hears_of_cancel_and_delete(service: RunningService):
    """Who waits is answered the moment the task is cancelled, or told that it is gone."""
    async with caller(service) as client:
        for tool, state in (("luma_cancel_task", "failed"), ("luma_delete_task", None)):
            task_id = (await called(client, "luma_generate_video", prompt="x [hang]", **SHORT))["task_id"]
            start = time.monotonic()
            waiting = asyncio.create_task(client.call_tool("luma_wait_task", {"task_id": task_id}))
            until = await called(client, "luma_wait_task", task_id=task_id, timeout_seconds=0.3)
            assert until["state"] == "pending"
            await called(client, tool, task_id=task_id)
            result = await waiting
            assert time.monotonic() - start < 20
            assert result.is_error is (state is None)
            if state is not None:
                assert result.structured_content["state"] == state


def test_a_stop_answers_who_waits(start_service: Start):
    """A service that is stopped gives waiting agents the task as it is, streamed or not."""
    service = start_service(grace="3")
    with httpx2.Client(base_url=service.url, headers=service.headers, timeout=60) as http:
        start = message("tools/call", {"name": "luma_generate_video", "arguments": {"prompt": "x [hang]"}})
        task_id = http.post("/mcp", json=start).json()["result"]["structuredContent"]["task_id"]
        meta = {"_meta": {"progressToken": 1}}
        wait = message("tools/call", {"name": "luma_wait_task", "arguments": {"task_id": task_id}, **meta})
        with http.stream(
            "POST", "/mcp", json=wait, headers={"Accept": "application/json, text/event-stream"}
        ) as answer:
            assert answer.headers["Content-Type"].startswith("text/event-stream")
            lines = answer.iter_lines()
            data = (json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: {"))
            assert next(data)["method"] == "notifications/progress"
            assert service.stop() == 0
            *_, last = data
        assert last["result"]["structuredContent"]["state"] == "pending"
    assert "Traceback" not in service.log.read_text(), service.log.read_text()[-4000:]


async def _poll(handle: TaskHandle, context: ClaimContext) -> types.CallToolResult:
    """Follow a handle to the end, as a client with the extension does."""
    while True:
        request = TaskRequest(method="tasks/get", params={"taskId": handle.task_id})
        state = await context.session.send_request(request, _Detailed)
        if state.status == "completed":
            return types.CallToolResult.model_validate(state.result, by_name=False)
        if state.status == "cancelled":
            raise MCPError(types.INTERNAL_ERROR, "cancelled")
        assert state.status == "working"
        await anyio.sleep((handle.poll_interval_ms or 1_000) / 20_000)


class _Detailed(types.Result):
    task_id: str
    status: str
    status_message: str
    ttl_ms: int | None
    result_type: str
    result: dict[str, Any] | None = None


async def test_long_work_of_the_protocols_own(service: RunningService):
    """A client with the tasks extension gets a handle and, without the agent doing anything, the finished task."""
    handles: list[TaskHandle] = []

    async def resolve(handle: TaskHandle, context: ClaimContext) -> types.CallToolResult:
        handles.append(handle)
        return await _poll(handle, context)

    async with caller(service, extensions=[LongWork(resolve)]) as client:
        assert "io.modelcontextprotocol/tasks" in (client.server_capabilities.extensions or {})
        result = await client.call_tool("luma_generate_video", {"prompt": "x [delay=1]", **SHORT})
        (handle,) = handles
        assert (handle.status, handle.ttl_ms) == ("working", None)
        assert result.structured_content["state"] == "completed"
        look = await client.call_tool("luma_get_task", {"task_id": handle.task_id})
        assert look.structured_content == result.structured_content
        assert look.content == result.content
        failed = await client.call_tool("luma_generate_video", {"prompt": "x [fail=moderated: No.]", **SHORT})
        assert failed.is_error
        assert failed.structured_content["failure"]["code"] == "moderated"
        assert len(handles) == 2


async def test_long_work_is_cancelled_like_any_task(service: RunningService):
    """Cancelling the handle ends the task of the ledger; an update is taken note of."""
    reached: list[str] = []

    async def resolve(handle: TaskHandle, context: ClaimContext) -> types.CallToolResult:
        reached.append(handle.task_id)
        for method in ("tasks/update", "tasks/cancel"):
            request = TaskRequest(method=method, params={"taskId": handle.task_id, "inputResponses": {}})
            acknowledged = await context.session.send_request(request, types.EmptyResult)
            assert acknowledged.result_type == "complete"
        return await _poll(handle, context)

    async with caller(service, extensions=[LongWork(resolve)]) as client:
        with pytest.raises(MCPError, match="cancelled"):
            await client.call_tool("luma_generate_video", {"prompt": "x [hang]", **SHORT})
        task = await called(client, "luma_get_task", task_id=reached[0])
        assert task["failure"]["code"] == "cancelled"


@pytest.mark.parametrize("method", ["tasks/get", "tasks/update", "tasks/cancel"])
def test_long_work_is_for_those_who_know_it(http: httpx2.Client, method: str):
    """Without the extension there are no handles and its methods are refused; unknown ids are invalid parameters."""
    body, headers = modern("tools/call", {"name": "luma_generate_video", "arguments": {"prompt": "x [fail]"}})
    assert http.post("/mcp", json=body, headers=headers).json()["result"]["resultType"] == "complete"
    body, headers = modern(method, {"taskId": UNKNOWN})
    missing = http.post("/mcp", json=body, headers=headers)
    assert missing.status_code == 400
    assert missing.json()["error"]["code"] == -32021
    assert missing.json()["error"]["data"]["requiredCapabilities"] == {
        "extensions": {"io.modelcontextprotocol/tasks": {}}
    }
    body, headers = modern(method, {"taskId": UNKNOWN}, tasks=True)
    unknown = http.post("/mcp", json=body, headers=headers).json()["error"]
    assert (unknown["code"], unknown["data"]["code"]) == (-32602, "not_found")
    assert unknown["data"]["trace_id"]
    assert http.post("/mcp", json=message(method, {"taskId": UNKNOWN})).json()["error"]["code"] == -32601


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("version", ["2025-11-25", MODERN])
async def test_nobody_waits_for_those_who_left(tmp_path: Path, version: str, stream: bool):
    """A wait whose client has gone ends at once, answered as one document or streamed, in both eras."""
    engines = {"scripted": EngineSettings(type="scripted", models=("*",))}
    settings = Settings(data=tmp_path / "data", admin_key="a key", grace=0, engines=engines)
    async with open_service(settings) as service:
        feed = service.tasks._feed
        caller_of = await service.access.caller(b"a key")
        context = RequestContext(caller_of, UNKNOWN, "http://127.0.0.1:8484")
        task = await service.tasks.submit(context, SubmitRequest(Generation("x [hang]", duration=1), "native", b"{}"))
        meta = {"_meta": {"progressToken": 1}} if stream else {}
        params = {"name": "luma_wait_task", "arguments": {"task_id": task.id}, **meta}
        body, headers = modern("tools/call", params) if version == MODERN else (message("tools/call", params), {})
        if stream:
            body["params"]["_meta"]["progressToken"] = 1
        left = asyncio.Event()
        messages = [{"type": "http.request", "body": json.dumps(body).encode(), "more_body": False}]

        async def receive() -> dict[str, Any]:
            if messages:
                return messages.pop()
            await left.wait()
            return {"type": "http.disconnect"}

        async def send(said: Any) -> None:
            del said

        given = {**headers, "Host": "127.0.0.1:8484", "Authorization": "Bearer a key", "Accept": "text/event-stream"}
        scope = {
            "type": "http",
            "method": "POST",
            "scheme": "http",
            "path": "/mcp",
            "query_string": b"",
            "headers": [(name.lower().encode(), value.encode()) for name, value in given.items()],
        }
        asking = asyncio.create_task(service.asgi(scope, receive, send))
        await eventually(lambda: task.id in feed._watchers)
        left.set()
        await asking
        await eventually(lambda: task.id not in feed._watchers)
        await service.tasks.cancel(context, task.id)
