"""Commands that save the data folder and bring it back. They open the ledger themselves."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from filmgate.adapters.cli import options, output
from filmgate.adapters.cli.configuration import settings
from filmgate.adapters.cli.errors import CommandExit, Exit, stopping
from filmgate.modes import restrict

if TYPE_CHECKING:
    from filmgate.domain.settings import Settings
    from filmgate.ops.backup import Manifest, Tell


def backup(
    target: Annotated[
        Path, typer.Argument(metavar="DIR", help="The folder to create. It must not exist.", show_default=False)
    ],
    data: options.Data = None,
    earlier: Annotated[
        Path | None,
        typer.Option("--earlier", metavar="DIR", help="An earlier backup, whose files are linked instead of copied."),
    ] = None,
    as_json: options.Json = False,
) -> int:
    """Write a backup of the ledger and its files; the service may be running.

    On the same disk files are hard links: that is quick, takes no room, and does not help when the disk breaks.
    """
    from filmgate.ops.backup import make_backup

    chosen = _embedded_settings(settings(data=data))
    with _show_progress(quiet=as_json) as tell, stopping():
        manifest = make_backup(chosen.data, target.absolute(), tell, earlier=earlier)
    _report(manifest, {"backup": str(target)}, as_json=as_json)
    return Exit.DONE


def restore(
    source: Annotated[Path, typer.Argument(metavar="BACKUP", help="The folder of the backup.", show_default=False)],
    data: options.Data = None,
    quick: Annotated[bool, typer.Option("--quick", help="Check the sizes of the files, not what is in them.")] = False,
    resubmit: Annotated[
        bool,
        typer.Option("--resubmit", help="Continue all tasks: no request was sent to a provider after the backup."),
    ] = False,
    as_json: options.Json = False,
) -> int:
    """Restore a backup into a new or empty data folder, after checking all of it.

    Tasks that waited to be submitted to a provider may have been submitted after the backup: they are looked up there,
    or wait for `filmgate unknown resolve`.
    """
    from filmgate.ops.restore import restore_backup

    chosen = _embedded_settings(settings(data=data))
    with _show_progress(quiet=as_json) as tell, stopping():
        done = restore_backup(source, chosen, tell, quick=quick, resubmit=resubmit)
    _report(done.manifest, {"data": str(chosen.data), "doubted": done.doubted}, as_json=as_json)
    return Exit.DONE


def _embedded_settings(chosen: Settings) -> Settings:
    if chosen.database is not None:
        raise CommandExit("only the embedded ledger can be backed up", Exit.USAGE, code="bad_request", field="database")
    restrict(group=chosen.group_access)
    return chosen


@contextlib.contextmanager
def _show_progress(*, quiet: bool) -> Iterator[Tell]:
    """Show on a terminal how far it is."""
    if quiet or not sys.stderr.isatty():
        yield lambda *_: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bars:
        rows = {}

        def tell(what: str, done: int, total: int) -> None:
            if what not in rows:
                rows[what] = bars.add_task(what, total=total or None)
            bars.update(rows[what], completed=done)

        yield tell


def _report(manifest: Manifest, more: dict[str, object], *, as_json: bool) -> None:
    from msgspec import to_builtins

    if as_json:
        output.emit({**more, **to_builtins(manifest)})
        return
    facts: list[tuple[str, object]] = [
        *more.items(),
        ("made at", output.moment(manifest.created_at)),
        ("ledger", output.megabytes(manifest.ledger_bytes)),
        ("files", f"{manifest.files}, {output.megabytes(manifest.bytes)}"),
    ]
    print(output.lines(facts))
    for key in manifest.missing:
        print(f"filmgate: the ledger names {key}, which the media store does not have", file=sys.stderr)
