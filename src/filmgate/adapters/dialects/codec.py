"""What every wire format is read and written with; free of any web framework."""

from __future__ import annotations

import datetime
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

from filmgate.domain.errors import FilmgateError, InvalidRequest
from filmgate.domain.generation import MAX_PROMPT, parse_duration
from filmgate.domain.sizes import ASPECT_RATIOS, MAX_SECONDS, RESOLUTIONS

Model = TypeVar("Model", bound=BaseModel)

ErrorWriter = Callable[[FilmgateError, str], bytes]
"""Writes an error, with the trace id of the request, in the form of a dialect."""

_LETTER: Final = r"A-Za-z_\u00a1-\uffff"
_LABEL: Final = rf"[{_LETTER}0-9]+(-+[{_LETTER}0-9]+)*"
_NAME: Final = rf"({_LABEL}\.)*[{_LETTER}][{_LETTER}0-9]*(-+[{_LETTER}0-9]+)*\.?"
_HTTP: Final = rf"[Hh][Tt][Tt][Pp][Ss]?://({_NAME}|[0-9]+(\.[0-9]+){{3}}|\[[0-9a-fA-F:.]+\])"
_REST: Final = r"(:[0-9]{1,5})?([/?#]\S*)?"
_DATA: Final = r"[Dd][Aa][Tt][Aa]:[\w.+-]+/[\w.+-]+;base64,[A-Za-z0-9+/]+={0,2}"
_SECONDS: Final = r"^\s*(0{0,2}[1-9]|0?10)\s*[sS]?\s*$"


def address(kind: str) -> dict[str, Any]:
    """Describe an http(s) address or a base64 data URI of an image or a video.

    No pattern can say which of them can be used: whether it answers, with a file of that kind, from a public network.
    """
    return {"type": "string", "format": f"{kind}-address", "pattern": rf"^\s*({_HTTP}{_REST}|{_DATA})\s*$"}


class Body(BaseModel):
    """A request body. JSON types are not converted into one another; unknown fields are ignored."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True, populate_by_name=False)

    @field_validator("*", mode="before")
    @classmethod
    def _whole(cls, value: object) -> object:
        """To JSON, 75.0 is an integer too."""
        return int(value) if isinstance(value, float) and value.is_integer() else value


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
    """Refuse what is no address at all; what is wrong with an address is said where it is used."""

    def check(value: str | None) -> str | None:
        if value and not value.lstrip()[:8].lower().startswith(beginnings):
            raise ValueError(f"must begin with {', '.join(beginnings)}")
        return value

    return check


Prompt = Annotated[str | None, Field(max_length=MAX_PROMPT, description="What the video shows.")]
Flag = bool | None
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
    return moment.isoformat(timespec="microseconds")[:-6] + "Z"


def array(items: Sequence[bytes]) -> bytes:
    """Put written JSON values together into an array."""
    return b"[" + b",".join(items) + b"]"
