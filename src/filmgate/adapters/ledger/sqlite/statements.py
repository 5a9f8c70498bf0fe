"""The SQL of this ledger by name, and a way to run it on a connection."""

from __future__ import annotations

import apsw

from filmgate.adapters.ledger.statements import Row, Values, load

SQL = load(__package__)


def run(connection: apsw.Connection, name: str, values: Values) -> list[Row]:
    """Run a statement to its end and return its rows."""
    return connection.execute(SQL[name], values).fetchall()
