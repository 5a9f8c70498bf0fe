"""The operations on submits that may be sent again, each a piece of one transaction."""

from __future__ import annotations

import apsw

from filmgate.adapters.ledger.sqlite.statements import Values, run
from filmgate.domain.errors import InFlight
from filmgate.domain.task import Task
from filmgate.ports.idempotency import IdempotencyRecord

_SWEPT = 10
"""Expired rows that go with each new one."""


def mark(connection: apsw.Connection, task: Task, known_by: IdempotencyRecord) -> None:
    """Remember what the submit of a new task is known by. Raises InFlight if another has its key."""
    now = task.created_at
    forget(connection, now, _SWEPT)
    if known_by.key is not None:
        key = {"application_id": task.application_id, "key": known_by.key, "now": now}
        run(connection, "drop_expired_key", key)
        if run(connection, "submit_by_key", key):
            raise InFlight()
    run(connection, "add_submit", _values(task, known_by, now))


def expect(connection: apsw.Connection, task: Task, known_by: IdempotencyRecord, now: float) -> None:
    """Remember the submission of a task, so that a repeat of it is recognised."""
    run(connection, "expect_submit", _values(task, known_by, now))


def rejoin(connection: apsw.Connection, values: Values) -> str | None:
    """Take a repeated submit for the one it repeats."""
    rows = run(connection, "join_submit", values)
    return rows[0][0] if rows else None


def forget(connection: apsw.Connection, now: float, limit: int) -> int:
    """Remove expired submissions, up to a limit, and count them."""
    return len(run(connection, "drop_expired_submits", {"now": now, "limit": limit}))


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
