"""Sources of tasks: they exist at the submission, and stay until the task has ended."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from filmgate.adapters.ledger.transactions.transaction import Transaction
from filmgate.domain.errors import NotFound
from filmgate.domain.generation import OWN, Generation, ReferenceKind
from filmgate.domain.task import Task

_generation = msgspec.json.Decoder(Generation).decode


class Needed(NamedTuple):
    """Sources of unfinished tasks: earlier tasks, and files by the tokens of their links."""

    tasks: set[str]
    tokens: set[str]


async def check(transaction: Transaction, task: Task) -> None:
    """Raise NotFound for a new task with a source that was removed meanwhile."""
    for reference in task.generation.references:
        if reference.kind is ReferenceKind.TASK:
            values = {"id": reference.value, "application_id": task.application_id}
            there = await transaction.run("usable_task", values)
        elif reference.value.startswith(OWN):
            there = await transaction.run("media_by_token", {"token": reference.value.removeprefix(OWN)})
        else:
            continue
        if not there:
            raise NotFound("What this goes on from is not here any more.")


async def find_needed(transaction: Transaction) -> Needed:
    """Return the sources of the unfinished tasks of all applications."""
    found = Needed(set(), set())
    for (generation,) in await transaction.run("referring", {}):
        for reference in _generation(generation).references:
            if reference.kind is ReferenceKind.TASK:
                found.tasks.add(reference.value)
            elif reference.value.startswith(OWN):
                found.tokens.add(reference.value.removeprefix(OWN))
    for token in found.tokens:
        # A file's task stays as well: what the engine has noted about the file is there.
        found.tasks.update(row[0] for row in await transaction.run("task_of_file", {"token": token}))
    return found
