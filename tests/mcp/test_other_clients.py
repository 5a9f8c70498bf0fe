"""Clients of other makes and ages, each in its own environment, over both transports, against a real service."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.support.clips import play
from tests.support.service import FILMGATE, RunningService, clean_env

from .environments import environment

SCRIPTS = Path(__file__).parent / "clients"
CLIENTS = ("mcp1", "fastmcp")
VERSIONS = {"mcp1": "2025-11-25", "fastmcp": "2026-07-28"}


@pytest.mark.parametrize("transport", ["http", "stdio"])
@pytest.mark.parametrize("name", CLIENTS)
def test_from_prompts_to_files(name: str, transport: str, service: RunningService):
    """Its agent makes a video, two at once, a longer one and one that fails, and gets files that play."""
    saw = run(name, transport, service, service.key)
    assert "refused" not in saw, saw
    assert saw["version"] == VERSIONS[name]
    first, longer, failed = saw["first"], saw["longer"], saw["failed"]
    assert first["state"] == longer["state"] == "completed"
    assert played(first) == (first["video_width"], first["video_height"], 25) == (752, 1360, 25)
    assert played(longer)[:2] == (752, 1360)
    assert played(longer)[2] > 121
    assert [task["task_id"] for task in saw["batch"]["tasks"]] == saw["ids"]
    assert {task["state"] for task in saw["batch"]["tasks"]} == {"completed"}
    assert (failed["state"], failed["failure"]) == ("failed", {"code": "moderated", "message": "Not this."})
    assert saw["unknown"]["code"] == "not_found"
    assert saw["unknown"]["trace_id"]
    assert saw["progress"]
    assert {total for _, total, _ in saw["progress"]} == {100}
    assert {"luma_generate_video", "luma_get_task", "luma_delete_task"} <= set(saw["tools"])
    assert len(saw["prompts"]) == 3
    assert f"filmgate://tasks/{first['task_id']}/video" in saw["resources"]


@pytest.mark.parametrize("transport", ["http", "stdio"])
@pytest.mark.parametrize("name", CLIENTS)
def test_wrong_key(name: str, transport: str, service: RunningService):
    """Its agent learns that it was refused, and from the command also why."""
    saw = run(name, transport, service, "nonsense")
    assert set(saw) == {"refused"}
    assert ("401" if transport == "http" and name == "mcp1" else "API key") in saw["refused"]


def run(name: str, transport: str, service: RunningService, key: str) -> dict[str, Any]:
    """Run a client's script and give what it saw."""
    command = [environment(name) / "python", SCRIPTS / f"with_{name}.py", transport]
    env = clean_env() | {"FILMGATE_URL": service.url, "FILMGATE_API_KEY": key}
    if transport == "stdio":
        command += [*FILMGATE, "mcp"]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-8000:]
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def played(task: dict[str, Any]) -> tuple[int, int, int]:
    """Fetch the video of a task and play it."""
    return play(httpx2.get(task["video_url"]).content)
