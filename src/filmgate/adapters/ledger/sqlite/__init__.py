"""The ledger in one SQLite file."""

from filmgate.adapters.ledger.sqlite.ledger import SqliteLedger

__all__ = ["SqliteLedger"]
