"""The command that agents start: MCP over its standard input and output."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, overload

import typer

from filmgate.adapters.cli import options
from filmgate.adapters.cli.errors import CommandExit, Exit, stop_for

if TYPE_CHECKING:
    from filmgate.adapters.cli.mcp.locate import ServiceLocator


def mcp(
    url: options.Url = None,
    key: options.Key = None,
    data: options.Data = None,
    allow_folder: Annotated[
        list[Path] | None,
        typer.Option(
            "--allow-folder",
            metavar="DIR",
            help="Let the agent read the files in it. Repeatable.",
        ),
    ] = None,
    save_folder: Annotated[
        Path | None,
        typer.Option("--save-folder", metavar="DIR", help="Let the agent save results in it, as new files."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Write errors in the options as JSON to stderr.")] = False,
) -> int:
    """Speak MCP on stdin and stdout, for an agent that starts this command.

    Without --url, and where none answers at the default address, a service of its own runs on the data folder until
    stdin ends.
    """
    del as_json  # errors are shown, and shaped by it, where all commands end
    import asyncio

    from filmgate.adapters.cli.mcp.locate import ServiceLocator
    from filmgate.client import FilmgateClientError

    try:
        asyncio.run(_run(ServiceLocator(url, key, data), _folders(allow_folder), _folder(save_folder)))
    except FilmgateClientError as error:
        raise stop_for(error) from error
    return Exit.DONE


def _folders(given: list[Path] | None) -> list[str]:
    return [_folder(folder) for folder in given or ()]


@overload
def _folder(given: None) -> None: ...
@overload
def _folder(given: Path) -> str: ...
def _folder(given: Path | None) -> str | None:
    """Return an allowed folder. Raises CommandExit for a path that is no folder."""
    if given is not None and not given.is_dir():
        raise CommandExit(f"{given} is not a folder", Exit.USAGE, code="bad_folder")
    return None if given is None else str(given)


async def _run(place: ServiceLocator, allowed: list[str], save: str | None) -> None:
    from filmgate.adapters.cli.mcp.proxy import Proxy
    from filmgate.adapters.cli.mcp.stdio import lines, writer

    try:
        with writer() as write:
            await Proxy(place, write, allowed=allowed, save=save).run(lines())
    finally:
        await place.close()
