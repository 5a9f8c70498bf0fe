"""The requests of AceData, `/luma/videos` and `/luma/tasks`, in Filmgate's own words."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Final, Literal, NotRequired
from urllib.parse import urlsplit

import msgspec
from pydantic import AfterValidator, Field, WithJsonSchema
from typing_extensions import TypedDict

from filmgate.adapters.dialects.serving.codec import (
    Body,
    Callback,
    Film,
    Flag,
    Name,
    Number,
    Picture,
    Prompt,
    Ratio,
    Text,
    first_given,
)
from filmgate.adapters.dialects.serving.inputs import InputField, InputFields
from filmgate.adapters.dialects.serving.terms import terms
from filmgate.domain.adjustments import Adjustment, Terms
from filmgate.domain.errors import InvalidRequest
from filmgate.domain.generation import Generation, Reference, ReferenceKind, check
from filmgate.domain.media_fields import END_NAMES, LIST_NAMES, START_NAMES, VIDEO_NAMES
from filmgate.domain.sizes import DEFAULT_ASPECT_RATIO
from filmgate.domain.task import Task
from filmgate.ports.tasks import TaskFilter

NAME: Final = "acedata"

MAX_PAGE: Final = 100
"""Tasks in one page of a batch query, at most."""

_PAGE: Final = 12
NAMES: Final = {"aspect_ratio": "aspect_ratio", "loop": "loop", "enhance": "enhancement"}
_START: Final = InputField("start_image_url", "the first frame", START_NAMES, ("image_url",))
_END: Final = InputField("end_image_url", "the last frame", END_NAMES)
_VIDEO: Final = InputField("video_url", "the video to extend", VIDEO_NAMES, kind=ReferenceKind.VIDEO)
GENERATE_INPUTS: Final = InputFields((_START, _END), LIST_NAMES)
EXTEND_INPUTS: Final = InputFields((_VIDEO, _END), further={"video_id": "the video to extend, by its id"})
_PATIENCE, _LONGEST, _HEADROOM = 300.0, 600.0, 1.0


def _not_negative(value: float | None) -> float | None:
    if value is not None and value < 0:
        raise ValueError("must be 0 or more")
    return value


Timeout = Annotated[
    Number,
    AfterValidator(_not_negative),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "number", "minimum": 0},
                {"type": "null"},
                {"type": "string", "pattern": r"^[0-9]{1,15}(\.[0-9]{1,15})?$"},
            ]
        }
    ),
]


class VideosBody(Body):
    """A submit. Null and the empty string mean that a field is absent."""

    action: Literal["generate", "extend", ""] | None = Field(default=None, description="`generate` if not given.")
    prompt: Prompt = None
    aspect_ratio: Ratio = None
    start_image_url: Picture = None
    end_image_url: Picture = None
    image_url: Picture = None
    video_id: Name = Field(default=None, description="The video to extend, by its id.")
    video_url: Film = None
    loop: Flag = None
    enhancement: Flag = Field(default=None, description="Let the prompt be enhanced; true if not given.")
    timeout: Timeout = Field(
        default=None,
        description="Seconds to wait for the video in the synchronous form: 300 if not given, 600 at most.",
    )
    callback_url: Callback = None
    asynchronous: Flag = Field(default=None, alias="async", description="Answer at once; query the task later.")
    model: Name = Field(default=None, description="Which model, and with it which engine, makes the video.")

    @property
    def waits(self) -> bool:
        """Whether the answer is the finished video."""
        return not self.asynchronous and not self.callback_url

    @property
    def patience(self) -> float:
        """Seconds to wait for the video.

        Clients set their own clock to the same time and start it earlier; a little less lets the answer arrive.
        """
        wanted = min(_PATIENCE if self.timeout is None else self.timeout, _LONGEST)
        return wanted - _HEADROOM if wanted > 10 * _HEADROOM else wanted

    @property
    def extends(self) -> bool:
        """Whether an earlier video is to be extended."""
        return self.action == "extend"

    @property
    def fields(self) -> tuple[str, str]:
        """The request's names of the start and the end."""
        if self.extends:
            return ("video_id" if self.video_id else "video_url", "end_image_url")
        return ("start_image_url" if self.start_image_url else "image_url", "end_image_url")

    def generation(self, source: Task | None = None) -> Generation:
        """Understand the body; `source` is the task to extend, None if it is not one of ours.

        The extension of a task keeps its size, and its model unless another is named. Raises InvalidRequest.
        """
        earlier = None if source is None else source.generation
        generation = Generation(
            prompt=self.prompt or "",
            aspect_ratio=earlier.aspect_ratio if earlier else first_given(self.aspect_ratio) or DEFAULT_ASPECT_RATIO,
            resolution=earlier.resolution if earlier else None,
            loop=bool(self.loop),
            enhance=self.enhancement is not False,
            model=first_given(self.model, earlier.model if earlier else None),
            start=self._start(source),
            end=_reference(ReferenceKind.IMAGE, self.end_image_url),
        )
        return check(generation)

    def terms(self, sent: dict[str, Any], source: Task | None) -> Terms:
        """Return the terms of the body as it was sent."""
        unused = {}
        if self.extends:
            unused = dict.fromkeys(("start_image_url", "image_url"), "an extension starts from its video")
            if self.video_id and not _shows(self.video_url, source):
                unused["video_url"] = "video_id names another video: give one of them"
        else:
            unused = dict.fromkeys(("video_id", "video_url"), "only the action extend works on a video")
        changed = []
        if source is not None and self.aspect_ratio and self.aspect_ratio != source.generation.aspect_ratio:
            reason = "an extension has the size of its video; leave it out"
            changed.append(Adjustment("aspect_ratio", self.aspect_ratio, source.generation.aspect_ratio, reason))
        names = {value: name for value, name in NAMES.items() if source is None or value != "aspect_ratio"}
        return terms(sent, self, names, inputs_of(sent), unused=unused, changed=changed)

    def _start(self, source: Task | None) -> Reference | None:
        if source is not None:
            return Reference(ReferenceKind.TASK, source.id)
        if not self.extends:
            return _reference(ReferenceKind.IMAGE, first_given(self.start_image_url, self.image_url))
        start = _reference(ReferenceKind.VIDEO, self.video_url)
        if start is None:
            raise InvalidRequest("video_id or video_url is required with action extend", field="video_id")
        return start


def inputs_of(sent: dict[str, Any]) -> InputFields:
    """Return the input places of a submit."""
    return EXTEND_INPUTS if sent.get("action") == "extend" else GENERATE_INPUTS


def _shows(url: str | None, task: Task | None) -> bool:
    """Return whether an address is that of the video of a task."""
    video = task.output.video if task is not None and task.output is not None else None
    return video is not None and url is not None and urlsplit(url.strip()).path.endswith(video.path)


AceDataSubmit = TypedDict(
    "AceDataSubmit",
    {
        "action": Literal["generate", "extend"],
        "prompt": str,
        "aspect_ratio": NotRequired[str],
        "loop": bool,
        "enhancement": bool,
        "async": bool,
        "start_image_url": NotRequired[str],
        "end_image_url": NotRequired[str],
        "video_id": NotRequired[str],
        "video_url": NotRequired[str],
        "model": NotRequired[str],
        "callback_url": NotRequired[str],
    },
)
"""A submit as AceData is sent it."""


class RetrieveBody(Body):
    """A query of one task, by its id or by the trace id of its submit."""

    action: Literal["retrieve"]
    id: Text = Field(default=None, description="The id of a task.")
    trace_id: Text = Field(default=None, description="The trace id of a submit; used if there is no `id`.")


class RetrieveBatchBody(Body):
    """A query of many tasks by at least one filter. With `ids` alone all of them are answered, in their order."""

    action: Literal["retrieve_batch"]
    ids: list[str] | None = Field(default=None, description="Ids of tasks; unknown ones are left out.")
    trace_ids: list[str] | None = Field(default=None, description="Trace ids of submits.")
    application_id: Text = Field(default=None, description="The application; another one than your own has no tasks.")
    user_id: Text = Field(default=None, description="The owner of the application.")
    type: Text = Field(default=None, description="The kind of task; there are only videos.")
    offset: int | None = Field(default=None, ge=0, le=2**31, description="Tasks to skip; 0 if not given.")
    limit: int | None = Field(default=None, ge=1, le=MAX_PAGE, description="Tasks to answer; 12 if not given.")
    created_at_min: float | None = Field(default=None, description="Unix seconds, inclusive.")
    created_at_max: float | None = Field(default=None, description="Unix seconds, inclusive.")

    @property
    def said(self) -> dict[str, Any]:
        """The filters that are given; null and the empty string are none."""
        return {name: value for name, value in self if name != "action" and value is not None and value != ""}

    def filter(self) -> TaskFilter:
        """Return the query as a filter, the newest tasks first."""
        said = self.said
        ids, trace_ids = said.get("ids"), said.get("trace_ids")
        return TaskFilter(
            ids=None if ids is None else tuple(ids),
            trace_ids=None if trace_ids is None else tuple(trace_ids),
            user_id=said.get("user_id"),
            created_min=said.get("created_at_min"),
            created_max=said.get("created_at_max"),
            limit=said.get("limit", max(_PAGE, len(ids or ()))),
            offset=said.get("offset", 0),
        )


def _reference(kind: ReferenceKind, value: str | None) -> Reference | None:
    return Reference(kind, value) if value else None


_NOTHING: Final = msgspec.Raw(b"null")
_FILTERS: Final = (
    "trace_ids",
    "application_id",
    "user_id",
    "type",
    "offset",
    "limit",
    "created_at_min",
    "created_at_max",
)


class TasksBody(msgspec.Struct):
    """A body of the path; what else it has is skipped, and filters are not read, only seen."""

    action: str | None = None
    id: str | None = None
    trace_id: str | None = None
    ids: list[str] | None = None
    trace_ids: msgspec.Raw = _NOTHING
    application_id: msgspec.Raw = _NOTHING
    user_id: msgspec.Raw = _NOTHING
    type: msgspec.Raw = _NOTHING
    offset: msgspec.Raw = _NOTHING
    limit: msgspec.Raw = _NOTHING
    created_at_min: msgspec.Raw = _NOTHING
    created_at_max: msgspec.Raw = _NOTHING

    @property
    def is_filtered(self) -> bool:
        """Whether the body asks for anything but ids."""
        return any(getattr(self, name) != _NOTHING for name in _FILTERS)


decode_tasks_body = msgspec.json.Decoder(TasksBody).decode


class Api(StrEnum):
    """The kinds of bodies, by `action`."""

    RETRIEVE = "retrieve"
    RETRIEVE_BATCH = "retrieve_batch"
    GATEWAY = "gateway"
    UNKNOWN = "unknown"


def api_of(body: dict[str, Any]) -> Api:
    """Return by the value of `action`: absent, null or empty with `ids` is a batch of the gateway."""
    return choose_api(body.get("action"), has_ids=body.get("ids") is not None)


def choose_api(action: object, *, has_ids: bool) -> Api:
    """Return the API of a body by its `action`, and by whether it has ids."""
    if isinstance(action, str) and action in (Api.RETRIEVE, Api.RETRIEVE_BATCH):
        return Api(action)
    return Api.GATEWAY if (action is None or action == "") and has_ids else Api.UNKNOWN
