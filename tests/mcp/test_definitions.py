"""The definitions of the tools, judged by the linter that directories of MCP servers use, and what the page says."""

from __future__ import annotations

import json
import re
import subprocess

import pytest

from filmgate.adapters.cli import program
from filmgate.adapters.mcp.tools import definitions
from tests.docs.pages import code, page, rows
from tests.support.service import RunningService, clean_env

from .environments import environment


def test_the_linter_has_nothing_to_say(service: RunningService):
    """Over the live server there is no error and no warning about any tool, nor a lesser remark."""
    server = ["--url", f"{service.url}/mcp", "--header", f"Authorization: Bearer {service.key}"]
    done = subprocess.run(
        [environment("tdqs") / "tdqs", "lint", *server, "--fail-on", "warning", "--format", "json"],
        env=clean_env(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads(done.stdout)
    assert report["server"]["toolCount"] == len(report["tools"]) >= 12
    assert report["findings"] == report["shadowCandidates"] == []
    for tool in report["tools"]:
        signals = tool["contextSignals"]
        assert tool["findings"] == tool["flags"] == [], tool
        assert signals["hasAnnotations"], tool
        assert signals["hasOutputSchema"], tool
        assert signals["schemaDescriptionCoverage"] == 100, tool


def test_the_page_has_the_tools():
    """The table of tools has each tool once, with its parameters, the required ones bold."""
    table = rows(page("docs/reference/mcp.md"))
    found = {code(row[0])[0]: row for row in table if len(row) == 3 and code(row[0])}
    assert list(found) == [tool["name"] for tool in definitions()]
    for tool in definitions():
        _, does, takes = found[tool["name"]]
        assert does.lower() == tool["title"].lower()
        assert code(takes) == list(tool["inputSchema"].get("properties", {}))
        assert re.findall(r"\*\*`(\w+)`\*\*", takes) == tool["inputSchema"].get("required", [])


def test_the_page_can_be_copied(capsys: pytest.CaptureFixture[str]):
    """Every configuration of the page is JSON, and the commands in them have options that there are."""
    blocks = re.findall(r"^```json\n(.*?)^```$", page("docs/how-to/agents-and-mcp.md"), re.MULTILINE | re.DOTALL)
    entries = [json.loads(block) for block in blocks]
    servers = [entry.get("mcpServers", entry.get("servers"))["filmgate"] for entry in entries]
    commands = [server["args"] for server in servers if "command" in server]
    assert len(commands) >= 3
    for arguments in commands:
        assert arguments[0] == "mcp"
        assert program.run([*arguments, "--help"]) == 0
        assert capsys.readouterr().out.startswith("Usage: filmgate mcp ")
    for server in servers:
        assert "command" in server or server["url"].endswith("/mcp")
