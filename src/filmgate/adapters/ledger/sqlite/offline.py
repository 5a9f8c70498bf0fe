"""A copied ledger before a service runs on it: its checks, and the changes that a restore needs."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import apsw
import msgspec

from filmgate.adapters.ledger.rows import json, progress_from
from filmgate.adapters.ledger.sqlite.connection import faults_as_unavailable
from filmgate.adapters.ledger.sqlite.files import linked_files
from filmgate.adapters.ledger.sqlite.migrate import migrations
from filmgate.adapters.ledger.sqlite.statements import run
from filmgate.domain.errors import Unavailable
from filmgate.domain.task import SubmitAttempt, WorkState
from filmgate.domain.work import Queue, WorkKind, queue_of

_WEEK = 7 * 86_400.0


class Stored(NamedTuple):
    """A file as the ledger describes it; `digest` is its SHA-256 in hex."""

    key: str
    bytes: int
    digest: str


class CopiedLedger:
    """A ledger's file that nobody else uses."""

    def __init__(self, path: Path) -> None:
        """Open it. Raises Unavailable for what is no ledger, and for one of a newer Filmgate."""
        with faults_as_unavailable(path):
            self._connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
            self.schema = int(self._connection.pragma("user_version"))
        if self.schema != len(migrations()):
            self.close()
            raise Unavailable(
                f"The backup has schema {self.schema}, this Filmgate knows {len(migrations())}: restore it with the "
                "Filmgate that made it, and start this one on the folder then."
            )
        self._path = path

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def check(self) -> None:
        """Raise Unavailable if anything in the file is damaged, or a reference has no target."""
        with faults_as_unavailable(self._path):
            troubles = [str(row[0]) for row in self._connection.execute("PRAGMA integrity_check(5)")]
            orphans = self._connection.execute("PRAGMA foreign_key_check").fetchall()
        if troubles != ["ok"]:
            raise Unavailable(f"The ledger {self._path} is damaged: {'; '.join(troubles)}")
        if orphans:
            raise Unavailable(f"The ledger {self._path} has {len(orphans)} rows that refer to rows that are gone.")

    def files(self) -> Iterator[Stored]:
        """Yield all files that have links."""
        yield from (Stored(*file) for file in linked_files(self._connection, "files_with_digests"))

    def doubt(self, local: Collection[str], limits: Mapping[str, float], since: float, now: float) -> int:
        """Treat each task that had not been submitted to a provider as if it may have been since; gives how many.

        `local` are the engines that need no such care, `limits` the seconds for which the others hold a task of an
        unknown outcome.
        """
        with faults_as_unavailable(self._path), self._connection:
            doubted = 0
            for task_id, engine, work in run(self._connection, "waiting_for_provider", {}):
                if engine in local:
                    continue
                progress = WorkState() if work is None else progress_from(work)
                asked = msgspec.structs.replace(progress, asked=SubmitAttempt(secrets.token_hex(16), since, latest=now))
                deadline = now + limits.get(engine, _WEEK)
                values = {"id": task_id, "now": now, "deadline": deadline, "work": json(asked)}
                run(self._connection, "doubt_submit", values)
                run(self._connection, "doubt_limit", {"id": task_id, "kind": WorkKind.EXPIRE})
                step = {"id": task_id, "kind": WorkKind.ADVANCE, "queue": queue_of(Queue.LOOKUP, engine)}
                run(self._connection, "doubt_step", step)
                doubted += 1
        return doubted

    def leap(self) -> None:
        """Skip the change numbers given after the copy, so that no client sees a number twice."""
        with faults_as_unavailable(self._path):
            run(self._connection, "leap", {})
