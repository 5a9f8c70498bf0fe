"""Commands about requests with an unknown outcome."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from filmgate.adapters.cli import options, output
from filmgate.adapters.cli.errors import CommandExit, Exit
from filmgate.adapters.cli.prompts import confirm
from filmgate.adapters.cli.tables import show

if TYPE_CHECKING:
    from filmgate.client import Decision, UnknownSubmit

commands = typer.Typer(rich_markup_mode=None)


@commands.callback(invoke_without_command=True)
def list_unknown(
    context: typer.Context, url: options.Url = None, key: options.Key = None, as_json: options.Json = False
) -> int:
    """List requests with an unknown outcome.

    Their providers did not say whether they accepted them. Decide with `filmgate unknown resolve`; a task without a
    decision fails at the time under "ends". A candidate is a generation at the provider with the same prompt and time,
    which may be somebody else's. The list has the tasks of all applications, the oldest first.
    """
    if context.invoked_subcommand is not None:
        _refuse_options(context)
        return Exit.DONE
    with options.service(url, key) as filmgate:
        found = filmgate.unknown_submits()
    if as_json:
        output.emit({"submits": found})
    else:
        head = ("id", "engine", "submitted", "age", "ends", "looked up", "candidates", "prompt")
        show(head, map(_row, found), cut="prompt")
    return Exit.DONE


@commands.command()
def resolve(
    task_id: options.TaskId,
    accepted: Annotated[
        str | None,
        typer.Option("--accepted", metavar="ID", help="The provider accepted it under this id: poll it from now on."),
    ] = None,
    submit_again: Annotated[
        bool, typer.Option("--submit-again", help="Send the request again. The provider may charge it twice.")
    ] = False,
    fail: Annotated[bool, typer.Option("--fail", help="End the task as failed.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
    url: options.Url = None,
    key: options.Key = None,
    as_json: options.Json = False,
) -> int:
    """Resolve a request with an unknown outcome.

    Give one of --accepted, --submit-again and --fail. Before something may be charged twice this asks, unless --yes is
    given.
    """
    decision, done = _decision(accepted, submit_again=submit_again, fail=fail)
    if submit_again and not yes:
        confirm(
            f"The provider may have accepted task {task_id}, and would charge it twice. Submit it again?",
            "Nothing was submitted.",
        )
    with options.service(url, key) as filmgate:
        task = filmgate.decide(task_id, decision, accepted)
    if as_json:
        output.emit(output.document(task))
    else:
        print(f"{task.id} {done}")
    return Exit.DONE


def _decision(accepted: str | None, *, submit_again: bool, fail: bool) -> tuple[Decision, str]:
    """Return the one decision that was given, and the words for it once it is carried out."""
    given: list[tuple[Decision, str]] = []
    if accepted is not None:
        given.append(("accepted", f"accepted as {output.printable(accepted)}"))
    if submit_again:
        given.append(("submit_again", "is submitted again"))
    if fail:
        given.append(("fail", "failed"))
    if len(given) != 1:
        raise CommandExit("Give one of --accepted, --submit-again and --fail.", Exit.USAGE, code="bad_request")
    return given[0]


def _refuse_options(context: typer.Context) -> None:
    """Raise Stop for options between the group and its command: they would not count."""
    for name in context.params:
        source = context.get_parameter_source(name)
        if source is not None and source.name == "COMMANDLINE":
            raise CommandExit("Options stand behind the name of the command.", Exit.USAGE, code="usage")


def _row(submit: UnknownSubmit) -> tuple[str, ...]:
    candidates = ", ".join(each.id for each in submit.candidates) or "-"
    times = submit.submitted_at or "-", f"{submit.age / 3600:.1f} h", submit.ends_at or "-"
    return submit.id, submit.engine, *times, str(submit.lookups), candidates, submit.prompt
