"""How a child that opens a foreign file is kept small, short-lived and alone."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
from pathlib import Path

from filmgate.adapters.media.landlock import stay_in
from filmgate.adapters.media.work import Limits

_PR_SET_PDEATHSIG = 1
_PR_SET_NO_NEW_PRIVS = 38
_CLONE_NEWUSER = 0x10000000
_CLONE_NEWNET = 0x40000000
_OPEN_FILES = 32


def die_with(parent: int) -> None:
    """Have the kernel kill this process when `parent`, its parent process, is gone; leave now if it already is."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def leave_network() -> bool:
    """Move into a network namespace that has nothing in it; False where the system does not let us.

    The demuxers are forced and limited to files, so this is a second wall: its absence is no error.
    """
    return sys.platform == "linux" and int(_libc().unshare(_CLONE_NEWUSER | _CLONE_NEWNET)) == 0


def confine(limits: Limits, folder: str) -> None:
    """Set the limits of the operating system on this process for good, and leave it only `folder`.

    Python's own folders stay readable. On a kernel without Landlock the folders stay open to it; the forced demuxers
    then stand alone.
    """
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)
    # The decoders load some of their modules only when they meet what these are for.
    stay_in(folder, reading=[path for path in sys.path if path and Path(path).is_dir()])
    # SIGXCPU at the soft limit tells the parent why; a second later the kernel kills what ignored it.
    resource.setrlimit(resource.RLIMIT_CPU, (limits.cpu, limits.cpu + 1))
    for kind, value in (
        (resource.RLIMIT_AS, limits.memory),
        (resource.RLIMIT_FSIZE, limits.file),
        (resource.RLIMIT_NOFILE, _OPEN_FILES),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(kind, (value, value))


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux" and _libc().prctl(option, value, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), f"prctl {option} failed")


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
