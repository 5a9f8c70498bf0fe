"""A real service in a process of its own."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import re
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

ENGINES = {
    "scripted": {"type": "scripted", "models": ["*"], "slots": 64},
    "studio": {"type": "studio", "models": ["studio"]},
}
"""Every model is made by the scripted engine, the model "studio" by the studio."""

FILMGATE = [sys.executable, "-W", "error::ResourceWarning", "-m", "filmgate"]
YIELDING = [*FILMGATE[:-1], "tests.support.yielding"]
START_DEADLINE = 30.0
BYTECODE = Path(__file__).parents[2] / ".pytest_cache" / "bytecode"

# The source as well: these tests may be a copy's, whose service must not be the one that is installed.
_CHECKOUT = os.pathsep.join((str(Path(__file__).parents[2] / "src"), str(Path(__file__).parents[2])))


class RunningService:
    """`filmgate serve` on a free port, with the data folder and options it was given, started by a `prefix`.

    While `yielding`, services are started on a ledger that lets others run around every call.
    """

    yielding: ClassVar[bool] = os.environ.get("YIELDING") == "all"

    def __init__(self, data: Path, **options: str) -> None:
        self.data = data
        self.env = clean_env() | {
            "FILMGATE_DATA": str(data),
            "FILMGATE_ENGINES": json.dumps(ENGINES),
            "FILMGATE_ALLOW_NETWORKS": "127.0.0.0/8",
            "FILMGATE_SUBMIT_RATE": "0",
            "FILMGATE_QUERY_RATE": "0",
            "FILMGATE_MEDIA_RATE": "0",
            "FILMGATE_GRACE": "2",
            **{f"FILMGATE_{name.upper()}": value for name, value in options.items()},
        }
        self.prefix: list[str] = []
        self.program = FILMGATE
        self.lines: list[str] = []
        self.log = data.with_name(f"{data.name}.log")
        self.process: subprocess.Popen[str] | None = None
        self.url = ""

    def start(self) -> RunningService:
        """Start it and wait until it serves; the port stays the same over restarts."""
        port = self.url.rpartition(":")[2] or "0"
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                [*self.prefix, *(YIELDING if self.yielding else self.program), "serve", "--port", port],
                env=self.env | ({"PYTHONPATH": _CHECKOUT} if self.yielding else {}),
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                start_new_session=True,
                cwd=self.data.parent,
            )
        heard: queue.Queue[str | None] = queue.Queue()
        threading.Thread(target=self._listen, args=(self.process, heard), daemon=True).start()
        while True:
            line = heard.get(timeout=START_DEADLINE)
            if line is None:
                raise AssertionError(f"the service did not start:\n{self.log.read_text()[-4000:]}")
            match = re.search(r"serves (http://\S+) ", line)
            if match:
                self.url = match[1]
                return self

    @property
    def key(self) -> str:
        """The first key, or the admin key it was given."""
        return self.env.get("FILMGATE_ADMIN_KEY") or (self.data / "first-key").read_text().strip()

    @property
    def headers(self) -> dict[str, str]:
        """What a request needs to be let in."""
        return {"Authorization": f"Bearer {self.key}"}

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """End it with a signal and give its exit code."""
        process = self.process
        if process is None:
            return 0
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(how)
        try:
            return process.wait(30)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait(10)
            if process.stdout is not None:
                process.stdout.close()
            self.process = None

    def kill_group(self) -> None:
        """Kill the service and every child it has, at once."""
        assert self.process is not None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(10)
        if self.process.stdout is not None:
            self.process.stdout.close()
        self.process = None

    def run(self, *arguments: str, timeout: float = 60, **extra: str) -> subprocess.CompletedProcess[str]:
        """Run a command of the CLI against this service."""
        env = self.env | {"FILMGATE_URL": self.url} | extra
        return subprocess.run(
            [*FILMGATE, *arguments], env=env, capture_output=True, text=True, timeout=timeout, check=False
        )

    def _listen(self, process: subprocess.Popen[str], heard: queue.Queue[str | None]) -> None:
        with contextlib.suppress(ValueError):
            for line in process.stdout or ():
                self.lines.append(line)
                heard.put(line)
        heard.put(None)


@contextlib.contextmanager
def held(service: RunningService) -> Iterator[None]:
    """Keep the ledger of a service from writing: what is submitted is under way and not accepted yet."""
    with contextlib.closing(sqlite3.connect(service.data / "filmgate.db", isolation_level=None, timeout=30)) as ledger:
        ledger.execute("BEGIN IMMEDIATE")
        yield
        ledger.execute("ROLLBACK")


def clean_env() -> dict[str, str]:
    """Return the environment without options of a service that happens to run on this machine."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("FILMGATE_")}
    if env.pop("PYTHONDONTWRITEBYTECODE", None):
        # Images of containers set it: each process would compile all that it imports, and take twice as long to start.
        env["PYTHONPYCACHEPREFIX"] = str(BYTECODE)
    return env
