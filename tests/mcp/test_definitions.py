"""The definitions of the tools, judged by the linter that directories of MCP servers use."""

from __future__ import annotations

import json
import subprocess

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
