"""What every wire format is read and written with; free of any web framework."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Final, TypeVar

import msgspec
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    WithJsonSchema,
    field_validator,
)

from filmgate.domain.addresses import describe_wrong_address
from filmgate.domain.errors import InvalidRequest
from filmgate.domain.generation import MAX_PROMPT, parse_duration
from filmgate.domain.json_errors import explain
from filmgate.domain.sizes import ASPECT_RATIOS, MAX_SECONDS, RESOLUTIONS
from filmgate.domain.validation import first_error

Model = TypeVar("Model", bound=BaseModel)

_LETTER: Final = r"A-Za-z_\u00a1-\uffff"
_LABEL: Final = rf"[{_LETTER}0-9]+(-+[{_LETTER}0-9]+)*"
_NAME: Final = rf"({_LABEL}\.)*[{_LETTER}][{_LETTER}0-9]*(-+[{_LETTER}0-9]+)*\.?"
_HTTP: Final = rf"[Hh][Tt][Tt][Pp][Ss]?://({_NAME}|[0-9]+(\.[0-9]+){{3}}|\[[0-9a-fA-F:.]+\])"
_REST: Final = r"(:[0-9]{1,5})?([/?#]\S*)?"
_DATA: Final = r"[Dd][Aa][Tt][Aa]:[^,]*;[Bb][Aa][Ss][Ee]64,[A-Za-z0-9+/_=%\s-]+"
_FLAGS: Final = {"true": True, "True": True, "1": True, "false": False, "False": False, "0": False}
_NUMBER: Final = re.compile(r"^-?[0-9]{1,15}(\.[0-9]{1,15})?$")
_SECONDS: Final = r"^\s*(0{0,2}[1-9]|0?10)(\.0)?\s*[sS]?\s*$"

_DIGITS: Final = 10
"""Digits of a number in a parameter, at most: more are not worth reading."""

_WANTED: Final = {
    "string_type": "a text",
    "bool_type": "true or false",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "list_type": "an array",
    "dict_type": "an object",
    "model_type": "an object",
}
"""What the errors of a type say that a value must be."""

_KINDS: Final = (
    (bool, "true or false"),
    (str, "a text"),
    (int | float, "a number"),
    (list, "an array"),
    (dict, "an object"),
)


def address(kind: str) -> dict[str, Any]:
    """Describe an http(s) address or a base64 data URI of an image or a video.

    No pattern can say which of them can be used: whether it answers, with a file of that kind, from a public network.
    """
    return {"type": "string", "format": f"{kind}-address", "pattern": rf"^\s*({_HTTP}{_REST}|{_DATA})\s*$"}


class Body(BaseModel):
    """A request body. Flags and numbers may be written as text, as forms do; unknown fields are ignored."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True, populate_by_name=False)

    @field_validator("*", mode="before")
    @classmethod
    def _whole(cls, value: object) -> object:
        """To JSON, 75.0 is an integer too."""
        return int(value) if isinstance(value, float) and value.is_integer() else value


def _flag(value: object) -> object:
    """Return a flag that is written as text, as in forms."""
    return _FLAGS.get(value, value) if isinstance(value, str) else value


def _number(value: object) -> object:
    """Return a number that is written as text, as in forms."""
    return float(value) if isinstance(value, str) and _NUMBER.fullmatch(value) else value


def _optional(description: str, *kinds: dict[str, Any]) -> WithJsonSchema:
    """Document a field that is absent when it is left out, null or an empty string."""
    empty = [{"type": "null"}, {"type": "string", "maxLength": 0}]
    return WithJsonSchema({"description": description, "anyOf": [*kinds, *empty]})


def _one_of(allowed: Sequence[str]) -> Callable[[str | None], str | None]:
    def check(value: str | None) -> str | None:
        if value and value not in allowed:
            raise ValueError(f"must be one of {', '.join(allowed)}")
        return value

    return check


def _address(*beginnings: str) -> Callable[[str | None], str | None]:
    """Refuse a text that is no address at all; other faults of an address are reported where it is used."""

    def check(value: str | None) -> str | None:
        if value and not value.lstrip()[:8].lower().startswith(beginnings):
            wrong = describe_wrong_address(value, file="data:" in beginnings)
            raise ValueError(wrong or f"must begin with {', '.join(beginnings)}")
        return value

    return check


Prompt = Annotated[str | None, Field(max_length=MAX_PROMPT, description="What the video shows.")]
Flag = Annotated[
    bool | None,
    BeforeValidator(_flag),
    WithJsonSchema({"anyOf": [{"type": "boolean"}, {"type": "null"}, {"enum": [*_FLAGS]}]}),
]
Number = Annotated[
    float | None,
    BeforeValidator(_number),
    WithJsonSchema({"anyOf": [{"type": "number"}, {"type": "null"}, {"type": "string", "pattern": _NUMBER.pattern}]}),
]
Text = str | None
Name = Annotated[str | None, Field(max_length=200)]
Ratio = Annotated[
    str | None,
    AfterValidator(_one_of(ASPECT_RATIOS)),
    _optional("Width to height; 16:9 if none is given.", {"enum": [*ASPECT_RATIOS]}),
]
Resolution = Annotated[
    str | None,
    AfterValidator(_one_of(RESOLUTIONS)),
    _optional("Left out, the size is the provider's own.", {"enum": [*RESOLUTIONS]}),
]
Picture = Annotated[
    str | None,
    AfterValidator(_address("http://", "https://", "data:")),
    _optional("An http(s) address or a base64 data URI of a picture.", address("image")),
]
Film = Annotated[
    str | None,
    AfterValidator(_address("http://", "https://", "data:")),
    _optional("An http(s) address or a base64 data URI of a video.", address("video")),
]
Callback = Annotated[
    str | None,
    AfterValidator(_address("http://", "https://")),
    _optional(
        "Where the task is posted to when it has ended.",
        {"type": "string", "format": "callback-address", "pattern": f"^{_HTTP}{_REST}$"},
    ),
]
Seconds = Annotated[
    int,
    BeforeValidator(parse_duration),
    _optional(
        f'Whole seconds, 1 to {MAX_SECONDS}, as 5, "5" or "5s"; 5 if none are given.',
        {"type": "integer", "minimum": 1, "maximum": MAX_SECONDS},
        {"type": "string", "pattern": _SECONDS},
    ),
]


def first_given(*values: str | None) -> str | None:
    """Return the first value that says something: null and the empty string mean absent."""
    return next((value for value in values if value), None)


def parse(model: type[Model], body: bytes) -> Model:
    """Read a JSON body, whatever its Content-Type says, into a wire model. Raises InvalidRequest naming the field."""
    return validate(model, parse_object(body))


def parse_object(body: bytes) -> dict[str, Any]:
    """Read a JSON object. Raises InvalidRequest."""
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidRequest(explain(body, error)) from error
    if not isinstance(value, dict):
        twice = "; it is written as JSON twice" if isinstance(value, str) and value.lstrip()[:1] == "{" else ""
        raise InvalidRequest(f"the body must be a JSON object {{…}}, not {_kind_of(value)}{twice}")
    return value


def validate(model: type[Model], value: dict[str, Any]) -> Model:
    """Read a JSON object into a wire model. Raises InvalidRequest naming the field."""
    try:
        return model.model_validate(value)
    except ValidationError as error:
        first = first_error(error.errors())
        first = first._replace(reason=_mismatch(first.type, first.value) or first.reason)
        raise InvalidRequest(str(first), field=first.field or None) from error


def _mismatch(error: str, value: object) -> str | None:
    """Return the right type of a value and the one it has; None for any other error."""
    wanted = _WANTED.get(error)
    if wanted is None:
        return None
    return f"must be {wanted}, not {'a file' if _is_file(value) else _kind_of(value)}"


def _is_file(value: object) -> bool:
    """Return whether a value is a file of a form, which is written as an object with its data URI."""
    if not isinstance(value, dict) or len(value) != 1:
        return False
    (only,) = value.values()
    return isinstance(only, str) and only.startswith("data:")


def _kind_of(value: object) -> str:
    """Return the JSON name of a value's type."""
    return next((name for kind, name in _KINDS if isinstance(value, kind)), "null")


def parse_whole(text: str | None, field: str, default: int, least: int, most: int) -> int:
    """Read a whole number from a parameter, `default` if there is none. Raises InvalidRequest."""
    if text is None:
        return default
    number = int(text) if text.isascii() and text.isdigit() and len(text) <= _DIGITS else -1
    if not least <= number <= most:
        raise InvalidRequest(f"{field} must be a whole number from {least} to {most}", field=field)
    return number


def rfc3339(seconds: float) -> str:
    """Write a time in unix seconds as RFC 3339 with microseconds and a Z."""
    moment = datetime.datetime.fromtimestamp(seconds, datetime.UTC)
    return moment.isoformat(timespec="microseconds")[:-6] + "Z"


def array(items: Sequence[bytes]) -> bytes:
    """Put written JSON values together into an array."""
    return b"[" + b",".join(items) + b"]"
