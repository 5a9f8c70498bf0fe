"""Quotas: the number of unfinished tasks, and the credits of an application."""

from __future__ import annotations

from filmgate.adapters.ledger.rows import own_limits_from
from filmgate.adapters.ledger.statements import Values
from filmgate.adapters.ledger.transactions.transaction import Transaction
from filmgate.domain.errors import QuotaExceeded, TooManyRequests
from filmgate.domain.limits import Limits
from filmgate.domain.periods import Period
from filmgate.domain.task import Task
from filmgate.domain.usage import begin_of

_RETRY_SECONDS = 10
"""When to come back with a task that was one too many: one of the others may have ended by then."""

_SHORT = 4
"""Room for tasks is short when this part of it is left: then it is for keys that hold less than an equal part."""

_SLACK = 1e-6
"""Credits by which a sum of decimal fractions may be off."""


async def limits_of(transaction: Transaction, application_id: str, every: Limits) -> Limits:
    """Return the rules for an application, its own before those for all."""
    return every.overridden(own_limits_from(await transaction.run("own_limits", {"application_id": application_id})))


async def check_room(transaction: Transaction, task: Task, limit: int) -> None:
    """Refuse a task that is one too many for its application, or for its key where room is short for others."""
    values: Values = {"application_id": task.application_id, "limit": limit}
    ((unfinished,),) = await transaction.run("count_unfinished_up_to", values)
    if unfinished >= limit:
        raise TooManyRequests(
            f"{limit} tasks are unfinished already; submit again when one of them has ended.",
            retry_after=_RETRY_SECONDS,
        )
    if limit - unfinished > max(1, limit // _SHORT):
        return
    values = {"application_id": task.application_id, "credential_id": task.credential_id}
    ((own, others),) = await transaction.run("unfinished_of_key", values)
    if own >= max(1, limit // (others + 1)):
        raise TooManyRequests(
            f"{own} tasks of this API key are unfinished already. What is left of {limit} is for the other keys of its "
            "application: submit again when one of the tasks has ended.",
            retry_after=_RETRY_SECONDS,
        )


async def check_credits(transaction: Transaction, task: Task, every: Limits) -> None:
    """Raise QuotaExceeded for a task that costs more than its application has left."""
    if not task.work.credits:
        return
    limits = await limits_of(transaction, task.application_id, every)
    if not limits.credits:
        return
    values = {"application_id": task.application_id, "first": begin_of(limits.credits_per, task.created_at)}
    ((used,),) = await transaction.run("credits_since", values)
    if used + task.work.credits > limits.credits + _SLACK:
        left = max(0.0, limits.credits - used)
        raise QuotaExceeded(f"Insufficient credits: this costs {task.work.credits:g}, and {_left(left, limits)}.")


def _left(left: float, limits: Limits) -> str:
    lasting = {Period.DAY: " today", Period.MONTH: " this month", Period.TOTAL: ""}[limits.credits_per]
    return f"{left:g} of {limits.credits:g} are left{lasting}"
