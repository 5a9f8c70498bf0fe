"""The fields that bodies of this API have in common, and what this API says of their values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from filmgate.adapters.dialects.dream_machine.requests.vocabulary import AspectRatio, RequestType
from filmgate.adapters.dialects.serving.codec import Body, Number, Picture, address
from filmgate.adapters.dialects.serving.openapi import SOMETHING
from filmgate.domain.errors import InvalidRequest
from filmgate.domain.generation import MAX_PROMPT, Guide, GuideRole, Reference, ReferenceKind, parse_duration
from filmgate.domain.sizes import DEFAULT_SECONDS, MAX_SECONDS, RESOLUTIONS

MIN_PROMPT: Final = 3
"""Characters of a prompt, at least."""

MAX_PICTURES: Final = 4
"""Pictures of one role that can guide an image."""

_NULL: Final = {"type": "null"}


def optional(schema: dict[str, Any], description: str) -> WithJsonSchema:
    """Describe a field that may be left out or null; nested models are described where they stand."""
    return WithJsonSchema({"description": description, "anyOf": [schema, _NULL]})


class Frame(Body):
    """A frame of the clip to make: a picture, or where an earlier generation ends or begins."""

    type: Literal["image", "generation"]
    url: Picture = None
    id: str | None = None

    def reference(self, field: str) -> Reference:
        """Return its reference. Raises InvalidRequest."""
        sides = (("url", self.url), ("id", self.id))
        (name, value), (other, unused) = sides if self.type == "image" else sides[::-1]
        if not value or not value.strip():
            raise InvalidRequest(f"{field}.{name} is required", field=f"{field}.{name}")
        if unused:
            raise InvalidRequest(
                f"{field}.{other} is not for the type {self.type}, which has {name}: leave one of them out",
                field=f"{field}.{other}",
            )
        return Reference(ReferenceKind.IMAGE if self.type == "image" else ReferenceKind.TASK, value)


class Frames(Body):
    """The frames at the beginning and at the end of the clip."""

    frame0: Frame | None = None
    frame1: Frame | None = None


class Concept(Body):
    """A camera move or another thing that a model was taught, by its key."""

    key: Annotated[str, Field(min_length=1, max_length=200)]


class Source(Body):
    """A file by address."""

    url: Annotated[str, Field(min_length=1)]


class Weighed(Body):
    """A picture by address, and how much it counts."""

    url: Picture = None
    weight: Number = None


class Identity(Body):
    """Pictures of one character."""

    images: list[Picture] | None = None


class Characters(Body):
    """The characters to show; there can be one."""

    identity0: Identity | None = None


def _in_seconds(value: object) -> object:
    """Return a number of seconds as a length."""
    return f"{value}s" if isinstance(value, int | float) and not isinstance(value, bool) else value


def _shape(required: Sequence[str], **properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "required": list(required), "properties": properties}


_TEXT: Final = {"type": "string", "pattern": rf"{SOMETHING}[\s\S]+{SOMETHING}", "maxLength": MAX_PROMPT}
_IMAGE: Final = address("image")
_FRAME: Final = {
    "anyOf": [
        _shape(["type", "url"], type={"const": "image"}, url=_IMAGE),
        _shape(["type", "id"], type={"const": "generation"}, id={"type": "string", "pattern": r"\S"}),
        _NULL,
    ]
}
_FRAMES: Final = _shape([], frame0=_FRAME, frame1=_FRAME) | {
    "anyOf": [{"required": [side], "properties": {side: {"type": "object"}}} for side in ("frame0", "frame1")]
}
_WEIGHED: Final = _shape(["url"], url=_IMAGE, weight={"anyOf": [{"type": "number"}, _NULL]})
_PICTURES: Final = {"type": "array", "items": _WEIGHED}
_IDENTITY: Final = _shape([], images={"type": "array", "items": _IMAGE})

Prompt = Annotated[str | None, optional(_TEXT, "What is to be seen.")]
Sound = Annotated[str | None, optional(_TEXT, "What is to be heard; if not given, what goes with the video.")]
Silence = Annotated[str | None, Field(max_length=MAX_PROMPT, description="What is not to be heard.")]
Ratio = Annotated[AspectRatio | None, Field(description="Width to height; 16:9 if none is given.")]
Resolution = Annotated[
    str | None,
    Field(max_length=200, description=f"{', '.join(RESOLUTIONS)}; a task that asks for another one fails."),
]
Duration = Annotated[
    str | None,
    Field(max_length=200),
    BeforeValidator(_in_seconds),
    optional(
        {"type": ["string", "number"], "maxLength": 200},
        f'"1s" to "{MAX_SECONDS}s", or a number of seconds; a task that asks for something else fails.',
    ),
]
Keyframes = Annotated[Frames | None, optional(_FRAMES, "What the clip starts from and ends at.")]
Concepts = Annotated[
    list[Concept] | None,
    optional(
        {"type": "array", "items": _shape(["key"], key={"type": "string", "minLength": 1, "maxLength": 200})},
        "Camera moves and the like, by their keys.",
    ),
]
VideoSource = Annotated[Source, WithJsonSchema(_shape(["url"], url=address("video")))]
ImageSource = Annotated[Source, WithJsonSchema(_shape(["url"], url=_IMAGE))]
FirstFrame = Annotated[Source | None, optional(_shape(["url"], url=_IMAGE), "What the first frame is to look like.")]
Pictures = Annotated[list[Weighed] | None, optional(_PICTURES, "Pictures that guide the image.")]
OnePicture = Annotated[Weighed | None, optional(_WEIGHED, "The picture to make anew.")]
CharacterPictures = Annotated[
    Characters | None,
    optional(_shape([], identity0={"anyOf": [_IDENTITY, _NULL]}), "Pictures of the character to show."),
]


def words(prompt: str | None, *, needed: bool) -> str:
    """Read a prompt; "" if there is none. Raises InvalidRequest."""
    text = prompt or ""
    if not text.strip():
        if needed:
            raise InvalidRequest("Prompt is required", field="prompt")
        return ""
    if len(text.strip()) < MIN_PROMPT:
        raise InvalidRequest(f"Prompt is too short, minimum length is {MIN_PROMPT} characters", field="prompt")
    if len(text) > MAX_PROMPT:
        raise InvalidRequest(f"Prompt is too long, maximum length is {MAX_PROMPT} characters", field="prompt")
    return text


def only(kind: RequestType) -> WithJsonSchema:
    """Describe the `generation_type` of one path, which may be left out."""
    return optional({"const": kind.value}, "What the path says, too.")


def check_type(given: str | None, expected: RequestType) -> None:
    """Raise InvalidRequest if a request says that it is another than its path."""
    if given is not None and given != expected:
        raise InvalidRequest(f'Unknown request type: here it is "{expected}"', field="generation_type")


def check_ratio(ratio: AspectRatio | None) -> AspectRatio:
    """Return the aspect ratio of a reframe, which has no default. Raises InvalidRequest."""
    if ratio is None:
        raise InvalidRequest("aspect_ratio is required", field="aspect_ratio")
    return ratio


def length(duration: str | None) -> tuple[int, str | None]:
    """Read a duration into whole seconds, and why it cannot be had if it cannot."""
    try:
        return parse_duration(duration), None
    except InvalidRequest:
        reason = f'A duration of "{duration}" cannot be made: it can be "1s" to "{MAX_SECONDS}s", in whole seconds.'
        return DEFAULT_SECONDS, reason


def resolution(asked: str | None, default: str | None = None) -> tuple[str | None, str | None]:
    """Read a resolution, and why it cannot be had if it cannot."""
    if not asked:
        return default, None
    if asked.lower() in RESOLUTIONS:
        return asked.lower(), None
    return default, f'A resolution of "{asked}" cannot be made: it can be {", ".join(RESOLUTIONS)}.'


def guides(roles: Mapping[GuideRole, Sequence[Weighed]]) -> tuple[tuple[Guide, ...], str | None]:
    """Read the pictures that guide an image, and why they cannot if they cannot.

    One without an address says nothing.
    """
    found = []
    for role, pictures in roles.items():
        good = [Guide(role, picture.url, picture.weight) for picture in pictures if picture.url]
        if len(good) > MAX_PICTURES:
            return (), f"{len(good)} pictures as {role} reference cannot be used: there can be {MAX_PICTURES}."
        if any(guide.weight is not None and not 0 <= guide.weight <= 1 for guide in good):
            return (), f"A picture used as {role} reference can only have a weight from 0 to 1."
        found += good
    return tuple(found), None


def first_frame(source: Source | None) -> tuple[Guide, ...]:
    """Return the picture that a changed video is to begin with."""
    return () if source is None else (Guide(GuideRole.FIRST_FRAME, source.url),)
