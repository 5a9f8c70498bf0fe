"""The numbers of changes: each change of a task has one, in the order of the commits."""

from __future__ import annotations

from filmgate.adapters.ledger.transactions.transaction import Transaction
from filmgate.domain.task import Task

_REMEMBERED = 86_400.0
"""Seconds a deletion is told to those who resume."""


async def note(transaction: Transaction, task: Task) -> None:
    """Note a change of a task under the next number."""
    values = {"task_id": task.id, "application_id": task.application_id, "deleted_at": None}
    await transaction.run("note_change", values)


async def note_deletion(transaction: Transaction, task: Task, now: float) -> None:
    """Note the deletion of a task under the next number."""
    await transaction.run("drop_noted_deletions", {"before": now - _REMEMBERED})
    values = {"task_id": task.id, "application_id": task.application_id, "deleted_at": now}
    await transaction.run("note_change", values)
