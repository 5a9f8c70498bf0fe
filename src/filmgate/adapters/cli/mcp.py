"""The command that agents start: MCP over its standard input and output."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from filmgate.adapters.cli import options
from filmgate.adapters.cli.exits import Exit, Stop, stop_for

if TYPE_CHECKING:
    from filmgate.adapters.cli.place import Place


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
    as_json: Annotated[bool, typer.Option("--json", help="Write errors in the options as JSON to stderr.")] = False,
) -> int:
    """Speak MCP on stdin and stdout, for an agent that starts this command.

    The service at --url answers. When no address is given and none answers at the default one, a service of its own
    runs on the data folder until stdin ends.
    """
    del as_json  # errors are shown, and shaped by it, where all commands end
    import asyncio

    from filmgate.adapters.cli.place import Place
    from filmgate.client import FilmgateClientError

    try:
        asyncio.run(_run(Place(url, key, data), _folders(allow_folder)))
    except FilmgateClientError as error:
        raise stop_for(error) from error
    return Exit.DONE


def _folders(given: list[Path] | None) -> list[str]:
    """Return the folders that were allowed. Raises Stop for what is none."""
    for folder in given or ():
        if not folder.expanduser().is_dir():
            raise Stop(f"{folder} is not a folder", Exit.USAGE, code="bad_folder", field="allow-folder")
    return [str(folder) for folder in given or ()]


async def _run(place: Place, allowed: list[str]) -> None:
    from filmgate.adapters.cli.bridge import Bridge
    from filmgate.adapters.cli.pipes import lines, writer

    try:
        with writer() as write:
            await Bridge(place, write, allowed=allowed).run(lines())
    finally:
        await place.close()
