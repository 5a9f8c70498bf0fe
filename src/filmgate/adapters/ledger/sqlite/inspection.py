"""Inspection of a ledger's file from outside, with or without a service that writes it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from filmgate.adapters.ledger.sqlite.connection import connect, faults_as_unavailable
from filmgate.adapters.ledger.sqlite.files import files_in_progress, linked_files
from filmgate.adapters.ledger.sqlite.migrate import migrations
from filmgate.adapters.ledger.sqlite.statements import SQL
from filmgate.adapters.ledger.statements import Row, Values
from filmgate.domain.states import Stage
from filmgate.domain.work import Queue, WorkKind


class Inspection:
    """A connection that only reads. Every call raises Unavailable where the file cannot be read."""

    def __init__(self, path: Path) -> None:
        """Open the file; it must exist."""
        self._path = path
        with faults_as_unavailable():
            self._connection = connect(path)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    @property
    def versions(self) -> tuple[int, int]:
        """The file's schema and the one that is known here."""
        return int(self._rows("PRAGMA user_version")[0][0]), len(migrations())

    @property
    def bytes(self) -> int:
        """The size of the ledger, as far as current readers see it."""
        return int(self._rows("PRAGMA page_count")[0][0]) * int(self._rows("PRAGMA page_size")[0][0])

    @property
    def log_bytes(self) -> int:
        """The size of the write-ahead log."""
        log = self._path.with_name(f"{self._path.name}-wal")
        return log.stat().st_size if log.exists() else 0

    def damage(self) -> list[str]:
        """Return the damaged parts; none if all is well. It reads the whole file."""
        found = [str(row[0]) for row in self._rows("PRAGMA quick_check(5)")]
        return [] if found == ["ok"] else found

    def dangling(self) -> int:
        """Count the rows that refer to rows that are gone."""
        return len(self._rows("PRAGMA foreign_key_check"))

    def files(self) -> Iterator[tuple[str, int]]:
        """Yield the key and the bytes of every file that has a link."""
        yield from ((key, size) for key, size in linked_files(self._connection, "files_behind"))

    def kept_keys(self) -> set[str]:
        """Return the keys that work in progress names, and `ID/` of each task with files to be removed."""
        purged = {f"{row[0]}/" for row in self._rows(SQL["purged_tasks"], {"kind": WorkKind.PURGE})}
        return purged.union(files_in_progress(self._connection))

    def overdue(self, before: float) -> list[tuple[str, int, float]]:
        """Return the queues with untaken work that was due before a time: name, number, earliest time."""
        return [(queue, count, since) for queue, count, since in self._rows(SQL["overdue_work"], {"before": before})]

    def late(self, before: float) -> int:
        """Count the unfinished tasks with a deadline before a time."""
        return int(self._rows(SQL["late_tasks"], {"before": before})[0][0])

    def engines(self) -> dict[str, int]:
        """Count the unfinished tasks by engine."""
        return dict(self._rows(SQL["engines_at_work"]))

    def unknown_submits(self) -> int:
        """Count the tasks with an unknown outcome of their submission."""
        return len(self._rows(SQL["unknown_submits"], {"stage": Stage.SUBMIT_UNKNOWN}))

    def webhooks(self) -> tuple[int, int]:
        """Count the webhooks to be delivered: those never tried, and those that failed so far."""
        ((new, retried),) = self._rows(SQL["standing_callbacks"], {"queue": Queue.WEBHOOK})
        return new, retried

    def _rows(self, statement: str, values: Values | None = None) -> list[Row]:
        with faults_as_unavailable():
            return self._connection.execute(statement, values or {}).fetchall()
