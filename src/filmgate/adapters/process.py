"""One supervised child process: tied to its parent, its errors relayed, ended in order or by force.

The parent's half is `ChildProcess`. The child's half is `die_with`, and to end when its input, or its socket, does.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

_PR_SET_PDEATHSIG = 1
_PIECE = 65_536
_RELAY_SECONDS = 1.0
"""What is left of a dead child's errors is read for so long: a child of its own may hold the other end."""


class ChildProcess:
    """A running child process."""

    def __init__(self, process: Process, relay: Callable[[bytes], None] | None = None) -> None:
        """Take a started process. `relay` is called with each line of its standard error, without its end."""
        self._process = process
        self._relay = asyncio.ensure_future(_relay(process, relay)) if relay else None
        self.pid = process.pid

    @classmethod
    async def start(
        cls, command: Sequence[str], *, relay: Callable[[bytes], None] | None = None, **options: Any
    ) -> ChildProcess:
        """Start a command with the options of `asyncio.create_subprocess_exec`. Raises OSError.

        Call it on the event loop's thread: the kernel binds the death of a child to the thread that started it.
        """
        if relay is not None:
            options["stderr"] = PIPE
        return cls(await asyncio.create_subprocess_exec(*command, **options), relay)

    @property
    def returncode(self) -> int | None:
        """The exit status, negative for a signal; None while the child runs."""
        return self._process.returncode

    @property
    def stdin(self) -> asyncio.StreamWriter:
        """The child's standard input, where it was started with a pipe."""
        assert self._process.stdin is not None
        return self._process.stdin

    @property
    def stdout(self) -> asyncio.StreamReader:
        """The child's standard output, where it was started with a pipe."""
        assert self._process.stdout is not None
        return self._process.stdout

    async def wait(self) -> int:
        """Wait for the end of the child and return its exit status."""
        return await self._process.wait()

    async def end(self, grace: float) -> bool:
        """Close the child's input and wait `grace` seconds, then kill it. Return whether it ended by itself."""
        if self._process.stdin:
            self._process.stdin.close()
        try:
            async with asyncio.timeout(grace):
                await self._process.wait()
        except TimeoutError:
            in_time = False
        else:
            in_time = True
        await self.kill()
        return in_time

    async def kill(self) -> None:
        """Kill the child if it runs, and free everything that belongs to it."""
        self.kill_now()
        await self._process.wait()
        if self._process.stdin:
            self._process.stdin.close()
        if self._relay:
            await asyncio.wait({self._relay}, timeout=_RELAY_SECONDS)
            self._relay.cancel()

    def kill_now(self) -> None:
        """Send the child SIGKILL if it runs, and wait for nothing."""
        if self._process.returncode is None:
            with suppress(ProcessLookupError):  # it ended by itself between the look and the kill
                self._process.kill()


async def _relay(process: Process, relay: Callable[[bytes], None]) -> None:
    assert process.stderr is not None
    rest = b""
    while piece := await process.stderr.read(_PIECE):
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            relay(line)
        rest = rest[-_PIECE:]
    if rest:
        relay(rest)


def die_with(parent: int, *, status: int = 1) -> None:
    """Make the kernel kill this process when `parent`, its parent process, is gone; leave now if it already is.

    Raises OSError where the kernel does not offer that.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")
    if os.getppid() != parent:
        os._exit(status)


def close_inherited() -> None:
    """Close every descriptor but the three standard ones: not every event loop does it between fork and exec."""
    for name in os.listdir("/proc/self/fd"):  # noqa: PTH208 # no paths, only numbers
        if int(name) > 2:
            with suppress(OSError):  # the one that listed them is closed already
                os.close(int(name))
