"""Clients from npm: the TypeScript SDK, `mcp-remote` between stdio and HTTP, and the conformance suite of MCP."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.support import npm
from tests.support.clips import play
from tests.support.service import FILMGATE, RunningService, clean_env
from tests.support.unreliable import Mishap, unreliable

COMMANDS = npm.PACKAGES / "node_modules/.bin"
REMOTE = ("node", str(COMMANDS / "mcp-remote"))
REMOTE_OPTIONS = ("--allow-http", "--transport", "http-only", "--header", "Authorization:${FILMGATE_HEADER}")

APPLICABLE = (
    "server-initialize",
    "ping",
    "tools-list",
    "resources-list",
    "prompts-list",
    "dns-rebinding-protection",
)
NOT_APPLICABLE = {
    "tools-call-": "tools that only the reference server has: test_simple_text, test_image_content and so on",
    "json-schema-2020-12": "a tool of the reference server, json_schema_2020_12_tool",
    "resources-read-": "resources of the reference server, test://static-text and so on",
    "resources-templates-read": "a template of the reference server, test://template/{id}/data",
    "prompts-get-": "prompts of the reference server, test_simple_prompt and so on",
    "elicitation-": "nothing is asked back by any tool",
    "logging-": "no logging capability is declared",
    "completion-": "no completions capability is declared",
    "resources-subscribe": "no subscriptions are declared",
    "resources-unsubscribe": "no subscriptions are declared",
    "server-sse-": "there are no sessions: every request stands alone",
}
"""Why the other scenarios do not apply, by the beginnings of their names."""


@pytest.mark.parametrize("way", ["http", "filmgate mcp", "mcp-remote"])
def test_the_typescript_sdk(node: None, service: RunningService, tmp_path: Path, way: str):
    """It makes a video, hears of progress, reads resources, gives up a wait, cancels, and reads why it is refused."""
    saw = run(way, service.url, service.key, tmp_path)
    assert "refused" not in saw, saw
    ended = saw["ended"]
    assert (saw["server"], ended["state"]) == ("filmgate", "completed")
    assert play(httpx2.get(ended["video_url"]).content)[:2] == (ended["video_width"], ended["video_height"])
    assert {"luma_generate_video", "luma_wait_task", "luma_cancel_task"} <= set(saw["tools"])
    done = [progress for progress, _ in saw["progress"]]
    assert done
    assert done == sorted(done)
    assert {total for _, total in saw["progress"]} == {100}
    assert f"filmgate://tasks/{ended['task_id']}/video" in saw["resources"]
    assert saw["read"] == ended
    assert "no more" in saw["aborted"]
    assert saw["after"] == "pending"
    assert saw["cancelled"]["failure"]["code"] == "cancelled"
    assert saw["wrong"]["isError"] is True
    assert "duration" in saw["wrong"]["text"]


@pytest.mark.parametrize("way", ["http", "filmgate mcp", "mcp-remote"])
def test_a_wrong_key(node: None, service: RunningService, tmp_path: Path, way: str):
    """Its agent reads that the API key is wrong, where the client shows it."""
    saw = run(way, service.url, "wrong", tmp_path)
    assert "API key" in saw["refused"] + saw["errors"], saw


def test_a_busy_server(node: None, service: RunningService, tmp_path: Path):
    """A server that is busy at first refuses to connect; the next connection works."""
    with unreliable(service.url, Mishap("POST", "/mcp", 503)) as proxy:
        assert "busy" in run("http", proxy.url, service.key, tmp_path)["refused"]
        assert run("http", proxy.url, service.key, tmp_path)["ended"]["state"] == "completed"


def test_conformance(node: None, service: RunningService, tmp_path: Path):
    """The scenarios that apply succeed, and every other one is known not to apply."""
    listed = conformance("list", "--server").splitlines()
    scenarios = {line.removeprefix("  - ") for line in listed if line.startswith("  - ")}
    rest = {name for name in scenarios if not name.startswith(tuple(NOT_APPLICABLE))}
    assert rest == set(APPLICABLE)
    with unreliable(service.url, headers=service.headers) as proxy:
        conformance("server", "--url", f"{proxy.url}/mcp", "--suite", "all", "-o", str(tmp_path))
    for name in APPLICABLE:
        (found,) = tmp_path.glob(f"server-{name}-*/checks.json")
        checks = json.loads(found.read_text())
        assert {check["status"] for check in checks} == {"SUCCESS"}, checks


def conformance(*arguments: str) -> str:
    """Run the conformance suite and return what it prints; its status counts scenarios that do not apply, too."""
    command = ["node", str(COMMANDS / "conformance"), *arguments]
    done = subprocess.run(command, env=clean_env(), capture_output=True, text=True, timeout=120, check=False)
    assert not done.stderr, done.stderr
    return done.stdout


def run(way: str, url: str, key: str, folder: Path) -> Any:
    """Run the script with the TypeScript SDK, and return what it saw."""
    commands = {
        "http": ("http", f"{url}/mcp"),
        "filmgate mcp": ("stdio", *FILMGATE, "mcp"),
        "mcp-remote": ("stdio", *REMOTE, f"{url}/mcp", *REMOTE_OPTIONS),
    }
    env = {
        "FILMGATE_URL": url,
        "FILMGATE_API_KEY": key,
        "FILMGATE_HEADER": f"Bearer {key}",
        "MCP_REMOTE_CONFIG_DIR": str(folder / "mcp-auth"),
    }
    return npm.run("mcp.mjs", *commands[way], **env)
