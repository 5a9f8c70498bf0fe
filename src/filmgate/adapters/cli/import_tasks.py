"""Import tasks that a provider made before."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from filmgate.adapters.cli import options, output
from filmgate.adapters.cli.errors import CommandExit, Exit, stop_for, task_failure
from filmgate.adapters.cli.follow import complaints, follow

if TYPE_CHECKING:
    from filmgate.client import Filmgate, Task


def import_tasks(
    engine: Annotated[
        str,
        typer.Argument(metavar="ENGINE", help="The provider, by its name in the configuration.", show_default=False),
    ],
    ids: Annotated[
        list[str],
        typer.Argument(
            metavar="ID...", help="The provider's ids of the tasks; - reads ids from stdin.", show_default=False
        ),
    ],
    wait: Annotated[
        bool, typer.Option("--wait", help="Wait for the end of the tasks and show their progress.")
    ] = False,
    timeout: options.Timeout = None,
    url: options.Url = None,
    key: options.Key = None,
    as_json: options.Json = False,
) -> int:
    """Import tasks that a provider made before.

    They become tasks here under the same ids, of the application of the key, and are followed and fetched like any
    other. One that is here already is left as it is. The id and the state of each are printed, with tabs between them;
    with --json they are one list.
    """
    wanted = _read_ids(ids)
    with options.service(url, key) as filmgate:
        found, refused = _import_each(filmgate, engine, wanted, quiet=as_json or wait)
        if wait and found:
            found = follow(filmgate, [task.id for task in found], timeout=timeout, save=None, quiet=as_json)
    if as_json:
        output.emit([output.document(task) for task in found])
    elif wait:
        for task in found:
            print(_line(task))
    ended = [task_failure(task) for task in found if wait and not task.completed]
    return complaints([*refused, *ended], as_json=as_json)


def _import_each(
    filmgate: Filmgate, engine: str, ids: Sequence[str], *, quiet: bool
) -> tuple[list[Task], list[CommandExit]]:
    """Import one after the other, so that one that cannot be does not keep the others back."""
    from filmgate.client import FilmgateClientError

    found: list[Task] = []
    refused: list[CommandExit] = []
    for upstream_id in ids:
        try:
            (task,) = filmgate.import_tasks(engine, [upstream_id])
        except FilmgateClientError as error:
            if error.field != "ids" and error.status != 409:
                raise
            error.message = f"{upstream_id}: {error.message}"
            refused.append(stop_for(error))
            continue
        found.append(task)
        if not quiet:
            print(_line(task), flush=True)
    return found, refused


def _read_ids(ids: Sequence[str]) -> list[str]:
    wanted = list(dict.fromkeys(_read(ids)))
    if not wanted:
        raise CommandExit("there are no ids to import", Exit.USAGE, code="bad_request", field="ids")
    return wanted


def _read(ids: Sequence[str]) -> Iterator[str]:
    for given in ids:
        if given == "-":
            yield from sys.stdin.read().split()
        else:
            yield given


def _line(task: Task) -> str:
    return f"{output.printable(task.id)}\t{task.state}"
