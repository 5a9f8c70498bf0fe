"""The data folder of a running service: held by one process, and private."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import logging
import os
import struct
from collections.abc import Iterator
from pathlib import Path

from filmgate.domain.errors import Unavailable
from filmgate.modes import folder_mode, secure

log = logging.getLogger(__name__)

LEDGER = "filmgate.db"
"""The ledger in the data folder."""

MEDIA = "media"
"""The folder of stored files in the data folder."""

LOCK = "lock"
"""The file in the data folder that a running service holds; the process is written in it."""

_FLOCK = "hhqqi"
"""The kernel's description of a lock: type, whence, start, length, process."""

_NO_FOLDER_LOCKS = frozenset({errno.EBADF, errno.EINVAL, errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS})
"""Errors of file systems that cannot lock a folder, such as NFS."""


@contextlib.contextmanager
def hold(data: Path) -> Iterator[None]:
    """Hold the data folder for this process and make it private. Raises Unavailable.

    Two kernel locks, which end with the process and are not inherited: one on a file, as it works on
    every file system, and one on the folder itself, as a file can be removed and created again.
    """
    try:
        data.mkdir(parents=True, exist_ok=True, mode=folder_mode())
        with _folder_lock(data), _file_lock(data):
            _make_private(data)
            yield
    except OSError as error:
        raise Unavailable(f"The data folder {data} cannot be used: {error.strerror}") from error


def holder(data: Path) -> int | None:
    """Return the process that holds a data folder, None if none does.

    It takes no lock, which would stop a service from starting just then.
    """
    with contextlib.suppress(OSError), (data / LOCK).open("rb") as lock:
        asked = struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
        kind, _, _, _, process = struct.unpack(_FLOCK, fcntl.fcntl(lock, fcntl.F_GETLK, asked))
        if kind != fcntl.F_UNLCK:
            return int(process)
    return _folder_holder(data)


@contextlib.contextmanager
def _folder_lock(data: Path) -> Iterator[None]:
    descriptor = os.open(data, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise _in_use(data) from error
        except OSError as error:
            if error.errno not in _NO_FOLDER_LOCKS:
                raise
        yield
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _file_lock(data: Path) -> Iterator[None]:
    with (data / LOCK).open("a+") as lock:
        try:
            fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise _in_use(data) from error
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        yield


def _in_use(data: Path) -> Unavailable:
    return Unavailable(
        f"The data folder {data} is in use by another service (process {holder(data) or 'unknown'}). "
        "Stop it, or give this one a folder of its own with --data."
    )


def _folder_holder(data: Path) -> int | None:
    """Find the holder of the folder's lock in the kernel's list, which names files by number."""
    with contextlib.suppress(OSError, ValueError):
        inode = data.stat().st_ino
        for line in Path("/proc/locks").read_text().splitlines():
            # "1: FLOCK  ADVISORY  WRITE 4711 fe:00:131075 0 EOF"
            fields = line.split()
            if fields[1] == "FLOCK" and fields[5].rpartition(":")[2] == str(inode):
                return int(fields[4])
    return None


def _make_private(data: Path) -> None:
    left = secure(data)
    if left:
        log.warning(
            "%d files of %s can be opened by other users of this machine, and belong to somebody else: "
            "give them to this user with chown, or take the access away with chmod -R o-rwx", left, data,
        )  # fmt: skip
