"""The marks by which a provider's listed task is known as ours, or as somebody else's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from filmgate.adapters.dialects.calling.lenient import mapping, text
from filmgate.ports.provider import Submission

_FIELDS: Final = ("callback_url", "notify_hook", "idempotency_key")
"""Fields where clients put marks of their own: a mark that is not ours is another client's."""


def is_ours(listed: Mapping[str, Any], submission: Submission) -> bool | None:
    """Return True for a task that echoes our mark, False for one with somebody else's, None for one without any.

    The mark is the submit key, wherever it is echoed: it is random, and was sent to this provider alone. A prompt
    cannot hold it, for no client is ever told of it.
    """
    if any(_holds(value, submission) for value in _strings(listed)):
        return True
    spots = (listed, mapping(listed.get("request")))
    return False if any(text(spot.get(field)) for spot in spots for field in _FIELDS) else None


def _holds(value: str, submission: Submission) -> bool:
    # The address may be of an earlier public URL, or have grown a query on its way: the key within is what counts.
    return value in (submission.key, submission.callback_url) or f"/{submission.key}" in value


def _strings(value: Any) -> Iterator[str]:
    """Return every text in a JSON value, however deep it is."""
    left = [value]
    while left:
        match left.pop():
            case str() as found:
                yield found
            case dict() as found:
                left += found.values()
            case list() as found:
                left += found
