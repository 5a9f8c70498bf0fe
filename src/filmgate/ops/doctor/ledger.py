"""Checks of the ledger, of the files that it names, and of the work that waits in it."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

from filmgate.adapters.ledger.sqlite.inspection import Inspection
from filmgate.app.folder import LEDGER, MEDIA
from filmgate.domain.errors import FilmgateError
from filmgate.domain.settings import MIB, Settings
from filmgate.ops.doctor.findings import Finding, ok, problem, warning
from filmgate.ops.doctor.process import Running

_LARGE_LOG = 256 * MIB
_YOUNG = 3600.0
"""Seconds for which a file may lie in the store before the ledger names it."""

_LONG = 900.0
_SHOWN = 3
_MANY_WEBHOOKS = 100
_RESTORE = "Restore the newest backup with `filmgate restore` into a new folder."


def ledger(settings: Settings, now: Running) -> Iterator[Finding]:
    """Look whether the ledger can be read, is sound, and has the schema that is known here."""
    path = settings.data / LEDGER
    if not path.is_file():
        yield ok("ledger", "there is none yet; the service makes it at its first start")
        return
    try:
        with contextlib.closing(Inspection(path)) as books:
            yield from _schema(books, now)
            damage = books.damage()
            if damage:
                yield problem("ledger", "; ".join(damage), "What it says of tasks cannot be trusted.", _RESTORE)
            elif dangling := books.dangling():
                yield problem(
                    "ledger", f"{dangling} rows refer to rows that are gone", "Tasks may lack parts.", _RESTORE
                )
            else:
                yield ok("ledger", f"{books.bytes // 1024:,} KiB, sound")
            if books.log_bytes > _LARGE_LOG:
                yield warning(
                    "ledger", f"its log has {books.log_bytes // MIB:,} MiB", "Something reads from it without an end.",
                    "Look for a program, or a backup, that has it open for long; a restart of the service shortens it.",
                )  # fmt: skip
    except FilmgateError as error:
        yield problem("ledger", error.message, "Nothing works without it.", _RESTORE)


def files(settings: Settings, _now: Running) -> Iterator[Finding]:
    """Compare the store with the ledger."""
    path, root = settings.data / LEDGER, settings.data / MEDIA
    if not path.is_file():
        return
    with contextlib.closing(Inspection(path)) as books:
        wrong = {key: trouble for key, size in books.files() if (trouble := _trouble(root / key, size))}
        # Of a running service: what was deleted meanwhile is missing by right.
        wrong = {key: wrong[key] for key, _ in books.files() if key in wrong} if wrong else {}
        named = {key for key, _ in books.files()} | books.kept_keys()
        strays = [file for file in _settled_files(root) if not _belongs(file.relative_to(root).as_posix(), named)]
    if wrong:
        few = "; ".join(f"{key} {trouble}" for key, trouble in sorted(wrong.items())[:_SHOWN])
        yield problem(
            "files", f"{len(wrong)} of {len(named)} files are not as the ledger says: {few}",
            "Their links answer 404 or something else than was made.",
            "Bring them back from a backup (its folder media/ has the same names), or delete those tasks.",
        )  # fmt: skip
    else:
        yield ok("files", f"all {len(named)} files that are named are there")
    if strays:
        size = sum(file.stat().st_size for file in strays) // MIB
        yield warning(
            "files", f"{len(strays)} files ({size:,} MiB) belong to no task, such as {strays[0].relative_to(root)}",
            "They take disk space and are not served.", "The next start of the service removes what a crash has left.",
        )  # fmt: skip


def work(settings: Settings, now: Running) -> Iterator[Finding]:
    """Look for work that is stuck and for what waits for a decision."""
    path = settings.data / LEDGER
    if not path.is_file():
        return
    with contextlib.closing(Inspection(path)) as books:
        findings = [*_stuck(books, now), *_engineless(books, settings), *_unknown_outcomes(books)]
        yield from findings or [ok("work", f"{sum(books.engines().values())} tasks are unfinished, none is stuck")]


def _schema(books: Inspection, now: Running) -> Iterator[Finding]:
    version, known = books.versions
    if version > known:
        yield problem(
            "ledger", f"it has schema {version}; this Filmgate knows {known}", "This Filmgate refuses to serve it.",
            "Use the newer Filmgate, or restore a backup from before.",
        )  # fmt: skip
    elif version < known and now.process is not None:
        yield warning(
            "ledger", f"it has schema {version}; this Filmgate knows {known}", "An older Filmgate runs on it.",
            "Restart the service when the upgrade is meant to take place.",
        )  # fmt: skip


def _stuck(books: Inspection, now: Running) -> Iterator[Finding]:
    if now.process is None:
        return
    moment = time.time()
    for queue, count, since in books.overdue(moment - _LONG):
        yield warning(
            "work",
            f"{count} pieces of work of the queue {queue} have been due for {(moment - since) / 60:.0f} minutes",
            "Either the engine has more to do than it can, or it has stopped taking work.",
            "Look at /readyz and the log; give the engine more slots, or see what it waits for.",
        )  # fmt: skip
    if late := books.late(moment - _LONG):
        yield problem(
            "work", f"{late} tasks should have ended by their deadline", "Their owners still wait for an end.",
            "Look at the log; restart the service. If they stay, report it.",
        )  # fmt: skip


def _engineless(books: Inspection, settings: Settings) -> Iterator[Finding]:
    known = settings.engine_table()
    for engine, count in books.engines().items():
        if engine not in known:
            yield problem(
                "work", f"{count} unfinished tasks are of the engine {engine}, which is not configured",
                "No engine works on them until they expire.",
                f"Bring back [engines.{engine}], or cancel them. Does this command see the service's settings?",
            )  # fmt: skip


def _unknown_outcomes(books: Inspection) -> Iterator[Finding]:
    if unknown := books.unknown_submits():
        yield warning(
            "work", f"of {unknown} tasks nobody knows whether the provider accepted them",
            "They may have been charged. Each waits for `unknown_days` and then fails.",
            "See `filmgate unknown`, look at the provider, and resolve them with `filmgate unknown resolve`.",
        )  # fmt: skip
    retried = books.webhooks()[1]
    if retried > _MANY_WEBHOOKS:
        yield warning(
            "webhooks", f"{retried} webhooks were not delivered and wait for another attempt",
            "A receiver does not answer; it is given up after three days.", "See `filmgate webhooks list`.",
        )  # fmt: skip


def _trouble(path: Path, size: int) -> str | None:
    try:
        found = path.stat().st_size
    except FileNotFoundError:
        return "is missing"
    return None if found == size else f"has {found} bytes instead of {size}"


def _settled_files(root: Path) -> Iterator[Path]:
    """Yield the files that have been in the store for some time, unfinished copies too."""
    for folder, _, names in os.walk(root):
        for name in names:
            path = Path(folder, name)
            with contextlib.suppress(FileNotFoundError):
                if time.time() - path.stat().st_mtime > _YOUNG:
                    yield path


def _belongs(key: str, named: set[str]) -> bool:
    return key in named or f"{key.partition('/')[0]}/" in named
