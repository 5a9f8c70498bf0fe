"""Reads of what may be at a provider without being known here."""

from __future__ import annotations

import msgspec

from filmgate.adapters.ledger.rows import json
from filmgate.adapters.ledger.sqlite.reader import Reader
from filmgate.adapters.ledger.sqlite.statements import SQL
from filmgate.domain.generation import Generation
from filmgate.domain.states import Stage
from filmgate.domain.work import Queue, WorkKind
from filmgate.ports.provider_ids import OpenSubmit, Sought

_generation = msgspec.json.Decoder(Generation).decode
_sought = msgspec.json.Decoder(Sought).decode


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
