"""Files in folders that the user has allowed: read, and never written over.

Symbolic links are resolved once, and what they lead to is judged. Then every folder on the way is opened by itself
without following links, so that nobody can put another file in the place of the one that was judged.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

from filmgate.client.errors import InvalidInput

_PIECE = 1024 * 1024
_FOLDER = os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC | getattr(os, "O_PATH", os.O_RDONLY)
_MOST_NAMES = 1000
_UNSAFE = re.compile(r"[^\w.() -]+")


def real_folder(path: str | Path) -> str:
    """Return the folder itself that a path leads to."""
    return os.path.realpath(Path(path))


def is_inside(real: str, folders: Sequence[str]) -> bool:
    """Return whether a resolved path lies in one of the resolved folders."""
    return any(real == folder or real.startswith(folder.rstrip("/") + "/") for folder in folders)


def read_inside(real: str, limit: int) -> bytes:
    """Read a regular file by its resolved path, of `limit` bytes at most. Raises InvalidInput."""
    try:
        return _read(real, limit)
    except OSError as error:
        links = error.errno in (errno.ELOOP, errno.ENOTDIR)
        reason = "it was exchanged while it was read" if links else error.strerror
        raise InvalidInput(f"{real} cannot be read: {reason}") from error


def _read(real: str, limit: int) -> bytes:
    parent, _, name = real.rpartition("/")
    with _opened(parent) as folder:
        if not stat.S_ISREG(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
            raise InvalidInput(f"{real} is not a regular file")
        # Had it become a FIFO since, opening it would wait for a writer.
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        with os.fdopen(os.open(name, flags, dir_fd=folder), "rb") as file:
            before = os.fstat(file.fileno())
            if not stat.S_ISREG(before.st_mode):
                raise InvalidInput(f"{real} is not a regular file")
            if before.st_size > limit:
                raise InvalidInput(f"{real} has {before.st_size} bytes; at most {limit} can be sent")
            data = file.read(limit + 1)
            after = os.fstat(file.fileno())
    if len(data) != before.st_size or (after.st_size, after.st_mtime_ns) != (before.st_size, before.st_mtime_ns):
        raise InvalidInput(f"{real} changes while it is read: try again when it is complete")
    if not data:
        raise InvalidInput(f"{real} is empty")
    return data


@contextlib.contextmanager
def _opened(real: str) -> Iterator[int]:
    """Open a folder by its resolved path, one step after the other, following no link."""
    folder = os.open("/", _FOLDER)
    try:
        for name in real.split("/"):
            if name:
                inner = os.open(name, _FOLDER, dir_fd=folder)
                os.close(folder)
                folder = inner
        yield folder
    finally:
        os.close(folder)
