"""Ids of providers: the task of each, and the time for which it is known."""

from __future__ import annotations

from collections.abc import Mapping

from filmgate.adapters.ledger.transactions.transaction import Transaction
from filmgate.domain.errors import Conflict
from filmgate.ports.provider_ids import KNOWN_DAYS

_DAY = 86_400.0
_SWEPT = 10
"""Ids whose time is over that go with each new one."""

_ALL = 2**62


async def set_origins(transaction: Transaction, origins: Mapping[str, str], now: float) -> None:
    """Remember where the providers of engines are, and forget expired ids."""
    for engine, origin in origins.items():
        values = {"engine": engine, "origin": origin}
        await transaction.run("set_origin", values)
        await transaction.run("settle_origin", values)
    await transaction.run("forget_provider_ids", {"now": now, "limit": _ALL})


async def take(
    transaction: Transaction, engine: str, upstream_id: str, task_id: str, application_id: str, now: float
) -> None:
    """Take an id of a provider for a task. Raises Conflict if it is known as another task's."""
    # Here and nowhere else it is decided whose an id is, in the transaction that writes it down.
    await transaction.run("forget_provider_ids", {"now": now, "limit": _SWEPT})
    values = {
        "engine": engine,
        "upstream_id": upstream_id,
        "task_id": task_id,
        "application_id": application_id,
        "forget_at": _until(now),
    }
    if not await transaction.run("add_provider_id", values):
        raise Conflict(
            f"The provider of {engine} calls another task {upstream_id}, or did in the last {KNOWN_DAYS} days."
        )


async def release(transaction: Transaction, task_id: str, now: float) -> None:
    """Remember the ids of a task that is gone for KNOWN_DAYS."""
    await transaction.run("release_provider_ids", {"task_id": task_id, "forget_at": _until(now)})


def _until(now: float) -> float:
    return now + KNOWN_DAYS * _DAY
