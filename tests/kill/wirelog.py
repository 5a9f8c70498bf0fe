"""The provider's process from outside, and what its log says was paid for."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import urllib.request
from collections import defaultdict
from pathlib import Path
from typing import Any

from tests.kill import tricks, wire
from tests.support.service import clean_env


class Submits:
    """What arrived for one task. Without keys every request that was not refused for certain may have been charged."""

    def __init__(self) -> None:
        self.account = ""
        self.received: list[dict[str, Any]] = []
        self.jobs: list[str] = []

    @property
    def charged(self) -> int:
        """How often the task may have been paid for: requests, or where the provider knows keys, different keys."""
        if tricks.ACCOUNTS[self.account].table.get("idempotency_keys"):
            return len({(each["key"], each["body"]) for each in self.received})
        return sum(not each.get("definite") for each in self.received)


class Wire:
    """Runs the provider in a process of its own, and reads its log."""

    def __init__(self, folder: Path) -> None:
        self._log = folder / "wire.log"
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.kill.wire", str(self._log)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=clean_env(), start_new_session=True,
        )  # fmt: skip
        assert self._process.stdout is not None
        port = self._process.stdout.readline().strip()
        assert port, "the provider did not start"
        self.url = f"http://127.0.0.1:{port}"
        self.deleted: set[str] = set()
        self._read = 0
        self._reading = threading.Lock()
        self._by_number: dict[int, dict[str, Any]] = {}
        self._submits: dict[str, Submits] = defaultdict(Submits)
        self._prompts: dict[str, str] = {}

    def close(self) -> None:
        """End it."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        assert self._process.wait(10) == 0
        self._process.stdout.close()

    def jobs(self, account: str, prompts: list[str]) -> list[str]:
        """Make jobs that no submit asked for, and return their ids."""
        data = json.dumps({"account": account, "prompts": prompts}).encode()
        with urllib.request.urlopen(self.url + wire.CONTROL, data, timeout=20) as answer:
            ids: list[str] = json.load(answer)
        return ids

    def submits(self) -> dict[str, Submits]:
        """Read on in the log, and return what was received, by prompt; clients and the admin ask at once."""
        with self._reading, self._log.open("rb") as file:
            file.seek(self._read)
            for line in file:
                if not line.endswith(b"\n"):
                    break
                self._read += len(line)
                self._take(json.loads(line))
        return self._submits

    def prompt_of(self, job_id: str) -> str | None:
        """Return what a job was asked for by; None if no submit has made it."""
        self.submits()
        return self._prompts.get(job_id)

    def _take(self, line: dict[str, Any]) -> None:
        if "deleted" in line:
            self.deleted.add(line["deleted"])
        elif "prompt" in line:
            self._by_number[line["n"]] = line
            submits = self._submits[line["prompt"]]
            submits.account = line["account"] if submits.account in ("", "busy") else submits.account
            submits.received.append(line)
        else:
            received = self._by_number[line["n"]]
            received |= line
            submits = self._submits[received["prompt"]]
            if line["job"] is not None and line["job"] not in submits.jobs:
                submits.jobs.append(line["job"])
                self._prompts[line["job"]] = received["prompt"]
