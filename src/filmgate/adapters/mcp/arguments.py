"""What the tools take.

An argument that is left out, null or an empty string is not given, whatever its name: agents and older servers' clients
send all three. Any other that a tool does not have is refused by name, but for what a client adds to every call.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from difflib import get_close_matches
from functools import cache
from typing import Annotated, Any, Final, Literal, TypeVar

import msgspec
from msgspec import Meta

from filmgate.adapters.mcp.schema import Schema, schema_of
from filmgate.domain.addresses import is_local_path
from filmgate.domain.adjustments import Terms
from filmgate.domain.errors import InvalidRequest
from filmgate.domain.generation import MAX_PROMPT
from filmgate.domain.sizes import ASPECT_RATIOS, DEFAULT_ASPECT_RATIO, DEFAULT_SECONDS, MAX_SECONDS, RESOLUTIONS

MAX_WAIT: Final = 50
"""Seconds the waiting tool waits at most; clients give up at 60."""

MAX_PAGE: Final = 50
"""Tasks in one page of the list, at most."""

FILES: Final = frozenset({"start_image_url", "end_image_url", "video_url"})
"""Arguments that name a picture or video."""

_MAX_STRANGE: Final = 5
_MAX_NAME: Final = 100
_CLOSE: Final = 0.6
_MEDIA = re.compile(r"image|img|picture|photo|frame|file|media|video|reference|asset|attachment", re.IGNORECASE)
_SOURCES: Final = "http(s) address or base64 data URI; over stdio also a local path"
_FILE: Final = (
    "an http(s) address or a base64 data URI. A path is read only by the command `filmgate mcp`, on its own machine "
    "and in folders that the user has allowed."
)
_LAST = re.compile(r"end|last|tail", re.IGNORECASE)
_LITERALS: Final = {"true": "true", "false": "false", "null": "null", "none": "null"}
_WORDS: Final = {
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "null": "null",
    "array": "a list",
    "object": "an object",
}
_PLURAL: Final = {"string": "texts", "integer": "whole numbers", "number": "numbers", "boolean": "true or false"}

_ENVELOPE: Final = frozenset({"_meta"})
_MARK: Final = "toolCallId"
_WORKFLOW: Final = frozenset({_MARK, "sessionId", "action", "chatInput", "tool"})
"""What the MCP node of n8n puts among the arguments of every call, which nobody asks for; `toolCallId` tells it."""

_MAX_OFFSET: Final = 2**31
_FAULT = re.compile(r"(?P<what>.*?)(?: - at `\$\.(?P<field>.*)`)?", re.DOTALL)
_MISSING = re.compile(r"Object missing required field `(?P<field>.*)`")

Given = TypeVar("Given", bound=msgspec.Struct)

TaskId = Annotated[
    str,
    Meta(
        description="Id of a task: `task_id` in what a luma_generate_*, luma_extend_* or luma_list_tasks call gave.",
        examples=["019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6071"],
        extra_json_schema={"format": "uuid"},
    ),
]
Prompt = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=MAX_PROMPT,
        description="What the video shows, in plain words: subject, motion, camera, light, mood.",
        examples=["Ocean waves rolling in at sunset, slow camera push, warm light"],
    ),
]
Ratio = Annotated[
    str,
    Meta(
        description="Width to height; luma_list_aspect_ratios gives the pixels of each.",
        extra_json_schema={"enum": [*ASPECT_RATIOS]},
    ),
]
Seconds = Annotated[int, Meta(ge=1, le=MAX_SECONDS, description=f"Length in whole seconds. Default {DEFAULT_SECONDS}.")]
Resolution = Annotated[
    str | None,
    Meta(
        description="Size class. Left out, the engine's own size for the ratio.",
        extra_json_schema={"enum": [*RESOLUTIONS, None]},
    ),
]
Model = Annotated[
    Annotated[str, Meta(max_length=200)] | None,
    Meta(description="Model name, see luma_list_models. Left out, the admin's default, or that of an earlier video."),
]
Loop = Annotated[bool, Meta(description="Have the end run seamlessly into the start.")]
Enhancement = Annotated[bool, Meta(description="Let the engine enrich the prompt.")]
Callback = Annotated[
    str | None,
    Meta(
        description="http(s) address that gets one POST with the result when the task ends. Not needed for polling.",
        examples=["https://example.com/hooks/video"],
    ),
]
BodyTimeout = Annotated[
    float | None,
    Meta(description="Ignored: the call returns at once. Taken so that clients of other Luma servers work unchanged."),
]
EndImage = Annotated[
    str,
    Meta(description=f"Picture to end at: {_SOURCES}. Left out, the end is free."),
]


Thumbnail = Annotated[
    bool, Meta(description="Add a small picture of the finished video to the answer, of 20 kB at most, to look at it.")
]
Strict = Annotated[
    bool, Meta(description="Refuse the call rather than change a value, such as a length that no engine makes.")
]


class Nothing(msgspec.Struct, frozen=True):
    """No arguments."""


class OneTask(msgspec.Struct, frozen=True):
    """One task."""

    task_id: TaskId


class Look(OneTask, frozen=True):
    """One task, with or without its picture."""

    include_thumbnail: Thumbnail = False


class SomeTasks(msgspec.Struct, frozen=True):
    """Several tasks."""

    task_ids: Annotated[
        list[str],
        Meta(
            min_length=1,
            description="Ids of tasks, 50 at a time recommended; each is a `task_id` of an earlier answer.",
            examples=[["019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6071"]],
        ),
    ]


class Wait(OneTask, frozen=True):
    """A task, and how long to wait for its end."""

    timeout_seconds: Annotated[
        float, Meta(ge=0, le=MAX_WAIT, description=f"Longest wait in seconds; {MAX_WAIT} is the most.")
    ] = MAX_WAIT
    include_thumbnail: Thumbnail = False


class Listing(msgspec.Struct, frozen=True):
    """Which tasks to list."""

    state: Annotated[
        Literal["pending", "completed", "failed"] | None,
        Meta(description="Only tasks in this state. Left out, all."),
    ] = None
    limit: Annotated[int, Meta(ge=1, le=MAX_PAGE, description="Tasks in one answer.")] = 10
    offset: Annotated[
        int, Meta(ge=0, le=_MAX_OFFSET, description="Tasks to skip: `next_offset` of the page before.")
    ] = 0


class Generate(msgspec.Struct, frozen=True, kw_only=True):
    """A video from words."""

    prompt: Prompt
    aspect_ratio: Ratio = DEFAULT_ASPECT_RATIO
    loop: Loop = False
    enhancement: Enhancement = True
    duration: Seconds = DEFAULT_SECONDS
    resolution: Resolution = None
    model: Model = None
    timeout: BodyTimeout = None
    callback_url: Callback = None
    strict: Strict = False


class GenerateFromImage(Generate, frozen=True, kw_only=True):
    """A video from pictures and words."""

    start_image_url: Annotated[
        str,
        Meta(description=f"Picture to start from: {_SOURCES}. Give this, the end, or both."),
    ] = ""
    end_image_url: Annotated[
        str,
        Meta(description=f"Picture to end at: {_SOURCES}. Give this, the start, or both."),
    ] = ""


class Extend(msgspec.Struct, frozen=True, kw_only=True):
    """More of a video made here."""

    video_id: Annotated[
        str,
        Meta(
            min_length=1,
            description="`video_id` of a completed task, from luma_get_task. It is not the task_id.",
            extra_json_schema={"format": "uuid"},
        ),
    ]
    prompt: Prompt
    end_image_url: EndImage = ""
    model: Model = None
    callback_url: Callback = None
    strict: Strict = False


class ExtendFromUrl(msgspec.Struct, frozen=True, kw_only=True):
    """More of a video that has an address."""

    video_url: Annotated[
        str,
        Meta(
            min_length=1,
            description=f"The video: {_SOURCES}, or a `video_url` of a completed task.",
        ),
    ]
    prompt: Prompt
    end_image_url: EndImage = ""
    model: Model = None
    callback_url: Callback = None
    strict: Strict = False


NAMES: Final = {
    **{name: name for name in ("aspect_ratio", "resolution", "duration", "loop")},
    "enhance": "enhancement",
}
"""What the values of a generation are called here."""


def terms(said: msgspec.Struct, given: Mapping[str, Any]) -> Terms:
    """Return how exactly a call is to be done."""
    named = tuple(value for value, name in NAMES.items() if name in said.__struct_fields__ and name in given)
    return Terms(strict=getattr(said, "strict", False), given=named, names=NAMES)


def given_arguments(kind: type[msgspec.Struct], arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments that are given, as values of their types: many clients send all but texts as JSON text.

    Raises InvalidRequest naming the arguments that the tool does not have.
    """
    schemas = properties(kind)
    sent = {name: value for name, value in arguments.items() if value is not None and value != ""}
    unknown = [name for name in sent if name not in schemas and name not in _client_additions(sent)]
    if unknown:
        raise _unknown(unknown, kind)
    for name in FILES & sent.keys():
        if isinstance(sent[name], str) and is_local_path(sent[name]):
            raise InvalidRequest(f"{name} must be {_FILE}", field=name)
    converted = {name: _convert(sent[name], schema) for name, schema in schemas.items() if name in sent}
    return {name: value for name, value in converted.items() if value is not None}


def read(kind: type[Given], values: Mapping[str, Any]) -> Given:
    """Read what `given` returned. Raises InvalidRequest naming the argument, its value and the allowed ones."""
    try:
        return msgspec.convert(values, kind)
    except msgspec.ValidationError as error:
        raise _refusal(str(error), kind, values) from error


@cache
def properties(kind: type[msgspec.Struct]) -> dict[str, Schema]:
    """Return the schema of each argument."""
    found: dict[str, Schema] = schema_of(kind)["properties"]
    return found


def _client_additions(sent: Mapping[str, Any]) -> frozenset[str]:
    """Return the names that the client's program adds to every call by itself."""
    return _WORKFLOW | _ENVELOPE if _MARK in sent else _ENVELOPE


def _convert(value: Any, schema: Schema) -> Any:
    """Return a value as its declared type has it. A text that cannot be read as one is left for the reader to refuse.

    An argument that is a text stays as it came, whatever it looks like. To JSON, 5.0 is an integer too.
    """
    kinds = _kinds(schema)
    if isinstance(value, str):
        if "string" in kinds:
            nothing = "null" in kinds and "enum" in kinds and value.strip() == "null"
            return None if nothing else value
        value = _parse_text(value, schema)
    if "array" in kinds and value is not None:
        listed = value if isinstance(value, list) else [value]
        return [_convert(item, schema.get("items", {})) for item in listed]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _parse_text(text: str, schema: Schema) -> Any:
    """Read the JSON text of anything but a text; a single text stands for a list of one. Else return it as it is."""
    stripped = text.strip()
    try:
        value = msgspec.json.decode(_LITERALS.get(stripped.lower(), stripped))
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return text
    if isinstance(value, bool | int | float) and "string" in _kinds(schema.get("items", {})):
        return text
    return value


def _kinds(schema: Schema) -> frozenset[str]:
    """Return the names of the JSON types that a value may have, and `enum` if the values are listed."""
    found = {schema["type"]} if "type" in schema else set()
    for option in schema.get("anyOf", ()):
        found |= _kinds(option)
    if "enum" in schema:
        found |= {"enum", "string"} | ({"null"} if None in schema["enum"] else set())
    return frozenset(found)


def _unknown(names: list[str], kind: type[msgspec.Struct]) -> InvalidRequest:
    known = list(properties(kind))
    words = [f"{name[:_MAX_NAME]} is no parameter of this tool{_hint(name, known)}" for name in names[:_MAX_STRANGE]]
    if len(names) > _MAX_STRANGE:
        words.append(f"nor are {len(names) - _MAX_STRANGE} more")
    allowed = f"It takes {', '.join(known)}." if known else "It takes none."
    return InvalidRequest(f"{'; '.join(words)}. {allowed}", field=names[0][:_MAX_NAME])


def _hint(name: str, known: list[str]) -> str:
    """Return which argument is meant. A picture is one to start from, unless its name speaks of the end."""
    media, last = _MEDIA.search(name), _LAST.search(name)
    possible = [each for each in known if each != ("start_image_url" if last else "end_image_url")]
    files = [each for each in possible if each in FILES]
    close = get_close_matches(name.lower(), possible, 1, _CLOSE) or (files[:1] if media else [])
    if close:
        return f": use {close[0]}"
    return ": luma_generate_video_from_image takes pictures" if media else ""


def _refusal(fault: str, kind: type[msgspec.Struct], values: Mapping[str, Any]) -> InvalidRequest:
    missing = _MISSING.match(fault)
    if missing is not None:
        return InvalidRequest(f"{missing['field']} is required", field=missing["field"])
    found = _FAULT.fullmatch(fault)
    assert found is not None, "the pattern matches every text"
    what, field = found["what"].replace("`", "").replace("Expected ", "must be "), found["field"]
    if not field:
        return InvalidRequest(what)
    name = re.split(r"[.\[]", field)[0]
    schema, value = properties(kind)[name], values[name]
    if isinstance(value, str) and "string" in _kinds(schema) and "enum" not in _kinds(schema):
        return InvalidRequest(f"{field} {what}", field=field)
    return InvalidRequest(f"{field} must be {_describe_allowed(schema)}, got {_came(value)}", field=field)


def _describe_allowed(schema: Schema) -> str:
    """Describe the values that a schema allows."""
    words = [_describe_allowed(option) for option in schema.get("anyOf", ())]
    if "enum" in schema:
        words = [f"one of {', '.join(value for value in schema['enum'] if value is not None)}"]
    elif "type" in schema:
        words = [_WORDS[schema["type"]]]
        if schema["type"] == "array":
            words = [f"a list of {'one or more ' if schema.get('minItems') else ''}{_PLURAL[schema['items']['type']]}"]
        elif "minimum" in schema:
            words = [f"{words[0]} from {schema['minimum']} to {schema['maximum']}"]
    return " or ".join(words)


def _came(value: Any) -> str:
    """Show what came, in part."""
    text = msgspec.json.encode(value).decode()
    text = text if len(text) <= _MAX_NAME else f"{text[:_MAX_NAME]}…"
    return f"the text {text}" if isinstance(value, str) else text
