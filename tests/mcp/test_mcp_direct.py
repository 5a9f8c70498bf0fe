"""The short way of plain tool calls and the SDK's server give the same answers."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from filmgate.adapters.mcp import fast_path
from filmgate.app import open_service
from filmgate.domain.settings import EngineSettings, Settings

from .callers import MODERN, UNKNOWN, envelope, message, modern

KEY = "the key of these tests"
PASSING = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|\d{4}-\d\d-\d\dT[\d:.]+Z")
"""What differs from one answer to the next: ids and times."""

GENERATE = {"prompt": "x [fail]", "duration": 1}


@pytest.fixture
async def http(tmp_path: Path) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of a service in this process."""
    settings = Settings(
        data=tmp_path / "data",
        admin_key=KEY,
        grace=0,
        engines={"scripted": EngineSettings(type="scripted", models=("*",))},
    )
    async with open_service(settings) as service:
        transport = httpx2.ASGITransport(service.asgi)
        headers = {"Authorization": f"Bearer {KEY}"}
        async with httpx2.AsyncClient(
            transport=transport, base_url="http://127.0.0.1:8484", headers=headers, timeout=60
        ) as client:
            yield client


class Both:
    """Sends a request both ways and gives both answers, or says that there is no short way for it."""

    def __init__(self, http: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
        self.http = http
        self.monkeypatch = monkeypatch
        self.short = 0

    async def send(self, body: Any, headers: dict[str, str] | None = None) -> dict[str, Any]:
        """Send it both ways, compare, and give what both said."""
        content = json.dumps(body).encode()
        read = fast_path.plain

        def counted(data: bytes, given: Any) -> Any:
            found = read(data, given)
            self.short += found is not None
            return found

        self.monkeypatch.setattr(fast_path, "plain", counted)
        shortly = await self.http.post("/mcp", content=content, headers=headers)
        self.monkeypatch.setattr(fast_path, "plain", lambda data, given: None)
        wholly = await self.http.post("/mcp", content=content, headers=headers)
        self.monkeypatch.setattr(fast_path, "plain", read)
        assert shortly.status_code == wholly.status_code
        assert shortly.headers["Content-Type"] == wholly.headers["Content-Type"]
        said = json.loads(PASSING.sub("…", shortly.text))
        assert said == json.loads(PASSING.sub("…", wholly.text))
        answer: dict[str, Any] = shortly.json()
        return answer


@pytest.fixture
def both(http: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> Both:
    """Both ways."""
    return Both(http, monkeypatch)


def forms(tool: str, arguments: Any) -> list[tuple[dict[str, Any], dict[str, str]]]:
    """Write a call of a tool in every version of the protocol, and with what clients add to it."""
    params = {"name": tool, "arguments": arguments}
    plain = [
        (message("tools/call", params), {}),
        (message("tools/call", params, "a name"), {}),
        (message("tools/call", {**params, "_meta": {"progressToken": 7, "other/key": [1]}}), {}),
        *(
            (message("tools/call", params), {"Mcp-Protocol-Version": version})
            for version in ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25")
        ),
    ]
    return [*plain, modern("tools/call", params), modern("tools/call", params, tasks=True)]


async def test_every_tool_in_every_version(both: Both):
    """Good and bad calls of all tools are answered alike, and all of them take the short way."""
    started = await both.send(message("tools/call", {"name": "luma_generate_video", "arguments": {"prompt": "x"}}))
    task_id = started["result"]["structuredContent"]["task_id"]
    wait = await both.send(message("tools/call", {"name": "luma_wait_task", "arguments": {"task_id": task_id}}))
    done = wait["result"]["structuredContent"]
    assert done["state"] == "completed"
    calls = [
        ("luma_get_task", {"task_id": task_id}),
        ("luma_get_task", {"task_id": UNKNOWN}),
        ("luma_get_task", {}),
        ("luma_get_task", None),
        ("luma_wait_task", {"task_id": task_id, "timeout_seconds": 0}),
        ("luma_get_tasks_batch", {"task_ids": [task_id, UNKNOWN]}),
        ("luma_get_tasks_batch", {"task_ids": json.dumps([task_id, UNKNOWN])}),
        ("luma_generate_video", GENERATE | {"image": "https://a.example/x.png"}),
        ("luma_list_aspect_ratios", {}),
        ("luma_list_models", {}),
        ("luma_list_actions", {}),
        ("luma_generate_video", GENERATE),
        ("luma_generate_video", {"prompt": "ü", "aspect_ratio": "5:4"}),
        ("luma_generate_video_from_image", GENERATE),
        ("luma_extend_video", {"video_id": done["video_id"], "prompt": "x [fail]"}),
        ("luma_extend_video_from_url", {"video_url": done["video_url"], "prompt": "x [fail]"}),
        ("luma_cancel_task", {"task_id": task_id}),
        ("luma_delete_task", {"task_id": UNKNOWN}),
    ]
    both.short = 0
    sent = [await both.send(*form) for call in calls for form in forms(*call)]
    assert both.short == len(sent) == len(calls) * len(forms("", {}))


@pytest.mark.parametrize(
    "change",
    [
        {"id": None},
        {"id": 1.5},
        {"id": True},
        {"jsonrpc": "1.0"},
        {"method": "tools/list"},
        {"params": {"name": "luma_nothing", "arguments": {}}},
        {"params": {"name": "luma_get_task", "arguments": []}},
        {"params": {"name": "luma_get_task", "arguments": {}, "_meta": {"progressToken": True}}},
        {"params": {"name": "luma_get_task", "arguments": {}, "_meta": {"progressToken": 1.5}}},
        {"params": []},
    ],
)
def test_what_is_not_plain_is_left_to_the_sdk(change: dict[str, Any]):
    """A call that is odd in any respect is not answered the short way, so that one server judges it."""
    call = message("tools/call", {"name": "luma_get_task", "arguments": {"task_id": UNKNOWN}}) | change
    assert fast_path.plain(json.dumps(call).encode(), []) is None


@pytest.mark.parametrize(
    "headers",
    [
        {"Mcp-Protocol-Version": "2099-01-01"},
        {"Mcp-Protocol-Version": MODERN},
        {"Mcp-Protocol-Version": MODERN, "Mcp-Method": "tools/call"},
        {"Mcp-Protocol-Version": MODERN, "Mcp-Method": "tools/list", "Mcp-Name": "luma_get_task"},
        {"Mcp-Protocol-Version": MODERN, "Mcp-Method": "tools/call", "Mcp-Name": "luma_list_tasks"},
    ],
)
@pytest.mark.parametrize("enveloped", [False, True])
async def test_headers_that_disagree_are_left_to_the_sdk(
    http: httpx2.AsyncClient, headers: dict[str, str], enveloped: bool
):
    """A request of the newest version whose headers and body disagree is refused by the SDK."""
    params = {"name": "luma_get_task", "arguments": {"task_id": UNKNOWN}} | ({"_meta": envelope()} if enveloped else {})
    answer = await http.post("/mcp", json=message("tools/call", params), headers=headers)
    assert answer.status_code == 400
    assert "error" in answer.json()
