"""Applications and their API keys."""

from __future__ import annotations

from msgspec.structs import asdict

from filmgate.adapters.ledger.rows import application_from
from filmgate.adapters.ledger.transactions.transaction import Transaction
from filmgate.ports.keys import ApiKey, Application


async def add_application(transaction: Transaction, application: Application) -> Application:
    """Write an application, or find the one of this name."""
    await transaction.run("add_application", asdict(application))
    (row,) = await transaction.run("application_by_name", {"name": application.name})
    return application_from(row)


async def add_key(transaction: Transaction, key: ApiKey) -> None:
    """Write a key."""
    await transaction.run("add_key", asdict(key))


async def revoke_key(transaction: Transaction, key_id: str, now: float) -> bool:
    """Revoke a key that is still good."""
    return bool(await transaction.run("revoke_key", {"id": key_id, "now": now}))
