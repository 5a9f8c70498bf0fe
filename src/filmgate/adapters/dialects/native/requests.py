"""Requests of Filmgate's own API."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Final, Self, TypeVar

from pydantic import Field, WithJsonSchema, model_validator

from filmgate.adapters.dialects.serving.codec import (
    Body,
    Callback,
    Flag,
    Name,
    Prompt,
    Ratio,
    Resolution,
    Seconds,
    address,
    first_given,
)
from filmgate.adapters.dialects.serving.inputs import InputField, InputFields
from filmgate.adapters.dialects.serving.terms import terms
from filmgate.domain.adjustments import Terms
from filmgate.domain.errors import InvalidRequest
from filmgate.domain.generation import Generation, Reference, ReferenceKind, check
from filmgate.domain.media_fields import END_NAMES, LIST_NAMES, START_NAMES
from filmgate.domain.sizes import DEFAULT_ASPECT_RATIO, DEFAULT_SECONDS
from filmgate.domain.states import State
from filmgate.ports.tasks import TaskFilter

Choice = TypeVar("Choice", bound=StrEnum)

MAX_PAGE: Final = 100
"""Tasks in one page of a list, at most."""

_PAGE: Final = 20
_VALUES: Final = {name: name for name in ("aspect_ratio", "resolution", "duration", "loop", "enhance")}


def _side_of(address: str) -> dict[str, str]:
    return {ReferenceKind.IMAGE.value: address}


INPUTS: Final = InputFields(
    (
        InputField("start", "the first frame", START_NAMES, write=_side_of, typed=True),
        InputField("end", "the last frame", END_NAMES, write=_side_of, typed=True),
    ),
    LIST_NAMES,
)
_MAX_OFFSET: Final = 2**31
_KINDS: Final = {
    ReferenceKind.IMAGE: address("image") | {"description": "An http(s) address or a base64 data URI of a picture."},
    ReferenceKind.VIDEO: address("video") | {"description": "An http(s) address or a base64 data URI of a video."},
    ReferenceKind.TASK: {"type": "string", "pattern": r"\S", "description": "The id of a completed task."},
}


def _side(description: str) -> dict[str, Any]:
    kinds = [
        {
            "type": "object",
            "required": [kind.value],
            "properties": {kind.value: schema},
            "minProperties": 1,
            "maxProperties": 1,
        }
        for kind, schema in _KINDS.items()
    ]
    return {"description": description, "anyOf": [*kinds, {"type": "null"}]}


class TaskBody(Body):
    """A new task. `prompt` is required unless there is something to start from or to end at."""

    prompt: Prompt = None
    aspect_ratio: Ratio = None
    resolution: Resolution = None
    duration: Seconds = DEFAULT_SECONDS
    loop: Flag = None
    enhance: Flag = Field(default=None, description="Let the prompt be enhanced; true if not given.")
    model: Name = Field(default=None, description="Which model, and with it which engine, makes the video.")
    start: Annotated[
        dict[str, Any] | None, WithJsonSchema(_side("What the clip starts from: a picture, a clip, a task."))
    ] = None
    end: Annotated[dict[str, Any] | None, WithJsonSchema(_side("What the clip ends at."))] = None
    webhook_url: Callback = None
    callback_url: Callback = None

    @model_validator(mode="after")
    def check_webhook(self) -> Self:
        """Raise InvalidRequest if both names of the webhook's address are given and differ."""
        if self.webhook_url and self.callback_url and self.webhook_url != self.callback_url:
            raise InvalidRequest(
                "webhook_url and callback_url are two names of one field with different addresses: give one of them",
                field="webhook_url",
            )
        return self

    @property
    def webhook(self) -> str | None:
        """The address that the ended task is posted to."""
        return self.webhook_url or self.callback_url or None

    def terms(self, sent: dict[str, Any]) -> Terms:
        """Return the terms of the body as it was sent."""
        return terms(sent, self, _VALUES, INPUTS)

    def generation(self) -> Generation:
        """Understand the body. Raises InvalidRequest."""
        generation = Generation(
            prompt=self.prompt or "",
            aspect_ratio=first_given(self.aspect_ratio) or DEFAULT_ASPECT_RATIO,
            resolution=first_given(self.resolution),
            duration=self.duration,
            loop=bool(self.loop),
            enhance=self.enhance is not False,
            model=first_given(self.model),
            start=_reference(self.start, "start"),
            end=_reference(self.end, "end"),
        )
        return check(generation)


def _reference(side: dict[str, Any] | None, field: str) -> Reference | None:
    """Read a side of the clip. Raises InvalidRequest."""
    if side is None:
        return None
    given_kinds = {kind: value for kind, value in side.items() if value is not None and value not in ("", [])}
    kind, value = next(iter(given_kinds.items()), ("", None))
    if len(given_kinds) != 1 or kind not in tuple(ReferenceKind) or not isinstance(value, str) or not value.strip():
        raise InvalidRequest(f"{field} must have exactly one of {', '.join(ReferenceKind)}, a text", field=field)
    return Reference(ReferenceKind(kind), value)


def listing(limit: str | None, offset: str | None, state: str | None, newest: str | None) -> TaskFilter:
    """Read the parameters of a list. Raises InvalidRequest."""
    if newest not in (None, "true", "false"):
        raise InvalidRequest("newest must be true or false", field="newest")
    words = [] if state is None else state.split(",")
    if any(word not in tuple(State) for word in words):
        raise InvalidRequest(f"state must be one of {', '.join(State)}, or several with commas", field="state")
    return TaskFilter(
        states=tuple(State(word) for word in words) or None,
        newest=newest != "false",
        counted=True,
        limit=_whole(limit, "limit", _PAGE, 1, MAX_PAGE),
        offset=_whole(offset, "offset", 0, 0, _MAX_OFFSET),
    )


def one_of(words: type[Choice], value: str, field: str) -> Choice:
    """Read one of an enumeration's words. Raises InvalidRequest."""
    try:
        return words(value)
    except ValueError as error:
        raise InvalidRequest(f"{field} must be one of {', '.join(words)}", field=field) from error


def _whole(text: str | None, field: str, default: int, least: int, most: int) -> int:
    if text is None:
        return default
    number = int(text) if text.isascii() and text.isdigit() and len(text) <= 10 else -1
    if not least <= number <= most:
        raise InvalidRequest(f"{field} must be a whole number from {least} to {most}", field=field)
    return number
