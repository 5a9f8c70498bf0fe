"""What a request says of its own exactness: which values it names, which are left unused, and whether it is strict."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, Final

from fastapi import Request
from pydantic import BaseModel

from filmgate.adapters.dialects.serving.inputs import InputFields, refuse_unused
from filmgate.domain.adjustments import Adjustment, Terms, show_value
from filmgate.domain.errors import InvalidRequest
from filmgate.domain.media_fields import MAX_VALUES

HEADER: Final = "x-filmgate-strict"
PARAMETER: Final = "strict"
FIELD: Final = "strict"

_MAX_UNKNOWN: Final = 20
"""Fields of a request that are named as unknown, at most."""

_MAX_NAME: Final = 100
_WORDS: Final = {"true": True, "1": True, "false": False, "0": False, "": False}


def terms(
    sent: Mapping[str, Any],
    body: BaseModel,
    names: Mapping[str, str],
    inputs: InputFields,
    *,
    unused: Mapping[str, str] | None = None,
    changed: Iterable[Adjustment] = (),
    silent: Iterable[str] = (),
) -> Terms:
    """Return the terms of a body as it was sent and as it was understood.

    `names` maps the values of a generation to the dialect's own names of them, with dots between nested ones; `unused`
    maps known fields that this request leaves unused to the reason; `silent` are other fields that are used elsewhere.
    Raises InvalidRequest if `strict` is neither true nor false, and for a picture or clip that is left unused:
    `inputs` says what there could be instead.
    """
    dropped = unused or {}
    for path, reason in dropped.items():
        refuse_unused([(path, _at(sent, path))], inputs, reason)
    unknown = list(islice(_unknown(sent, body), MAX_VALUES + 1))
    refuse_unused(unknown, inputs)
    given = tuple(value for value, path in names.items() if path not in dropped and _at(sent, path) is not None)
    idle = [
        Adjustment(path, show_value(value), None, reason)
        for path, reason in dropped.items()
        if (value := _at(sent, path)) is not None
    ]
    known = {FIELD, *silent}
    strange = (
        Adjustment(path[:_MAX_NAME], show_value(value), None, "this request has no such field")
        for path, value in unknown
        if path not in known
    )
    return Terms(
        strict=_flag(sent.get(FIELD), FIELD),
        given=given,
        changed=(*changed, *idle, *islice(strange, _MAX_UNKNOWN)),
        names={value: path for value, path in names.items() if value != path},
    )


def asks_strictly(request: Request) -> bool:
    """Return whether the header or the parameter says that nothing may be changed. Raises InvalidRequest."""
    header = _flag(request.headers.get(HEADER), "X-Filmgate-Strict")
    return _flag(request.query_params.get(PARAMETER), PARAMETER) or header


def _flag(value: object, field: str) -> bool:
    if value is None or isinstance(value, bool):
        return bool(value)
    word = _WORDS.get(value.strip().lower()) if isinstance(value, str) else None
    if word is None:
        raise InvalidRequest(f"{field} must be true or false", field=field)
    return word


def _at(sent: Mapping[str, Any], path: str) -> Any:
    """Return the value given at a path; null and the empty string are nothing."""
    value: Any = sent
    for key in path.split("."):
        value = value.get(key) if isinstance(value, Mapping) else None
    return None if value == "" else value


def _unknown(sent: Mapping[str, Any], body: BaseModel, before: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the fields that a body has no place for, of nested objects too."""
    fields = {field.alias or name: name for name, field in type(body).model_fields.items()}
    for key, value in sent.items():
        if value is None or value == "":
            continue
        if key not in fields:
            yield f"{before}{key}", value
            continue
        nested = getattr(body, fields[key])
        if isinstance(nested, BaseModel) and isinstance(value, Mapping):
            yield from _unknown(value, nested, f"{before}{key}.")
        elif isinstance(nested, list) and isinstance(value, list):
            for index, (one, sent_one) in enumerate(zip(nested, value, strict=False)):
                if isinstance(one, BaseModel) and isinstance(sent_one, Mapping):
                    yield from _unknown(sent_one, one, f"{before}{key}[{index}].")
