"""How a child that opens a foreign file is kept small, short-lived and alone."""

from __future__ import annotations

import ctypes
import functools
import os
import resource
import sys

from filmgate.adapters.decode.landlock import SCOPES_SINCE, stay_in
from filmgate.adapters.decode.messages import ChildLimits, SandboxLayer
from filmgate.adapters.decode.namespaces import (
    build_root,
    drop_capabilities,
    enter_root,
    leave_network,
    readable_folders,
)
from filmgate.adapters.decode.seccomp import compile_filter, deny_calls

__all__ = ["confine", "leave_network", "prepare"]

_PR_SET_NO_NEW_PRIVS = 38
_OPEN_FILES = 32


@functools.cache
def prepare() -> frozenset[SandboxLayer]:
    """Make what all children share, once; return the layers that the system does not offer.

    The current folder is another one afterwards.
    """
    missing = set()
    for layer, make in ((SandboxLayer.MOUNTS, build_root), (SandboxLayer.SECCOMP, compile_filter)):
        try:
            make()
        except OSError:
            missing.add(layer)
    return frozenset(missing)


def confine(limits: ChildLimits, folder: str) -> list[SandboxLayer]:
    """Set the limits of the operating system on this process for good, leave it only `folder`, and go there.

    Python's own folders stay readable. Returns the layers that the system does not offer: each holds by itself, and
    without them the limits and the forced demuxers stand alone.
    """
    missing = set(prepare())
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)
    if SandboxLayer.MOUNTS not in missing:
        try:
            folder = enter_root(folder)
        except OSError:
            missing.add(SandboxLayer.MOUNTS)
    os.chdir(folder)
    drop_capabilities()
    version = stay_in(folder, reading=readable_folders())
    if not version:
        missing.add(SandboxLayer.LANDLOCK)
    if version < SCOPES_SINCE:
        missing.add(SandboxLayer.SCOPES)
    # SIGXCPU at the soft limit tells the parent why; a second later the kernel kills what ignored it.
    resource.setrlimit(resource.RLIMIT_CPU, (limits.cpu, limits.cpu + 1))
    for kind, value in (
        (resource.RLIMIT_AS, limits.memory),
        (resource.RLIMIT_FSIZE, limits.file),
        (resource.RLIMIT_NOFILE, _OPEN_FILES),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(kind, (value, value))
    if SandboxLayer.SECCOMP not in missing:
        try:
            deny_calls()
        except OSError:
            missing.add(SandboxLayer.SECCOMP)
    return sorted(missing)


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux" and _libc().prctl(option, value, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), f"prctl {option} failed")


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
