"""Usage: the counts of accepted and ended tasks, and the return of credits."""

from __future__ import annotations

from msgspec.structs import asdict, replace

from filmgate.adapters.ledger.statements import Values
from filmgate.adapters.ledger.transactions.transaction import Transaction
from filmgate.domain.failures import FailureCode
from filmgate.domain.media import files
from filmgate.domain.states import State
from filmgate.domain.task import Task
from filmgate.domain.usage import Tally, day_of


async def count_accepted(transaction: Transaction, task: Task) -> None:
    """Count a new task and take its credits."""
    # One that was made elsewhere before counts from now on.
    await _count(transaction, task, task.updated_at, Tally(submitted=1), task.work.credits)


async def count_ended(transaction: Transaction, task: Task) -> None:
    """Count the end of a task, and give its credits back if it is not the owner's."""
    at = task.updated_at if task.finished_at is None else task.finished_at
    if task.state is State.COMPLETED:
        made = None if task.output is None or task.output.video is None else task.output.video.facts.duration
        size = sum(media.bytes for media in files(task.output))
        await _count(transaction, task, at, Tally(completed=1, seconds=made or 0.0, bytes=size))
        return
    back = 0.0 if _owners_will(task) else -task.work.credits
    code = "" if task.failure is None else task.failure.code
    if code == FailureCode.CANCELLED:
        await _count(transaction, task, at, Tally(cancelled=1), back)
        return
    await _count(transaction, task, at, Tally(failed=1), back)
    values = {"application_id": task.application_id, "day": day_of(at), "code": code}
    await transaction.run("count_failure", values)


def _owners_will(task: Task) -> bool:
    """Return True for a task that its owner ended after work had begun: that is not the service's failure."""
    by_owner = task.cancel_requested and task.failure is not None and task.failure.code == FailureCode.CANCELLED
    return by_owner and task.started_at is not None


async def _count(transaction: Transaction, task: Task, at: float, tally: Tally, credits_: float = 0.0) -> None:
    """Add to the tally of a day, and credits to that of the task's submit, which often is the same."""
    day, charged = day_of(at), day_of(task.created_at)
    if credits_ and charged == day:
        tally = replace(tally, credits=credits_)
    elif credits_:
        await transaction.run("count_usage", _values(task, charged, Tally(credits=credits_)))
    await transaction.run("count_usage", _values(task, day, tally))


def _values(task: Task, day: str, tally: Tally) -> Values:
    return {"application_id": task.application_id, "day": day, **asdict(tally)}
