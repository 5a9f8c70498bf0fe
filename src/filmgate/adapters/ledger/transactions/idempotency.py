"""Idempotent requests: the records by which a submission that is sent again is recognised."""

from __future__ import annotations

from filmgate.adapters.ledger.statements import Values
from filmgate.adapters.ledger.transactions.transaction import Transaction
from filmgate.domain.errors import InFlight
from filmgate.domain.task import Task
from filmgate.ports.idempotency import IdempotencyRecord

_SWEPT = 10
"""Expired rows that go with each new one."""


async def mark(transaction: Transaction, task: Task, known_by: IdempotencyRecord) -> None:
    """Write the idempotency record of a new task. Raises InFlight if another submission has its key."""
    now = task.created_at
    await forget(transaction, now, _SWEPT)
    if known_by.key is not None:
        key = {"application_id": task.application_id, "key": known_by.key, "now": now}
        await transaction.run("drop_expired_key", key)
        if await transaction.run("submit_by_key", key):
            raise InFlight()
    await transaction.run("add_submit", _values(task, known_by, now))


async def expect(transaction: Transaction, task: Task, known_by: IdempotencyRecord, now: float) -> None:
    """Remember the submission of a task, so that a repeat of it is recognised."""
    await transaction.run("expect_submit", _values(task, known_by, now))


async def rejoin(transaction: Transaction, values: Values) -> str | None:
    """Take a repeated submit for the one it repeats."""
    rows = await transaction.run("join_submit", values)
    return rows[0][0] if rows else None


async def forget(transaction: Transaction, now: float, limit: int) -> int:
    """Remove expired submissions, up to a limit, and count them."""
    return len(await transaction.run("drop_expired_submits", {"now": now, "limit": limit}))


def _values(task: Task, known_by: IdempotencyRecord, now: float) -> Values:
    return {
        "task_id": task.id,
        "application_id": task.application_id,
        "credential_id": task.credential_id,
        "digest": known_by.digest,
        "key": known_by.key,
        "tries": known_by.tries,
        "expires_at": now + known_by.lasts,
    }
