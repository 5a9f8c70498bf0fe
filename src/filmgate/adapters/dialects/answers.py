"""What the answers of providers have in common: their errors, and how far they say a task has come."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

import msgspec

from filmgate.adapters.dialects.loose import items, mapping, name, text
from filmgate.adapters.dialects.upstreams import Told, decoded
from filmgate.ports.line import Reply

Read = TypeVar("Read")

_PERCENT: Final = re.compile(r"\s*([0-9]{1,9}(?:\.[0-9]{0,9})?)\s*%?\s*")


def first(read: Callable[[Any], Read | None], *values: Any) -> Read | None:
    """Give the first of several values that can be read."""
    return next((found for found in map(read, values) if found is not None), None)


def percent(value: object) -> int | None:
    """Read progress, from 0 to 100: 30, 30.5, "30" or "30%"; what lies between 0 and 1 is a fraction."""
    written = _PERCENT.fullmatch(value) if isinstance(value, str) else None
    number = float(written[1]) if written else value
    if isinstance(number, bool) or not isinstance(number, int | float):
        return None
    if written is None and 0 < number < 1:
        number *= 100
    return int(min(100, max(0, number)))


def told(status: int, value: Any) -> Told:
    """Read an error in any of the forms that services write: an object or a text, under `error`, `detail` or bare."""
    del status
    spots = [mapping(value).get("error"), mapping(value).get("detail"), value]
    codes = [mapping(spot).get(key) for spot in spots for key in ("code", "type")]
    return Told(first(name, *codes), first(_sentence, *spots))


def _sentence(spot: object) -> str | None:
    """Give what an error says; of several faults in a request, where the first is and what it is."""
    said = mapping(next(iter(items(spot)), spot))
    words = first(text, spot, *(said.get(key) for key in ("message", "reason", "msg", "fail_reason", "failure_reason")))
    place = items(said.get("loc"))
    return f"{'.'.join(map(str, place))}: {words}" if words and place else words


def restated(reply: Reply, statuses: Mapping[str, int]) -> Reply:
    """Give an answer that refuses the status that its code stands for: the code says more than its own status.

    But a status below 500 is certain that nothing was accepted, and no code makes that doubtful again.
    """
    if reply.status < 300:
        return reply
    status = statuses.get(told(reply.status, decoded(reply)).code or "", reply.status)
    return reply if reply.status < 500 <= status else msgspec.structs.replace(reply, status=status)
