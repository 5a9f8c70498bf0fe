"""`filmgate mcp`: the official client over standard input and output, against a real service."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import signal
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx2
import mcp_types as types
import pytest
from mcp import MCPError
from mcp.client.extension import ClaimContext

from tests.dialects.listener import Listener
from tests.support.clips import play
from tests.support.processes import of_session, until
from tests.support.service import RunningService

from .agents import NOWHERE, agent, call, on_its_own, piped, pointed_at, request, tool
from .callers import LongWork, TaskHandle, TaskRequest

CANCELLED = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 7, "reason": "enough"}}


class Polling(types.Result):
    """The state of long work, as it is asked for."""

    task_id: str
    status: str


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Where the command's standard error goes."""
    return tmp_path / "mcp.log"


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_from_a_prompt_to_a_playable_file(mode: str, service: RunningService, log: Path):
    """An agent starts a video, waits for it with progress, and gets a file that plays, in both eras of the protocol."""
    heard: list[float] = []

    async def progress(done: float, total: float | None, message: str | None) -> None:
        assert (total, bool(message)) == (100, True)
        heard.append(done)

    async with agent(pointed_at(service), log, mode) as client:
        started = await call(client, "luma_generate_video", prompt="waves [delay=3][steps=6]", duration=1)
        assert started["state"] == "pending"
        found = await client.call_tool("luma_wait_task", {"task_id": started["task_id"]}, progress_callback=progress)
        done = found.structured_content
        assert done["state"] == "completed"
        assert heard == sorted(heard)
        assert heard
        file = httpx2.get(done["video_url"]).content
        assert play(file)[:2] == (done["video_width"], done["video_height"])
        assert len(file) == done["video_bytes"]
        link = found.content[1]
        assert link.type == "resource_link"
        assert "thumbnail" in str(link.uri)
        read = (await client.read_resource(f"filmgate://tasks/{started['task_id']}/video")).contents[0]
        assert base64.b64decode(read.blob) == file


async def test_a_long_wait_blocks_nothing(service: RunningService, log: Path):
    """While one call waits, others are answered; when it is given up, the task goes on."""
    async with agent(pointed_at(service), log) as client:
        task_id = (await call(client, "luma_generate_video", prompt="[hang]"))["task_id"]
        wait = asyncio.create_task(client.call_tool("luma_wait_task", {"task_id": task_id}))
        many = await asyncio.gather(*(call(client, "luma_get_task", task_id=task_id) for _ in range(20)))
        assert {seen["state"] for seen in many} == {"pending"}
        assert not wait.done()
        wait.cancel()
        assert (await call(client, "luma_get_task", task_id=task_id))["state"] == "pending"
        ended = await call(client, "luma_cancel_task", task_id=task_id)
        assert (ended["state"], ended["failure"]["code"]) == ("failed", "cancelled")


async def test_long_work_of_the_protocols_own(service: RunningService, log: Path):
    """The tasks extension passes through: a handle instead of a result, and its state under the same id."""
    seen: list[Any] = []

    async def resolve(handle: TaskHandle, context: ClaimContext) -> types.CallToolResult:
        asked = TaskRequest(method="tasks/get", params={"taskId": handle.task_id})
        seen.append((handle, await context.session.send_request(asked, Polling)))
        return types.CallToolResult(content=[], is_error=True)

    async with agent(pointed_at(service), log, extensions=[LongWork(resolve)]) as client:
        await client.call_tool("luma_generate_video", {"prompt": "[hang]"})
        ((handle, state),) = seen
        assert (handle.task_id, handle.status) == (state.task_id, state.status)
        assert handle.status == "working"
        ended = await call(client, "luma_cancel_task", task_id=handle.task_id)
        assert ended["failure"]["code"] == "cancelled"


async def test_cancelled_wait_leaves_the_service(service: RunningService, log: Path):
    """A cancelled request is never answered, and its connection to the service is closed."""
    with piped(pointed_at(service), log) as bridge:
        started = bridge.ask(1, "tools/call", name="luma_generate_video", arguments={"prompt": "[hang]"})
        task_id = started["result"]["structuredContent"]["task_id"]
        bridge.write(tool(7, "luma_wait_task", task_id=task_id))
        assert bridge.ask(8, "ping")["result"] == {}
        until(lambda: connections(bridge.process.pid), lambda count: count == 2)
        bridge.write(CANCELLED)
        until(lambda: connections(bridge.process.pid), lambda count: count == 1)
        ended = bridge.ask(9, "tools/call", name="luma_cancel_task", arguments={"task_id": task_id})
        assert ended["result"]["structuredContent"]["state"] == "failed"


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_wrong_key(mode: str, service: RunningService, log: Path):
    """A key that the service refuses is named as the trouble, with the way out."""
    with pytest.raises(BaseException) as caught:
        async with agent(pointed_at(service, FILMGATE_API_KEY="nonsense"), log, mode):
            pass
    error = refusal(caught.value)
    assert "API key" in error.message
    assert "FILMGATE_API_KEY" in error.message
    assert error.data["code"] == "invalid_token"
    assert error.data["trace_id"]
    assert "FILMGATE_API_KEY" in said(log)


async def test_nobody_there(log: Path):
    """Where the named service does not answer, the agent is told what to do, and no other service is started."""
    with pytest.raises(BaseException) as caught:
        async with agent(on_its_own(log.parent / "data", FILMGATE_URL=NOWHERE), log):
            pass
    error = refusal(caught.value)
    assert error.data == {"code": "connection_failed"}
    assert f"no service answers at {NOWHERE}" in error.message
    assert "filmgate serve" in error.message
    assert not (log.parent / "data").exists()


async def test_a_restart_of_the_service(start_service: Callable[..., RunningService], log: Path):
    """While the service is away requests fail with a reason; when it is back they work, without a new connection."""
    running = start_service(admin_key="any-token-will-do")
    async with agent(pointed_at(running), log) as client:
        task_id = (await call(client, "luma_generate_video", prompt="[hang]"))["task_id"]
        running.stop()
        with pytest.raises(MCPError, match="no service answers"):
            await client.call_tool("luma_get_task", {"task_id": task_id})
        running.start()
        assert (await call(client, "luma_get_task", task_id=task_id))["state"] == "pending"


async def test_service_of_its_own(log: Path):
    """Where no service runs the command runs one, in the data folder, which keeps what was made."""
    env = on_its_own(log.parent / "data")
    async with agent(env, log) as client:
        task_id = (await call(client, "luma_generate_video", prompt="a cat", duration=1))["task_id"]
        done = await call(client, "luma_wait_task", task_id=task_id)
        assert play(httpx2.get(done["video_url"]).content).frames == 25
        serving = int(said(log.parent / "data/lock"))
    assert "no service was found: one of its own runs at http://127.0.0.1:" in said(log)
    assert said(log.parent / "data/first-key").strip() not in said(log)
    until(lambda: Path(f"/proc/{serving}").exists(), lambda there: not there)
    async with agent(env, log) as client:
        assert [task["task_id"] for task in (await call(client, "luma_list_tasks"))["tasks"]] == [task_id]


async def test_service_of_its_own_crashes(log: Path):
    """A service of the command's own that was killed is replaced by the next request, and its task goes on."""
    async with agent(on_its_own(log.parent / "data"), log) as client:
        task_id = (await call(client, "luma_generate_video", prompt="a cat [delay=1]", duration=1))["task_id"]
        os.kill(int(said(log.parent / "data/lock")), signal.SIGKILL)
        done = await call(client, "luma_wait_task", task_id=task_id)
        assert done["state"] == "completed"


async def test_two_agents_share(log: Path):
    """Two agents that start together on one data folder share one service; who stays has one when the other leaves."""
    env = on_its_own(log.parent / "data")
    second = log.with_name("second.log")
    with piped(env, log) as first, piped(env, second) as other:
        first.write(tool(1, "luma_generate_video", prompt="shared"))
        other.write(request(1, "ping"))
        task_id = first.read()["result"]["structuredContent"]["task_id"]
        assert other.read()["result"] == {}
        look = {"name": "luma_get_task", "arguments": {"task_id": task_id}}
        owner, guest = (first, other) if "no service was found" in said(log) else (other, first)
        assert ("no service was found" in said(log)) != ("no service was found" in said(second))
        assert guest.ask(2, "tools/call", **look)["result"]["structuredContent"]["task_id"] == task_id
        owner.process.stdin.close()
        assert owner.process.wait(20) == 0
        assert guest.ask(3, "tools/call", **look)["result"]["structuredContent"]["task_id"] == task_id


def test_data_folder_in_use(start_service: Callable[..., RunningService], log: Path):
    """A data folder that another service holds, at an address nobody named, is said, with what to do."""
    running = start_service()
    with piped(on_its_own(running.data), log) as bridge:
        error = bridge.ask(1, "ping")["error"]
    assert error["data"]["code"] == "in_use"
    assert "is in use by another service" in error["message"]
    assert "--url or FILMGATE_URL" in error["message"]


def test_data_folder_that_cannot_be_used(log: Path):
    """Where a service of its own cannot be started, the reason reaches the agent."""
    (log.parent / "file").touch()
    with piped(on_its_own(log.parent / "file"), log) as bridge:
        error = bridge.ask(1, "ping")["error"]
    assert error["data"]["code"] == "not_started"
    assert "cannot be used" in error["message"]


@pytest.mark.parametrize("how", ["closed", "terminated", "killed"])
def test_its_end_ends_everything(how: str, log: Path):
    """However the command ends, with a call at work, no process is left, and no data folder stays locked."""
    with piped(on_its_own(log.parent / "data"), log) as bridge:
        started = bridge.ask(1, "tools/call", name="luma_generate_video", arguments={"prompt": "[hang]"})
        task_id = started["result"]["structuredContent"]["task_id"]
        bridge.write(tool(2, "luma_wait_task", task_id=task_id))
        session = bridge.process.pid
        assert len(of_session(session)) >= 2
        if how == "closed":
            bridge.process.stdin.close()
            assert bridge.process.wait(20) == 0
            assert not (log.parent / "data/embedded").exists()
        else:
            bridge.process.send_signal(signal.SIGTERM if how == "terminated" else signal.SIGKILL)
            bridge.process.wait(20)
        until(lambda: of_session(session), lambda left: left == [])


def test_lines_that_are_no_messages(service: RunningService, log: Path):
    """What is not JSON, or not one message, is answered as JSON-RPC says, and what follows is served."""
    with piped(pointed_at(service), log) as bridge:
        for line, code in (("nonsense", -32700), ('"\\ud800', -32700), ("[]", -32600), ('{"id": {}}', -32600)):
            bridge.write(line)
            answer = bridge.read()
            assert (answer["id"], answer["error"]["code"]) == (None, code)
        bridge.write("", json.dumps(request(1, "nonsense")))
        assert bridge.read()["error"]["code"] == -32601
        bridge.write({"jsonrpc": "2.0", "method": "notifications/roots/list_changed"}, CANCELLED)
        assert bridge.ask(2, "ping")["result"] == {}


def test_input_from_a_file(service: RunningService, log: Path):
    """What was asked before the input ended is answered."""
    env = pointed_at(service)
    with piped(env, log) as bridge:
        bridge.write(request(1, "ping"), tool(2, "luma_list_actions"))
        bridge.process.stdin.close()
        answers = [json.loads(line) for line in bridge.process.stdout]
        assert {answer["id"] for answer in answers} == {1, 2}
        assert bridge.process.wait(20) == 0


def test_a_service_without_mcp_in_the_way(log: Path):
    """Something else that answers at the address is named as what it is."""
    with closing(Listener()) as other, piped(on_its_own(log.parent / "data", FILMGATE_URL=other.url), log) as bridge:
        error = bridge.ask(1, "ping")["error"]
    assert error["code"] == -32000
    assert error["data"]["code"] == "unreadable_answer"


def said(file: Path) -> str:
    """Read what a process wrote into a file."""
    return file.read_text()


def connections(pid: int) -> int:
    """Count the established TCP connections of a process."""
    sockets = set()
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        try:
            name = str(entry.readlink())
        except FileNotFoundError:
            continue
        if name.startswith("socket:["):
            sockets.add(name[8:-1])
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(1 for row in rows if row[9] in sockets and row[3] == "01")


def refusal(error: BaseException) -> Any:
    """Return the protocol's error inside the groups that task groups make."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    assert isinstance(error, MCPError), error
    return error.error
