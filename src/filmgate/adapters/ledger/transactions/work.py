"""Work items: they are enqueued, claimed in fair turns under a lease, and ended."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import asdict

from filmgate.adapters.ledger.rows import json, task_from, work_item_from
from filmgate.adapters.ledger.transactions import provider_ids
from filmgate.adapters.ledger.transactions.transaction import Transaction
from filmgate.domain.errors import Conflict
from filmgate.domain.task import Task
from filmgate.domain.work import CLOCKED, ENDING, FENCED, OUTLIVING, WorkItem, WorkKind, engine_of
from filmgate.ports.work import Claim

_CLOCKED = json(sorted(CLOCKED))
_OUTLIVING = json(sorted(OUTLIVING))


async def enqueue(transaction: Transaction, due: Sequence[WorkItem]) -> None:
    """Make work due; a webhook is written down in the log with it."""
    for work in due:
        await transaction.run("put_due", asdict(work))
        if work.kind is WorkKind.WEBHOOK:
            await transaction.run("add_callback", asdict(work))


async def drop_unfinished(transaction: Transaction, task_id: str) -> None:
    """Remove the work that a task has only until it ends."""
    for kind in ENDING:
        await transaction.run("drop_kind", {"task_id": task_id, "kind": kind})


async def drop_steps(transaction: Transaction, task_id: str) -> None:
    """Remove the next step of a task, claimed or not."""
    for kind in FENCED:
        await transaction.run("drop_kind", {"task_id": task_id, "kind": kind})


async def drop_task(transaction: Transaction, task_id: str) -> None:
    """Remove the work of a task that is deleted, but for the kinds that outlive it."""
    await transaction.run("drop_task_due", {"task_id": task_id, "outliving": _OUTLIVING})


async def settle_seek(transaction: Transaction, task_id: str, recall: WorkItem | None, now: float) -> bool:
    """Put the recall of a task, if there is one, in the place of the search for its submit.

    False if what would be recalled is known as another task's: then only the search ends.
    """
    await transaction.run("drop_kind", {"task_id": task_id, "kind": WorkKind.SEEK})
    if recall is None:
        return True
    engine = engine_of(recall.queue)
    try:
        await provider_ids.take(transaction, engine, recall.detail, task_id, recall.application_id, now)
    except Conflict:
        return False
    await enqueue(transaction, [recall])
    return True


async def claim(
    transaction: Transaction, queue: str, worker: str, now: float, until: float, limit: int, share: int
) -> list[Claim]:
    """Claim up to `limit` fair next work items of a queue, of an application up to its share."""
    claims: list[Claim] = []
    while len(claims) < limit:
        taken = await _claim(transaction, queue, worker, now, until, share)
        if taken is None:
            break
        claims.append(taken)
    return claims


async def _claim(
    transaction: Transaction, queue: str, worker: str, now: float, until: float, share: int
) -> Claim | None:
    """Take the next work; work without an unfinished task to go on with is dropped.

    A lease of the worker's own that has run out begins anew, whatever became of its clock or of its renewals: the
    worker is still at it.
    """
    statement, values = "next_claim", {"queue": queue, "now": now}
    if share:
        statement, values = "next_shared_claim", values | {"share": share}
    while rows := await transaction.run(statement, values):
        ((due_id, *columns, tries, holder),) = rows
        if holder == worker:
            await transaction.run("renew_due", {"id": due_id, "claims": tries, "until": until})
            continue
        due = work_item_from(tuple(columns))
        task = await _claimed_task(transaction, due)
        if task is None and due.kind in FENCED:
            await transaction.run("drop_due", {"id": due_id, "task_id": due.task_id})
            continue
        await transaction.run("claim_due", {"id": due_id, "worker": worker, "until": until})
        await transaction.run("serve_application", {"queue": queue, "application_id": due.application_id})
        await transaction.run("serve_key", {"id": due_id})
        return Claim(due_id, due, tries, task)
    return None


async def renew(transaction: Transaction, claims: Sequence[Claim], until: float) -> None:
    """Let the leases of claims end at a time; void claims stay void."""
    for held in claims:
        await transaction.run("renew_due", _held(held) | {"until": until})


async def release_leases(transaction: Transaction, worker: str) -> int:
    """End the leases of a worker, so that its work is due before all else, and return their number."""
    return len(await transaction.run("release_due", {"worker": worker}))


async def postpone(transaction: Transaction, claim: Claim, not_before: float) -> bool:
    """Put claimed work back until a time; False, and nothing happens, for a void claim."""
    return bool(await transaction.run("postpone_due", _held(claim) | {"not_before": not_before}))


async def finish(transaction: Transaction, claim: Claim) -> bool:
    """Remove claimed work; False, and nothing happens, for a void claim."""
    return bool(await transaction.run("finish_due", _held(claim)))


async def clock_moved(transaction: Transaction, seconds: float) -> None:
    """Move limits, leases and records of submits with the clock, and other work if that would wait for long now."""
    await transaction.run("move_deadlines", {"by": seconds})
    await transaction.run("move_due", {"by": seconds, "clocked": _CLOCKED})
    await transaction.run("move_submits", {"by": seconds})


async def _claimed_task(transaction: Transaction, due: WorkItem) -> Task | None:
    statement = "fence_task" if due.kind in FENCED else "get_task"
    values = {"id": due.task_id, "application_id": due.application_id}
    rows = await transaction.run(statement, values)
    return task_from(rows[0]) if rows else None


def _held(claim: Claim) -> dict[str, float]:
    return {"id": claim.id, "claims": claim.tries + 1}
