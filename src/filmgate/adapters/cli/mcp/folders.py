"""Files in folders that the user has allowed: read, and never written over.

Symbolic links are resolved once, and what they lead to is judged. Then every folder on the way is opened by itself
without following links, so that nobody can put another file in the place of the one that was judged.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

from filmgate.client.errors import InvalidInput

_LONGEST = 150
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
    with _open_folder(parent) as folder:
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
def _open_folder(real: str) -> Iterator[int]:
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


class NewFile:
    """A file that is written under a temporary name in a folder, and gets a name that is free once it is whole.

    Leaving without `finish` leaves nothing. Raises OSError.
    """

    def __init__(self, real: str) -> None:
        """Take the resolved folder."""
        self._real = real
        self._temporary = f".{secrets.token_hex(8)}.part"
        self.written = 0

    def __enter__(self) -> NewFile:
        self._stack = contextlib.ExitStack()
        self._folder = self._stack.enter_context(_open_folder(self._real))
        with contextlib.ExitStack() as undo:
            undo.callback(self._stack.close)
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            self._file = self._stack.enter_context(
                os.fdopen(os.open(self._temporary, flags, 0o644, dir_fd=self._folder), "wb")
            )
            undo.pop_all()
        return self

    def __exit__(self, *exited: object) -> None:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._temporary, dir_fd=self._folder)
        self._stack.close()

    def write(self, data: bytes) -> None:
        """Append some bytes."""
        self.written += self._file.write(data)

    def finish(self, name: str) -> str:
        """Return the file this name, or a numbered one where there is such a file, and return its path."""
        self._file.flush()
        os.fsync(self._file.fileno())
        stem, dot, suffix = name.rpartition(".")
        for number in range(1, _MOST_NAMES):
            free = name if number == 1 else f"{stem} ({number}){dot}{suffix}"
            with contextlib.suppress(FileExistsError):
                self._place(free)
                return f"{self._real.rstrip('/')}/{free}"
        raise FileExistsError(errno.EEXIST, f"there are {_MOST_NAMES} files of that name", name)

    def _place(self, name: str) -> None:
        """Return the file a name that nobody has. Raises FileExistsError."""
        try:
            os.link(self._temporary, name, src_dir_fd=self._folder, dst_dir_fd=self._folder, follow_symlinks=False)
        except OSError as error:
            if error.errno not in (errno.EPERM, errno.ENOTSUP, errno.EMLINK):
                raise
            # Without hard links: the name is taken first, by an empty file, which is replaced.
            os.close(os.open(name, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644, dir_fd=self._folder))
            os.replace(self._temporary, name, src_dir_fd=self._folder, dst_dir_fd=self._folder)


def safe_name(name: str, suffix: str) -> str:
    """Return a name without characters special to shells, never hidden, with this suffix."""
    stem = name.strip()
    stem = stem[: -len(suffix)] if stem.lower().endswith(suffix) else stem
    stem = _UNSAFE.sub("_", stem).strip(" .").encode()[:_LONGEST].decode(errors="ignore")
    return f"{stem or 'result'}{suffix}"
