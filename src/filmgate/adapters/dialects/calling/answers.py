"""The parts that providers' answers have in common: errors, and the notes of previews."""

from __future__ import annotations

import re
from typing import Any, Final

from filmgate.adapters.dialects.calling.lenient import first, items, mapping, name, strings, text
from filmgate.adapters.dialects.calling.upstreams import ReportedError
from filmgate.domain.words import MAX_WORDS, bounded_list

FINE: Final = frozenset({"0", "200", "success"})
"""Codes of an envelope that holds no error."""


def parse_error(status: int, value: Any) -> ReportedError:
    """Read an error in any of the forms that services write: an object or a text, under `error`, `detail` or bare."""
    del status
    spots = [mapping(value).get("error"), mapping(value).get("detail"), value]
    codes = [mapping(spot).get(key) for spot in spots for key in ("code", "type")]
    return ReportedError(first(name, *codes), first(_sentence, *spots))


def _sentence(spot: object) -> str | None:
    """Return the sentence of an error; of several faults in a request, the first with its field."""
    said = mapping(next(iter(items(spot)), spot))
    words = first(text, spot, *(said.get(key) for key in ("message", "reason", "msg", "fail_reason", "failure_reason")))
    place = items(said.get("loc"))
    return f"{'.'.join(map(str, place))}: {words}" if words and place else words


def read_codes(value: Any) -> list[str]:
    """List every code of an error, in lower case, with "?" for values that are no code."""
    body = mapping(value)
    spots = [
        *items(body.get("error")),
        *items(body.get("errors")),
        *(body.get(key) for key in ("error", "detail")),
        mapping(body.get("data")).get("error"),
        body,
    ]
    codes = [mapping(spot).get("code") for spot in spots]
    read = [(name(code) or "?").lower() for code in codes if code is not None]
    return [code for code in read if code not in FINE]


def refuses(value: Any) -> bool:
    """Return whether a body speaks of an error."""
    body = mapping(value)
    return body.get("success") is False or any(body.get(key) for key in ("error", "errors")) or bool(read_codes(body))


def not_found(nouns: str) -> re.Pattern[str]:
    """Return a pattern for sentences that say that a thing of one of these names, separated by |, is not there.

    They may repeat its id. What a router says of a page, a path or a model has another noun, or none.
    """
    thing, its_id = rf"(?:the |this )?(?:requested )?(?:{nouns})(?: with)?(?: id)?", r"(?::? ?['\"`]?[\w.:-]+['\"`]?)?"
    missing = r"(?:was |is |could |cannot )?(?:not (?:be )?(?:found|exists?|known)|does(?: not|n't) exist|unknown)"
    return re.compile(rf"{thing}{its_id} {missing}{its_id}|(?:no such|unknown) (?:{nouns})(?: id)?{its_id}")


def preview_notes(*places: Any) -> dict[str, Any]:
    """Return the notes of a preview, which another Filmgate puts in one of these places; else {}."""
    said = next((mapping(place) for place in places if mapping(place).get("preview") is True), None)
    if said is None:
        return {}
    words = strings(items(said.get("ignored_words"))[:MAX_WORDS])
    return {"preview": True, "words_ignored": bounded_list(words, unless=lambda word: not word.strip())}
