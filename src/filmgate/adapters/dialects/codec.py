"""What every wire format is read and written with; free of any web framework."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Final, TypeVar

import msgspec
from pydantic import BaseModel, ConfigDict, Field, ValidationError, WithJsonSchema

from filmgate.domain.errors import FilmgateError, InvalidRequest
from filmgate.domain.generation import MAX_PROMPT
from filmgate.domain.sizes import ASPECT_RATIOS, MAX_SECONDS, RESOLUTIONS

Model = TypeVar("Model", bound=BaseModel)

ErrorWriter = Callable[[FilmgateError, str], bytes]
"""Writes an error, with the trace id of the request, in the form of a dialect."""

_ADDRESS: Final = r"^\s*([Hh][Tt][Tt][Pp][Ss]?://\S+|[Dd][Aa][Tt][Aa]:\S+)\s*$"
_CALLBACK: Final = r"^https?://\S+$"
_SECONDS: Final = r"^\s*(0{0,2}[1-9]|0?10)\s*[sS]?\s*$"


class Body(BaseModel):
    """A request body. JSON types are not converted into one another; unknown fields are ignored."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True, populate_by_name=False)


def _optional(description: str, *kinds: dict[str, Any]) -> WithJsonSchema:
    """Document a field that is absent when it is left out, null or an empty string."""
    empty = [{"type": "null"}, {"type": "string", "maxLength": 0}]
    return WithJsonSchema({"description": description, "anyOf": [*kinds, *empty]})


Prompt = Annotated[str | None, Field(max_length=MAX_PROMPT, description="What the video shows.")]
Flag = bool | None
Text = str | None
Name = Annotated[str | None, Field(max_length=200)]
Ratio = Annotated[str | None, _optional("Width to height; 16:9 if none is given.", {"enum": [*ASPECT_RATIOS]})]
Resolution = Annotated[str | None, _optional("Left out, the size is the provider's own.", {"enum": [*RESOLUTIONS]})]
Source = Annotated[
    str | None, _optional("An http(s) address or a base64 data URI.", {"type": "string", "pattern": _ADDRESS})
]
Callback = Annotated[
    str | None,
    _optional("Where the finished task is posted to.", {"type": "string", "pattern": _CALLBACK, "maxLength": 8192}),
]
Seconds = Annotated[
    Any,
    _optional(
        f'Whole seconds, 1 to {MAX_SECONDS}, as 5, "5" or "5s"; 5 if none are given.',
        {"type": "integer", "minimum": 1, "maximum": MAX_SECONDS},
        {"type": "string", "pattern": _SECONDS},
    ),
]


def given(*values: str | None) -> str | None:
    """Give the first value that says something: null and the empty string mean absent."""
    return next((value for value in values if value), None)


def parse(model: type[Model], body: bytes) -> Model:
    """Read a JSON body, whatever its Content-Type says, into a wire model. Raises InvalidRequest naming the field."""
    return validate(model, parse_object(body))


def parse_object(body: bytes) -> dict[str, Any]:
    """Read a JSON object. Raises InvalidRequest."""
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidRequest(f"the body is not valid JSON: {error}") from error
    if not isinstance(value, dict):
        raise InvalidRequest("the body must be a JSON object")
    return value


def validate(model: type[Model], value: dict[str, Any]) -> Model:
    """Read a JSON object into a wire model. Raises InvalidRequest naming the field."""
    try:
        return model.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        reason = first["msg"].removeprefix("Value error, ")
        raise InvalidRequest(f"{field}: {reason}" if field else reason, field=field or None) from error


def rfc3339(seconds: float) -> str:
    """Write a time in unix seconds as RFC 3339 with microseconds and a Z."""
    moment = datetime.datetime.fromtimestamp(seconds, datetime.UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def array(items: Sequence[bytes]) -> bytes:
    """Put written JSON values together into an array."""
    return b"[" + b",".join(items) + b"]"
