"""The interface between the rules and a store."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, Protocol, TypeVar

from filmgate.adapters.ledger.statements import Row, Values

T = TypeVar("T")


class Transaction(Protocol):
    """A transaction that is under way: it runs statements by their names, and nothing else.

    It sees committed rows and its own changes. A rule that raises undoes only its own part, and no other rule changes
    the rows that it has read before it ends.
    """

    async def run(self, statement: str, values: Values) -> list[Row]:
        """Run a statement of the store to its end and return its rows.

        Raises Conflict for a row that is there already, NotFound for one that refers to nothing, Unavailable for a
        store in trouble; a store may raise them at the end of the rule instead.
        """


Rule = Callable[[Transaction], Coroutine[Any, Any, T]]
"""A piece of one transaction: it sees what was committed, and what it raises undoes only itself."""
