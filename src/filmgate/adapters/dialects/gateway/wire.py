"""The gateway's wire format: `/luma/generations` as resellers publish it, to and from Filmgate's own words."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Annotated, Any, Final, TypeAlias

import msgspec
from pydantic import Field, WithJsonSchema

from filmgate.adapters.dialects.gateway.responses import (
    GatewayArtifact,
    GatewayBatch,
    GatewayCreated,
    GatewayError,
    GatewayImage,
    GatewayItem,
    GatewaySubmission,
    GatewayTask,
    GatewayThumbnail,
    Status,
    Word,
)
from filmgate.adapters.dialects.serving.codec import (
    Body,
    Callback,
    Flag,
    Name,
    Picture,
    Prompt,
    Ratio,
    Resolution,
    Seconds,
    address,
    array,
    first_given,
    rfc3339,
)
from filmgate.adapters.dialects.serving.inputs import InputField, InputFields
from filmgate.adapters.dialects.serving.remarks import add_remarks
from filmgate.adapters.dialects.serving.terms import terms
from filmgate.domain.adjustments import Terms
from filmgate.domain.errors import Conflict, FilmgateError, InvalidRequest
from filmgate.domain.generation import Generation, Reference, ReferenceKind, check
from filmgate.domain.media import Media
from filmgate.domain.media_fields import END_NAMES, LIST_NAMES, START_NAMES
from filmgate.domain.sizes import DEFAULT_ASPECT_RATIO, DEFAULT_SECONDS
from filmgate.domain.states import State
from filmgate.domain.task import Task
from filmgate.ports.media import StoredMedia
from filmgate.ports.tasks import RawRequest

NAME: Final = "gateway"
FIELDS: Final = ("image_url", "image_end_url")
EXTEND_FIELDS: Final = ("task_id", "image_end_url")

BatchAnswer: TypeAlias = list[GatewayTask] | GatewayBatch
ErrorAnswer: TypeAlias = GatewayError

_WORDS: Final[dict[State, Word]] = {
    State.PENDING: "pending",
    State.PROCESSING: "processing",
    State.COMPLETED: "completed",
    State.FAILED: "failed",
}
_STATUS: Final[dict[State, Status]] = {
    State.PENDING: "QUEUED",
    State.PROCESSING: "IN_PROGRESS",
    State.COMPLETED: "SUCCESS",
    State.FAILED: "FAILURE",
}
STATES: Final[dict[str, State]] = {
    **{word: state for state, word in _WORDS.items()},
    **{status.lower(): state for state, status in _STATUS.items()},
    "not_start": State.PENDING,
    "submitted": State.PENDING,
    "dreaming": State.PROCESSING,
}
"""What the words of all gateways mean, in lower case."""

_TYPES: Final = {401: "authentication_error", 403: "permission_error", 404: "not_found_error", 429: "rate_limit_error"}


_NAMES: Final = {
    **{name: name for name in ("aspect_ratio", "resolution", "duration", "loop")},
    "enhance": "expand_prompt",
}
_END: Final = InputField("image_end_url", "the last frame", END_NAMES)
CREATE_INPUTS: Final = InputFields((InputField("image_url", "the first frame", START_NAMES), _END), LIST_NAMES)
EXTEND_INPUTS: Final = InputFields((_END,))
"""An extension starts from the video in the path."""

_TWICE: Final = {"user_prompt": "prompt", "model_name": "model", "notify_hook": "callback_url"}
"""Fields with a second name, which counts if the first is not given."""


class ExtendBody(Body):
    """What every submit may have. `notify_hook` is posted the finished task, as a query would answer it."""

    user_prompt: Prompt = None
    prompt: Prompt = Field(default=None, description="Another name of `user_prompt`.")
    expand_prompt: Flag = Field(default=None, description="Let the prompt be enhanced; true if not given.")
    image_end_url: Picture = None
    notify_hook: Callback = None
    callback_url: Callback = None
    model_name: Name = Field(default=None, description="Which model, and with it which engine, makes the video.")
    model: Name = Field(default=None, description="Another name of `model_name`.")
    duration: Seconds = DEFAULT_SECONDS

    @property
    def words(self) -> str:
        """The prompt, under either name; empty if there is none."""
        return first_given(self.user_prompt, self.prompt) or ""

    @property
    def hook(self) -> str | None:
        """Where the finished task is posted to."""
        return first_given(self.notify_hook, self.callback_url)

    def terms(self, said: dict[str, Any]) -> Terms:
        """Return the terms of the body as it was sent; of two names of one field, the second may be unused."""
        twice = {
            second: f"{first} wins over it"
            for first, second in _TWICE.items()
            if said.get(first) and said.get(second) != said.get(first)
        }
        inputs = CREATE_INPUTS if isinstance(self, CreateBody) else EXTEND_INPUTS
        return terms(said, self, _NAMES, inputs, unused=twice)

    @property
    def enhance(self) -> bool:
        """Whether the prompt may be enhanced."""
        return self.expand_prompt is not False


class CreateBody(ExtendBody):
    """A new video. `user_prompt` is required unless there is an image to start from or to end at."""

    image_url: Picture = None
    loop: Flag = None
    aspect_ratio: Ratio = None
    resolution: Resolution = None

    def generation(self) -> Generation:
        """Understand the body. Raises InvalidRequest."""
        generation = Generation(
            prompt=self.words,
            aspect_ratio=first_given(self.aspect_ratio) or DEFAULT_ASPECT_RATIO,
            resolution=first_given(self.resolution),
            duration=self.duration,
            loop=bool(self.loop),
            enhance=self.enhance,
            model=first_given(self.model_name, self.model),
            start=_image(self.image_url),
            end=_image(self.image_end_url),
        )
        return check(generation, prompt_field="user_prompt")


class BatchBody(Body):
    """A batch query: the ids of tasks, and no action."""

    ids: list[str] = Field(description="Ids of tasks; unknown ones are left out of the answer.")


class UploadBody(Body):
    """A file to keep: an http(s) address or a data URI."""

    url: Annotated[str, WithJsonSchema(address("image"))]


def extension(body: ExtendBody, source: Task) -> Generation:
    """Understand an extension of a task: it keeps its size, and its model unless another is named.

    Raises InvalidRequest, and Conflict if the task has no video to extend.
    """
    if not body.words.strip():
        raise InvalidRequest("user_prompt is required", field="user_prompt")
    if source.state is not State.COMPLETED:
        raise Conflict(f"the task is {source.state}: only a completed one can be extended")
    generation = Generation(
        prompt=body.words,
        aspect_ratio=source.generation.aspect_ratio,
        resolution=source.generation.resolution,
        duration=body.duration,
        enhance=body.enhance,
        model=first_given(body.model_name, body.model, source.generation.model),
        start=Reference(ReferenceKind.TASK, source.id),
        end=_image(body.image_end_url),
    )
    return check(generation, prompt_field="user_prompt")


def _image(url: str | None) -> Reference | None:
    return Reference(ReferenceKind.IMAGE, url) if url else None


def upload_kind(url: str) -> ReferenceKind:
    """Return whether a data URI is a video or an image; an address counts as an image."""
    return ReferenceKind.VIDEO if url.lstrip()[:11].lower() == "data:video/" else ReferenceKind.IMAGE


def write_upload(stored: StoredMedia, base: str) -> dict[str, str]:
    """Write a stored file."""
    link = base + stored.media.path
    return {"id": stored.media.token, "public_url": link, "presigned_url": link}


def task_object(task: Task, base: str) -> GatewayTask:
    """Write a task: the same keys in every state, its files null until it is completed."""
    artifact = _artifact(task, base)
    written: GatewayTask = {
        "id": task.id,
        "state": _WORDS[task.state],
        "prompt": task.generation.prompt,
        "liked": None,
        "queue_state": None,
        "estimate_wait_seconds": None,
        "batch_id": "",
        "user_id": "",
        "pipeline_id": "",
        "created_at": rfc3339(task.created_at),
        "request": {"prompt": task.generation.prompt, "aspect_ratio": task.generation.aspect_ratio},
        "video": artifact and artifact["video"],
        "video_raw": artifact and artifact["video_raw"],
        "thumbnail": artifact and artifact["thumbnail"],
        "last_frame": artifact and artifact["last_frame"],
        "artifact": artifact,
    }
    if task.output is not None and task.output.image is not None:
        written["thumbnail"] = _thumbnail(task.output.thumbnail, base)
        written["image"] = _picture(task.output.image, base)
    if task.state is State.FAILED:
        written["failure_reason"] = written["fail_reason"] = _reason(task)
    return add_remarks(written, task, _NAMES)


def write_created(task: Task, base: str, trace_id: str) -> GatewayCreated:
    """Write a new task in the union of the documented forms."""
    moment = int(task.created_at)
    submission: GatewaySubmission = {
        "task_id": task.id,
        "task_status": _WORDS[task.state],
        "created_at": moment,
        "updated_at": moment,
    }
    return {**task_object(task, base), "code": 0, "message": "", "request_id": trace_id, "data": submission}


def write_error(error: FilmgateError, trace_id: str) -> bytes:
    """Write an error in both forms that gateway clients read."""
    fallback = "invalid_request_error" if error.status < 500 else "api_error"
    written: GatewayError = {
        "error": {"code": error.code, "message": error.message, "type": _TYPES.get(error.status, fallback)},
        "detail": {"reason": error.message, "code": 1},
        "trace_id": trace_id,
    }
    return msgspec.json.encode(written)


class ArrayForm:
    """A task as it is, a batch as a bare array."""

    name = NAME
    wants_echo = False
    wants_times = False

    def one(self, task: Task, echo: RawRequest | None, base: str) -> bytes:
        """Write one task."""
        del echo
        return msgspec.json.encode(task_object(task, base))

    def many(self, items: Sequence[bytes]) -> bytes:
        """Write a batch."""
        return array(items)


class EnvelopeForm:
    """A batch in the envelope of new-api's gateways."""

    name = "gateway-envelope"
    wants_echo = False
    wants_times = False

    def one(self, task: Task, echo: RawRequest | None, base: str) -> bytes:
        """Write one item."""
        del echo
        return msgspec.json.encode(_item(task, base))

    def many(self, items: Sequence[bytes]) -> bytes:
        """Write the envelope."""
        return b'{"code":"success","message":"","data":' + array(items) + b"}"


class SecondForm(ArrayForm):
    """A task as `/luma/v2` wraps it: a list of one under `data`."""

    name = "gateway-v2"

    def one(self, task: Task, echo: RawRequest | None, base: str) -> bytes:
        """Write one task."""
        return b'{"data":[' + super().one(task, echo, base) + b"]}"


FORM: Final = ArrayForm()
ENVELOPE: Final = EnvelopeForm()
SECOND: Final = SecondForm()


def batch_form(asked: str | None, configured: str) -> ArrayForm | EnvelopeForm:
    """Choose the form of a batch: the one asked for, else the admin's. Raises InvalidRequest."""
    wanted = configured if asked is None else asked
    if wanted not in ("array", "envelope"):
        raise InvalidRequest("format must be array or envelope", field="format")
    return FORM if wanted == "array" else ENVELOPE


def _artifact(task: Task, base: str) -> GatewayArtifact | None:
    output = task.output
    if task.state is not State.COMPLETED or output is None or output.video is None or output.last_frame is None:
        return None
    return {
        "video": {
            "url": _link(output.video, base),
            "width": output.video.facts.width,
            "height": output.video.facts.height,
            "download_url": _link(output.video, base),
            "thumbnail": _link(output.thumbnail, base),
        },
        "thumbnail": _thumbnail(output.thumbnail, base),
        "video_raw": {
            "url": _link(output.video, base),
            "width": output.video.facts.width,
            "height": output.video.facts.height,
            "duration": round(output.video.facts.duration or 0.0, 6),
            "media_type": "video",
        },
        "created_at": rfc3339(task.finished_at or task.updated_at),
        "last_frame": {
            "url": _link(output.last_frame, base),
            "width": output.last_frame.facts.width,
            "height": output.last_frame.facts.height,
            "palette": None,
            "media_type": "image",
        },
    }


def _thumbnail(media: Media, base: str) -> GatewayThumbnail:
    return {
        "url": _link(media, base),
        "width": media.facts.width,
        "height": media.facts.height,
        "palette": {"grid": media.facts.palette or ""},
        "media_type": "image",
    }


def _picture(media: Media, base: str) -> GatewayImage:
    return {
        "url": _link(media, base),
        "width": media.facts.width,
        "height": media.facts.height,
        "media_type": "image",
    }


def _link(media: Media, base: str) -> str:
    return base + media.path


def _reason(task: Task) -> str:
    return task.failure.message if task.failure else "The generation failed."


def _item(task: Task, base: str) -> GatewayItem:
    return {
        "id": int(hashlib.sha256(task.id.encode()).hexdigest()[:12], 16),
        "created_at": int(task.created_at),
        "updated_at": int(task.updated_at),
        "task_id": task.id,
        "platform": "luma",
        "action": "LUMA_VIDEO",
        "status": _STATUS[task.state],
        "fail_reason": _reason(task) if task.state is State.FAILED else "",
        "submit_time": int(task.created_at),
        "start_time": int(task.started_at or 0),
        "finish_time": int(task.finished_at or 0),
        "progress": "100%" if task.final else f"{task.percent}%",
        "data": task_object(task, base),
    }
