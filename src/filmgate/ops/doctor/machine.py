"""Checks of the machine: the data folder, the disk, the clock, the port."""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
import time
from collections.abc import Iterator

from filmgate.adapters.store.local import RESERVE
from filmgate.domain.settings import MIB, Settings
from filmgate.ops.doctor.findings import Finding, ok, problem, warning
from filmgate.ops.doctor.process import Running, limit_of

_NEARLY_FULL = 2048 * MIB
_FEW_FILES = 4096
_SKEW = 2.0


def folder(settings: Settings, _now: Running) -> Iterator[Finding]:
    """Look at the data folder: is it there, may it be written, can others read it."""
    data = settings.data
    if not data.is_dir():
        yield warning(
            "data folder", f"there is no folder {data}", "Either the service has never run, or it is elsewhere.",
            "Start the service, or say where its data are with --data or FILMGATE_DATA.",
        )  # fmt: skip
        return
    if not os.access(data, os.R_OK | os.W_OK | os.X_OK):
        yield problem(
            "data folder", f"{data} cannot be written by this user", "The service could not store anything.",
            "Run this as the user of the service, or give the folder to it with chown.",
        )  # fmt: skip
    elif data.stat().st_mode & (0o007 if settings.group_access else 0o077):
        yield warning(
            "data folder", f"{data} can be entered by other users of this machine",
            "It holds the first key, the secrets of webhooks and all videos.",
            f"chmod 700 {data}",
        )  # fmt: skip
    else:
        yield ok("data folder", f"{data}, for its owner{' and its group' if settings.group_access else ''} only")
    for left in sorted(data.glob(".backup-*")):
        yield warning(
            "data folder", f"{left.name} was left by a backup that was killed", "It keeps deleted files on the disk.",
            f"If no backup is being made: rm -r {left}",
        )  # fmt: skip


def room(settings: Settings, _now: Running) -> Iterator[Finding]:
    """Look at the room on the disk of the data folder."""
    place = next(parent for parent in (settings.data.absolute(), *settings.data.absolute().parents) if parent.exists())
    free = shutil.disk_usage(place).free
    text = f"{free // MIB:,} MiB are free"
    if free < RESERVE:
        yield problem("disk", text, "Nothing new is accepted or stored.", "Make room, or delete tasks.")
    elif free < _NEARLY_FULL:
        yield warning("disk", text, "A few hundred videos fill it; then nothing is accepted.", "Make room in time.")
    else:
        yield ok("disk", text)


def clock(settings: Settings, _now: Running) -> Iterator[Finding]:
    """Compare the clock of the disk with that of this machine."""
    if not settings.data.is_dir() or not os.access(settings.data, os.W_OK):
        return
    with tempfile.TemporaryFile(dir=settings.data) as file:
        skew = os.fstat(file.fileno()).st_mtime - time.time()
    if abs(skew) > _SKEW:
        yield warning(
            "clock", f"the disk's clock is {skew:+.0f} s off", "Ages of files mislead, on network disks above all.",
            "Set both clocks by a time server.",
        )  # fmt: skip
    else:
        yield ok("clock", "the clocks of the disk and of this machine agree")


def open_files(_settings: Settings, now: Running) -> Iterator[Finding]:
    """Look at how many files and connections may be open at once."""
    limit = limit_of(now.process)
    if limit is None:
        return
    whose = "a service started here" if now.process is None else f"the service (process {now.process})"
    if limit < _FEW_FILES:
        yield warning(
            "open files", f"{whose} may open {limit}", "Each connection that waits for a task is one.",
            "LimitNOFILE=65536 in the systemd unit, --ulimit nofile=65536 for a container, or ulimit -n 65536.",
        )  # fmt: skip
    else:
        yield ok("open files", f"{whose} may open {limit}")


def port(settings: Settings, now: Running) -> Iterator[Finding]:
    """See whether the service runs, and if not, whether somebody else is at its port."""
    where = f"{settings.host}:{settings.port}"
    if now.process is not None:
        yield ok("service", f"process {now.process} runs on this data folder")
        return
    if settings.port and _is_port_taken(settings):
        yield problem(
            "service", f"the service does not run, and another program is at {where}",
            "`filmgate serve` could not start.", "Stop the other one, or choose another port with FILMGATE_PORT.",
        )  # fmt: skip
    else:
        yield ok("service", f"no service runs on this data folder; its address {where} is free")


def _is_port_taken(settings: Settings) -> bool:
    host = settings.host.strip("[]")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, settings.port))
        except OSError:
            return True
    return False
