"""The transaction of the one writer, whose statements answer at once."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, TypeVar

import apsw

from filmgate.adapters.ledger.sqlite.statements import SQL
from filmgate.adapters.ledger.statements import Row, Values

T = TypeVar("T")


class SqliteTransaction:
    """Implements `filmgate.adapters.ledger.transactions.transaction.Transaction` on a connection."""

    def __init__(self, connection: apsw.Connection) -> None:
        """Take the connection, which is in a transaction whenever a rule runs."""
        self._execute = connection.execute

    async def run(self, statement: str, values: Values) -> list[Row]:
        """Run a statement to its end and return its rows."""
        return self._execute(SQL[statement], values).fetchall()


def run_at_once(rule: Coroutine[Any, Any, T]) -> T:
    """Run a rule to its end without an event loop, and return its result.

    Raises RuntimeError for one that waits for something else than statements: it would hold up every other writer.
    """
    try:
        rule.send(None)
    except StopIteration as end:
        result: T = end.value
        return result
    rule.close()
    raise RuntimeError(f"{rule} waits for something else than its transaction")
