"""The operations that change tasks, each a piece of one transaction."""

from __future__ import annotations

from collections.abc import Sequence

import apsw
from msgspec import UNSET
from msgspec.structs import replace

from filmgate.adapters.ledger.sqlite import accounts, provider_ids, references
from filmgate.adapters.ledger.sqlite.changes import note, note_deletion
from filmgate.adapters.ledger.sqlite.due import drop_steps, drop_task, drop_unfinished, enqueue
from filmgate.adapters.ledger.sqlite.rows import (
    change_values,
    json,
    media_from,
    media_values,
    task_from,
    task_values,
)
from filmgate.adapters.ledger.sqlite.statements import Values, run
from filmgate.adapters.ledger.sqlite.submits import mark
from filmgate.domain.errors import TooManyRequests
from filmgate.domain.failures import Failure, FailureCode
from filmgate.domain.limits import Limits
from filmgate.domain.states import State
from filmgate.domain.task import Task
from filmgate.domain.work import WorkItem, WorkKind, work_for
from filmgate.ports.idempotency import IdempotencyRecord
from filmgate.ports.media import StoredMedia
from filmgate.ports.provider_ids import Sought
from filmgate.ports.tasks import Change, RawRequest

_RETRY_SECONDS = 10
"""When to come back with a task that was one too many: one of the others may have ended by then."""

_SHORT = 4
"""Room for tasks is short when this part of it is left: then it is for keys that hold less than an equal part."""

_ANSWER_SECONDS = 5.0
"""How long the answer to a submit is waited for before the submit is looked for."""


def submit(
    connection: apsw.Connection,
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
        _check_room(connection, task, max_unfinished)
    accounts.count_accepted(connection, task, limits)
    run(connection, "add_task", task_values(task))
    run(connection, "add_echo", {"task_id": task.id, "dialect": echo.dialect, "body": echo.body})
    add_media(connection, media)
    references.check(connection, task)
    enqueue(connection, due)
    if task.upstream_id is not None:
        _take_id(connection, task, task.upstream_id, task.updated_at)
    note(connection, task)
    if known_by is not None:
        mark(connection, task, known_by)


def add_media(connection: apsw.Connection, media: Sequence[StoredMedia]) -> None:
    """Write the rows of files."""
    for stored in media:
        run(connection, "add_media", media_values(stored))


def drop_upload(connection: apsw.Connection, application_id: str, token: str) -> StoredMedia | None:
    """Remove the row of an upload of its owner and give it."""
    rows = run(connection, "drop_upload", {"token": token, "application_id": application_id})
    return media_from(rows[0]) if rows else None


def commit(connection: apsw.Connection, change: Change, due: Sequence[WorkItem]) -> Task | None:
    """Apply a change if its fence still holds, with the work it ends and the work it makes due."""
    task = _change(connection, "change_task", change_values(change))
    if task is None:
        return None
    if change.upstream_id is not UNSET:
        _take_id(connection, task, change.upstream_id, change.now)
    note(connection, task)
    add_media(connection, change.media)
    if change.seize:
        drop_steps(connection, task.id)
    # First what is done, then what is due: the next step of a task is work of the same name.
    if change.finished is not None:
        run(connection, "drop_due", {"id": change.finished, "task_id": task.id})
    enqueue(connection, due)
    if task.final:
        drop_unfinished(connection, task.id)
        accounts.count_ended(connection, task)
    return task


def cancel(connection: apsw.Connection, application_id: str, task_id: str, failure: Failure, now: float) -> Task | None:
    """End an unfinished task and make its webhook due; a final task stays as it is."""
    who = {"id": task_id, "application_id": application_id}
    task = _change(connection, "cancel_task", who | {"failure": json(failure), "now": now})
    if task is None:
        return _change(connection, "get_task", who)
    note(connection, task)
    drop_unfinished(connection, task.id)
    accounts.count_ended(connection, task)
    if task.callback_url is not None:
        enqueue(connection, [work_for(task, WorkKind.WEBHOOK, now, task.state)])
    enqueue(connection, [*_recall(task, now), *_seek(task, now)])
    return task


def delete(connection: apsw.Connection, application_id: str, task_id: str, now: float) -> bool:
    """Remove a task by its owner's will, which ends it if it has not ended; a provider is to forget it too."""
    task = remove(connection, application_id, task_id, now)
    if task is None:
        return False
    if not task.final:
        accounts.count_ended(connection, _ended_by_owner(task, now))
        enqueue(connection, _seek(task, now))
    enqueue(connection, _recall(task, now))
    return True


def remove(connection: apsw.Connection, application_id: str, task_id: str, now: float) -> Task | None:
    """Remove a task with all that belongs to it and make the purge of its files due; give it as it was."""
    task = _change(connection, "delete_task", {"id": task_id, "application_id": application_id})
    if task is None:
        return None
    note_deletion(connection, task, now)
    provider_ids.release(connection, task.id, now)
    if task.upstream_id == task.id:
        run(connection, "add_departed", {"id": task_id, "application_id": application_id})
    drop_task(connection, task_id)
    enqueue(connection, [work_for(task, WorkKind.PURGE, now)])
    return task


def _take_id(connection: apsw.Connection, task: Task, upstream_id: str, now: float) -> None:
    provider_ids.take(connection, task.engine, upstream_id, task.id, task.application_id, now)


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


def _change(connection: apsw.Connection, statement: str, values: Values) -> Task | None:
    rows = run(connection, statement, values)
    return task_from(rows[0]) if rows else None


def _check_room(connection: apsw.Connection, task: Task, limit: int) -> None:
    """Refuse a task that is one too many for its application, or for its key where room is short for others."""
    values: Values = {"application_id": task.application_id, "limit": limit}
    ((unfinished,),) = run(connection, "count_unfinished_up_to", values)
    if unfinished >= limit:
        raise TooManyRequests(
            f"{limit} tasks are unfinished already; submit again when one of them has ended.",
            retry_after=_RETRY_SECONDS,
        )
    if limit - unfinished > max(1, limit // _SHORT):
        return
    values = {"application_id": task.application_id, "credential_id": task.credential_id}
    ((own, others),) = run(connection, "unfinished_of_key", values)
    if own >= max(1, limit // (others + 1)):
        raise TooManyRequests(
            f"{own} tasks of this API key are unfinished already. What is left of {limit} is for the other keys of its "
            "application: submit again when one of the tasks has ended.",
            retry_after=_RETRY_SECONDS,
        )
