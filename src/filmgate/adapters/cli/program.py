"""All commands, and how a command's end becomes the end of the process."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence
from typing import Annotated, TextIO

import typer

from filmgate import __version__
from filmgate.adapters.cli import (
    backup,
    doctor,
    engines,
    former_names,
    generate,
    import_tasks,
    keys,
    limits,
    models,
    output,
    serve,
    tasks,
    unknown,
    usage,
    webhooks,
)
from filmgate.adapters.cli.errors import EXIT_CODES, CommandExit, Exit
from filmgate.adapters.cli.mcp import command

app = typer.Typer(
    help="Create videos, follow their tasks, and run the Filmgate service.",
    epilog=EXIT_CODES,
    rich_markup_mode=None,  # plain help needs a third less of the time
    pretty_exceptions_enable=False,
)
app.command()(serve.serve)
app.command()(generate.generate)
app.command()(generate.extend)
app.command()(tasks.get)
app.command()(tasks.wait)
app.command("list")(tasks.list_tasks)
app.command()(tasks.cancel)
app.command()(tasks.delete)
app.add_typer(webhooks.commands, name="webhooks")
app.command()(usage.usage)
app.add_typer(limits.commands, name="limits")
app.command()(engines.engines)
app.command()(models.models)
app.command("import")(import_tasks.import_tasks)
app.add_typer(unknown.commands, name="unknown")
app.command()(command.mcp)
app.add_typer(keys.commands, name="keys")
app.command()(backup.backup)
app.command()(backup.restore)
app.command()(doctor.doctor)
former_names.add_renamed(app, "callbacks", "webhooks")
former_names.add_renamed(app, "adopt", "import")
former_names.add_renamed(unknown.commands, "unknown decide", "unknown resolve")


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"filmgate {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def _root(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Take the options that stand before the command; show the help if there is none."""
    del version
    if context.invoked_subcommand is None:
        print(context.get_help())


def run(arguments: Sequence[str] | None = None) -> int:
    """Run a command and give the exit code; what can be expected to go wrong is said without a traceback."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    _forgive(sys.stdout, sys.stderr)
    try:
        result = app(given, prog_name="filmgate", standalone_mode=False)
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read the output has gone; what is left of it must not fail once more at the very end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.FAILED
    except CommandExit as stop:
        return _end(stop, given)
    except typer.Abort:
        return _end(CommandExit("Nothing was done.", Exit.FAILED, code="not_confirmed"), given)
    except typer.TyperException as error:
        return _report_misuse(error, given)
    return int(result or Exit.DONE)


def _forgive(*streams: TextIO) -> None:
    """Let letters that a terminal cannot show be replaced instead of ending the command."""
    for stream in streams:
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def _end(stop: CommandExit, given: Sequence[str]) -> int:
    output.complain(stop, as_json="--json" in given)
    return stop.exit_code


def _report_misuse(error: typer.TyperException, given: Sequence[str]) -> int:
    context = getattr(error, "ctx", None)
    path = "filmgate" if context is None else context.command_path
    return _end(CommandExit(error.format_message(), Exit.USAGE, code="usage", hint=f"See `{path} --help`."), given)
