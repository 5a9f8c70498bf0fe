"""A process that has imported the service, and forks one that runs it in a fraction of a second.

Starting Python and importing takes most of a start; a thousand kills need a thousand starts. Run as
`python -m tests.kill.hatchery`; it reads an order in JSON per line, `{"env": {...}, "cwd": "...", "log": "...",
"run": [...]}`, and answers `{"pid": n}`; when a process ends it says `{"ended": n, "status": n}`, as
`subprocess` counts. What is run is `["serve"]`, `["backup", FOLDER]` or `["restore", BACKUP]`.
"""

from __future__ import annotations

import importlib
import json
import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

_OURS = frozenset({"filmgate", "uvicorn", "uvloop", "fastapi", "httpx2", "httptools", "mcp", "email", "multipart"})
"""What is imported before a service is forked; the rest comes along with it."""


class Hatched:
    """A service that was forked; as much of `subprocess.Popen` as its user needs."""

    stdout = None

    def __init__(self, pid: int, ended: threading.Event) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._ended = ended

    def poll(self) -> int | None:
        """Return the exit status, None while it runs."""
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end."""
        if not self._ended.wait(timeout) or self.returncode is None:
            raise subprocess.TimeoutExpired("hatched service", timeout or 0)
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send it a signal, if it is there."""
        if self.returncode is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """Kill it."""
        self.send_signal(signal.SIGKILL)

    def over(self, status: int) -> None:
        """Write down that it has ended."""
        self.returncode = status
        self._ended.set()


class Hatchery:
    """The process, from outside."""

    def __init__(self, folder: Path) -> None:
        self._log = (folder / "hatchery.log").open("w")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.kill.hatchery"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log, text=True, start_new_session=True,
        )  # fmt: skip
        self._lock = threading.Lock()
        self._hatched: dict[int, Hatched] = {}
        self._born = threading.Semaphore(0)
        self._newest: Hatched | None = None
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def hatch(self, env: dict[str, str], cwd: Path, log: Path, run: Sequence[str] = ("serve",)) -> Hatched:
        """Fork a service or a command."""
        order = {"env": env, "cwd": str(cwd), "log": str(log), "run": list(run)}
        with self._lock:
            assert self._process.stdin is not None
            self._process.stdin.write(json.dumps(order) + "\n")
            self._process.stdin.flush()
            assert self._born.acquire(timeout=300), "the hatchery is gone"
            assert self._newest is not None
            return self._newest

    def close(self) -> None:
        """End it, once all its services have ended."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        assert self._process.wait(30) == 0
        self._reader.join(10)
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._log.close()

    def _read(self) -> None:
        for line in self._process.stdout or ():
            told: dict[str, int] = json.loads(line)
            if "pid" in told:
                self._newest = self._hatched[told["pid"]] = Hatched(told["pid"], threading.Event())
                self._born.release()
            else:
                self._hatched.pop(told["ended"]).over(told["status"])


def main() -> None:
    """Fork what is ordered until the input ends, which also ends whatever still runs, and all have ended."""
    for name in _needed():
        importlib.import_module(name)
    watched: dict[int, int] = {}
    lines: list[int] = [0]
    rest = b""
    while lines or watched:
        for ready in select.select([*lines, *watched], [], [])[0]:
            if ready != 0:
                _say({"ended": watched[ready], "status": os.waitstatus_to_exitcode(os.waitpid(watched[ready], 0)[1])})
                os.close(ready)
                del watched[ready]
                continue
            data = os.read(0, 1 << 20)
            if not data:
                lines.clear()
                for pid in watched.values():
                    os.killpg(pid, signal.SIGKILL)
            *orders, rest = (rest + data).split(b"\n")
            for order in orders:
                pid = _fork(json.loads(order))
                watched[os.pidfd_open(pid)] = pid
                _say({"pid": pid})


def _needed() -> list[str]:
    """Name what a service has imported once it is put together, as told by one that ends again."""
    told, tells = os.pipe()
    if (pid := os.fork()) == 0:
        import asyncio
        import tempfile

        import uvicorn.protocols.http.httptools_impl
        import uvloop

        from filmgate.app import open_service
        from filmgate.domain.settings import Settings

        async def put_together(data: str) -> None:
            async with open_service(Settings(data=Path(data))):
                pass

        with tempfile.TemporaryDirectory() as data:
            asyncio.run(put_together(data))
        assert uvicorn
        assert uvloop
        own = [name for name in sys.modules if name.partition(".")[0] in _OURS and name != __name__]
        os.write(tells, json.dumps(own).encode())
        os._exit(0)
    os.close(tells)
    with os.fdopen(told) as file:
        names: list[str] = json.load(file)
    os.waitpid(pid, 0)
    return names


def _say(what: dict[str, int]) -> None:
    os.write(1, json.dumps(what).encode() + b"\n")


def _fork(order: dict[str, Any]) -> int:
    pid = os.fork()
    if pid == 0:
        _be(order)
    return pid


def _be(order: dict[str, Any]) -> NoReturn:
    """Be the service, in a session of its own and with nothing of the hatchery's."""
    status = 70
    try:
        os.setsid()
        log = os.open(order["log"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(log, 1)
        os.dup2(log, 2)
        os.closerange(3, 1024)
        os.environ.clear()
        os.environ.update(order["env"])
        os.chdir(order["cwd"])
        status = _run(order["run"])
    except BaseException:  # noqa: BLE001 - it ends below, and the log has why
        import traceback

        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    raise AssertionError


def _run(what: list[str]) -> int:
    from filmgate import faults
    from filmgate.app import serve
    from filmgate.domain.settings import Settings

    if what[0] == "serve":
        return serve(Settings())
    from filmgate.ops.backup import make_backup
    from filmgate.ops.restore import restore_backup

    faults.arm(os.environ)
    if what[0] == "backup":
        make_backup(Settings().data, Path(what[1]), lambda *_: None)
    else:
        restore_backup(Path(what[1]), Settings(), lambda *_: None)
    return 0


if __name__ == "__main__":
    main()
