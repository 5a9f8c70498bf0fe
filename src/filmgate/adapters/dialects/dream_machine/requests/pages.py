"""The parameters of a list of generations."""

from __future__ import annotations

from typing import Final

from filmgate.domain.errors import InvalidRequest
from filmgate.ports.tasks import TaskFilter

MAX_PAGE: Final = 100
"""Generations in one page of a list, at most."""

_PAGE: Final = 10
_MAX_OFFSET: Final = 2**31


def parse_listing(limit: str | None, offset: str | None) -> TaskFilter:
    """Read the parameters of a list, which has the newest first. Raises InvalidRequest."""
    return TaskFilter(
        limit=_whole(limit, "limit", _PAGE, 1, MAX_PAGE),
        offset=_whole(offset, "offset", 0, 0, _MAX_OFFSET),
    )


def _whole(text: str | None, field: str, default: int, least: int, most: int) -> int:
    if text is None:
        return default
    number = int(text) if text.isascii() and text.isdigit() and len(text) <= 10 else -1
    if not least <= number <= most:
        raise InvalidRequest(f"{field} must be a whole number from {least} to {most}", field=field)
    return number
