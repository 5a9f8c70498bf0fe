"""Connections to the file, and the errors that callers see for SQLite's."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

import apsw

from filmgate.domain.errors import Conflict, NotFound, Unavailable

BUSY_SECONDS = 5.0
"""How long a connection waits for another process that is writing."""

_PAUSE_SECONDS = 0.01

_PRAGMAS = "PRAGMA journal_mode = wal; PRAGMA synchronous = full; PRAGMA foreign_keys = on; PRAGMA temp_store = memory"

FAULTS = (
    apsw.BusyError,
    apsw.CantOpenError,
    apsw.ConnectionClosedError,
    apsw.CorruptError,
    apsw.CursorClosedError,
    apsw.FullError,
    apsw.IOError,
    apsw.LockedError,
    apsw.NoMemError,
    apsw.NotADBError,
    apsw.PermissionsError,
    apsw.ProtocolError,
    apsw.ReadOnlyError,
)
"""Errors of the disk, the file or another process: not of the statement."""


def connect(path: Path, *, writes: bool = False, busy: float = BUSY_SECONDS) -> apsw.Connection:
    """Open the file, and create it if `writes`; from then on the connection waits `busy` seconds for a lock."""
    flags = apsw.SQLITE_OPEN_READWRITE | (apsw.SQLITE_OPEN_CREATE if writes else 0)
    connection = apsw.Connection(str(path), flags=flags)
    try:
        # Otherwise a statement is planned anew whenever a value that may matter to its plan is bound, which costs more
        # than to run it; and its plan may change with the values.
        connection.config(apsw.SQLITE_DBCONFIG_ENABLE_QPSG, 1)
        _prepare(connection, _PRAGMAS if writes else f"{_PRAGMAS}; PRAGMA query_only = on")
        connection.set_busy_timeout(round(busy * 1000))
    except BaseException:
        connection.close()
        raise
    return connection


def _prepare(connection: apsw.Connection, pragmas: str) -> None:
    connection.set_busy_timeout(round(BUSY_SECONDS * 1000))
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            # Several statements in one text stop at the first row unless every row is fetched.
            connection.execute(pragmas).fetchall()
        except apsw.BusyError:
            # Where two processes turn on the log of a new file at once, one is sent away without waiting.
            if time.monotonic() > deadline:
                raise
            time.sleep(_PAUSE_SECONDS)
        else:
            return


def unavailable(error: Exception, path: Path | None = None) -> Unavailable:
    """Return the error a caller should see for one of FAULTS; it names the file if it is given."""
    return Unavailable(f"The ledger{'' if path is None else f' {path}'} cannot be used now: {error}")


@contextlib.contextmanager
def faults_as_unavailable(path: Path | None = None) -> Iterator[None]:
    """Raise Unavailable where one of FAULTS is met."""
    try:
        yield
    except FAULTS as error:
        raise unavailable(error, path) from error


def translate_error(error: Exception) -> Exception:
    """Return the error a caller should see: a fresh one of ours, or the same if it is a defect of the program."""
    own = _ours(error)
    if own is None:
        return error
    own.__cause__ = error
    return own


def _ours(error: Exception) -> Exception | None:
    if isinstance(error, FAULTS):
        return unavailable(error)
    if isinstance(error, apsw.ConstraintError):
        code = getattr(error, "extendedresult", None)  # the attribute is missing in apsw's type stubs
        if code == apsw.SQLITE_CONSTRAINT_FOREIGNKEY:
            return NotFound("No such application or task.")
        if code in (apsw.SQLITE_CONSTRAINT_PRIMARYKEY, apsw.SQLITE_CONSTRAINT_UNIQUE):
            return Conflict("There is one with this id already.")
    return None
