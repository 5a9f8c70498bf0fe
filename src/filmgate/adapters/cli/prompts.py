"""Asking the user before something that cannot be undone."""

from __future__ import annotations

import sys

import typer

from filmgate.adapters.cli.errors import CommandExit, Exit


def confirm(question: str, otherwise: str) -> None:
    """Ask for confirmation. Raises CommandExit with `otherwise` on a no, and without a terminal."""
    if not sys.stdin.isatty():
        raise CommandExit("This is no terminal: confirm with --yes.", Exit.USAGE, code="not_confirmed")
    if not typer.confirm(question, err=True):
        raise CommandExit(otherwise, Exit.FAILED, code="not_confirmed")
