"""The requests about files."""

from __future__ import annotations

import math
from typing import Annotated

from pydantic import BeforeValidator, Field

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


def _whole(value: object) -> object:
    """Return 5 for 5.0, as JSON does."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


class FileBody(Body):
    """A file that is to be sent. What else says something about it is not kept."""

    mime_type: str = Field(pattern=r"^(image|video)/[A-Za-z0-9.+-]+$", max_length=100)
    size_bytes: Annotated[int, Field(ge=1, le=5 * 2**30), BeforeValidator(_whole)]
