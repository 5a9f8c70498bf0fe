"""Backups: a copy of the ledger and of every file that it names, made while the service runs."""

from __future__ import annotations

import contextlib
import os
import secrets
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from filmgate import __version__
from filmgate.adapters.ledger.sqlite.migrate import migrations
from filmgate.adapters.ledger.sqlite.snapshot import Named, Snapshot
from filmgate.app.files import digest_of, duplicate, duplicate_privately, link, links_to, passing, sync
from filmgate.app.folder import LEDGER, MEDIA
from filmgate.app.keys import FIRST_KEY
from filmgate.domain.errors import Conflict, Unavailable
from filmgate.faults import Point, reach
from filmgate.modes import file_mode, folder_mode

MANIFEST = "backup.json"
FORMAT = 1

Tell = Callable[[str, int, int], None]
"""Is told what is being done, how far it is, and how far it goes (0: nobody knows)."""


class Manifest(msgspec.Struct, frozen=True):
    """What a backup is: by which Filmgate, of when (unix seconds), and what is in it."""

    format: int
    filmgate: str
    schema: int
    created_at: float
    ledger_bytes: int
    ledger_sha256: str
    files: int
    bytes: int
    missing: tuple[str, ...] = ()


def make_backup(data: Path, target: Path, tell: Tell, *, earlier: Path | None = None) -> Manifest:
    """Write a backup of a data folder into a new folder: all of it, or nothing.

    Files are hard links where both are on one file system. `earlier` is a backup from which files are linked instead of
    being copied. Raises Conflict if the target is there, Unavailable if something cannot be read or written.
    """
    if target.exists() or target.is_symlink():
        raise Conflict(f"{target} is there already: a backup is written into a new folder.")
    partial = target.with_name(f".{target.name}.{secrets.token_hex(4)}.partial")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.closing(Snapshot(data / LEDGER)) as snapshot, passing(partial):
            manifest = _Backup(data, partial, snapshot, tell, earlier).make()
            os.sync()
            reach(Point.BACKUP_FILLED)
            partial.rename(target)
            sync(target.parent)
            reach(Point.BACKUP_PLACED)
    except OSError as error:
        raise Unavailable(f"The backup could not be written: {error.strerror or error}.") from error
    return manifest


class _Backup:
    """A backup in the making."""

    def __init__(self, data: Path, folder: Path, snapshot: Snapshot, tell: Tell, earlier: Path | None) -> None:
        self._data, self._folder, self._snapshot, self._tell = data, folder, snapshot, tell
        self._earlier = None if earlier is None else earlier / MEDIA
        self._linked = links_to(data / LEDGER, folder)
        self._kept = folder / MEDIA if self._linked else data / f".backup-{secrets.token_hex(4)}"

    def make(self) -> Manifest:
        with contextlib.ExitStack() as stack:
            if not self._linked:
                stack.enter_context(passing(self._kept))
            self._kept.mkdir(mode=folder_mode(), exist_ok=True)
            # Nearly all files are put aside while everybody goes on; only what came since is left for the moment.
            since = self._snapshot.last_change()
            for number, file in enumerate(self._snapshot.files()):
                self._keep(file)
                self._tell("files", number + 1, 0)
            with self._snapshot.moment():
                created_at = time.time()
                for file in self._snapshot.files_since(since):
                    self._keep(file)
            return self._write(created_at)

    def _keep(self, file: Named) -> None:
        """Put a file aside, if it is there."""
        place = self._kept / file.key
        if not place.exists():
            place.parent.mkdir(parents=True, exist_ok=True, mode=folder_mode())
            with contextlib.suppress(FileNotFoundError):
                link(self._data / MEDIA / file.key, place)

    def _write(self, created_at: float) -> Manifest:
        ledger = self._folder / LEDGER
        ledger.touch(mode=file_mode())
        self._snapshot.copy(ledger, lambda done, pages: self._tell("ledger", done, pages))
        named = {file.key: file.bytes for file in self._snapshot.files()}
        self._snapshot.release()
        found, missing = self._sort_out(named)
        first_key = self._data / FIRST_KEY
        if first_key.is_file():
            duplicate_privately(first_key, self._folder / FIRST_KEY)
        size, digest = ledger.stat().st_size, digest_of(ledger)
        manifest = Manifest(
            FORMAT, __version__, len(migrations()), created_at, size, digest, len(found), sum(found.values()), missing
        )
        (self._folder / MANIFEST).write_bytes(msgspec.json.format(msgspec.json.encode(manifest)) + b"\n")
        return manifest

    def _sort_out(self, named: dict[str, int | None]) -> tuple[dict[str, int], tuple[str, ...]]:
        """Keep the files that the copied ledger names; return the bytes of each file, and the missing ones."""
        found, missing = {}, []
        for number, (key, size) in enumerate(named.items()):
            kept, place = self._kept / key, self._folder / MEDIA / key
            if not kept.exists() or (size is not None and kept.stat().st_size != size):
                missing.append(key)
                continue
            found[key] = kept.stat().st_size
            if not self._linked:
                self._copy(key, kept, place)
            self._tell("copies", number + 1, len(named))
        for stray in [file for file in (self._folder / MEDIA).rglob("*") if file.is_file()]:
            if stray.relative_to(self._folder / MEDIA).as_posix() not in found:
                stray.unlink()
        return found, tuple(sorted(missing))

    def _copy(self, key: str, kept: Path, place: Path) -> None:
        place.parent.mkdir(parents=True, exist_ok=True, mode=folder_mode())
        before = None if self._earlier is None else self._earlier / key
        # A key never changes its bytes, so one of the same name and size is the same file.
        if before is not None and before.is_file() and before.stat().st_size == kept.stat().st_size:
            link(before, place)
        else:
            duplicate(kept, place)
