"""AceData's wire format: `/luma/videos` and `/luma/tasks`, to and from Filmgate's own words."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Sequence
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlsplit

import msgspec
from pydantic import AfterValidator, Field, WithJsonSchema

from filmgate.adapters.dialects.acedata.responses import (
    AceDataAccepted,
    AceDataError,
    AceDataErrorWords,
    AceDataFailed,
    AceDataFailure,
    AceDataPicture,
    AceDataPictureResult,
    AceDataResult,
    AceDataRunning,
    AceDataState,
    AceDataTask,
    AceDataVideo,
    UnionError,
    Word,
)
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
    array,
    first_given,
    rfc3339,
)
from filmgate.adapters.dialects.serving.inputs import InputField, InputFields
from filmgate.adapters.dialects.serving.remarks import add_remarks, remarks
from filmgate.adapters.dialects.serving.terms import terms
from filmgate.domain.adjustments import Adjustment, Terms
from filmgate.domain.errors import FilmgateError, Forbidden, InvalidRequest, QuotaExceeded, WaitTimeout
from filmgate.domain.failures import Failure
from filmgate.domain.generation import Generation, Operation, Reference, ReferenceKind, check
from filmgate.domain.media_fields import END_NAMES, LIST_NAMES, START_NAMES, VIDEO_NAMES
from filmgate.domain.sizes import DEFAULT_ASPECT_RATIO
from filmgate.domain.states import State
from filmgate.domain.task import Task
from filmgate.ports.tasks import RawRequest, TaskFilter

NAME: Final = "acedata"

MAX_PAGE: Final = 100
"""Tasks in one page of a batch query, at most."""

_PAGE: Final = 12
_NAMES: Final = {"aspect_ratio": "aspect_ratio", "loop": "loop", "enhance": "enhancement"}
_START: Final = InputField("start_image_url", "the first frame", START_NAMES, ("image_url",))
_END: Final = InputField("end_image_url", "the last frame", END_NAMES)
_VIDEO: Final = InputField("video_url", "the video to extend", VIDEO_NAMES, kind=ReferenceKind.VIDEO)
GENERATE_INPUTS: Final = InputFields((_START, _END), LIST_NAMES)
EXTEND_INPUTS: Final = InputFields((_VIDEO, _END), further={"video_id": "the video to extend, by its id"})
_PATIENCE, _LONGEST, _HEADROOM = 300.0, 600.0, 1.0
_CODES: Final = {401: "invalid_token", 403: "forbidden", 404: "not_found", 429: "too_many_requests", 504: "timeout"}
_API_IDS: Final = {operation: str(uuid.uuid5(uuid.NAMESPACE_URL, f"filmgate:{operation}")) for operation in Operation}
_WORDS: Final[dict[State, Word]] = {
    State.PENDING: "pending",
    State.PROCESSING: "processing",
    State.COMPLETED: "completed",
    State.FAILED: "failed",
}
STATES: Final[dict[str, State]] = {word: state for state, word in _WORDS.items()}
"""What the words of an answer mean."""

_NO_FAILURE: Final = Failure("api_error", "The generation failed.")


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
        names = {value: name for value, name in _NAMES.items() if source is None or value != "aspect_ratio"}
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
        """What is asked for; null and the empty string say nothing."""
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


def write_accepted(task: Task) -> AceDataAccepted:
    """Write an accepted task. No address and no `data`: clients would take either for the finished video."""
    return {
        "success": True,
        "task_id": task.id,
        "video_id": task.video_id,
        "trace_id": task.trace_id,
        "state": _WORDS[task.state],
        **remarks(task, _NAMES),
    }


def result(task: Task, base: str) -> AceDataVideo | AceDataPicture | AceDataFailed:
    """Write a finished task, as the synchronous form answers it and a callback gets it."""
    return (
        _video(task, base)
        or _picture(task, base)
        or {
            "success": False,
            "task_id": task.id,
            "trace_id": task.trace_id,
            "state": "failed",
            "error": _error(task),
            **remarks(task, _NAMES),
        }
    )


def is_refused(task: Task) -> bool:
    """Return whether the content was refused, which AceData answers with 403; its SDK does not try that again."""
    return task.failure is not None and "moderat" in task.failure.code


def write_error(error: FilmgateError, trace_id: str) -> bytes:
    """Write an error in AceData's documented codes."""
    written: AceDataError = {
        "success": False,
        "error": {"code": _code(error), "message": error.message},
        "trace_id": trace_id,
    }
    if isinstance(error, WaitTimeout):
        written["task_id"] = error.task_id
    return msgspec.json.encode(written)


def write_union_error(error: FilmgateError, trace_id: str) -> bytes:
    """Write an error of `/luma/tasks` so that clients of both APIs that share the path can read it."""
    written: UnionError = {
        "success": False,
        "error": {"code": _code(error), "message": error.message},
        "detail": {"reason": error.message, "code": 1},
        "trace_id": trace_id,
    }
    return msgspec.json.encode(written)


def _code(error: FilmgateError) -> str:
    if isinstance(error, QuotaExceeded):
        return error.code
    if isinstance(error, Forbidden):
        return "disabled"  # AceData's "forbidden" says that the content was refused
    return _CODES.get(error.status) or ("bad_request" if error.status < 500 else "api_error")


class TaskForm:
    """A task with the body it was submitted with; a batch with its count."""

    name = NAME
    wants_echo = True
    wants_times = False

    def one(self, task: Task, echo: RawRequest | None, base: str) -> bytes:
        """Write one task."""
        request = msgspec.Raw(echo.body) if echo is not None and echo.dialect == NAME else _request(task)
        return msgspec.json.encode({**_task(task, base), "request": request})

    def many(self, items: Sequence[bytes]) -> bytes:
        """Write a batch."""
        return b'{"items":' + array(items) + b',"count":%d}' % len(items)


class ResultForm:
    """A finished task as the synchronous form answers it: what is posted to the callback address."""

    name = f"{NAME}-result"
    wants_echo = False
    wants_times = False

    def one(self, task: Task, echo: RawRequest | None, base: str) -> bytes:
        """Write one task."""
        del echo
        return msgspec.json.encode(result(task, base))

    def many(self, items: Sequence[bytes]) -> bytes:
        """Write several."""
        return array(items)


FORM: Final = TaskForm()
HOOK: Final = ResultForm()


def _task(task: Task, base: str) -> AceDataTask:
    video, picture = _video(task, base), _picture(task, base)
    written: AceDataTask = {
        "_id": hashlib.sha256(task.id.encode()).hexdigest()[:24],
        "id": task.id,
        "api_id": _API_IDS[task.generation.operation],
        "application_id": task.application_id,
        "credential_id": task.credential_id,
        "user_id": task.user_id,
        "trace_id": task.trace_id,
        "created_at": task.created_at,
        "state": _WORDS[task.state],
        "request": {},
        "response": video or picture or _response(task),
        "data": _data(task, video, picture),
    }
    if task.started_at is not None:
        written["started_at"] = task.started_at
    if task.final:
        finished = task.finished_at or task.updated_at
        written["finished_at"] = finished
        written["elapsed"] = round(max(0.0, finished - (task.started_at or task.created_at)), 3)
    return written


def _video(task: Task, base: str) -> AceDataVideo | None:
    output = task.output
    if task.state is not State.COMPLETED or output is None or output.video is None:
        return None
    return {
        "success": True,
        "task_id": task.id,
        "video_id": task.video_id,
        "prompt": task.generation.prompt,
        "video_url": base + output.video.path,
        "video_height": output.video.facts.height,
        "video_width": output.video.facts.width,
        "state": "completed",
        "thumbnail_url": base + output.thumbnail.path,
        "thumbnail_width": output.thumbnail.facts.width,
        "thumbnail_height": output.thumbnail.facts.height,
        **remarks(task, _NAMES),
    }


def _response(task: Task) -> AceDataRunning | AceDataFailure:
    """Write the response of a task without a video: a state word always, `success` only at the end."""
    if task.final:
        return {"success": False, "task_id": task.id, "state": "failed", "error": _error(task), **remarks(task, _NAMES)}
    running: AceDataRunning = {"task_id": task.id, "state": "pending"}
    if task.state is State.PROCESSING:
        # The SDK takes a 1 for the whole, as if progress were a fraction.
        running = {"task_id": task.id, "state": "processing", "progress": task.percent if task.percent != 1 else 0}
    return add_remarks(running, task, _NAMES)


def _picture(task: Task, base: str) -> AceDataPicture | None:
    output = task.output
    if task.state is not State.COMPLETED or output is None or output.image is None:
        return None
    return {
        "success": True,
        "task_id": task.id,
        "video_id": task.video_id,
        "prompt": task.generation.prompt,
        "image_url": base + output.image.path,
        "image_height": output.image.facts.height,
        "image_width": output.image.facts.width,
        "state": "completed",
        "thumbnail_url": base + output.thumbnail.path,
        "thumbnail_width": output.thumbnail.facts.width,
        "thumbnail_height": output.thumbnail.facts.height,
        **remarks(task, _NAMES),
    }


def _data(
    task: Task, video: AceDataVideo | None, picture: AceDataPicture | None
) -> AceDataResult | AceDataPictureResult | AceDataState:
    if video is not None:
        return {**video, "id": task.id, "created_at": rfc3339(task.created_at)}
    if picture is not None:
        return {**picture, "id": task.id, "created_at": rfc3339(task.created_at)}
    if task.final:
        return {"id": task.id, "state": "failed", **remarks(task, _NAMES)}
    return {"id": task.id, "state": "pending" if task.state is State.PENDING else "processing", **remarks(task, _NAMES)}


def _error(task: Task) -> AceDataErrorWords:
    failure = task.failure or _NO_FAILURE
    return {"code": failure.code, "message": failure.message}


def _request(task: Task) -> dict[str, Any]:
    """Write a generation from another dialect as a submit of this one; what lies here only has no address to show."""
    generation = task.generation
    written: dict[str, Any] = {
        "action": "generate" if generation.operation is Operation.GENERATE else "extend",
        "prompt": generation.prompt,
        "aspect_ratio": generation.aspect_ratio,
        "loop": generation.loop,
        "enhancement": generation.enhance,
    }
    if generation.model:
        written["model"] = generation.model
    for reference, name in ((generation.start, "start_image_url"), (generation.end, "end_image_url")):
        if reference is not None and reference.value.startswith(("http://", "https://")):
            written["video_url" if reference.kind is ReferenceKind.VIDEO else name] = reference.value
    return written
