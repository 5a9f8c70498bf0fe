"""Migrations of the file's schema."""

from __future__ import annotations

import logging
from importlib import resources

import apsw

from filmgate.domain.errors import Unavailable
from filmgate.faults import Point, reach

log = logging.getLogger(__name__)

_ROLES = 8
"""The schema that gives keys roles."""


def migrations(package: str = __package__) -> list[str]:
    """Return the texts of the numbered migrations in order; the schema's version is how many were applied."""
    files = [file for file in resources.files(package).joinpath("migrations").iterdir() if file.name.endswith(".sql")]
    return [file.read_text("utf-8") for file in sorted(files, key=lambda file: file.name)]


def migrate(connection: apsw.Connection) -> None:
    """Apply the migrations that are missing in one transaction; raises Unavailable for a newer schema."""
    steps = migrations()
    if _version(connection) == len(steps):
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        before = _apply(connection, steps)
        reach(Point.MIGRATED)
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    if 0 < before < _ROLES:
        _announce_admin(connection)


def _apply(connection: apsw.Connection, steps: list[str]) -> int:
    """Apply the missing steps, and return the version that the file had."""
    # Read again under the lock: another process may have migrated in between.
    version = _version(connection)
    if version > len(steps):
        raise Unavailable(
            f"The ledger has schema {version}, this Filmgate knows {len(steps)}: start the newer Filmgate, "
            "or restore a backup made by this one."
        )
    for step in steps[version:]:
        connection.execute(step).fetchall()
    connection.execute(f"PRAGMA user_version = {len(steps)}")
    return version


def _announce_admin(connection: apsw.Connection) -> None:
    """Log the name of the key that has got the role admin."""
    for name, hint in connection.execute("SELECT name, hint FROM api_keys WHERE role = 'admin'"):
        log.warning("The key %s (ends in %s) has the role admin now, all others the role member.", name, hint)


def _version(connection: apsw.Connection) -> int:
    return int(connection.pragma("user_version"))
