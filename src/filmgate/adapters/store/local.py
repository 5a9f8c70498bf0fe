"""Files in a folder of this machine."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import re
import shutil
import tempfile
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

from filmgate.domain.errors import Unavailable
from filmgate.faults import Point, reach
from filmgate.modes import frozen_mode

PIECE = 256 * 1024
RESERVE = 64 * 1024 * 1024
"""With fewer bytes free nothing new is stored."""

_TRIES = 100
_SEGMENT = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}")
_PASSING = re.compile(r"\.[0-9a-f]{32}\.part")
_NO_LINK = {errno.EXDEV, errno.EPERM, errno.EMLINK, errno.ENOTSUP, errno.EACCES}


class LocalStore:
    """Implements MediaStore below one folder. A file that was put is on the disk before `put` returns."""

    def __init__(self, root: Path, *, reserve: int = RESERVE) -> None:
        """Keep files below `root`; with fewer than `reserve` bytes free the store is not ready."""
        self._root = root
        self._reserve = reserve

    async def put(self, key: str, source: Path) -> None:
        """Take the file over, whole or not at all; `source` is gone afterwards."""
        await asyncio.to_thread(_put, self._root, self._path(key), source)

    async def get(self, key: str, target: Path) -> None:
        """Make the file available at `target`, read-only. Raises FileNotFoundError."""
        await asyncio.to_thread(_get, self._path(key), target)

    async def read(self, key: str, start: int, stop: int) -> AsyncIterator[bytes]:
        """Yield the bytes `start` to `stop` (exclusive) in pieces. Raises FileNotFoundError before the first piece."""
        path = self._path(key)
        descriptor = await asyncio.to_thread(os.open, path, os.O_RDONLY)
        try:
            while start < stop:
                piece = await asyncio.to_thread(os.pread, descriptor, min(PIECE, stop - start), start)
                if not piece:
                    return
                start += len(piece)
                yield piece
        finally:
            os.close(descriptor)

    async def remove(self, key: str) -> None:
        """Delete the file; nothing happens if there is none."""
        await asyncio.to_thread(_remove, self._root, self._path(key))

    async def keys(self, prefix: str) -> list[str]:
        """List the keys that start with `prefix/`, in order; an empty prefix lists all."""
        folder = self._path(prefix) if prefix else self._root
        return await asyncio.to_thread(_keys, self._root, folder)

    async def folders(self, prefix: str) -> list[str]:
        """List the names of the folders directly below a prefix, or with an empty one below the root."""
        return await asyncio.to_thread(_folders, self._path(prefix) if prefix else self._root)

    async def prune(self, prefix: str) -> None:
        """Remove what interrupted writes have left in a folder, and the folder if nothing else is in it."""
        await asyncio.to_thread(_prune, self._path(prefix))

    async def ready(self) -> None:
        """Raise Unavailable if nothing can be written now."""
        await asyncio.to_thread(_ready, self._root, self._reserve)

    def _path(self, key: str) -> Path:
        """Return the place of a key. Raises ValueError if the key could leave the folder or name a temporary file."""
        segments = key.split("/")
        if not all(_SEGMENT.fullmatch(segment) for segment in segments):
            raise ValueError(f"not a key of the media store: {key!r}")
        return self._root.joinpath(*segments)


def _put(root: Path, target: Path, source: Path) -> None:
    try:
        _settle(root, source, target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        with _passing(target) as copy:
            _bring(root, source, copy, shutil.copyfile)
            _settle(root, copy, target)
        source.unlink()


def _settle(root: Path, source: Path, target: Path) -> None:
    """Bring a file to the disk and rename it into place, on one file system."""
    source.chmod(frozen_mode())
    _sync(source)
    _bring(root, source, target, _rename)
    _sync(target.parent)


def _rename(source: Path, target: Path) -> None:
    reach(Point.FILE_SYNCED)
    source.replace(target)
    reach(Point.FILE_PLACED)


def _bring(root: Path, source: Path, target: Path, bring: Callable[[Path, Path], object]) -> None:
    """Copy or rename a file into a folder, which is made."""
    while True:
        _make_folder(root, target.parent)
        try:
            bring(source, target)
        except FileNotFoundError:
            # A `remove` next door may have taken the empty folder away; without the source there is nothing to retry.
            if not source.exists():
                raise
        else:
            return


def _get(stored: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with _passing(target) as passing:
        try:
            os.link(stored, passing)
        except OSError as error:
            if error.errno not in _NO_LINK:
                raise
            shutil.copyfile(stored, passing)
            passing.chmod(frozen_mode())
        passing.replace(target)


def _remove(root: Path, path: Path) -> None:
    path.unlink(missing_ok=True)
    reach(Point.FILE_REMOVED)
    for folder in path.parents:
        if folder == root:
            return
        try:
            folder.rmdir()
        except FileNotFoundError:
            continue
        except OSError as error:
            if error.errno != errno.ENOTEMPTY:
                raise
            return


def _keys(root: Path, folder: Path) -> list[str]:
    return sorted(
        (Path(parent) / name).relative_to(root).as_posix()
        for parent, _, names in os.walk(folder)
        for name in names
        if not name.startswith(".")
    )


def _folders(folder: Path) -> list[str]:
    with contextlib.suppress(FileNotFoundError), os.scandir(folder) as entries:
        return sorted(entry.name for entry in entries if entry.is_dir() and _SEGMENT.fullmatch(entry.name))
    return []


def _prune(folder: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        for entry in os.scandir(folder):
            if _PASSING.fullmatch(entry.name):
                Path(entry.path).unlink(missing_ok=True)
        try:
            folder.rmdir()
        except OSError as error:
            if error.errno != errno.ENOTEMPTY:
                raise


def _ready(root: Path, reserve: int) -> None:
    try:
        root.mkdir(parents=True, exist_ok=True)
        # Without a name where the system can do that: nothing is left behind, whoever dies.
        with tempfile.TemporaryFile(dir=root) as probe:
            probe.write(b"ready")
        free = shutil.disk_usage(root).free
    except OSError as error:
        raise Unavailable(f"The media store cannot be written: {error.strerror}.") from error
    if free < reserve:
        raise Unavailable(
            f"The media store is almost full: {free // 2**20} MiB are free, {reserve // 2**20} are needed."
        )


@contextlib.contextmanager
def _passing(target: Path) -> Iterator[Path]:
    """Yield a temporary name next to `target` that no key can have, and leave nothing under it."""
    path = target.with_name(f".{uuid.uuid4().hex}.part")
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


def _make_folder(root: Path, folder: Path) -> None:
    """Make the folder so that it survives a power cut: every new entry is synced in its parent.

    Others may make it and, while it is empty, remove it at any moment, so it is tried again some times.
    """
    for more in reversed(range(_TRIES)):
        if folder.is_dir():
            return
        try:
            if folder != root:
                _make_folder(root, folder.parent)
            folder.mkdir(parents=folder == root)
            _sync(folder.parent)
        except (FileExistsError, FileNotFoundError):
            if not more:
                raise


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
