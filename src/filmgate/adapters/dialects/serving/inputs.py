"""Pictures and clips of a request, under whatever name they are sent: each is used or refused, none is dropped.

A dialect says in `Inputs` what a request has places for. `take` puts what stands under a known name into its place;
`refuse_unused` refuses what is left over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

import msgspec
from pydantic import TypeAdapter, ValidationError

from filmgate.adapters.dialects.serving.codec import Film, Picture
from filmgate.domain.errors import InvalidRequest
from filmgate.domain.generation import ReferenceKind
from filmgate.domain.media_fields import MAX_NAME, PLAIN, find_media, is_nothing, normalise, split_words
from filmgate.domain.validation import first_error

_DEEPEST: Final = 4
MAX_FIELDS: Final = 1_000
"""Fields of a body, at most."""

HOLDERS: Final = frozenset(
    {"url", "uri", "image_url", "image_uri", "video_url", "video_uri", "image", "video", "src", "href", "source"}
)
DATA: Final = frozenset({"data", "base64", "b64", "b64_json", "bytes_base64_encoded", "image_bytes", "video_bytes"})
_MIME: Final = ("media_type", "mime_type")
_BESIDE: Final = frozenset({"type", "detail", "name", "filename", "file_name", "format", *_MIME})
_INLINE: Final = frozenset({"inline_data", "inlinedata"})
_CHECKS: Final[dict[ReferenceKind, TypeAdapter[Any]]] = {
    ReferenceKind.IMAGE: TypeAdapter(Picture),
    ReferenceKind.VIDEO: TypeAdapter(Film),
}
NOUNS: Final = {ReferenceKind.IMAGE: "picture", ReferenceKind.VIDEO: "video"}


def _as_it_is(address: str) -> Any:
    return address


def by_url(address: str) -> dict[str, str]:
    """Write an address as the object that most fields have."""
    return {"url": address}


class InputField(NamedTuple):
    """Where a request has a picture or clip.

    `field` is its path in the body, with dots; `role` says what it is for. `others` are further fields of the dialect
    for the same, `names` those of other APIs. `write` puts an address as the field has it. If the field is `typed`, the
    dialect reads what is not a plain address itself.
    """

    field: str
    role: str
    names: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    kind: ReferenceKind = ReferenceKind.IMAGE
    write: Callable[[str], Any] = _as_it_is
    typed: bool = False


class InputFields(NamedTuple):
    """What a request has places for, in the order in which a list fills them.

    `lists` are names of such lists. `further` are fields with inputs that only their own names lead to.
    """

    places: tuple[InputField, ...] = ()
    lists: tuple[str, ...] = ()
    further: Mapping[str, str] = {}

    @property
    def accepted(self) -> str:
        """Return which inputs there can be."""
        places = [f"{place.field} ({place.role})" for place in self.places]
        return ", ".join([*places, *(f"{field} ({role})" for field, role in self.further.items())])


class ExtractedInputs(NamedTuple):
    """A body with its inputs in their places. `names` are the names under which they were sent."""

    body: dict[str, Any]
    names: Mapping[str, str]
    moved: bool

    def fields(self, start: str, end: str) -> tuple[str, str]:
        """Return the request's names of the start and the end."""
        return self.names.get(start, start), self.names.get(end, end)

    def encode(self, data: bytes) -> bytes:
        """Return the body as JSON: as it was sent, unless something was moved."""
        return msgspec.json.encode(self.body) if self.moved else data


class _Sent(NamedTuple):
    name: str
    address: str
    raw: Any


def take(sent: dict[str, Any], inputs: InputFields, *, form: bool = False) -> ExtractedInputs:
    """Return a body with its pictures and clips in the places of the dialect.

    `form` says that it came as one. Raises InvalidRequest, naming the field, for two that claim one place, for
    more than there are places, and for values that are no address of a picture or clip.
    """
    if len(sent) > MAX_FIELDS:
        raise InvalidRequest(f"the body has {len(sent)} fields: at most {MAX_FIELDS} are read")
    known = {normalise(name): [place] for place in inputs.places for name in _names_of(place)}
    known |= {normalise(name): list(inputs.places) for name in inputs.lists if normalise(name) not in known}
    found: dict[str, list[_Sent]] = {}
    body = dict(sent)
    for name, value in sent.items():
        places = known.get(normalise(name))
        if places is None or not _may_be_moved(name, value, places):
            continue
        del body[name]
        if not is_nothing(value):
            for place, one in _spread(name, value, places, inputs):
                found.setdefault(place.field, []).append(one)
    names = {place.field: _settle(body, place, found[place.field]) for place in inputs.places if place.field in found}
    return ExtractedInputs(body, names, form or body != sent)


def refuse_unused(
    unused: Iterable[tuple[str, Any]],
    inputs: InputFields,
    reason: str = "this request has no use for a picture or video here",
) -> None:
    """Raise InvalidRequest for the first picture or clip among fields, by their paths, that a request does not use."""
    field = find_media(unused)
    if field is not None:
        raise InvalidRequest(f"{field}: {reason}. {_offer(inputs)}", field=field)


def read_address(name: str, value: Any, kind: ReferenceKind) -> str:
    """Return the address or data URI of a picture or clip, however it is wrapped. Raises InvalidRequest."""
    addresses = [one for one in dict.fromkeys(_addresses(name, value, name)) if one.strip()]
    if len(addresses) != 1:
        what = "no" if not addresses else "more than one"
        raise InvalidRequest(
            f"{name} has {what} {NOUNS[kind]}: give one, by an http(s) address or a base64 data URI", field=name
        )
    [address] = addresses
    try:
        return str(_CHECKS[kind].validate_python(address))
    except ValidationError as error:
        raise InvalidRequest(f"{name}: {first_error(error.errors()).reason}", field=name) from error


def _names_of(place: InputField) -> Iterator[str]:
    yield from place.names
    yield from place.others
    if "." not in place.field:
        yield place.field


def _may_be_moved(name: str, value: Any, places: list[InputField]) -> bool:
    """Return whether a value is read here; numbers are no inputs, and the dialect reads its own structures."""
    if isinstance(value, bool | int | float) or (isinstance(value, str) and PLAIN.fullmatch(value)):
        return False
    own = next((place for place in places if place.typed and place.field.partition(".")[0] == name), None)
    return own is None or not isinstance(value, dict)


def _spread(name: str, value: Any, places: list[InputField], inputs: InputFields) -> Iterator[tuple[InputField, _Sent]]:
    """Yield where the values of a field belong. Raises InvalidRequest if there are more than there are places."""
    if not isinstance(value, list):
        yield places[0], _Sent(name, read_address(name, value, places[0].kind), value)
        return
    values = value
    while values and is_nothing(values[-1]):
        values = values[:-1]
    if len(values) > 1 and places[0] == inputs.places[0]:
        places = [place for place in inputs.places if place.kind is places[0].kind]
    if len(values) > len(places):
        noun, roles = NOUNS[places[0].kind], " and ".join(place.role for place in places)
        raise InvalidRequest(
            f"{name} has {len(values)} {noun}s: there can be {len(places)}, {roles}. {_offer(inputs)}", field=name
        )
    for index, (place, one) in enumerate(zip(places, values, strict=False)):
        path = f"{name}[{index}]" if len(values) > 1 else name
        yield place, _Sent(path, read_address(path, one, place.kind), one)


def _settle(body: dict[str, Any], place: InputField, claims: list[_Sent]) -> str:
    """Put the values that claim a place there and return its name. Raises InvalidRequest if they differ."""
    first = claims[0]
    for other in claims[1:]:
        if other.address != first.address:
            raise _clash(first.name, other.name, place)
    stands = _at(body, place.field)
    if not is_nothing(stands) and stands != place.write(first.address):
        raise _clash(place.field, first.name, place)
    if isinstance(first.raw, str) and first.name in place.others and len(claims) == 1:
        body[first.name] = first.raw
        return first.name
    *above, last = place.field.split(".")
    holder = body
    for key in above:
        inner = holder.get(key)
        holder[key] = holder = dict(inner) if isinstance(inner, dict) else {}
    own = first.name == place.field and not place.typed
    holder[last] = first.raw if own and isinstance(first.raw, str) else place.write(first.address)
    return first.name


def _clash(one: str, other: str, place: InputField) -> InvalidRequest:
    return InvalidRequest(f"{one} and {other} are both for {place.role} and differ: give one of them", field=other)


def _offer(inputs: InputFields) -> str:
    return f"It takes {inputs.accepted}." if inputs.accepted else "It takes none: leave it out."


def _at(body: Mapping[str, Any], path: str) -> Any:
    value: Any = body
    for key in path.split("."):
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def _addresses(field: str, value: Any, name: str) -> Iterator[str]:
    """Yield every address in a value. Raises InvalidRequest for an unreadable one."""
    if isinstance(value, str):
        yield value
        return
    if not isinstance(value, dict) or name.count(".") > field.count(".") + _DEEPEST:
        raise InvalidRequest(f"{name} must be an http(s) address or a base64 data URI", field=field)
    kind = next((value[key] for key in value if split_words(key) in _MIME and isinstance(value[key], str)), None)
    for key, held in value.items():
        word = split_words(key)
        if is_nothing(held) or word in _BESIDE:
            continue
        if word in DATA and isinstance(held, str):
            bare = held.strip()
            yield bare if bare[:5].lower() == "data:" else f"data:{kind or 'application/octet-stream'};base64,{bare}"
        elif word in HOLDERS or word in _INLINE:
            yield from _addresses(field, held, f"{name}.{key[:MAX_NAME]}")
        else:
            path = f"{name}.{key[:MAX_NAME]}"
            raise InvalidRequest(
                f"{path} is not understood here: send {field} as a file, an http(s) address or a base64 data URI",
                field=field,
            )
