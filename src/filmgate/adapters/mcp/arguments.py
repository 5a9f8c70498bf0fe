"""What the tools take.

A field that is left out, null or an empty string is not given: agents and older servers' clients send all three.
"""

from __future__ import annotations

import re
from itertools import islice
from typing import Annotated, Any, Final, Literal, TypeVar

import msgspec
from msgspec import Meta

from filmgate.domain.adjustments import Adjustment, Terms, shown
from filmgate.domain.errors import InvalidRequest
from filmgate.domain.generation import MAX_PROMPT
from filmgate.domain.sizes import ASPECT_RATIOS, DEFAULT_ASPECT_RATIO, DEFAULT_SECONDS, MAX_SECONDS, RESOLUTIONS

MAX_WAIT: Final = 50
"""Seconds the waiting tool waits at most; clients give up at 60."""

MAX_PAGE: Final = 50
"""Tasks in one page of the list, at most."""

_MAX_STRANGE: Final = 20
_MAX_NAME: Final = 100
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
    Meta(
        description="Model name, see luma_list_models. Left out, the operator's default, or that of an earlier video."
    ),
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
Patience = Annotated[
    float | None,
    Meta(description="Ignored: the call returns at once. Taken so that clients of other Luma servers work unchanged."),
]
EndImage = Annotated[
    str, Meta(description="Picture to end at: http(s) address or base64 data URI. Left out, the end is free.")
]


Strict = Annotated[
    bool, Meta(description="Refuse the call rather than change a value, such as a length that no engine makes.")
]


class Nothing(msgspec.Struct, frozen=True):
    """No arguments."""


class OneTask(msgspec.Struct, frozen=True):
    """One task."""

    task_id: TaskId


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


class Wait(msgspec.Struct, frozen=True):
    """A task, and how long to wait for its end."""

    task_id: TaskId
    timeout_seconds: Annotated[
        float, Meta(ge=0, le=MAX_WAIT, description=f"Longest wait in seconds; {MAX_WAIT} is the most.")
    ] = MAX_WAIT


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
    timeout: Patience = None
    callback_url: Callback = None
    strict: Strict = False


class GenerateFromImage(Generate, frozen=True, kw_only=True):
    """A video from pictures and words."""

    start_image_url: Annotated[
        str, Meta(description="Picture to start from: http(s) address or base64 data URI. Give this, the end, or both.")
    ] = ""
    end_image_url: Annotated[
        str, Meta(description="Picture to end at: http(s) address or base64 data URI. Give this, the start, or both.")
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
            description="http(s) address or base64 data URI of a video; also a `video_url` of a completed task.",
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


def terms(said: msgspec.Struct, given: dict[str, Any]) -> Terms:
    """Return how exactly a call is to be done."""
    known = set(said.__struct_fields__)
    named = {name: value for name, value in given.items() if value is not None and value != ""}
    strange = islice((name for name in named if name not in known), _MAX_STRANGE)
    reason = "this tool has no such parameter"
    return Terms(
        strict=getattr(said, "strict", False),
        given=tuple(value for value, name in NAMES.items() if name in known and name in named),
        changed=tuple(Adjustment(name[:_MAX_NAME], shown(named[name]), None, reason) for name in strange),
        names=NAMES,
    )


def read(kind: type[Given], arguments: dict[str, Any]) -> Given:
    """Read the arguments of a call. Raises InvalidRequest naming the field."""
    said = {name: _whole(value) for name, value in arguments.items() if value is not None and value != ""}
    try:
        return msgspec.convert(said, kind)
    except msgspec.ValidationError as error:
        raise _refusal(str(error)) from error


def _whole(value: object) -> object:
    """To JSON, 5.0 is an integer too."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _refusal(fault: str) -> InvalidRequest:
    missing = _MISSING.match(fault)
    if missing is not None:
        return InvalidRequest(f"{missing['field']} is required", field=missing["field"])
    found = _FAULT.fullmatch(fault)
    assert found is not None, "the pattern matches every text"
    what, field = found["what"].replace("`", "").replace("Expected ", "must be "), found["field"]
    return InvalidRequest(f"{field} {what}" if field else what, field=field)
