"""The bodies that are sent, each understood as a generation."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Final, Literal

from pydantic import Field

from filmgate.adapters.dialects.dream_machine.requests.fields import (
    CharacterPictures,
    Concepts,
    Duration,
    FirstFrame,
    ImageSource,
    Keyframes,
    OnePicture,
    Pictures,
    Prompt,
    Ratio,
    Resolution,
    Silence,
    Sound,
    VideoSource,
    Weighed,
    check_ratio,
    check_type,
    first_frame,
    guides,
    length,
    only,
    resolution,
    words,
)
from filmgate.adapters.dialects.dream_machine.requests.vocabulary import MODE, Mode, RequestType
from filmgate.adapters.dialects.serving.codec import Body, Callback, Flag, Name, Number, Text
from filmgate.adapters.dialects.serving.inputs import InputField, InputFields, by_url
from filmgate.adapters.dialects.serving.terms import terms
from filmgate.domain.adjustments import Adjustment, Terms
from filmgate.domain.errors import InvalidRequest
from filmgate.domain.generation import Generation, GuideRole, ImageFormat, Kind, Operation, Reference, ReferenceKind
from filmgate.domain.media_fields import END_NAMES, LIST_NAMES, START_NAMES, VIDEO_NAMES
from filmgate.domain.sizes import DEFAULT_ASPECT_RATIO
from filmgate.domain.states import State
from filmgate.domain.task import Task

MAX_SYNC: Final = 300.0
"""Seconds a synchronous request may wait, at most."""

_VALUES: Final = ("aspect_ratio", "resolution", "duration", "loop")
_SYNC, _HEADROOM = 60.0, 1.0
_UPSCALED: Final = "1080p"
_FRAMES: Final = ("keyframes.frame0", "keyframes.frame1")
_MEDIA: Final = ("media.url", "")
_ID: Final = ("id", "")
_LOOPS: Final = {
    (None, ReferenceKind.IMAGE): "end frame",
    (None, ReferenceKind.TASK): "extend reverse",
    (ReferenceKind.IMAGE, ReferenceKind.IMAGE): "keyframes",
    (ReferenceKind.IMAGE, ReferenceKind.TASK): "interpolate image to video",
    (ReferenceKind.TASK, ReferenceKind.IMAGE): "interpolate video to image",
    (ReferenceKind.TASK, ReferenceKind.TASK): "interpolate between two videos",
}
Whole = Annotated[int | None, Field(ge=-(2**31), le=2**31)]


def _frame_of(address: str) -> dict[str, str]:
    return {"type": "image", "url": address}


_VIDEO: Final = InputField(
    "media", "the video to work on", VIDEO_NAMES, kind=ReferenceKind.VIDEO, write=by_url, typed=True
)
_FIRST: Final = InputField(
    "first_frame",
    "the first frame",
    tuple(name for name in START_NAMES if name.startswith("first_frame_")),
    write=by_url,
    typed=True,
)


class Submit(Body):
    """What every submit may have. `fields` are the names of what it starts from and ends at."""

    INPUTS: ClassVar[InputFields] = InputFields()

    callback_url: Callback = None

    @property
    def fields(self) -> tuple[str, str]:
        """The request's names of the start and the end."""
        return _MEDIA

    def terms(self, sent: dict[str, Any]) -> Terms:
        """Return the terms of the body as it was sent."""
        return terms(sent, self, {name: name for name in _VALUES if name in type(self).model_fields}, self.INPUTS)


class VideoBody(Submit):
    """A new video. `prompt` is required unless there is an image to start from or to end at."""

    INPUTS: ClassVar[InputFields] = InputFields(
        (
            InputField(_FRAMES[0], "the first frame", START_NAMES, write=_frame_of, typed=True),
            InputField(_FRAMES[1], "the last frame", END_NAMES, write=_frame_of, typed=True),
        ),
        LIST_NAMES,
    )

    generation_type: Annotated[Text, only(RequestType.VIDEO)] = None
    model: Name = None
    prompt: Prompt = None
    aspect_ratio: Ratio = None
    duration: Duration = None
    resolution: Resolution = None
    loop: Flag = None
    concepts: Concepts = None
    keyframes: Keyframes = None

    @property
    def fields(self) -> tuple[str, str]:
        """The request's names of the start and the end."""
        return _FRAMES

    def generation(self) -> Generation:
        """Understand the body. Raises InvalidRequest."""
        check_type(self.generation_type, RequestType.VIDEO)
        start, end = self._sides()
        if self.loop and end is not None:
            what = _LOOPS[start.kind if start else None, end.kind]
            raise InvalidRequest(f"Loop is not supported for {what}", field="loop")
        pictured = any(side is not None and side.kind is ReferenceKind.IMAGE for side in (start, end))
        seconds, too_long = length(self.duration)
        size, too_large = resolution(self.resolution)
        return Generation(
            prompt=words(self.prompt, needed=not pictured),
            aspect_ratio=self.aspect_ratio or DEFAULT_ASPECT_RATIO,
            resolution=size,
            duration=seconds,
            loop=bool(self.loop),
            model=self.model or None,
            start=start,
            end=end,
            concepts=tuple(concept.key for concept in self.concepts or ()),
            unsupported=" ".join(filter(None, (too_long, too_large))) or None,
        )

    def _sides(self) -> tuple[Reference | None, Reference | None]:
        if self.keyframes is None:
            return None, None
        frames = zip(_FRAMES, (self.keyframes.frame0, self.keyframes.frame1), strict=True)
        start, end = (None if frame is None else frame.reference(field) for field, frame in frames)
        if start is None and end is None:
            raise InvalidRequest("No keyframes provided", field="keyframes")
        return start, end


class ImageBody(Submit):
    """A new image. `prompt` is required unless there are pictures to guide it.

    The AI SDK leaves `_ref` out of the names of pictures; both names of a kind count.
    """

    INPUTS: ClassVar[InputFields] = InputFields(
        further={
            "image_ref": "pictures that guide it",
            "style_ref": "pictures of its style",
            "character_ref": "pictures of a character",
            "modify_image_ref": "the picture to make anew",
            **dict.fromkeys(("image", "style", "character", "modify_image"), "the same, by the names of the AI SDK"),
        }
    )

    generation_type: Annotated[Text, only(RequestType.IMAGE)] = None
    model: Name = None
    prompt: Prompt = None
    aspect_ratio: Ratio = None
    format: Literal["jpg", "png"] | None = None
    image_ref: Pictures = None
    style_ref: Pictures = None
    character_ref: CharacterPictures = None
    modify_image_ref: OnePicture = None
    image: Pictures = None
    style: Pictures = None
    character: CharacterPictures = None
    modify_image: OnePicture = None
    sync: Flag = Field(default=None, description="Answer when the image is there, or `sync_timeout` is over.")
    sync_timeout: Number = Field(
        default=None, description=f"Seconds to wait with `sync`: 60 if not given, {MAX_SYNC:g} at most."
    )

    @property
    def patience(self) -> float:
        """Seconds to wait for the image, 0 if it is not asked to wait.

        Clients set their own clock to the same time and start it earlier; a little less lets the answer arrive.
        """
        if not self.sync:
            return 0.0
        wanted = min(max(0.0, _SYNC if self.sync_timeout is None else self.sync_timeout), MAX_SYNC)
        return wanted - _HEADROOM if wanted > 10 * _HEADROOM else wanted

    def generation(self) -> Generation:
        """Understand the body. Raises InvalidRequest."""
        check_type(self.generation_type, RequestType.IMAGE)
        if self.modify_image_ref and self.modify_image:
            raise InvalidRequest(
                "modify_image is another name of modify_image_ref: send one of them", field="modify_image"
            )
        shown = [each.identity0 for each in (self.character_ref, self.character) if each and each.identity0]
        pictures, unsupported = guides(
            {
                GuideRole.IMAGE: [*(self.image_ref or ()), *(self.image or ())],
                GuideRole.STYLE: [*(self.style_ref or ()), *(self.style or ())],
                GuideRole.CHARACTER: [Weighed(url=url) for identity in shown for url in identity.images or ()],
                GuideRole.MODIFY: [each for each in (self.modify_image_ref, self.modify_image) if each],
            }
        )
        return Generation(
            prompt=words(self.prompt, needed=not pictures and unsupported is None),
            aspect_ratio=self.aspect_ratio or DEFAULT_ASPECT_RATIO,
            model=self.model or None,
            kind=Kind.IMAGE,
            guides=pictures,
            image_format=ImageFormat(self.format or "jpg"),
            unsupported=unsupported,
        )


class ModifyBody(Submit):
    """A video made anew after an earlier one."""

    INPUTS: ClassVar[InputFields] = InputFields((_VIDEO, _FIRST))

    generation_type: Annotated[Text, only(RequestType.MODIFY)] = None
    model: Name = None
    prompt: Prompt = None
    mode: Mode = Field(description="How far it may be from its source.")
    media: VideoSource
    first_frame: FirstFrame = None

    def terms(self, sent: dict[str, Any]) -> Terms:
        """Return the terms of the body: the engines know one mode."""
        reason = f"every modification is made with the mode {MODE}"
        changed = [] if self.mode == MODE else [Adjustment("mode", self.mode, MODE, reason)]
        return terms(sent, self, {}, self.INPUTS, changed=changed)

    def generation(self) -> Generation:
        """Understand the body. Raises InvalidRequest."""
        check_type(self.generation_type, RequestType.MODIFY)
        return Generation(
            prompt=words(self.prompt, needed=False),
            model=self.model or None,
            start=Reference(ReferenceKind.VIDEO, self.media.url),
            named=Operation.MODIFY,
            guides=first_frame(self.first_frame),
        )


class Reframe(Submit):
    """What both reframes have. The numbers say where the source lies in the new frame, in pixels."""

    model: Name = None
    prompt: Prompt = None
    aspect_ratio: Ratio = None
    grid_position_x: Whole = None
    grid_position_y: Whole = None
    resized_width: Whole = None
    resized_height: Whole = None
    x_start: Whole = None
    x_end: Whole = None
    y_start: Whole = None
    y_end: Whole = None

    @property
    def unplaced(self) -> str | None:
        """Why the source cannot lie where it is asked to."""
        asked = [name for name in Reframe.model_fields if name in _PLACES and getattr(self, name) is not None]
        if not asked:
            return None
        return f"The source cannot be placed by {', '.join(asked)}: it is always put into the middle of the new frame."


_PLACES: Final = {
    *("grid_position_x", "grid_position_y", "resized_width", "resized_height"),
    *("x_start", "x_end", "y_start", "y_end"),
}


class ReframeVideoBody(Reframe):
    """A video in another aspect ratio."""

    INPUTS: ClassVar[InputFields] = InputFields((_VIDEO, _FIRST))

    generation_type: Annotated[Text, only(RequestType.REFRAME_VIDEO)] = None
    media: VideoSource
    first_frame: FirstFrame = None

    def generation(self) -> Generation:
        """Understand the body. Raises InvalidRequest."""
        check_type(self.generation_type, RequestType.REFRAME_VIDEO)
        return Generation(
            prompt=words(self.prompt, needed=False),
            aspect_ratio=check_ratio(self.aspect_ratio),
            model=self.model or None,
            start=Reference(ReferenceKind.VIDEO, self.media.url),
            named=Operation.REFRAME,
            guides=first_frame(self.first_frame),
            unsupported=self.unplaced,
        )


class ReframeImageBody(Reframe):
    """An image in another aspect ratio."""

    INPUTS: ClassVar[InputFields] = InputFields(
        (InputField("media", "the picture to reframe", START_NAMES, write=by_url, typed=True),)
    )

    generation_type: Annotated[Text, only(RequestType.REFRAME_IMAGE)] = None
    media: ImageSource
    format: Literal["jpg", "png"] | None = None

    def generation(self) -> Generation:
        """Understand the body. Raises InvalidRequest."""
        check_type(self.generation_type, RequestType.REFRAME_IMAGE)
        return Generation(
            prompt=words(self.prompt, needed=False),
            aspect_ratio=check_ratio(self.aspect_ratio),
            model=self.model or None,
            kind=Kind.IMAGE,
            start=Reference(ReferenceKind.IMAGE, self.media.url),
            named=Operation.REFRAME,
            image_format=ImageFormat(self.format or "jpg"),
            unsupported=self.unplaced,
        )


class UpscaleBody(Submit):
    """A larger version of an earlier video."""

    generation_type: Annotated[Text, only(RequestType.UPSCALE)] = None
    resolution: Resolution = None

    @property
    def fields(self) -> tuple[str, str]:
        """The request's names of the start and the end."""
        return _ID

    def generation(self, source: Task) -> Generation:
        """Understand the body: a larger copy of the source's video. Raises InvalidRequest."""
        check_type(self.generation_type, RequestType.UPSCALE)
        size, unsupported = resolution(self.resolution, _UPSCALED)
        return _after(source, Operation.UPSCALE, source.generation.prompt, size, unsupported)


class AudioBody(Submit):
    """An earlier video with sound."""

    generation_type: Annotated[Text, only(RequestType.AUDIO)] = None
    prompt: Sound = None
    negative_prompt: Silence = None

    def terms(self, sent: dict[str, Any]) -> Terms:
        """Return the terms of the body: engines do not get the negative prompt of the sound."""
        return terms(sent, self, {}, self.INPUTS, unused={"negative_prompt": "it does not reach the engines"})

    @property
    def fields(self) -> tuple[str, str]:
        """The request's names of the start and the end."""
        return _ID

    def generation(self, source: Task) -> Generation:
        """Understand the body: without a prompt of its own the sound is that of the video's. Raises InvalidRequest."""
        check_type(self.generation_type, RequestType.AUDIO)
        prompt = words(self.prompt, needed=False) or source.generation.prompt
        return _after(source, Operation.ADD_AUDIO, prompt, source.generation.resolution, None)


def _after(source: Task, operation: Operation, prompt: str, size: str | None, unsupported: str | None) -> Generation:
    """Return an operation on the video of an earlier task. Raises InvalidRequest if it has none yet."""
    if source.state is not State.COMPLETED:
        raise InvalidRequest(f"Generation {source.id} is not completed", field="id")
    if source.output is None or source.output.video is None:
        raise InvalidRequest(f"Generation {source.id} has no video", field="id")
    return Generation(
        prompt=prompt,
        aspect_ratio=source.generation.aspect_ratio,
        resolution=size,
        duration=source.generation.duration,
        model=source.generation.model,
        start=Reference(ReferenceKind.TASK, source.id),
        named=operation,
        unsupported=unsupported,
    )
