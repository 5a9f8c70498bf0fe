"""Seeing tasks through: waiting for them, saving what they made, and saying how they ended."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filmgate.adapters.cli import output
from filmgate.adapters.cli.errors import CommandExit, Exit, interruption, task_failure
from filmgate.adapters.cli.progress import progress

if TYPE_CHECKING:
    from filmgate.client import Filmgate, Task


def follow(
    filmgate: Filmgate, task_ids: Sequence[str], *, timeout: float | None, save: Path | None, quiet: bool
) -> list[Task]:
    """Return the tasks at their ends, the first one's video saved if it has one. Raises Stop when interrupted."""
    until = None if timeout is None else time.monotonic() + timeout
    ended: list[Task] = []
    try:
        with progress(quiet=quiet) as show:
            for task_id in task_ids:
                left = None if until is None else max(0.0, until - time.monotonic())
                ended.append(filmgate.wait(task_id, timeout=left, on_progress=show))
        if save is not None and ended[0].completed:
            _save(filmgate, ended[0], save)
    except KeyboardInterrupt as error:
        raise interruption(
            task_ids[min(len(ended), len(task_ids) - 1)], *(() if save is None else ("-o", str(save)))
        ) from error
    return ended


def report(tasks: Sequence[Task], *, save: Path | None, as_json: bool, named: bool = False) -> Exit:
    """Print how tasks ended; `named`: its id has been printed already."""
    if as_json:
        documents = [_document(task, save) for task in tasks]
        output.emit(documents[0] if len(documents) == 1 else documents)
    else:
        for task in tasks:
            saved = save if task.completed else None
            text = output.lines(output.files(task, saved)) if named else f"{task.id}\n{output.describe(task, saved)}"
            if text:
                print(text)
    return complaints([task_failure(task) for task in tasks if not task.completed], as_json=as_json)


def complaints(stops: Sequence[CommandExit], *, as_json: bool) -> Exit:
    """Print the errors of some of several tasks and return the exit code of the first."""
    for stop in stops:
        output.complain(stop, as_json=as_json)
    return stops[0].exit_code if stops else Exit.DONE


def _document(task: Task, save: Path | None) -> dict[str, Any]:
    document = output.document(task)
    if save is not None and task.completed:
        document["saved"] = str(save)
    return document


def _save(filmgate: Filmgate, task: Task, path: Path) -> None:
    try:
        filmgate.download(task, path)
    except OSError as error:
        raise CommandExit(
            f"the video of task {task.id} cannot be saved as {path}: {error.strerror}",
            Exit.FAILED,
            code="bad_output",
            hint=f"Save it elsewhere with: filmgate wait {task.id} -o FILE",
            task_id=task.id,
        ) from error
