"""The MCP adapters of LangChain, in an environment of their own, over both transports, against a real service."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.support.clips import play
from tests.support.service import FILMGATE, RunningService, clean_env
from tests.support.unreliable import Mishap, unreliable

from .environments import environment

SCRIPT = Path(__file__).parent / "clients/with_langchain.py"


@pytest.mark.parametrize("transport", ["http", "stdio"])
def test_langchain(transport: str, service: RunningService):
    """Its agent loads the tools, makes a video, hears of progress, reads a resource, and reads what is wrong."""
    saw = run(transport, service.url, service.key)
    assert "refused" not in saw, saw
    ended = saw["ended"]
    assert ended["state"] == "completed"
    assert play(httpx2.get(ended["video_url"]).content)[:2] == (ended["video_width"], ended["video_height"])
    assert {"luma_generate_video", "luma_wait_task", "luma_cancel_task"} <= set(saw["tools"])
    assert saw["progress"]
    assert saw["progress"] == sorted(saw["progress"])
    assert saw["resource"] == ended
    assert "duration" in saw["wrong"]["error"]["message"]


@pytest.mark.parametrize("transport", ["http", "stdio"])
def test_langchain_with_a_wrong_key(transport: str, service: RunningService):
    """Over HTTP its agent reads the status, from the command also why."""
    assert ("401" if transport == "http" else "API key") in run(transport, service.url, "wrong")["refused"]


def test_langchain_and_a_busy_server(service: RunningService):
    """A server that is busy at first is named; the next try works."""
    with unreliable(service.url, Mishap("POST", "/mcp", 503)) as proxy:
        assert "503" in run("http", proxy.url, service.key)["refused"]
        assert run("http", proxy.url, service.key)["ended"]["state"] == "completed"


def run(transport: str, url: str, key: str) -> Any:
    """Run the script and return what it saw."""
    command = [environment("langchain") / "python", SCRIPT, transport, *([*FILMGATE, "mcp"] * (transport == "stdio"))]
    env = clean_env() | {"FILMGATE_URL": url, "FILMGATE_API_KEY": key}
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-8000:]
    return json.loads(done.stdout.splitlines()[-1])
