"""The requests about files."""

from __future__ import annotations

import math

from pydantic import Field

from filmgate.adapters.dialects.serving.codec import Body
from filmgate.domain.errors import InvalidRequest


def parse_cursor(cursor: str | None) -> tuple[float, str] | None:
    """Read a cursor: the (created_at, id) behind which to go on. Raises InvalidRequest."""
    if not cursor:
        return None
    time, _, token = cursor.partition("~")
    try:
        created_at = float.fromhex(time)
    except (ValueError, OverflowError):
        created_at = math.nan
    if not math.isfinite(created_at) or not token:
        raise InvalidRequest("cursor must be the next_cursor of an earlier answer", field="cursor")
    return created_at, token


class FileBody(Body):
    """A file that is to be sent. What else says something about it is not kept."""

    mime_type: str = Field(pattern=r"^(image|video)/[A-Za-z0-9.+-]+$", max_length=100)
    size_bytes: int = Field(ge=1, le=5 * 2**30)
