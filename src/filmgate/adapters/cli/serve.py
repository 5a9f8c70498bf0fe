"""The command that runs the service."""

from __future__ import annotations

from typing import Annotated

import typer

from filmgate.adapters.cli import options
from filmgate.adapters.cli.configuration import settings


def serve(
    host: Annotated[
        str | None,
        typer.Option(
            "--host", metavar="ADDRESS", help="The address to listen on. Default: FILMGATE_HOST or 127.0.0.1."
        ),
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(
            "--port",
            metavar="NUMBER",
            help="The port to listen on; 0 takes a free one. Default: FILMGATE_PORT or 8484.",
        ),
    ] = None,
    data: options.Data = None,
    database: options.Database = None,
    workers: Annotated[
        int | None,
        typer.Option(
            "--workers", metavar="NUMBER", help="The number of videos rendered at once. Default: FILMGATE_WORKERS or 1."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Write errors in the options as JSON to stderr.")] = False,
) -> int:
    """Run the service until it is interrupted.

    Flags win over the FILMGATE_… environment variables, and those over `filmgate.toml`.
    """
    del as_json  # errors are shown, and shaped by it, where all commands end
    chosen = settings(warn=True, host=host, port=port, data=data, database=database, workers=workers)
    from filmgate import app

    return app.serve(chosen)
