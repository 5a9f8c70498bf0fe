"""How long a query is to wait for the end of a task, as requests say it."""

from __future__ import annotations

from typing import Final, NamedTuple

import msgspec

from filmgate.domain.errors import InvalidRequest

MAX_HOLD: Final = 50.0
"""Seconds a query may wait for the end of a task, at most: less than what proxies cut off."""


class Hold(NamedTuple):
    """For how many seconds to wait; `preferred` says that it was asked for as a preference."""

    seconds: float = 0.0
    preferred: bool = False


NO_HOLD: Final = Hold()


def hold(wait: str | None, prefer: str | None) -> Hold:
    """Read the parameter `wait` and the header `Prefer`, of which the first counts. Raises InvalidRequest."""
    if wait is not None:
        return Hold(_seconds(wait, "wait"))
    for preference in (prefer or "").split(","):
        name, _, value = preference.partition(";")[0].partition("=")
        if name.strip().lower() == "wait":
            return Hold(_seconds(value.strip().strip('"'), "Prefer: wait"), preferred=True)
    return NO_HOLD


def _seconds(text: str, field: str) -> float:
    try:
        seconds = msgspec.json.decode(text, type=float)
    except (msgspec.MsgspecError, UnicodeError):
        seconds = -1.0
    if not 0 <= seconds <= MAX_HOLD:
        raise InvalidRequest(f"{field} must be 0 to {MAX_HOLD:g} seconds", field="wait")
    return seconds
