"""A service that lives as long as an agent's connection: `filmgate serve` in a child process.

`ChildService` is the parent's half, `child_main` the child's. The child ends when its standard input does, which the
parent holds open: however the parent ends, the child follows. Its address stands in the data folder, in the file
`embedded`, so that other agents of this user can share it.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import sys
import time
from asyncio.subprocess import PIPE
from pathlib import Path

from filmgate.adapters.cli.errors import CommandExit, Exit
from filmgate.adapters.process import ChildProcess

_ADDRESS = "embedded"
_PROGRAM = "filmgate.adapters.cli.mcp.child_main"
"""The module that the child runs, which imports all commands: named, because one of them imports this one."""

_SERVES = re.compile(rb" serves (http://\S+) ")
_GRACE = 1
"""Seconds that running work gets when the agent leaves; what is unfinished goes on at the next start."""

_STOP_SECONDS = 10.0
_AWAIT_SECONDS = 30.0
_LOOK_SECONDS = 0.1


class ChildService:
    """The service of a data folder, run for an agent."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self._process: ChildProcess | None = None
        self._output: asyncio.Task[None] | None = None
        self._complaint: str | None = None

    async def start(self) -> str:
        """Start the service and give its address. Raises Stop with the reason why there is none."""
        await self.stop()
        self._complaint = None
        process = self._process = await ChildProcess.start(
            (sys.executable, "-m", _PROGRAM, "--host", "127.0.0.1", "--port", "0", "--data", str(self.data)),
            relay=self._relay,
            stdin=PIPE,
            stdout=PIPE,
            env={**os.environ, "FILMGATE_GRACE": str(_GRACE)},
        )
        async for line in process.stdout:  # a first key may be told before: that is nobody's business
            if serves := _SERVES.search(line):
                self._output = asyncio.ensure_future(_drain(process.stdout))
                address = serves[1].decode()
                self._announce(f"{process.pid} {address}\n")
                return address
        await self.stop()
        raise self._failure()

    async def stop(self) -> None:
        """End the service, if there is one."""
        process, self._process = self._process, None
        if process is None:
            return
        await process.end(_STOP_SECONDS)
        if self._output is not None:
            self._output.cancel()
        if self._read_note()[:1] == [str(process.pid)]:
            (self.data / _ADDRESS).unlink(missing_ok=True)

    def announced_address(self) -> str | None:
        """Return the address that an embedded service which holds the data folder has announced."""
        noted = self._read_note()
        return noted[1] if len(noted) == 2 and noted[0] == self._holder() else None

    async def wait_for_address(self) -> str | None:
        """Return the address of another agent's service once it has started; None where none is starting."""
        until = time.monotonic() + _AWAIT_SECONDS
        while (address := self.announced_address()) is None and self._starts_elsewhere() and time.monotonic() < until:  # noqa: ASYNC110
            await asyncio.sleep(_LOOK_SECONDS)  # what is waited for happens in other processes
        return address

    def _announce(self, line: str) -> None:
        path = self.data / _ADDRESS
        path.unlink(missing_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(line)

    def _read_note(self) -> list[str]:
        with contextlib.suppress(OSError, UnicodeDecodeError):
            return (self.data / _ADDRESS).read_text().split()
        return []

    def _holder(self) -> str | None:
        """Return the process that holds the lock of the data folder, or held it last."""
        with contextlib.suppress(OSError, UnicodeDecodeError):
            return (self.data / "lock").read_text().strip() or None
        return None

    def _starts_elsewhere(self) -> bool:
        with contextlib.suppress(OSError):
            return _PROGRAM.encode() in Path(f"/proc/{self._holder()}/cmdline").read_bytes()
        return False

    def _relay(self, line: bytes) -> None:
        """Pass a line of the service's log on, and keep its complaint."""
        os.write(2, line + b"\n")
        text = line.decode(errors="replace").strip()
        if text.startswith("filmgate: "):
            self._complaint = text.removeprefix("filmgate: ")

    def _failure(self) -> CommandExit:
        reason = self._complaint or "its reasons are on stderr."
        in_use = "is in use by another service" in reason
        return CommandExit(
            f"No service answers, and one of its own could not be started: {reason}",
            Exit.UNREACHABLE,
            code="in_use" if in_use else "not_started",
            hint=("Or give its address" if in_use else "Give the address of one") + " with --url or FILMGATE_URL.",
        )


async def _drain(stream: asyncio.StreamReader) -> None:
    while await stream.read(4096):
        pass
