"""What a check has found."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Level(StrEnum):
    """How bad it is: good, worth knowing, or something that does not work or will be lost."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


class Finding(msgspec.Struct, frozen=True):
    """One thing that was looked at: what was found, and, unless it is good, why it matters and what to do."""

    check: str
    level: Level
    found: str
    why: str = ""
    do: str = ""


def ok(check: str, found: str) -> Finding:
    """Create a finding of something that is as it should be."""
    return Finding(check, Level.OK, found)


def warning(check: str, found: str, why: str, do: str) -> Finding:
    """Create a finding of something that may become a problem."""
    return Finding(check, Level.WARNING, found, why, do)


def problem(check: str, found: str, why: str, do: str) -> Finding:
    """Create a finding of something that does not work."""
    return Finding(check, Level.PROBLEM, found, why, do)
