"""The options that several commands share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from filmgate.adapters.cli.errors import CommandExit, Exit, stop_for
from filmgate.domain.sizes import ASPECT_RATIOS, DEFAULT_ASPECT_RATIO, DEFAULT_SECONDS, MAX_SECONDS, RESOLUTIONS

if TYPE_CHECKING:
    from filmgate.client import Filmgate

Json = Annotated[bool, typer.Option("--json", help="Write one JSON document to stdout, and errors as JSON to stderr.")]
Url = Annotated[
    str | None,
    typer.Option(
        "--url",
        metavar="URL",
        envvar="FILMGATE_URL",
        help="The address of the service. Default: http://127.0.0.1:8484.",
    ),
]
Key = Annotated[
    str | None,
    typer.Option(
        "--key",
        metavar="KEY",
        envvar="FILMGATE_API_KEY",
        help="The API key. Default: for a service on this machine, the one in DATA/first-key.",
    ),
]
Data = Annotated[
    Path | None, typer.Option("--data", metavar="DIR", help="The data folder. Default: FILMGATE_DATA or filmgate-data.")
]
Database = Annotated[
    str | None,
    typer.Option(
        "--database", metavar="URL", help="The address of a database. Default: the ledger in the data folder."
    ),
]
TaskId = Annotated[str, typer.Argument(metavar="ID", help="The id of the task.", show_default=False)]
TaskIds = Annotated[list[str], typer.Argument(metavar="ID...", help="The ids of the tasks.", show_default=False)]
Wait = Annotated[bool, typer.Option("--wait", help="Wait for the end of the task and show its progress.")]
Save = Annotated[
    Path | None,
    typer.Option("-o", "--output", metavar="FILE", help="Save the video in this file; this waits for the end."),
]
Timeout = Annotated[
    float | None,
    typer.Option(
        "--timeout",
        metavar="SECONDS",
        min=0,
        help="Stop waiting after this many seconds. The task continues. Default: no limit.",
    ),
]
AspectRatio = Annotated[
    str | None,
    typer.Option(
        "--aspect-ratio",
        metavar="W:H",
        help=f"The shape of the frame: {', '.join(ASPECT_RATIOS)}. Default: {DEFAULT_ASPECT_RATIO}.",
    ),
]
Resolution = Annotated[
    str | None,
    typer.Option("--resolution", metavar="NAME", help=f"{', '.join(RESOLUTIONS)}. Default: the engine's usual size."),
]
Duration = Annotated[
    int | None,
    typer.Option(
        "--duration", metavar="SECONDS", help=f"Whole seconds, 1 to {MAX_SECONDS}. Default: {DEFAULT_SECONDS}."
    ),
]
Loop = Annotated[bool, typer.Option("--loop", help="Make the clip loop.")]
Strict = Annotated[
    bool, typer.Option("--strict", help="Reject the request if a value would be changed, instead of reporting it.")
]
Model = Annotated[
    str | None, typer.Option("--model", metavar="NAME", help="The model to use. Default: the service's own choice.")
]


@contextmanager
def service(url: str | None, key: str | None) -> Iterator[Filmgate]:
    """Open the client; its errors end the command."""
    from stamina.instrumentation import set_on_retry_hooks

    from filmgate.client import Filmgate, FilmgateClientError

    set_on_retry_hooks([])  # they would write to stdout, which belongs to the command's result
    try:
        with Filmgate(url, key) as filmgate:
            yield filmgate
    except FilmgateClientError as error:
        raise stop_for(error) from error


def check_output(path: Path | None) -> None:
    """Raise Stop if nothing could be saved there, before anything is made that is to be saved."""
    if path is None:
        return
    try:
        reason = _unusable(path)
    except OSError as error:
        reason = f"cannot be used ({error.strerror})"
    if reason is not None:
        raise CommandExit(
            f"{path} {reason}: the video cannot be saved there", Exit.USAGE, code="bad_output", field="output"
        )


def _unusable(path: Path) -> str | None:
    folder = path.absolute().parent
    if not folder.is_dir():
        return "is in a folder that does not exist"
    if path.exists() and not path.is_file():
        return "is not a file"
    return None if os.access(folder, os.W_OK) else "is in a folder that may not be written to"
