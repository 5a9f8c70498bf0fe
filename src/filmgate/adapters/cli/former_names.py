"""Former names of commands: each ends with exit code 2 and names the command that replaced it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

import typer

from filmgate.adapters.cli.errors import CommandExit, Exit

_ANYTHING: dict[str, Any] = {"ignore_unknown_options": True, "allow_extra_args": True}


def add_renamed(group: typer.Typer, former: str, command: str) -> None:
    """Add a hidden command under a former name; its last word is the name in the group."""
    name = former.rpartition(" ")[2]
    group.command(name, hidden=True, add_help_option=False, context_settings=_ANYTHING)(_refusal(former, command))


def _refusal(former: str, command: str) -> Callable[[], NoReturn]:
    def refuse() -> NoReturn:
        raise CommandExit(
            f"`filmgate {former}` is now `filmgate {command}`.",
            Exit.USAGE,
            code="renamed",
            hint=f"See `filmgate {command} --help`.",
        )

    return refuse
