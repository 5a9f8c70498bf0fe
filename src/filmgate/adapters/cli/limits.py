"""Commands about the rules of applications, for admins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from filmgate.adapters.cli import options, output
from filmgate.adapters.cli.errors import CommandExit, Exit
from filmgate.adapters.cli.tables import show as show_list
from filmgate.adapters.cli.usage import credits_of
from filmgate.domain.periods import Period

if TYPE_CHECKING:
    from filmgate.client import Standing

commands = typer.Typer(help="Show and set the limits of applications.", rich_markup_mode=None)

_RULES = ("task_days", "media_days", "media_bytes", "credits", "credits_per")
_HEAD = ("application", "tasks", "media", "bytes", "credits", "balance", "overrides")


def _option(name: str, words: str) -> Any:
    return typer.Option(name, metavar="NUMBER", help=f"{words}; 0 is no limit.", show_default=False)


@commands.command()
def show(url: options.Url = None, key: options.Key = None, as_json: options.Json = False) -> int:
    """Show the rules of all applications and which of them override the defaults."""
    with options.service(url, key) as filmgate:
        found = filmgate.limits()
    if as_json:
        output.emit({"applications": found})
    else:
        show_list(_HEAD, map(_row, found))
    return Exit.DONE


@commands.command("set")
def set_limits(
    application: Annotated[
        str, typer.Argument(metavar="APPLICATION", help="The name or the id of the application.", show_default=False)
    ],
    task_days: Annotated[float | None, _option("--task-days", "Days that a task is kept after its end")] = None,
    media_days: Annotated[float | None, _option("--media-days", "Days that its files are kept")] = None,
    media_bytes: Annotated[int | None, _option("--media-bytes", "Bytes of files that are kept")] = None,
    credits_: Annotated[float | None, _option("--credits", "Credits that tasks may cost")] = None,
    credits_per: Annotated[
        Period | None, typer.Option("--per", help="The period of these credits; total has no end.")
    ] = None,
    default: Annotated[
        list[str] | None,
        typer.Option(
            "--default", metavar="RULE", help=f"Use the default again for a rule: {', '.join(_RULES)}. Repeat it."
        ),
    ] = None,
    url: options.Url = None,
    key: options.Key = None,
    as_json: options.Json = False,
) -> int:
    """Set rules of an application. Rules that you do not name stay as they are.

    Lowering a limit below current usage deletes the oldest files and tasks within
    a minute.
    """
    values = (task_days, media_days, media_bytes, credits_, credits_per)
    changes: Any = {name: value for name, value in zip(_RULES, values, strict=True) if value is not None}
    for name in default or ():
        if name not in _RULES or name in changes:
            raise CommandExit(f"--default {name}: this is no rule, or it is set too", Exit.USAGE, code="bad_request")
        changes[name] = None
    if not changes:
        raise CommandExit("no rule is given", Exit.USAGE, code="bad_request", hint="See `filmgate limits set --help`.")
    with options.service(url, key) as filmgate:
        standing = filmgate.set_limits(application, **changes)
    if as_json:
        output.emit(standing)
    else:
        show_list(_HEAD, [_row(standing)])
    return Exit.DONE


def _row(standing: Standing) -> tuple[str, ...]:
    rules = standing.limits
    own = [name for name in _RULES if getattr(standing.own, name) is not None]
    return (
        standing.application,
        _days(rules.task_days),
        _days(rules.media_days),
        output.megabytes(rules.media_bytes) if rules.media_bytes else "all",
        f"{rules.credits:g} per {rules.credits_per}" if rules.credits else "no limit",
        credits_of(standing),
        ", ".join(own) or "-",
    )


def _days(count: float) -> str:
    return f"{count:g} days" if count else "no limit"
