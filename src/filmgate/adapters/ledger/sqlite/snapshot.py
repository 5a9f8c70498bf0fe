"""A copy of a ledger that a service may be writing, and the names of all the files that belong to it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import apsw

from filmgate.adapters.ledger.sqlite.connection import connect, faults_as_unavailable
from filmgate.adapters.ledger.sqlite.files import files_in_progress, linked_files
from filmgate.adapters.ledger.sqlite.migrate import migrations
from filmgate.adapters.ledger.sqlite.statements import run
from filmgate.domain.errors import Unavailable

_PAGES = 2_000


class Named(NamedTuple):
    """A file that the ledger names: its key and its bytes, None where those are not written down."""

    key: str
    bytes: int | None


class Snapshot:
    """Two connections to a ledger's file: one that reads, and one that can keep everybody from writing for a moment.

    While nobody writes, every file that the ledger names is there: a file is stored before it is named, and removed
    after it is named no more.
    """

    def __init__(self, path: Path) -> None:
        """Open the file. Raises Unavailable if there is none, or if its schema is not the one known here."""
        self._reader, self._lock = _open(path), _open(path, writes=True)

    def close(self) -> None:
        """Close both connections."""
        self._reader.close()
        self._lock.close()

    def last_change(self) -> int:
        """Return the number of the last change, to ask for later changes."""
        with faults_as_unavailable():
            return int(run(self._reader, "last_change_of_all", {})[0][0] or 0)

    def files(self) -> Iterator[Named]:
        """Yield all files; where nothing is held, each as it is when its turn comes."""
        yield from self._files_in_progress()
        yield from (Named(key, size) for key, size in linked_files(self._reader, "files_behind"))

    def files_since(self, number: int) -> Iterator[Named]:
        """Yield the files that may have come since a change, and some more."""
        yield from self._files_in_progress()
        with faults_as_unavailable():
            changed = run(self._reader, "files_changed", {"after": number})
        yield from (Named(key, size) for key, size in changed)

    @contextlib.contextmanager
    def moment(self) -> Iterator[None]:
        """Stop all writing until `release`: reads see this moment. Raises Unavailable."""
        with faults_as_unavailable():
            self._lock.execute("BEGIN IMMEDIATE")
            try:
                self._reader.execute("BEGIN")
                self.last_change()
                yield
            finally:
                self._lock.execute("ROLLBACK")

    def release(self) -> None:
        """Read the newest again."""
        if self._reader.in_transaction:
            self._reader.execute("ROLLBACK")

    def copy(self, target: Path, tell: Callable[[int, int], None]) -> None:
        """Copy the ledger into a new file, and `tell` the pages done and in all. Raises Unavailable."""
        with faults_as_unavailable(), contextlib.closing(apsw.Connection(str(target))) as copy:
            with copy.backup("main", self._reader, "main") as backup:
                while not backup.done:
                    backup.step(_PAGES)
                    tell(backup.page_count - backup.remaining, backup.page_count)
            copy.execute("PRAGMA journal_mode = delete").fetchall()

    def _files_in_progress(self) -> Iterator[Named]:
        return (Named(key, None) for key in files_in_progress(self._reader))


def _open(path: Path, *, writes: bool = False) -> apsw.Connection:
    if not path.is_file():
        raise Unavailable(f"There is no ledger {path}.")
    with faults_as_unavailable():
        connection = connect(path, writes=writes)
        version = int(connection.pragma("user_version"))
    if version != len(migrations()):
        connection.close()
        raise Unavailable(
            f"The ledger {path} has schema {version}, this Filmgate knows {len(migrations())}: use the Filmgate that "
            "serves it, or start the service of this one on it first."
        )
    return connection
