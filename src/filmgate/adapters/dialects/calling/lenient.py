"""Readers of values from other services: a value of a wrong type or form counts as missing."""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

Read = TypeVar("Read")

_MILLISECONDS: Final = 1e11
"""Unix times above this are taken for milliseconds: as seconds they lie after the year 5000."""

_LAST: Final = 1e14
_DIGITS: Final = 20

_PERCENT: Final = re.compile(r"\s*([0-9]{1,9}(?:\.[0-9]{0,9})?)\s*%?\s*")
_IDENTITY: Final = re.compile(r"[\x21-\x7e]{1,256}")
_NOBODY: Final = frozenset({"null", "none", "nil", "undefined"})
"""Words that programs write in place of a missing id."""


def first(read: Callable[[Any], Read | None], *values: Any) -> Read | None:
    """Return the first of several values that can be read."""
    return next((found for found in map(read, values) if found is not None), None)


def text(value: object) -> str | None:
    """Return a text that says something."""
    return value.strip() or None if isinstance(value, str) else None


def name(value: object) -> str | None:
    """Return an id: a text, or a whole number as one."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value) if 0 <= value < 10**_DIGITS else None
    return text(value)


def identity(value: object) -> str | None:
    """Return the id of a task; None for values that are no id, such as 0, "null" or a sentence."""
    found = name(value)
    if found is None or value == 0 or found.lower() in _NOBODY or not _IDENTITY.fullmatch(found):
        return None
    return found


def mapping(value: object) -> Mapping[str, Any]:
    """Return an object; an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def items(value: object) -> list[Any]:
    """Return an array; an empty one for anything else."""
    return array(value) or []


def array(value: object) -> list[Any] | None:
    """Return an array, even an empty one; None for anything else."""
    return value if isinstance(value, list) else None


def objects(value: object) -> list[dict[str, Any]]:
    """Return the objects of an array."""
    return [item for item in items(value) if isinstance(item, dict)]


def strings(value: object) -> list[str]:
    """Return the texts of an array."""
    return [item for item in items(value) if isinstance(item, str)]


def number(value: Any) -> float | None:
    """Read a number above 0, "4" or 4; None for anything else, infinity included."""
    try:
        found = float(name(value) or value or 0)
    except (ValueError, TypeError, OverflowError):
        return None
    return found if 0 < found < math.inf else None


def percent(value: object) -> int | None:
    """Read progress, from 0 to 100: 30, 30.5, "30" or "30%"; what lies between 0 and 1 is a fraction."""
    written = _PERCENT.fullmatch(value) if isinstance(value, str) else None
    number = float(written[1]) if written else value
    if isinstance(number, bool) or not isinstance(number, int | float):
        return None
    if written is None and 0 < number < 1:
        number *= 100
    return int(min(100, max(0, number)))


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
