"""The files that a ledger names, for inspection and backup. Every read raises Unavailable."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import apsw

from filmgate.adapters.ledger.rows import progress_from
from filmgate.adapters.ledger.sqlite.connection import faults_as_unavailable
from filmgate.adapters.ledger.sqlite.statements import run

_ROWS = 1_000


def linked_files(connection: apsw.Connection, statement: str) -> Iterator[list[Any]]:
    """Yield the rows of a statement for all files that have links; the statement pages by the place of a row."""
    after = 0
    while True:
        with faults_as_unavailable():
            rows = run(connection, statement, {"after": after, "limit": _ROWS})
        if not rows:
            return
        for place, *file in rows:
            after = place
            yield file


def files_in_progress(connection: apsw.Connection) -> Iterator[str]:
    """Yield the keys that the work on unfinished tasks names, with or without links."""
    with faults_as_unavailable():
        rows = run(connection, "work_in_progress", {})
    for (work,) in rows:
        progress = progress_from(work)
        yield from (given.key for given in progress.inputs.values())
        if progress.product is not None:
            yield progress.product
        if progress.stills is not None:
            yield from filter(None, (progress.stills.thumbnail, progress.stills.last_frame))
