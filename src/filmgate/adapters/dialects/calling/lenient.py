"""Reads what other services tell: a value that is not what it should be is as good as none."""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping
from typing import Any, Final

_MILLISECONDS: Final = 1e11
"""Unix times above this are taken for milliseconds: as seconds they lie after the year 5000."""

_LAST: Final = 1e14
_DIGITS: Final = 20

_IDENTITY: Final = re.compile(r"[\x21-\x7e]{1,256}")
_NOBODY: Final = frozenset({"null", "none", "nil", "undefined"})
"""What programs write where they have no id."""


def text(value: object) -> str | None:
    """Return a text that says something."""
    return value.strip() or None if isinstance(value, str) else None


def name(value: object) -> str | None:
    """Return an id: a text, or a whole number as one."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value) if 0 <= value < 10**_DIGITS else None
    return text(value)


def identity(value: object) -> str | None:
    """Return the id of a task; None for what no task is called, such as 0, "null" or a sentence."""
    found = name(value)
    if found is None or value == 0 or found.lower() in _NOBODY or not _IDENTITY.fullmatch(found):
        return None
    return found


def mapping(value: object) -> Mapping[str, Any]:
    """Return an object; an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def items(value: object) -> list[Any]:
    """Return an array; an empty one for anything else."""
    return value if isinstance(value, list) else []


def moment(value: object) -> float | None:
    """Read a time in unix seconds, from RFC 3339 or from a number of seconds or milliseconds.

    Without an offset it is in UTC. The zero times of programming languages are no time.
    """
    if isinstance(value, str):
        value = _parse_time(value.strip())
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value < _LAST:
        return None
    return value / 1000 if value > _MILLISECONDS else float(value)


def _parse_time(written: str) -> float | None:
    try:
        read = datetime.datetime.fromisoformat(written)
    except ValueError:
        return None
    return (read if read.tzinfo else read.replace(tzinfo=datetime.UTC)).timestamp()
