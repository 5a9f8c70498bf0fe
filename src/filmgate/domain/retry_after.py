"""The Retry-After header: when to come back, as it is read and as it is written."""

from __future__ import annotations

import math
import re
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Final

SECONDS: Final = re.compile(r"[0-9]{1,300}(?:\.[0-9]{0,300})?")
"""A number of seconds, or of milliseconds, as senders write it."""


def parse_retry_after(value: str, now: float, most: float = math.inf) -> float | None:
    """Return the seconds to wait, None for a value that is neither a number up to `most` nor a date.

    A date is compared with `now`, in unix seconds; one that has passed means 0.
    """
    text = value.strip()
    if SECONDS.fullmatch(text):
        seconds = float(text)
        return seconds if seconds <= most else None
    until = parse_http_date(text)
    return None if until is None else max(0.0, until - now)


def parse_http_date(value: str) -> float | None:
    """Return a date of HTTP in unix seconds, None for anything else. Without a time zone it is in UTC."""
    try:
        moment = parsedate_to_datetime(value)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def retry_after_header(seconds: float) -> tuple[bytes, bytes]:
    """Return the header that asks a client to come back in so many seconds, rounded up."""
    return b"retry-after", b"%d" % math.ceil(seconds)
