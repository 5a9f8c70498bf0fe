"""How Luma's own two APIs say no, beyond what the status of an answer says."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from filmgate.adapters.dialects import answers
from filmgate.adapters.dialects.upstreams import Told, decoded
from filmgate.ports.line import Reply

_MODERATION: Final = "moderation"
_REFUSED: Final = ("moderat", "blacklist")
_UNPAID: Final = ("insufficient credit", "insufficient balance", "insufficient fund")
_EARLIER: Final = ("generation", "task", "video", "frame", "source")


def read_error(status: int, value: Any, *, earlier: bool = False) -> Told:
    """Read an error. `earlier` says whether the request named an earlier generation, which may be what is not found.

    A sentence that says nothing of one is what a server answers below a wrong base address.
    """
    told = _judged(answers.told(status, value))
    said = (told.message or "").lower()
    unknown = earlier and status == 404 and any(word in said for word in _EARLIER)
    return told._replace(verdict=unknown or (status == 403 and told.code == _MODERATION))


def read_reason(reason: object, code: object = None) -> Told:
    """Read why a generation failed."""
    return _judged(answers.told(0, {"detail": reason, "code": code}))


def paid(reply: Reply) -> Reply:
    """Give an answer to a submit; one that says that the balance is too low has the status 402, whatever it had.

    With another status it would be taken for a verdict on the request, which another account could well serve.
    """
    if 400 <= reply.status < 500:
        said = (answers.told(reply.status, decoded(reply)).message or "").lower()
        if any(words in said for words in _UNPAID):
            return msgspec.structs.replace(reply, status=402)
    return reply


def _judged(told: Told) -> Told:
    """Give what was told; refused content is known by the words for it."""
    refused = any(word in (told.message or "").lower() for word in _REFUSED)
    return told._replace(code=_MODERATION) if refused else told


__all__ = ["paid", "read_error", "read_reason"]
