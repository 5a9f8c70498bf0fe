"""Tasks: the writes, counts and work items of submissions, changes, cancellations and deletions."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import UNSET
from msgspec.structs import replace

from filmgate.adapters.ledger.rows import (
    change_values,
    json,
    media_from,
    media_values,
    task_from,
    task_values,
)
from filmgate.adapters.ledger.statements import Values
from filmgate.adapters.ledger.transactions import idempotency, provider_ids, references
from filmgate.adapters.ledger.transactions.changes import note, note_deletion
from filmgate.adapters.ledger.transactions.quota import check_credits, check_room
from filmgate.adapters.ledger.transactions.transaction import Transaction
from filmgate.adapters.ledger.transactions.usage import count_accepted, count_ended
from filmgate.adapters.ledger.transactions.work import drop_steps, drop_task, drop_unfinished, enqueue
from filmgate.domain.failures import Failure, FailureCode
from filmgate.domain.limits import Limits
from filmgate.domain.states import State
from filmgate.domain.task import Task
from filmgate.domain.work import WorkItem, WorkKind, work_for
from filmgate.ports.idempotency import IdempotencyRecord
from filmgate.ports.media import StoredMedia
from filmgate.ports.provider_ids import Sought
from filmgate.ports.tasks import Change, RawRequest

_ANSWER_SECONDS = 5.0
"""How long the answer to a submit is waited for before the submit is looked for."""


async def submit(
    transaction: Transaction,
    task: Task,
    echo: RawRequest,
    due: Sequence[WorkItem],
    media: Sequence[StoredMedia],
    max_unfinished: int,
    known_by: IdempotencyRecord | None,
    limits: Limits,
) -> None:
    """Write an accepted task with all that belongs to it."""
    if max_unfinished:
        await check_room(transaction, task, max_unfinished)
    await check_credits(transaction, task, limits)
    await count_accepted(transaction, task)
    await transaction.run("add_task", task_values(task))
    await transaction.run("add_echo", {"task_id": task.id, "dialect": echo.dialect, "body": echo.body})
    await add_media(transaction, media)
    await references.check(transaction, task)
    await enqueue(transaction, due)
    if task.upstream_id is not None:
        await _take_id(transaction, task, task.upstream_id, task.updated_at)
    await note(transaction, task)
    if known_by is not None:
        await idempotency.mark(transaction, task, known_by)


async def add_media(transaction: Transaction, media: Sequence[StoredMedia]) -> None:
    """Write the rows of files."""
    for stored in media:
        await transaction.run("add_media", media_values(stored))


async def drop_upload(transaction: Transaction, application_id: str, token: str) -> StoredMedia | None:
    """Remove the row of an upload of its owner, and return it."""
    rows = await transaction.run("drop_upload", {"token": token, "application_id": application_id})
    return media_from(rows[0]) if rows else None


async def commit(transaction: Transaction, change: Change, due: Sequence[WorkItem]) -> Task | None:
    """Apply a change if its fence still holds, with the work it ends and the work it makes due."""
    task = await _change(transaction, "change_task", change_values(change))
    if task is None:
        return None
    if change.upstream_id is not UNSET:
        await _take_id(transaction, task, change.upstream_id, change.now)
    await note(transaction, task)
    await add_media(transaction, change.media)
    if change.seize:
        await drop_steps(transaction, task.id)
    # First what is done, then what is due: the next step of a task is work of the same name.
    if change.finished is not None:
        await transaction.run("drop_due", {"id": change.finished, "task_id": task.id})
    await enqueue(transaction, due)
    if task.final:
        await drop_unfinished(transaction, task.id)
        await count_ended(transaction, task)
    return task


async def cancel(
    transaction: Transaction, application_id: str, task_id: str, failure: Failure, now: float
) -> Task | None:
    """End an unfinished task and make its webhook due; a final task stays as it is."""
    who = {"id": task_id, "application_id": application_id}
    task = await _change(transaction, "cancel_task", who | {"failure": json(failure), "now": now})
    if task is None:
        return await _change(transaction, "get_task", who)
    await note(transaction, task)
    await drop_unfinished(transaction, task.id)
    await count_ended(transaction, task)
    if task.callback_url is not None:
        await enqueue(transaction, [work_for(task, WorkKind.WEBHOOK, now, task.state)])
    await enqueue(transaction, [*_recall(task, now), *_seek(task, now)])
    return task


async def delete(transaction: Transaction, application_id: str, task_id: str, now: float) -> bool:
    """Remove a task by its owner's will, which ends it if it has not ended; a provider is to forget it too."""
    task = await remove(transaction, application_id, task_id, now)
    if task is None:
        return False
    if not task.final:
        await count_ended(transaction, _ended_by_owner(task, now))
        await enqueue(transaction, _seek(task, now))
    await enqueue(transaction, _recall(task, now))
    return True


async def remove(transaction: Transaction, application_id: str, task_id: str, now: float) -> Task | None:
    """Remove a task with all that belongs to it, make the purge of its files due, and return the task as it was."""
    task = await _change(transaction, "delete_task", {"id": task_id, "application_id": application_id})
    if task is None:
        return None
    await note_deletion(transaction, task, now)
    await provider_ids.release(transaction, task.id, now)
    if task.upstream_id == task.id:
        await transaction.run("add_departed", {"id": task_id, "application_id": application_id})
    await drop_task(transaction, task_id)
    await enqueue(transaction, [work_for(task, WorkKind.PURGE, now)])
    return task


async def _take_id(transaction: Transaction, task: Task, upstream_id: str, now: float) -> None:
    await provider_ids.take(transaction, task.engine, upstream_id, task.id, task.application_id, now)


def _ended_by_owner(task: Task, now: float) -> Task:
    failure = Failure(FailureCode.CANCELLED, "The task was deleted by its owner.")
    return replace(task, state=State.FAILED, failure=failure, cancel_requested=True, finished_at=now)


def _recall(task: Task, now: float) -> list[WorkItem]:
    if task.upstream_id is None:
        return []
    return [work_for(task, WorkKind.RECALL, now, task.upstream_id)]


def _seek(task: Task, now: float) -> list[WorkItem]:
    """Enqueue the search for a submission that ended without an answer."""
    asked = task.work.asked
    if asked is None or task.upstream_id is not None:
        return []
    sought = json(Sought(asked.key, asked.at, task.generation, asked.latest))
    return [work_for(task, WorkKind.SEEK, now + _ANSWER_SECONDS, sought)]


async def _change(transaction: Transaction, statement: str, values: Values) -> Task | None:
    rows = await transaction.run(statement, values)
    return task_from(rows[0]) if rows else None
