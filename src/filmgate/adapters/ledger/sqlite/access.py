"""The operations on applications and keys, each a piece of one transaction."""

from __future__ import annotations

import apsw
from msgspec.structs import asdict

from filmgate.adapters.ledger.sqlite.rows import application_from
from filmgate.adapters.ledger.sqlite.statements import run
from filmgate.ports.keys import ApiKey, Application


def add_application(connection: apsw.Connection, application: Application) -> Application:
    """Write an application, or find the one of this name."""
    run(connection, "add_application", asdict(application))
    (row,) = run(connection, "application_by_name", {"name": application.name})
    return application_from(row)


def add_key(connection: apsw.Connection, key: ApiKey) -> None:
    """Write a key."""
    run(connection, "add_key", asdict(key))


def revoke_key(connection: apsw.Connection, key_id: str, now: float) -> bool:
    """Revoke a key that is still good."""
    return bool(run(connection, "revoke_key", {"id": key_id, "now": now}))
