"""The requests of the gateway API, `/luma/generations` as resellers publish it, in Filmgate's own words."""

from __future__ import annotations

from typing import Annotated, Any, Final, NotRequired

from pydantic import Field, WithJsonSchema
from typing_extensions import TypedDict

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
    first_given,
)
from filmgate.adapters.dialects.serving.inputs import InputField, InputFields
from filmgate.adapters.dialects.serving.terms import terms
from filmgate.domain.adjustments import Terms
from filmgate.domain.errors import Conflict, InvalidRequest
from filmgate.domain.generation import Generation, Reference, ReferenceKind, check
from filmgate.domain.media_fields import END_NAMES, LIST_NAMES, START_NAMES
from filmgate.domain.sizes import DEFAULT_ASPECT_RATIO, DEFAULT_SECONDS
from filmgate.domain.states import State
from filmgate.domain.task import Task

NAME: Final = "gateway"
FIELDS: Final = ("image_url", "image_end_url")
EXTEND_FIELDS: Final = ("task_id", "image_end_url")


NAMES: Final = {
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
        return terms(said, self, NAMES, inputs, unused=twice)

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


class GatewaySubmit(TypedDict):
    """A submit as a gateway is sent it. An extension has the shape of its video, and no image to start from."""

    user_prompt: str
    expand_prompt: bool
    duration: str
    aspect_ratio: NotRequired[str]
    resolution: NotRequired[str]
    loop: NotRequired[bool]
    image_url: NotRequired[str]
    image_end_url: NotRequired[str]
    model_name: NotRequired[str]
    notify_hook: NotRequired[str]


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
