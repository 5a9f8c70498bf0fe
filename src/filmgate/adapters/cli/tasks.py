"""Commands about existing tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from filmgate.adapters.cli import options, output
from filmgate.adapters.cli.errors import CommandExit, Exit, stop_for
from filmgate.adapters.cli.follow import complaints, follow, report
from filmgate.adapters.cli.prompts import confirm
from filmgate.adapters.cli.tables import caption, show
from filmgate.domain.states import State

if TYPE_CHECKING:
    from filmgate.client import Task


def get(
    task_ids: options.TaskIds, url: options.Url = None, key: options.Key = None, as_json: options.Json = False
) -> int:
    """Show tasks as they are now.

    With --json one task is one object; several are a list, in which unknown ones are left out.
    """
    from filmgate.client import NotFound

    found, missing = [], []
    with options.service(url, key) as filmgate:
        for task_id in task_ids:
            try:
                found.append(filmgate.get(task_id))
            except NotFound as error:
                error.message = f"{task_id}: {error.message}"
                missing.append(stop_for(error))
    if as_json and (found or len(task_ids) > 1):
        documents = [output.document(task) for task in found]
        output.emit(documents if len(task_ids) > 1 else documents[0])
    elif not as_json:
        for task in found:
            print(f"{task.id}\n{output.describe(task)}")
    return complaints(missing, as_json=as_json)


def wait(
    task_ids: options.TaskIds,
    timeout: options.Timeout = None,
    save: options.Save = None,
    url: options.Url = None,
    key: options.Key = None,
    as_json: options.Json = False,
) -> int:
    """Wait for the end of tasks and show their progress.

    Their links follow, and the exit code says whether all of them completed.
    """
    options.check_output(save)
    if save is not None and len(task_ids) > 1:
        raise CommandExit(
            "-o saves the video of one task: give one id.", Exit.USAGE, code="bad_request", field="output"
        )
    with options.service(url, key) as filmgate:
        ended = follow(filmgate, task_ids, timeout=timeout, save=save, quiet=as_json)
        return report(ended, save=save, as_json=as_json)


def list_tasks(
    limit: Annotated[int, typer.Option("--limit", min=1, help="The number of tasks to show, at most.")] = 20,
    offset: Annotated[int, typer.Option("--offset", min=0, help="The number of newest tasks to skip.")] = 0,
    state: Annotated[
        State | None, typer.Option("--state", help="Show only tasks in this state. Default: all states.")
    ] = None,
    url: options.Url = None,
    key: options.Key = None,
    as_json: options.Json = False,
) -> int:
    """List tasks, the newest first.

    In a terminal this is a table, else one task per line with tabs between the fields.
    """
    with options.service(url, key) as filmgate:
        page = filmgate.list(limit=limit, offset=offset, state=state)
    if as_json:
        output.emit(page)
    else:
        show(
            ("id", "state", "done", "created", "model", "remarks", "prompt"),
            map(_row, page.tasks),
            cut="prompt",
            caption=caption(len(page.tasks), page.total),
        )
    return Exit.DONE


def cancel(
    task_id: options.TaskId, url: options.Url = None, key: options.Key = None, as_json: options.Json = False
) -> int:
    """End an unfinished task.

    One that has ended before stays as it is, and the exit code is 1.
    """
    with options.service(url, key) as filmgate:
        task = filmgate.cancel(task_id)
    if as_json:
        output.emit(output.document(task))
    cancelled = task.failure is not None and task.failure.code == "cancelled"
    if not cancelled:
        raise CommandExit(
            f"task {task.id} had ended before: {task.state}", Exit.FAILED, code="conflict", task_id=task.id
        )
    if not as_json:
        print(f"{task.id} cancelled")
    return Exit.DONE


def delete(
    task_id: options.TaskId,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
    url: options.Url = None,
    key: options.Key = None,
    as_json: options.Json = False,
) -> int:
    """Delete a task and its files.

    This asks for confirmation unless --yes is given.
    """
    if not yes:
        confirm(f"Delete task {task_id} and its files?", "Nothing was deleted.")
    with options.service(url, key) as filmgate:
        filmgate.delete(task_id)
    if as_json:
        output.emit({"id": task_id, "deleted": True})
    else:
        print(f"{task_id} deleted")
    return Exit.DONE


def _row(task: Task) -> tuple[str, ...]:
    remarks = ", ".join(word for word, true in (("preview", task.preview), ("changed", task.adjustments)) if true)
    return task.id, task.state, f"{task.progress}%", task.created_at or "", task.model or "", remarks, task.prompt
