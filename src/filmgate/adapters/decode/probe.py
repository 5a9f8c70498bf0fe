"""What code could do that takes over a decoder: every attempt is made for real, by a child that opens files."""

from __future__ import annotations

import ctypes
import errno
import fcntl
import importlib
import os
import resource
import signal
import socket
import struct
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from filmgate.adapters.decode.messages import PROBE, SOURCE
from filmgate.domain.media import Facts

REFUSED, POSSIBLE, WORKS = "refused", "POSSIBLE", "works"

_PTRACE_SEIZE = 0x4206
_CLONE_NEWUSER = 0x10000000
_IO_URING_SETUP, _CLONE3 = 425, 435
_TGKILL = 234 if os.uname().machine == "x86_64" else 131
_PR_SET_PDEATHSIG = 1
_PROGRAM = "program"
_THREADS = 4


class ProbeTargets(msgspec.Struct, frozen=True):
    """What the attempts are made on: a process, a folder and files of ours, and addresses at which we listen.

    `folder` and `file` are only looked at, `victim_file` is there to be changed.
    """

    process: int
    folder: str
    file: str
    victim_file: str
    tcp: int
    udp: int
    socket: str
    abstract: str


class ProbeReport(msgspec.Struct, frozen=True):
    """What came of every attempt: those that must fail, and what a decoder needs."""

    walls: dict[str, str]
    needs: dict[str, str]


def probe() -> list[Facts]:
    """Try everything on the targets in `SOURCE`, and write what came of it."""
    targets = msgspec.json.decode(Path(SOURCE).read_bytes(), type=ProbeTargets)
    walls = {name: _outcome(attempt, POSSIBLE) for name, attempt in _attempts(targets).items()}
    needs = {name: _outcome(attempt, WORKS) for name, attempt in _NEEDS.items()}
    Path(PROBE).write_bytes(msgspec.json.encode(ProbeReport(walls, needs)))
    return []


def _outcome(attempt: Callable[[], object], success: str) -> str:
    try:
        attempt()
    except Exception as error:  # noqa: BLE001 - whatever it is, the attempt has failed
        return f"{REFUSED} {type(error).__name__}"
    return success


def _attempts(on: ProbeTargets) -> dict[str, Callable[[], object]]:
    """List the attempts; those that end this process or its target come last."""
    return {
        "read ledger": lambda: Path(on.file).open("rb").close(),
        "read /etc/passwd": lambda: Path("/etc/passwd").open("rb").close(),
        "read service environ": lambda: Path(f"/proc/{on.process}/environ").read_bytes(),
        "list data": lambda: list(Path(on.folder).iterdir()),
        "stat data": lambda: Path(on.file).stat(),
        "write ledger": lambda: Path(on.victim_file).open("r+b").close(),
        "chmod ledger": lambda: Path(on.victim_file).chmod(0o640),
        "chmod own file": lambda: Path(SOURCE).chmod(0o640),
        "chown ledger": lambda: os.chown(on.victim_file, os.getuid(), -1),
        "set times of ledger": lambda: os.utime(on.victim_file),
        "truncate ledger": lambda: os.truncate(on.victim_file, 0),
        "link ledger": lambda: os.link(on.victim_file, "linked"),
        "remove ledger": lambda: Path(on.victim_file).unlink(),
        "tcp": lambda: socket.create_connection(("127.0.0.1", on.tcp), 2).close(),
        "udp": lambda: _send(on.udp),
        "unix socket": lambda: _connect(on.socket),
        "abstract socket": lambda: _connect(f"\0{on.abstract}"),
        "socket pair": socket.socketpair,
        "trace the service": lambda: _call("ptrace", _PTRACE_SEIZE, on.process, None, None),
        "read memory of the service": lambda: _read_memory(on.process),
        "limit the service": lambda: resource.prlimit(on.process, resource.RLIMIT_CPU, (1, 1)),
        "slow the service down": lambda: os.setpriority(os.PRIO_PROCESS, on.process, 19),
        "handle of the service": lambda: os.close(os.pidfd_open(on.process)),
        "signal by a file": lambda: _own_signals(on.process),
        "namespace": lambda: _call("unshare", _CLONE_NEWUSER),
        "mount": lambda: _call("mount", b"tmpfs", b".", b"tmpfs", 0, None),
        "io_uring": lambda: _call("syscall", _IO_URING_SETUP, 1, bytes(120)),
        "outlive the service": lambda: _call("prctl", _PR_SET_PDEATHSIG, 0, 0, 0, 0),
        "fork": _fork,
        "fork by clone3": _fork_by_clone3,
        "exec": _execute,
        "stop the service": lambda: os.kill(on.process, 0),
        "signal by thread": lambda: _call("syscall", _TGKILL, on.process, on.process, 0),
        "kill the service": lambda: os.kill(on.process, signal.SIGKILL),
    }


def _call(function: str, *arguments: Any) -> int:
    """Call a function of the C library. Raises OSError as Python's own functions do."""
    libc = ctypes.CDLL(None, use_errno=True)
    result = int(getattr(libc, function)(*arguments))
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def _send(port: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.sendto(b"x", ("127.0.0.1", port))


def _connect(address: str) -> None:
    with socket.socket(socket.AF_UNIX) as unix:
        unix.connect(address)


def _read_memory(process: int) -> None:
    here = ctypes.create_string_buffer(8)
    ours = struct.pack("@PN", ctypes.addressof(here), 8)
    theirs = struct.pack("@PN", 4096, 8)
    try:
        _call("process_vm_readv", process, ours, 1, theirs, 1, 0)
    except OSError as error:
        # Nothing lies at that address, which is said only to those who may read it.
        if error.errno != errno.EFAULT:
            raise


def _own_signals(process: int) -> None:
    with Path(SOURCE).open("rb") as file:
        fcntl.fcntl(file, fcntl.F_SETOWN, process)


def _fork() -> None:
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)


def _fork_by_clone3() -> None:
    child = _call("syscall", _CLONE3, struct.pack("=8Q", 0, 0, 0, 0, signal.SIGCHLD, 0, 0, 0), 64)
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)


def _execute() -> None:
    Path(_PROGRAM).touch(0o700)
    Path(_PROGRAM).write_bytes(b"\0 no program")
    try:
        os.execv(_PROGRAM, [_PROGRAM])  # noqa: S606 - that this fails is what is tried
    except OSError as error:
        # It is looked at only where it may be run.
        if error.errno != errno.ENOEXEC:
            raise


def _signal_oneself() -> None:
    os.kill(os.getpid(), 0)
    signal.pthread_kill(threading.get_ident(), 0)


def _run_threads() -> None:
    done: list[int] = []
    threads = [threading.Thread(target=done.append, args=(number,)) for number in range(_THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


_NEEDS: dict[str, Callable[[], object]] = {
    "threads": _run_threads,
    "own file": lambda: Path("written").write_bytes(b"x"),
    "own signals": _signal_oneself,
    "modules of Python": lambda: importlib.import_module("wave"),
}
