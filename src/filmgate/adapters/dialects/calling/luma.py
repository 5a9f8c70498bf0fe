"""The errors of Luma's own two APIs, beyond the status of an answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from filmgate.adapters.dialects.calling import answers, lenient
from filmgate.adapters.dialects.calling.upstreams import Answers, Code, Meaning, ReportedError, Unknown
from filmgate.domain.states import State
from filmgate.ports.provider import ProviderError, TaskRef

_MODERATION: Final = "moderation"
_REFUSED: Final = ("moderat", "blacklist")
_UNPAID: Final = ("insufficient credit", "insufficient balance", "insufficient fund")
_EARLIER: Final = ("generation", "task", "video", "frame", "source")
_OF_CONTENT: Final = frozenset({400, 403, 422, 451})


def answers_of(states: Mapping[str, State], codes: Mapping[str, Code], unknown: Unknown) -> Answers:
    """Return how one of the two APIs is read: its words for states, its codes and its unknown ids."""
    return Answers(
        read_error=read_error,
        read_codes=answers.read_codes,
        refuses=answers.refuses,
        receipt=_receipt,
        has_state=lambda value: (lenient.text(lenient.mapping(value).get("state")) or "").lower() in states,
        codes=codes,
        unknown=unknown,
    )


def read_error(status: int, value: Any, *, earlier: bool = False) -> ReportedError:
    """Read an error. `earlier`: the request named an earlier generation, which may be the missing one.

    A sentence without one comes from a server below a wrong base address. A balance that is too low
    is trouble of the account whatever the status: another account could well serve the request.
    """
    told = _recognise_moderation(answers.parse_error(status, value))
    said = (told.message or "").lower()
    if 400 <= status < 500 and any(words in said for words in _UNPAID):
        return told._replace(meaning=Meaning.ACCOUNT)
    if told.code == _MODERATION and status in _OF_CONTENT:
        return told._replace(meaning=Meaning.MODERATED)
    if earlier and status == 404 and any(word in said for word in _EARLIER):
        return told._replace(meaning=Meaning.REJECTED)
    return told


def read_reason(reason: object, code: object = None) -> ReportedError:
    """Read why a generation failed."""
    return _recognise_moderation(answers.parse_error(0, {"detail": reason, "code": code}))


def check_subject(told: object, task_id: str) -> Mapping[str, Any]:
    """Return the object of a generation. Raises ProviderError if it is about another one."""
    generation = lenient.mapping(told)
    if not isinstance(told, dict) or lenient.name(generation.get("id")) not in (None, task_id):
        raise ProviderError("The answer is about something else.")
    return generation


def _receipt(value: Any) -> TaskRef | None:
    task_id = lenient.identity(lenient.mapping(value).get("id"))
    return None if task_id is None else TaskRef(task_id)


def _recognise_moderation(told: ReportedError) -> ReportedError:
    """Return the error, as moderation where its words say so."""
    refused = any(word in (told.message or "").lower() for word in _REFUSED)
    return told._replace(code=_MODERATION) if refused else told


__all__ = ["answers_of", "check_subject", "read_error", "read_reason"]
