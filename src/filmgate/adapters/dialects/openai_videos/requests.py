"""The requests of the OpenAI videos API, in Filmgate's own words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Final, NotRequired

import msgspec
from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema
from typing_extensions import TypedDict

from filmgate.adapters.dialects.serving.codec import Body, Callback, Name, Prompt, address, first_given, parse_whole
from filmgate.adapters.dialects.serving.inputs import InputField, InputFields, by_url, read_address
from filmgate.adapters.dialects.serving.terms import terms
from filmgate.domain.adjustments import Adjustment, Terms
from filmgate.domain.errors import InvalidRequest
from filmgate.domain.generation import Generation, Operation, Reference, ReferenceKind, check
from filmgate.domain.media_fields import END_NAMES, LIST_NAMES, START_NAMES, VIDEO_NAMES
from filmgate.domain.sizes import MAX_SECONDS, RESOLUTIONS, frame_size, nearest_size
from filmgate.domain.task import Task
from filmgate.ports.tasks import TaskFilter

NAME: Final = "openai_videos"
CREATE_FIELDS: Final = ("input_reference", "last_frame")
SOURCE_FIELDS: Final = ("video", "video")

NAMES: Final = {"duration": "seconds", "size": "size"}
"""The names of the values of a generation in this API."""

DEFAULT_SIZE: Final = "720x1280"
DEFAULT_LENGTH: Final = 4
"""Seconds; this and the size are the defaults that the API documents."""

MAX_PAGE: Final = 100
_PAGE: Final = 20

_SIZE: Final = re.compile(r"([1-9][0-9]{0,4})x([1-9][0-9]{0,4})")
_SECONDS: Final = re.compile(r"[1-9][0-9]{0,2}")


def _length(value: object) -> int:
    """Read whole seconds, 5 or "5"; more than can be made are what can be made. Raises InvalidRequest."""
    if value is None or value == "":
        return DEFAULT_LENGTH
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = value if isinstance(value, str) else str(value) if isinstance(value, int) else ""
    if not _SECONDS.fullmatch(text):
        raise InvalidRequest('seconds must be a whole number from 1 to 999, such as "8"', field="seconds")
    return min(int(text), MAX_SECONDS)


def _pixels(value: str | None) -> str | None:
    if value and not _SIZE.fullmatch(value):
        raise ValueError("must look like 1280x720")
    return value


_EMPTY: Final[list[dict[str, Any]]] = [{"type": "null"}, {"type": "string", "maxLength": 0}]
Length = Annotated[
    int,
    BeforeValidator(_length),
    WithJsonSchema(
        {
            "description": f"Whole seconds, 4 if none are given; more than {MAX_SECONDS} are made {MAX_SECONDS}.",
            "anyOf": [
                {"type": "integer", "minimum": 1, "maximum": 999},
                {"type": "string", "pattern": f"^{_SECONDS.pattern}$"},
                *_EMPTY,
            ],
        }
    ),
]
Pixels = Annotated[
    str | None,
    AfterValidator(_pixels),
    WithJsonSchema(
        {
            "description": f"WIDTHxHEIGHT, {DEFAULT_SIZE} if none is given; the nearest size there is will be made.",
            "anyOf": [{"type": "string", "pattern": f"^{_SIZE.pattern}$"}, *_EMPTY],
        }
    ),
]


def _pixels_of(ratio: str, resolution: str | None) -> str:
    return "{}x{}".format(*frame_size(ratio, resolution))


def _object_with(key: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "required": [key], "properties": {key: schema}, "additionalProperties": False}


def _picture_of(address: str) -> dict[str, str]:
    return {"image_url": address}


class PromptBody(Body):
    """What every submit has."""

    INPUTS: ClassVar[InputFields] = InputFields()

    prompt: Prompt = None
    model: Name = Field(default=None, description="Which model, and with it which engine, makes the video.")
    callback_url: Callback = None

    def terms(self, sent: Mapping[str, Any]) -> Terms:
        """Return the terms of the body as it was sent."""
        changed = [*self._shorter(sent.get("seconds")), *self._size_changes(sent.get("size"))]
        return terms(sent, self, NAMES, self.INPUTS, changed=changed)

    def _shorter(self, asked: object) -> Iterator[Adjustment]:
        """Yield the change of a length that cannot be made."""
        made = getattr(self, "seconds", None)
        if made is not None and asked and (wanted := int(str(asked).removesuffix(".0"))) != made:
            yield Adjustment("duration", wanted, made, f"a video has 1 to {MAX_SECONDS} whole seconds")

    def _size_changes(self, asked: object) -> Iterator[Adjustment]:
        """Yield the change of a size that cannot be made."""
        if getattr(self, "size", None) and isinstance(asked, str) and asked:
            width, height = map(int, asked.split("x"))
            ratio, resolution = nearest_size(width, height)
            made = _pixels_of(ratio, resolution)
            if made != asked:
                sizes = ", ".join(_pixels_of(ratio, each) for each in (None, *RESOLUTIONS))
                yield Adjustment("size", asked, made, f"in this shape it can be {sizes}")

    @property
    def words(self) -> str:
        """The prompt. Raises InvalidRequest if it says nothing."""
        if not (self.prompt or "").strip():
            raise InvalidRequest("prompt is required", field="prompt")
        return self.prompt or ""


class CreateBody(PromptBody):
    """A new video."""

    INPUTS: ClassVar[InputFields] = InputFields(
        (
            InputField("input_reference", "the first frame", START_NAMES, write=_picture_of),
            InputField("last_frame", "the last frame", END_NAMES, write=_picture_of),
        ),
        LIST_NAMES,
    )

    seconds: Length = DEFAULT_LENGTH
    size: Pixels = None
    input_reference: Annotated[
        str | dict[str, Any] | None,
        WithJsonSchema(
            {
                "description": "A picture to start from: in a form a file, else an address or a data URI. Of two the "
                "second is the last frame.",
                "anyOf": [_object_with("image_url", address("image")), {"type": "null"}],
            }
        ),
    ] = None
    last_frame: Annotated[
        str | dict[str, Any] | None,
        WithJsonSchema(
            {
                "description": "A picture to end at.",
                "anyOf": [_object_with("image_url", address("image")), {"type": "null"}],
            }
        ),
    ] = None

    def generation(self) -> Generation:
        """Understand the body. Raises InvalidRequest."""
        width, height = (self.size or DEFAULT_SIZE).split("x")
        aspect_ratio, resolution = nearest_size(int(width), int(height))
        generation = Generation(
            prompt=self.words,
            aspect_ratio=aspect_ratio,
            resolution=resolution,
            duration=self.seconds,
            model=first_given(self.model),
            start=_picture(self.input_reference, "input_reference"),
            end=_picture(self.last_frame, "last_frame"),
        )
        return check(generation)


OpenAISubmit = TypedDict(
    "OpenAISubmit",
    {
        "prompt": str,
        "model": NotRequired[str],
        "size": NotRequired[str],
        "seconds": NotRequired[str],
        "video[id]": NotRequired[str],
    },
)
"""The texts of a form as a server is sent them, beside its files."""


class SourceBody(PromptBody):
    """A new video out of an earlier one, named by its id or sent as a file."""

    INPUTS: ClassVar[InputFields] = InputFields(
        (InputField("video", "the video", VIDEO_NAMES, kind=ReferenceKind.VIDEO, write=by_url, typed=True),)
    )

    video: Annotated[
        dict[str, Any] | None,
        WithJsonSchema(
            {
                "description": "The completed video, by its id; in a form it may be a file.",
                **_object_with("id", {"type": "string", "minLength": 1}),
            }
        ),
    ] = None

    @property
    def source_id(self) -> str | None:
        """The id of the video, None if it was sent as a file. Raises InvalidRequest if there is neither."""
        source = {key: value for key, value in (self.video or {}).items() if value is not None and value != ""}
        strange = next((key for key in source if key not in ("id", "url")), None)
        if strange is not None or len(source) > 1:
            other = f", and no {strange[:100]}" if strange is not None else ", not both"
            raise InvalidRequest(f"video must have the id of a completed video, or be a file{other}", field="video")
        named = source.get("id")
        if isinstance(named, str):
            return named
        if isinstance(source.get("url"), str):
            return None
        raise InvalidRequest("video must have the id of a completed video, or be a file", field="video")

    def to_edit(self, source: Task | None) -> Generation:
        """Understand an edit. Raises InvalidRequest."""
        return check(msgspec.structs.replace(self._basis(source), named=Operation.MODIFY))

    def _basis(self, source: Task | None) -> Generation:
        if source is None:
            start = Reference(ReferenceKind.VIDEO, str((self.video or {}).get("url")))
            return Generation(self.words, model=first_given(self.model), start=start)
        return like(source, self.words, first_given(self.model))


class ExtendBody(SourceBody):
    """What follows a video."""

    seconds: Length = DEFAULT_LENGTH

    def to_extension(self, source: Task | None) -> Generation:
        """Understand an extension. Raises InvalidRequest."""
        return check(msgspec.structs.replace(self._basis(source), duration=self.seconds))


def like(source: Task, prompt: str, model: str | None = None) -> Generation:
    """Return a generation from an earlier video, of the same size and length and by the same model."""
    earlier = source.generation
    return Generation(
        prompt=prompt,
        aspect_ratio=earlier.aspect_ratio,
        resolution=earlier.resolution,
        duration=earlier.duration,
        model=model or earlier.model,
        start=Reference(ReferenceKind.TASK, source.id),
    )


def _picture(value: str | dict[str, Any] | None, field: str) -> Reference | None:
    return Reference(ReferenceKind.IMAGE, read_address(field, value, ReferenceKind.IMAGE)) if value else None


def parse_listing(limit: str | None, order: str | None, after: Task | None) -> TaskFilter:
    """Read the parameters of a list; one more is looked for than is shown. Raises InvalidRequest."""
    number = parse_whole(limit, "limit", _PAGE, 1, MAX_PAGE)
    if order not in (None, "asc", "desc"):
        raise InvalidRequest("order must be asc or desc", field="order")
    return TaskFilter(
        newest=order != "asc",
        limit=number,
        after=None if after is None else (after.created_at, after.id),
    )
