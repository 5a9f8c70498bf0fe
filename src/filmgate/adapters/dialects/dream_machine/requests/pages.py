"""The parameters of a list of generations."""

from __future__ import annotations

from typing import Final

from filmgate.adapters.dialects.serving.codec import parse_whole
from filmgate.ports.tasks import TaskFilter

MAX_PAGE: Final = 100
"""Generations in one page of a list, at most."""

_PAGE: Final = 10
_MAX_OFFSET: Final = 2**31


def parse_listing(limit: str | None, offset: str | None) -> TaskFilter:
    """Read the parameters of a list, which has the newest first. Raises InvalidRequest."""
    return TaskFilter(
        limit=parse_whole(limit, "limit", _PAGE, 1, MAX_PAGE),
        offset=parse_whole(offset, "offset", 0, 0, _MAX_OFFSET),
    )
