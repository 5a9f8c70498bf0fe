"""Files on their way from the service to the disk."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from types import TracebackType
from typing import Self

from filmgate.client.errors import DownloadFailed, InvalidInput
from filmgate.client.results import Task, Video

CHUNK = 1024 * 1024


def video_of(task: Task) -> Video:
    """Return the clip of a task. Raises DownloadFailed if it has none."""
    if task.video is None:
        raise DownloadFailed(f"task {task.id} is {task.state} and has no video")
    return task.video


class Part:
    """A file that is written under a temporary name beside its own and gets its own only when it is whole.

    `size` is the bytes it must have, None if that is not known. Leaving raises DownloadFailed if it has others; a
    file of that name is replaced, and left as it was if anything goes wrong. Raises InvalidInput for what is no file.
    """

    def __init__(self, path: Path, size: int | None) -> None:
        self._path = path
        self._size = size
        self._written = 0
        self._temporary = path.with_name(f".{path.name[:200]}.{secrets.token_hex(4)}.part")

    def __enter__(self) -> Self:
        if self._path.exists() and not self._path.is_file():
            raise InvalidInput(f"{self._path} is not a file: nothing can be saved there")
        self._file = self._temporary.open("xb")
        return self

    def write(self, chunk: bytes) -> None:
        """Append some bytes."""
        self._written += self._file.write(chunk)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            with self._file:
                if kind is None:
                    self._check()
                    self._file.flush()
                    os.fsync(self._file.fileno())
            if kind is None:
                self._temporary.replace(self._path)
        finally:
            self._temporary.unlink(missing_ok=True)

    def _check(self) -> None:
        if self._size is not None and self._written != self._size:
            raise DownloadFailed(f"{self._path.name} should have {self._size} bytes, {self._written} came")
