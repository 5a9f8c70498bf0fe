"""The operations on what providers call tasks, each a piece of one transaction."""

from __future__ import annotations

from collections.abc import Mapping

import apsw
import msgspec

from filmgate.adapters.ledger.sqlite.reader import Reader
from filmgate.adapters.ledger.sqlite.rows import json
from filmgate.adapters.ledger.sqlite.statements import SQL, run
from filmgate.domain.errors import Conflict
from filmgate.domain.generation import Generation
from filmgate.domain.states import Stage
from filmgate.domain.work import Queue, WorkKind
from filmgate.ports.provider_ids import KNOWN_DAYS, OpenSubmit, Sought

_generation = msgspec.json.Decoder(Generation).decode
_sought = msgspec.json.Decoder(Sought).decode

_DAY = 86_400.0
_SWEPT = 10
"""Ids whose time is over that go with each new one."""


def set_origins(connection: apsw.Connection, origins: Mapping[str, str], now: float) -> None:
    """Remember where the providers of engines are, and forget expired ids."""
    for engine, origin in origins.items():
        values = {"engine": engine, "origin": origin}
        run(connection, "set_origin", values)
        run(connection, "settle_origin", values)
    run(connection, "forget_provider_ids", {"now": now, "limit": -1})


def take(
    connection: apsw.Connection, engine: str, upstream_id: str, task_id: str, application_id: str, now: float
) -> None:
    """Return a provider's id to a task. Raises Conflict if it is known as another task's."""
    # Here and nowhere else it is decided whose an id is, in the transaction that writes it down.
    run(connection, "forget_provider_ids", {"now": now, "limit": _SWEPT})
    values = {
        "engine": engine,
        "upstream_id": upstream_id,
        "task_id": task_id,
        "application_id": application_id,
        "forget_at": _until(now),
    }
    if not run(connection, "add_provider_id", values):
        raise Conflict(
            f"The provider of {engine} calls another task {upstream_id}, or did in the last {KNOWN_DAYS} days."
        )


def release(connection: apsw.Connection, task_id: str, now: float) -> None:
    """Remember the ids of a task that is gone for KNOWN_DAYS."""
    run(connection, "release_provider_ids", {"task_id": task_id, "forget_at": _until(now)})


def open_submits(reader: Reader, engine: str) -> list[OpenSubmit]:
    """Return the submits that may have been accepted by an engine's provider without being known here."""
    values = {"engine": engine, "stages": json([Stage.SUBMITTING, Stage.SUBMIT_UNKNOWN])}
    tasks = [OpenSubmit(task_id, _generation(text)) for task_id, text in reader.rows(SQL["open_submits"], values)]
    ended = [
        OpenSubmit(task_id, _sought(detail).generation)
        for task_id, detail in reader.rows(
            SQL["sought_submits"], {"engine": engine, "queue": Queue.RECALL, "kind": WorkKind.SEEK}
        )
    ]
    return tasks + ended


def _until(now: float) -> float:
    return now + KNOWN_DAYS * _DAY
