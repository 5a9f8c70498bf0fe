"""Showing on stderr how far tasks are."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from rich.progress import TaskID

    from filmgate.client import Task

Show: TypeAlias = "Callable[[Task], None]"


@contextmanager
def progress(*, quiet: bool) -> Iterator[Show | None]:
    """Yield what shows a task: a bar each in a terminal, else a line per change; None when quiet."""
    if quiet:
        yield None
    elif sys.stderr.isatty():
        with _bars() as show:
            yield show
    else:
        yield _lines()


@contextmanager
def _bars() -> Iterator[Show]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.fields[id]}", markup=False),
        TextColumn("{task.description:<10}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
    )
    rows: dict[str, TaskID] = {}
    with Progress(*columns, console=Console(stderr=True)) as bars:

        def show(task: Task) -> None:
            if task.id not in rows:
                rows[task.id] = bars.add_task(task.state, total=100, id=task.id[:8])
            bars.update(rows[task.id], completed=100 if task.completed else task.progress, description=task.state)
            if task.final:
                bars.stop_task(rows[task.id])

        yield show


def _lines() -> Show:
    last: dict[str, tuple[str, int]] = {}
    start = time.monotonic()

    def show(task: Task) -> None:
        now = (task.state, task.progress)
        if last.get(task.id) != now:
            last[task.id] = now
            elapsed = time.monotonic() - start
            print(f"{task.id} {task.state} {task.progress} % {elapsed:.1f} s", file=sys.stderr, flush=True)

    return show
