"""What tasks go on from: it is there when they are submitted, and stays until they have ended."""

from __future__ import annotations

from typing import NamedTuple

import apsw
import msgspec

from filmgate.adapters.ledger.sqlite.statements import run
from filmgate.domain.errors import NotFound
from filmgate.domain.generation import OWN, Generation, ReferenceKind
from filmgate.domain.task import Task

_generation = msgspec.json.Decoder(Generation).decode


class Needed(NamedTuple):
    """What unfinished tasks go on from: earlier tasks, and files by the tokens of their links."""

    tasks: set[str]
    tokens: set[str]


def check(connection: apsw.Connection, task: Task) -> None:
    """Raise NotFound for a new task with a source that was removed meanwhile."""
    for reference in task.generation.references:
        if reference.kind is ReferenceKind.TASK:
            values = {"id": reference.value, "application_id": task.application_id}
            there = run(connection, "usable_task", values)
        elif reference.value.startswith(OWN):
            there = run(connection, "media_by_token", {"token": reference.value.removeprefix(OWN)})
        else:
            continue
        if not there:
            raise NotFound("What this goes on from is not here any more.")


def find_needed(connection: apsw.Connection) -> Needed:
    """Return what the unfinished tasks of all applications go on from."""
    found = Needed(set(), set())
    for (generation,) in run(connection, "referring", {}):
        for reference in _generation(generation).references:
            if reference.kind is ReferenceKind.TASK:
                found.tasks.add(reference.value)
            elif reference.value.startswith(OWN):
                found.tokens.add(reference.value.removeprefix(OWN))
    for token in found.tokens:
        # A file's task stays as well: what the engine has noted about the file is there.
        found.tasks.update(row[0] for row in run(connection, "task_of_file", {"token": token}))
    return found
