"""The operations on due work, each a piece of one transaction."""

from __future__ import annotations

from collections.abc import Sequence

import apsw
from msgspec.structs import asdict

from filmgate.adapters.ledger.sqlite import provider_ids
from filmgate.adapters.ledger.sqlite.rows import json, task_from, work_item_from
from filmgate.adapters.ledger.sqlite.statements import run
from filmgate.domain.errors import Conflict
from filmgate.domain.task import Task
from filmgate.domain.work import CLOCKED, ENDING, FENCED, OUTLIVING, WorkItem, WorkKind, engine_of
from filmgate.ports.work import Claim

_CLOCKED = json(sorted(CLOCKED))
_OUTLIVING = json(sorted(OUTLIVING))


def enqueue(connection: apsw.Connection, due: Sequence[WorkItem]) -> None:
    """Make work due; a webhook is written down in the log with it."""
    for work in due:
        run(connection, "put_due", asdict(work))
        if work.kind is WorkKind.WEBHOOK:
            run(connection, "add_callback", asdict(work))


def drop_unfinished(connection: apsw.Connection, task_id: str) -> None:
    """Remove the work that a task has only until it ends."""
    for kind in ENDING:
        run(connection, "drop_kind", {"task_id": task_id, "kind": kind})


def drop_steps(connection: apsw.Connection, task_id: str) -> None:
    """Remove the next step of a task, claimed or not."""
    for kind in FENCED:
        run(connection, "drop_kind", {"task_id": task_id, "kind": kind})


def drop_task(connection: apsw.Connection, task_id: str) -> None:
    """Remove the work of a task that is deleted, but for the kinds that outlive it."""
    run(connection, "drop_task_due", {"task_id": task_id, "outliving": _OUTLIVING})


def settle_seek(connection: apsw.Connection, task_id: str, recall: WorkItem | None, now: float) -> bool:
    """Put the recall of a task, if there is one, in the place of the search for its submit.

    False if what would be recalled is known as another task's: then only the search ends.
    """
    run(connection, "drop_kind", {"task_id": task_id, "kind": WorkKind.SEEK})
    if recall is None:
        return True
    engine = engine_of(recall.queue)
    try:
        provider_ids.take(connection, engine, recall.detail, task_id, recall.application_id, now)
    except Conflict:
        return False
    enqueue(connection, [recall])
    return True


def claim(
    connection: apsw.Connection, queue: str, worker: str, now: float, until: float, limit: int, share: int
) -> list[Claim]:
    """Claim up to `limit` fair next work items of a queue, of an application up to its share."""
    claims: list[Claim] = []
    while len(claims) < limit and (taken := _claim(connection, queue, worker, now, until, share)) is not None:
        claims.append(taken)
    return claims


def _claim(connection: apsw.Connection, queue: str, worker: str, now: float, until: float, share: int) -> Claim | None:
    """Take the next work; work without an unfinished task to go on with is dropped.

    A lease of the worker's own that has run out begins anew, whatever became of its clock or of its renewals: the
    worker is still at it.
    """
    statement, values = "next_claim", {"queue": queue, "now": now}
    if share:
        statement, values = "next_shared_claim", values | {"share": share}
    while rows := run(connection, statement, values):
        ((due_id, *columns, tries, holder),) = rows
        if holder == worker:
            run(connection, "renew_due", {"id": due_id, "claims": tries, "until": until})
            continue
        due = work_item_from(tuple(columns))
        task = _claimed_task(connection, due)
        if task is None and due.kind in FENCED:
            run(connection, "drop_due", {"id": due_id, "task_id": due.task_id})
            continue
        run(connection, "claim_due", {"id": due_id, "worker": worker, "until": until})
        run(connection, "serve_application", {"queue": queue, "application_id": due.application_id})
        run(connection, "serve_key", {"id": due_id})
        return Claim(due_id, due, tries, task)
    return None


def renew(connection: apsw.Connection, claims: Sequence[Claim], until: float) -> None:
    """Let the leases of claims end at a time; of those that are somebody else's by now nothing changes."""
    for held in claims:
        run(connection, "renew_due", _held(held) | {"until": until})


def release_leases(connection: apsw.Connection, worker: str) -> int:
    """End the leases of a worker, whose work becomes due before all else, and return their number."""
    return len(run(connection, "release_due", {"worker": worker}))


def postpone(connection: apsw.Connection, claim: Claim, not_before: float) -> bool:
    """Put claimed work back for a time; False, and nothing happens, if it is somebody else's by now."""
    return bool(run(connection, "postpone_due", _held(claim) | {"not_before": not_before}))


def finish(connection: apsw.Connection, claim: Claim) -> bool:
    """Remove claimed work; False, and nothing happens, if it is somebody else's by now."""
    return bool(run(connection, "finish_due", _held(claim)))


def clock_moved(connection: apsw.Connection, seconds: float) -> None:
    """Move limits, leases and records of submits with the clock, and other work if that would wait for long now."""
    run(connection, "move_deadlines", {"by": seconds})
    run(connection, "move_due", {"by": seconds, "clocked": _CLOCKED})
    run(connection, "move_submits", {"by": seconds})


def _claimed_task(connection: apsw.Connection, due: WorkItem) -> Task | None:
    statement = "fence_task" if due.kind in FENCED else "get_task"
    values = {"id": due.task_id, "application_id": due.application_id}
    rows = run(connection, statement, values)
    return task_from(rows[0]) if rows else None


def _held(claim: Claim) -> dict[str, float]:
    return {"id": claim.id, "claims": claim.tries + 1}
