"""The official client against `/mcp` of a running service, and single messages by hand."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Literal

import httpx2
import mcp_types as types
from mcp import Client
from mcp.client.client import ConnectMode
from mcp.client.extension import ClaimContext, ClientExtension, ResultClaim
from mcp.client.streamable_http import streamable_http_client

from tests.support.service import RunningService

MODES: tuple[ConnectMode, ...] = ("auto", "legacy")
"""Both eras of the protocol: requests that say all themselves, and those after a handshake."""

MODERN = "2026-07-28"
TASKS = "io.modelcontextprotocol/tasks"
UNKNOWN = "01a10000-0000-7000-8000-000000000000"
SHORT = {"duration": 1, "resolution": "540p"}


@contextlib.asynccontextmanager
async def caller(
    service: RunningService, *, key: str | None = None, mode: ConnectMode = "auto", **options: Any
) -> AsyncIterator[Client]:
    """Connect the official client with this key, or with the service's own."""
    headers = service.headers if key is None else {"Authorization": f"Bearer {key}"}
    async with (
        httpx2.AsyncClient(headers=headers, timeout=60) as http,
        Client(streamable_http_client(f"{service.url}/mcp", http_client=http), mode=mode, **options) as client,
    ):
        yield client


async def called(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    """Call a tool that succeeds and give its structured content."""
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, result.content
    content: dict[str, Any] = result.structured_content
    return content


async def refused(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    """Call a tool that cannot do it and give the words of the error."""
    result = await client.call_tool(tool, arguments)
    assert result.is_error, result
    assert result.structured_content is None
    (block,) = result.content
    assert isinstance(block, types.TextContent)
    words: dict[str, Any] = json.loads(block.text)["error"]
    return words


async def ended(client: Client, task_id: str) -> dict[str, Any]:
    """Wait for the end of a task, as agents are told to."""
    while True:
        task = await called(client, "luma_wait_task", task_id=task_id)
        if task["state"] != "pending":
            return task


async def eventually(there: Callable[[], bool], deadline: float = 30) -> None:
    """Look again and again until it is there."""
    end = time.monotonic() + deadline
    while True:
        if there():
            return
        assert time.monotonic() < end, f"not within {deadline} s"
        await asyncio.sleep(0.01)


def envelope(*, tasks: bool = False) -> dict[str, Any]:
    """Return what every request of the newest version says of its client."""
    return {
        "io.modelcontextprotocol/protocolVersion": MODERN,
        "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {"extensions": {TASKS: {}}} if tasks else {},
    }


def message(method: str, params: dict[str, Any] | None = None, number: int | str = 1) -> dict[str, Any]:
    """Write a request."""
    return {"jsonrpc": "2.0", "id": number, "method": method, "params": params or {}}


def modern(method: str, params: dict[str, Any], *, tasks: bool = False) -> tuple[dict[str, Any], dict[str, str]]:
    """Write a request of the newest version, with the headers that go with it."""
    name = params.get("name") or params.get("uri") or params.get("taskId")
    headers = {"Mcp-Protocol-Version": MODERN, "Mcp-Method": method} | ({"Mcp-Name": name} if name else {})
    return message(method, {**params, "_meta": envelope(tasks=tasks)}), headers


class TaskHandle(types.Result):
    """The handle of long work."""

    result_type: Literal["task"] = "task"
    task_id: str
    status: str
    ttl_ms: int | None
    poll_interval_ms: int | None = None


class TaskRequest(types.Request[dict[str, Any], str]):
    """A request about long work, named in the headers too."""

    method: str
    name_param = "taskId"


class LongWork(ClientExtension):
    """The tasks extension as a client has it: hand a handle to `resolve`, which finishes the call."""

    identifier = TASKS

    def __init__(self, resolve: Callable[[TaskHandle, ClaimContext], Awaitable[types.CallToolResult]]) -> None:
        self._resolve = resolve

    def claims(self) -> list[ResultClaim[TaskHandle]]:
        """Return what is understood besides a plain result."""
        return [ResultClaim(result_type="task", model=TaskHandle, resolve=self._resolve)]
