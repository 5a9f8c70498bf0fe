"""The command about what was used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from filmgate.adapters.cli import options, output
from filmgate.adapters.cli.errors import Exit
from filmgate.adapters.cli.tables import show

if TYPE_CHECKING:
    from filmgate.client import Standing, Usage

_HEAD = ("application", "submitted", "completed", "failed", "cancelled", "seconds", "made", "held", "credits", "left")


def usage(
    since: Annotated[
        str | None, typer.Option("--since", metavar="DAY", help="The first day. Default: that of the month.")
    ] = None,
    until: Annotated[
        str | None, typer.Option("--until", metavar="DAY", help="The last day, in UTC. Default: today.")
    ] = None,
    every: Annotated[
        bool, typer.Option("--all", help="Show all applications, one per line. This is for admins.")
    ] = False,
    url: options.Url = None,
    key: options.Key = None,
    as_json: options.Json = False,
) -> int:
    """Show what the key's application has used: tasks, seconds of video, bytes, credits, and failures by code.

    Tasks that have been removed since are counted too. Days are such as 2026-11-22.
    """
    with options.service(url, key) as filmgate:
        found = filmgate.all_usage(since=since, until=until) if every else (filmgate.usage(since=since, until=until),)
    if as_json:
        output.emit({"applications": found} if every else found[0])
    elif every:
        show(_HEAD, map(_row, found))
    else:
        print(_format_used(found[0]))
    return Exit.DONE


def credits_of(standing: Standing) -> str:
    """Write down the credits of an application."""
    told = standing.credits
    if told.limit is None:
        return "no limit"
    renews = "" if told.renews is None else f", as many again on {told.renews}"
    return f"{told.left:g} of {told.limit:g} left{renews}"


def _format_used(used: Usage) -> str:
    total, now = used.total, used.now
    facts: list[tuple[str, object]] = [
        ("days", f"{used.since} to {used.until}"),
        ("submitted", total.submitted),
        ("completed", total.completed),
        ("failed", total.failed),
        *(("", f"{count} {code}") for code, count in used.failures.items()),
        ("cancelled", total.cancelled),
        ("unfinished", now.unfinished),
        ("video", f"{total.seconds:.1f} s"),
        ("made", output.megabytes(total.bytes)),
        ("held", f"{output.megabytes(now.bytes_held)} in {now.files_held} files"),
        ("credits", f"{total.credits:g}"),
        ("balance", credits_of(now)),
    ]
    return f"{now.application}\n{output.lines(facts)}"


def _row(used: Usage) -> tuple[str, ...]:
    total, now = used.total, used.now
    counts = (total.submitted, total.completed, total.failed, total.cancelled)
    return (
        now.application,
        *map(str, counts),
        f"{total.seconds:.1f}",
        output.megabytes(total.bytes),
        output.megabytes(now.bytes_held),
        f"{total.credits:g}",
        "-" if now.credits.left is None else f"{now.credits.left:g}",
    )
