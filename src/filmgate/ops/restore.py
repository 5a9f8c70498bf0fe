"""Bringing a backup back into an empty data folder."""

from __future__ import annotations

import contextlib
import os
import secrets
import time
from pathlib import Path
from typing import NamedTuple

import msgspec

from filmgate.adapters.ledger.sqlite.offline import CopiedLedger
from filmgate.app.files import digest_of, duplicate_privately, link, passing, sync
from filmgate.app.folder import LEDGER, MEDIA
from filmgate.app.keys import FIRST_KEY
from filmgate.domain.accounts import account_settings
from filmgate.domain.errors import Conflict, Unavailable
from filmgate.domain.settings import LOCAL, EngineSettings, Settings
from filmgate.modes import folder_mode
from filmgate.ops.backup import FORMAT, MANIFEST, Manifest, Tell

_DAY = 86_400.0


class Restored(NamedTuple):
    """What was brought back; `doubted` tasks may have been submitted to a provider after the backup."""

    manifest: Manifest
    doubted: int


def restore_backup(
    backup: Path, settings: Settings, tell: Tell, *, quick: bool = False, resubmit: bool = False
) -> Restored:
    """Bring a backup back into the data folder, which must be new or empty: all of it, or nothing.

    Everything is checked first: the ledger, and each file by its digest, or with `quick` by its size. A task that had
    not been submitted to its provider yet may have been since: unless `resubmit` says that it was not, it is treated
    as a submit without a known outcome. Raises Conflict, Unavailable.
    """
    data = settings.data
    if data.exists() and (not data.is_dir() or any(data.iterdir())):
        raise Conflict(f"{data} is not empty: a backup is restored into a new folder. Move the old one away first.")
    manifest = _manifest(backup)
    partial = data.absolute().with_name(f".{data.absolute().name}.{secrets.token_hex(4)}.partial")
    try:
        partial.parent.mkdir(parents=True, exist_ok=True)
        with passing(partial):
            doubted = _fill(partial, backup, manifest, settings, tell, quick=quick, resubmit=resubmit)
            os.sync()
            partial.rename(data)
            sync(data.absolute().parent)
    except OSError as error:
        raise Unavailable(f"The backup could not be restored: {error.strerror or error}.") from error
    return Restored(manifest, doubted)


def _manifest(backup: Path) -> Manifest:
    try:
        manifest = msgspec.json.decode((backup / MANIFEST).read_bytes(), type=Manifest)
    except (OSError, msgspec.MsgspecError) as error:
        raise Unavailable(f"{backup} is not a whole backup: it has no {MANIFEST} that can be read.") from error
    if manifest.format != FORMAT:
        raise Unavailable(f"{backup} is a backup of format {manifest.format}; this Filmgate reads format {FORMAT}.")
    return manifest


def _fill(
    folder: Path,
    backup: Path,
    manifest: Manifest,
    settings: Settings,
    tell: Tell,
    *,
    quick: bool,
    resubmit: bool,
) -> int:
    ledger = folder / LEDGER
    duplicate_privately(backup / LEDGER, ledger)
    if digest_of(ledger) != manifest.ledger_sha256:
        raise Unavailable(f"The ledger of {backup} is not the one that was backed up: its checksum is another.")
    with contextlib.closing(CopiedLedger(ledger)) as copied:
        copied.check()
        missing = frozenset(manifest.missing)
        for number, file in enumerate(copied.files()):
            if file.key not in missing:
                _check(backup / MEDIA / file.key, file.bytes, None if quick else file.digest)
            tell("checks", number + 1, manifest.files)
        doubted = 0 if resubmit else _doubt(copied, manifest, settings)
        copied.leap()
    _bring(backup / MEDIA, folder / MEDIA, tell, manifest.files)
    if (backup / FIRST_KEY).is_file():
        duplicate_privately(backup / FIRST_KEY, folder / FIRST_KEY)
    return doubted


def _doubt(copied: CopiedLedger, manifest: Manifest, settings: Settings) -> int:
    table = settings.engine_table()
    local = {name for name, engine in table.items() if engine.type in LOCAL}
    limits = {name: _hold_seconds(engine) for name, engine in table.items() if name not in local}
    return copied.doubt(local, limits, manifest.created_at, time.time())


def _hold_seconds(engine: EngineSettings) -> float:
    """Return for how many seconds a task of an unknown outcome is held. Raises Unavailable for a wrong table."""
    try:
        return account_settings(engine.options)[0].unknown_days * _DAY
    except ValueError as error:
        raise Unavailable(f"The table of an engine is wrong: {error}") from error


def _check(path: Path, size: int, digest: str | None) -> None:
    """Raise Unavailable unless the file is the one that the ledger describes."""
    if not path.is_file():
        raise Unavailable(f"The backup is not whole: {path} is missing.")
    if path.stat().st_size != size or (digest is not None and digest_of(path) != digest):
        raise Unavailable(f"The backup is damaged: {path} is not the file that was backed up.")


def _bring(source: Path, target: Path, tell: Tell, total: int) -> None:
    target.mkdir(mode=folder_mode())
    files = (file for file in source.rglob("*") if file.is_file())
    for number, file in enumerate(files):
        place = target / file.relative_to(source)
        place.parent.mkdir(parents=True, exist_ok=True, mode=folder_mode())
        link(file, place)
        tell("files", number + 1, total)
