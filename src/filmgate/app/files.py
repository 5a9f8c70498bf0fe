"""Files that are brought from one folder into another, whole or not at all."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from filmgate.modes import file_mode, folder_mode, frozen_mode


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextlib.contextmanager
def passing(folder: Path) -> Iterator[None]:
    """Make a folder for nobody else's eyes, and leave nothing under its name."""
    folder.mkdir(mode=folder_mode())
    try:
        yield
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def links_to(file: Path, folder: Path) -> bool:
    """Return whether a file can have a second name in a folder."""
    probe = folder / "probe"
    try:
        os.link(file, probe)
    except OSError:
        return False
    probe.unlink()
    return True


def link(source: Path, target: Path) -> None:
    """Return a file a second name, or copy it where that is impossible. Raises FileNotFoundError without the source."""
    try:
        os.link(source, target)
    except FileNotFoundError:
        raise
    except OSError:
        duplicate(source, target)


def duplicate(source: Path, target: Path) -> None:
    """Copy a file that is not to be changed."""
    shutil.copyfile(source, target)
    target.chmod(frozen_mode())


def duplicate_privately(source: Path, target: Path) -> None:
    """Copy a file that only its owner may read, and change."""
    shutil.copyfile(source, target)
    target.chmod(file_mode())


def sync(folder: Path) -> None:
    """Bring the names in a folder to the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
