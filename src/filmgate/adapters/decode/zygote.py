"""The helper process: loads the decoders once and forks a child for every file.

Started as `python -m filmgate.adapters.decode.zygote DESCRIPTOR PARENT`. It reads a job or a stop per line from the
socket, answers every job with the end of its child, and leaves, killing its children, when the other side is gone.
It has one thread, so that a fork is safe.
"""

from __future__ import annotations

import contextlib
import errno
import gc
import os
import selectors
import signal
import socket
import sys
import time
import traceback
from pathlib import Path

import msgspec

from filmgate.adapters.decode.confine import confine, leave_network, prepare
from filmgate.adapters.decode.decode import perform
from filmgate.adapters.decode.messages import (
    NO_ROOM,
    OUTCOME,
    ChildExited,
    SandboxJob,
    SandboxLayer,
    SandboxResult,
    StopChild,
)
from filmgate.adapters.process import die_with

# Nothing of the file's: EFBIG is its own limit, and EIO is also what the decoders call a file that is cut off.
_DISK = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS})


class _Child(msgspec.Struct):
    """A running child: its job's number, when it must be gone, whether it was killed for that."""

    number: int
    deadline: float
    late: bool = False


class Zygote:
    """Serves one socket until its other end is closed."""

    def __init__(self, line: socket.socket, missing: list[SandboxLayer]) -> None:
        """Take the socket to the service, and the layers that the children miss already."""
        self._line = line
        self._missing = missing
        self._pending = b""
        self._children: dict[int, _Child] = {}
        self._orders = msgspec.json.Decoder(SandboxJob | StopChild)

    def serve(self) -> None:
        """Serve requests until the other side is gone."""
        bell, ring = os.pipe()
        os.set_blocking(bell, False)
        os.set_blocking(ring, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(ring)
        with selectors.DefaultSelector() as selector:
            selector.register(self._line, selectors.EVENT_READ)
            selector.register(bell, selectors.EVENT_READ)
            try:
                while self._turn(selector, bell):
                    pass
            finally:
                self._kill_all()

    def _turn(self, selector: selectors.BaseSelector, bell: int) -> bool:
        ready = {key.fd for key, _ in selector.select(self._patience())}
        if bell in ready:
            with contextlib.suppress(BlockingIOError):
                os.read(bell, 4096)
        self._reap()
        self._kill_late()
        return self._line.fileno() not in ready or self._receive()

    def _patience(self) -> float | None:
        """Return the seconds until the next child's time is up; None without one."""
        deadlines = [child.deadline for child in self._children.values() if not child.late]
        return max(0.0, min(deadlines) - time.monotonic()) if deadlines else None

    def _receive(self) -> bool:
        data = self._line.recv(65536)
        *lines, self._pending = (self._pending + data).split(b"\n")
        for line in lines:
            order = self._orders.decode(line)
            if isinstance(order, SandboxJob):
                self._fork(order)
            else:
                self._stop(order.number)
        return bool(data)

    def _fork(self, job: SandboxJob) -> None:
        zygote = os.getpid()
        pid = os.fork()
        if pid == 0:
            _live(job, zygote, self._missing)
        self._children[pid] = _Child(job.number, time.monotonic() + job.limits.wall)

    def _stop(self, number: int) -> None:
        for pid, child in self._children.items():
            if child.number == number:
                os.kill(pid, signal.SIGKILL)

    def _kill_late(self) -> None:
        now = time.monotonic()
        for pid, child in self._children.items():
            if child.deadline <= now and not child.late:
                child.late = True
                os.kill(pid, signal.SIGKILL)

    def _kill_all(self) -> None:
        for pid in self._children:
            os.kill(pid, signal.SIGKILL)
        for pid in self._children:
            os.waitpid(pid, 0)

    def _reap(self) -> None:
        for pid in list(self._children):
            done, status = os.waitpid(pid, os.WNOHANG)
            if done:
                child = self._children.pop(pid)
                ended = ChildExited(child.number, os.waitstatus_to_exitcode(status), child.late)
                self._line.sendall(msgspec.json.encode(ended) + b"\n")


def _live(job: SandboxJob, zygote: int, missing: list[SandboxLayer]) -> None:
    """Be the child: do the one job and leave without running anything of the parent's."""
    code = 1
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        die_with(zygote)
        os.closerange(3, os.sysconf("SC_OPEN_MAX"))
        nothing = os.open(os.devnull, os.O_RDWR)
        for standard in (0, 1, 2):
            os.dup2(nothing, standard)
        os.close(nothing)
        os.umask(0o077)
        os.nice(job.limits.nice)
        missing = missing + confine(job.limits, job.folder)
        outcome = msgspec.structs.replace(_attempt(job), missing=missing)
        Path(OUTCOME).write_bytes(msgspec.json.encode(outcome))
        code = 0
    except OSError as error:
        code = NO_ROOM if error.errno in _DISK else 1
    finally:
        os._exit(code)


def _attempt(job: SandboxJob) -> SandboxResult:
    try:
        return perform(job.operation, job.limits.pixels)
    except MemoryError:
        return SandboxResult(error="The file needs too much memory to be decoded.")
    except Exception as error:
        if isinstance(error, OSError) and error.errno in _DISK:
            raise
        # Nothing above can handle it: this process ends now, and its parent logs the trace.
        return SandboxResult(trace=traceback.format_exc())


def main() -> None:
    """Serve the socket given as the first argument for the parent given as the second."""
    descriptor, parent = int(sys.argv[1]), int(sys.argv[2])
    missing = [] if leave_network() else [SandboxLayer.NETWORK]
    prepare()
    die_with(parent)
    # Whoever stops the service may send this to all of its processes. This one ends with the service, after its last
    # file: a file that dies with its decoder would count against its task.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    # What is loaded now stays shared with every child, untouched by their collections.
    gc.freeze()
    # A connection that breaks says the same as one that ends: the service is gone.
    with socket.socket(fileno=descriptor) as line, contextlib.suppress(ConnectionError):
        Zygote(line, missing).serve()


if __name__ == "__main__":
    main()
