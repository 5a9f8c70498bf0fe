"""The bodies of generations, each understood as one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final, Literal

import msgspec
from pydantic import Field, WithJsonSchema

from filmgate.adapters.dialects.agents.requests.vocabulary import NAMES, VIDEO_MODEL, Type
from filmgate.adapters.dialects.serving.codec import Body, Callback, Flag, Name, Prompt, Seconds, Text, address
from filmgate.adapters.dialects.serving.inputs import InputField, InputFields, by_url
from filmgate.adapters.dialects.serving.terms import terms
from filmgate.domain.adjustments import Terms
from filmgate.domain.errors import InvalidRequest
from filmgate.domain.generation import (
    Generation,
    Guide,
    GuideRole,
    ImageFormat,
    Kind,
    Operation,
    Reference,
    ReferenceKind,
    check,
)
from filmgate.domain.media_fields import END_NAMES, LIST_NAMES, START_NAMES
from filmgate.domain.sizes import ASPECT_RATIOS, DEFAULT_ASPECT_RATIO, DEFAULT_SECONDS, RESOLUTIONS, frame_count
from filmgate.domain.task import Task
from filmgate.ports.media import StoredMedia

Found = Mapping[str, Task | StoredMedia]
"""The caller's generations and files that a body names, by id."""

_KEYS: Final = ("url", "data", "generation_id", "file_id")
MAX_REFERENCES: Final = 9
_SILENT: Final = ("user_id",)
"""Fields without an effect on the result."""

_CLIP_ONLY: Final = ("video.duration", "video.loop", "video.end_frame", "video.keyframes")
_UNUSED: Final[dict[Type, tuple[str, ...]]] = {
    "image": ("source", "video"),
    "image_edit": ("video",),
    "layering": ("video", "image_ref"),
    "video": ("source", "output_format", "video.edit", "video.source_position"),
    "video_edit": ("output_format", *_CLIP_ONLY, "video.source_position"),
    "video_reframe": ("output_format", *_CLIP_ONLY, "video.start_frame", "video.edit"),
}
"""Fields that a type of work has no use for."""

_GUIDES: Final = {"image_ref": "pictures that guide it"}
_EDITED: Final = {"source": "the video to work on"}
INPUTS: Final[dict[Type, InputFields]] = {
    "image": InputFields(further=_GUIDES),
    "image_edit": InputFields(further={"source": "the picture to edit", **_GUIDES}),
    "layering": InputFields(further={"source": "the picture to take apart"}),
    "video": InputFields(
        (
            InputField("video.start_frame", "the first frame", START_NAMES, write=by_url, typed=True),
            InputField("video.end_frame", "the last frame", END_NAMES, write=by_url, typed=True),
        ),
        LIST_NAMES,
        {"video.keyframes": "frames, with video.keyframe_indexes", **_GUIDES},
    ),
    "video_edit": InputFields(
        further={
            **_EDITED,
            "video.start_frame": "the first frame",
            "video.edit.keyframes": "frames, with video.edit.keyframe_indexes",
            **_GUIDES,
        }
    ),
    "video_reframe": InputFields(further=_EDITED | _GUIDES),
}
"""The pictures and clips that each type of work has places for."""


def inputs_of(sent: Mapping[str, Any]) -> InputFields:
    """Return the input places of a request."""
    return INPUTS.get(_type_of(sent.get("type"), sent.get("model"), sent.get("video")), InputFields())


def _type_of(said: Any, model: Any, video: Any) -> Any:
    """Return the type of work, if need be told from the rest."""
    if said is not None:
        return said if isinstance(said, str) else None
    return "video" if model == VIDEO_MODEL or video is not None else "image"


def _media(kind: str, description: str) -> dict[str, Any]:
    """Describe a reference. Inline `data` has no schema that could say which base64 is a picture."""
    text = {"type": "string", "minLength": 1}
    values = {"url": address(kind), "generation_id": text, "file_id": text}
    one = [{"type": "object", "required": [key], "properties": {key: schema}} for key, schema in values.items()]
    return {
        "description": f"{description}: `url`, base64 `data` with its `media_type`, `generation_id` or `file_id`.",
        "anyOf": one,
    }


def _or_null(schema: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [schema, {"type": "null"}]}


class MediaRef(Body):
    """A picture or a clip: exactly one of an address, base64 data, an earlier generation, an uploaded file."""

    url: Text = None
    data: Text = None
    media_type: Text = None
    generation_id: Text = None
    file_id: Text = None

    def key(self, field: str) -> str:
        """Return which of the four it is. Raises InvalidRequest."""
        there = [key for key in _KEYS if getattr(self, key)]
        if len(there) != 1:
            raise InvalidRequest(f"{field} must have exactly one of {', '.join(_KEYS)}", field=field)
        if self.data and not self.media_type:
            raise InvalidRequest(f"{field}: data needs its media_type", field=field)
        return there[0]


class EditOptions(Body):
    """How a clip is edited. Strength and controls are for engines that have them."""

    keyframes: list[MediaRef] | None = None
    keyframe_indexes: list[int] | None = None


class VideoOptions(Body):
    """Options of a clip."""

    duration: Seconds = DEFAULT_SECONDS
    resolution: Literal["360p", "540p", "720p", "1080p"] | None = None
    loop: Flag = None
    hdr: Flag = None
    exr_export: Flag = None
    start_frame: MediaRef | None = None
    end_frame: MediaRef | None = None
    keyframes: list[MediaRef] | None = None
    keyframe_indexes: list[int] | None = None
    source_position: dict[str, Any] | None = None
    edit: EditOptions | None = None

    def frames(self) -> dict[int, tuple[str, MediaRef]]:
        """Return the pictures fixed to frames, with their field; the last frame is -1. Raises InvalidRequest."""
        pinned = {}
        if self.start_frame is not None:
            pinned[0] = ("video.start_frame", self.start_frame)
        if self.end_frame is not None:
            pinned[-1] = ("video.end_frame", self.end_frame)
        if self.keyframes:
            if pinned:
                raise InvalidRequest(
                    "video.keyframes cannot be used together with start_frame or end_frame", field="video.keyframes"
                )
            last = frame_count(self.duration) - 1
            for index, ref in _anchors(self.keyframes, self.keyframe_indexes, "video.keyframe_indexes"):
                pinned[-1 if index == last else index] = ("video.keyframes", ref)
        return pinned


_VIDEO: Final = _or_null(
    {
        "type": "object",
        "description": "Options of a clip. `keyframes` with `keyframe_indexes` are understood for the first and the "
        "last frame.",
        "properties": {
            "duration": _or_null({"enum": ["5s", "10s"]}),
            "resolution": _or_null({"enum": ["360p", "540p", "720p", "1080p"]}),
            "loop": {"type": ["boolean", "null"]},
            "hdr": {"type": ["boolean", "null"]},
            "exr_export": {"type": ["boolean", "null"]},
            "start_frame": _or_null(_media("image", "What the clip starts from")),
            "end_frame": _or_null(_media("image", "What the clip ends at")),
            "source_position": {"type": ["object", "null"]},
        },
    }
)


class GenerationBody(Body):
    """A new generation."""

    prompt: Prompt = None
    type: Annotated[
        Type | None, Field(description="If none is given: `video` for the model ray-3.2 or with `video`, else `image`.")
    ] = None
    model: Name = Field(default=None, description="uni-1, uni-1-max, ray-3.2, or a model that an engine here names.")
    aspect_ratio: (
        Literal["3:1", "2:1", "21:9", "16:9", "4:3", "3:2", "1:1", "3:4", "2:3", "9:16", "1:2", "1:3", "9:21"] | None
    ) = None
    output_format: Literal["png", "jpeg"] | None = None
    source: Annotated[MediaRef | None, WithJsonSchema(_or_null(_media("video", "What is edited or reframed")))] = None
    image_ref: Annotated[
        list[MediaRef] | None,
        Field(max_length=MAX_REFERENCES),
        WithJsonSchema(
            _or_null({"type": "array", "maxItems": MAX_REFERENCES, "items": _media("image", "A guiding picture")})
        ),
    ] = None
    video: Annotated[VideoOptions | None, WithJsonSchema(_VIDEO)] = None
    callback_url: Callback = None

    @property
    def kind_of_work(self) -> Type:
        """The type, if need be told from the rest."""
        kind: Type = _type_of(self.type, self.model, self.video)
        return kind

    @property
    def fields(self) -> tuple[str, str]:
        """The request's names of the two sides of a clip."""
        return ("video.start_frame" if self.kind_of_work == "video" else "source", "video.end_frame")

    def references(self) -> Iterator[tuple[str, MediaRef]]:
        """Yield every picture and clip that is used, with its field. Raises InvalidRequest."""
        if self.kind_of_work == "layering":
            return
        if self.source is not None:
            yield "source", self.source
        yield from (("image_ref", ref) for ref in self.image_ref or ())
        if self.kind_of_work == "video":
            yield from self._options.frames().values()
        if self.kind_of_work == "video_edit":
            yield from self._edit_frames().values()

    def generation(self, found: Found, base: str) -> Generation:
        """Understand the body, with its references by id. Raises InvalidRequest."""
        if not (self.prompt or "").strip():
            raise InvalidRequest("prompt is required", field="prompt")
        made = {
            "image": self._image,
            "image_edit": self._image,
            "layering": self._layering,
            "video": self._video,
            "video_edit": self._parse_change,
            "video_reframe": self._parse_change,
        }[self.kind_of_work](_Media(found, base))
        return check(made)

    def terms(self, sent: dict[str, Any]) -> Terms:
        """Return the terms of the body as it was sent."""
        kind = self.kind_of_work
        unused = dict.fromkeys(_UNUSED[kind], f"it is not for the type {kind}")
        return terms(sent, self, NAMES, INPUTS[kind], unused=unused, silent=_SILENT)

    @property
    def _options(self) -> VideoOptions:
        return self.video or VideoOptions()

    def _basis(self, earlier: Generation | None = None, unsupported: str | None = None) -> Generation:
        """Return the part that all types have in common; an earlier generation sets the size if none is asked for."""
        basis = earlier or Generation("")
        ratio = self.aspect_ratio or basis.aspect_ratio
        resolution = self._options.resolution or basis.resolution
        if ratio not in ASPECT_RATIOS:
            unsupported = unsupported or f"The aspect ratio {ratio} is not made here, only {', '.join(ASPECT_RATIOS)}."
            ratio = DEFAULT_ASPECT_RATIO
        if resolution is not None and resolution not in RESOLUTIONS:
            unsupported = unsupported or f"The resolution {resolution} is not made here, only {', '.join(RESOLUTIONS)}."
            resolution = None
        if self._options.hdr or self._options.exr_export:
            unsupported = unsupported or "HDR video and EXR files are not made here."
        return Generation(
            prompt=self.prompt or "",
            aspect_ratio=ratio,
            resolution=resolution,
            model=self.model or None,
            unsupported=unsupported,
        )

    def _image(self, media: _Media) -> Generation:
        guides = [Guide(GuideRole.IMAGE, media.image("image_ref", ref)) for ref in self.image_ref or ()]
        if self.kind_of_work == "image_edit":
            guides.insert(0, Guide(GuideRole.MODIFY, media.image("source", self._source())))
        return msgspec.structs.replace(
            self._basis(),
            kind=Kind.IMAGE,
            guides=tuple(guides),
            image_format=ImageFormat.PNG if self.output_format == "png" else ImageFormat.JPG,
        )

    def _layering(self, _media: _Media) -> Generation:
        basis = self._basis(unsupported="Pictures are not taken apart into layers here.")
        return msgspec.structs.replace(basis, kind=Kind.IMAGE)

    def _video(self, media: _Media) -> Generation:
        pinned = self._options.frames()
        between = sorted(index for index in pinned if index not in (0, -1))
        unsupported = f"Frame {between[0]} cannot be fixed here, only the first and the last one." if between else None
        sides = {
            side: media.reference(*pinned[index]) for side, index in (("start", 0), ("end", -1)) if index in pinned
        }
        guides = tuple(Guide(GuideRole.IMAGE, media.image("image_ref", ref)) for ref in self.image_ref or ())
        return msgspec.structs.replace(
            self._basis(unsupported=unsupported),
            duration=self._options.duration,
            loop=bool(self._options.loop),
            guides=guides,
            **sides,
        )

    def _parse_change(self, media: _Media) -> Generation:
        source = media.reference("source", self._source(), film=True)
        earlier = media.generation(source)
        named, unsupported, guides = Operation.MODIFY, None, []
        if self.kind_of_work == "video_reframe":
            named = Operation.REFRAME
            if self._options.source_position is not None:
                unsupported = "The place of the source cannot be chosen here: leave source_position out."
        else:
            pinned = self._edit_frames()
            if 0 in pinned:
                guides.append(Guide(GuideRole.FIRST_FRAME, media.image(*pinned.pop(0))))
            if pinned:
                unsupported = f"Frame {min(pinned)} cannot be fixed in an edit here, only the first one."
        guides += [Guide(GuideRole.IMAGE, media.image("image_ref", ref)) for ref in self.image_ref or ()]
        return msgspec.structs.replace(
            self._basis(earlier, unsupported),
            named=named,
            start=source,
            duration=earlier.duration if earlier else self._options.duration,
            guides=tuple(guides),
        )

    def _source(self) -> MediaRef:
        if self.source is None:
            raise InvalidRequest(f"source is required for {self.kind_of_work}", field="source")
        return self.source

    def _edit_frames(self) -> dict[int, tuple[str, MediaRef]]:
        edit, start = self._options.edit, self._options.start_frame
        pinned = {0: ("video.start_frame", start)} if start is not None else {}
        if edit is not None and edit.keyframes:
            anchors = _anchors(edit.keyframes, edit.keyframe_indexes, "video.edit.keyframe_indexes")
            pinned |= {index: ("video.edit.keyframes", ref) for index, ref in anchors}
        return pinned


class _Media:
    """Reads references, with the generations and files that those by id refer to."""

    def __init__(self, found: Found, base: str) -> None:
        self._found = found
        self._base = base

    def reference(self, field: str, ref: MediaRef, *, film: bool = False) -> Reference:
        """Read a reference to a picture or a clip; with `film` it has to be a clip. Raises InvalidRequest."""
        key = ref.key(field)
        if key in ("url", "data"):
            clip = film or (ref.media_type or "").lower().startswith("video/")
            value = ref.url or _data_uri(ref.data or "", ref.media_type or "")
            return Reference(ReferenceKind.VIDEO if clip else ReferenceKind.IMAGE, value)
        named = self._found[getattr(ref, key)]
        reference = self._of_task(named, field) if isinstance(named, Task) else self._of_file(named)
        if film and reference.kind is ReferenceKind.IMAGE:
            raise InvalidRequest(f"{field} must be a video", field=field)
        return reference

    def image(self, field: str, ref: MediaRef) -> str:
        """Read a reference that has to be a picture: its address. Raises InvalidRequest."""
        reference = self.reference(field, ref)
        if reference.kind is not ReferenceKind.IMAGE:
            raise InvalidRequest(f"{field} must be an image", field=field)
        return reference.value

    def generation(self, reference: Reference) -> Generation | None:
        """Return the request of the referenced task; None for anything else."""
        named = self._found.get(reference.value)
        return named.generation if isinstance(named, Task) else None

    def _of_task(self, task: Task, field: str) -> Reference:
        if task.generation.kind is Kind.VIDEO:
            return Reference(ReferenceKind.TASK, task.id)
        if task.output is None or task.output.image is None:
            raise InvalidRequest(f"{field}: generation {task.id} has no image (yet)", field=field)
        return Reference(ReferenceKind.IMAGE, self._base + task.output.image.path)

    def _of_file(self, stored: StoredMedia) -> Reference:
        clip = stored.media.facts.type.startswith("video/")
        return Reference(ReferenceKind.VIDEO if clip else ReferenceKind.IMAGE, self._base + stored.media.path)


def _anchors(keyframes: list[MediaRef], indexes: list[int] | None, field: str) -> Iterator[tuple[int, MediaRef]]:
    """Put pictures and their frames together. Raises InvalidRequest."""
    places = indexes if indexes is not None else [0] if len(keyframes) == 1 else []
    if len(places) != len(keyframes) or len(set(places)) != len(places) or min(places) < 0:
        raise InvalidRequest(f"{field} must have one frame of its own for each keyframe, 0 or more", field=field)
    return zip(places, keyframes, strict=True)


def _data_uri(data: str, media_type: str) -> str:
    data = data.strip()
    return data if data[:5].lower() == "data:" else f"data:{media_type};base64,{data}"


def echo(body: Any) -> Any:
    """Return the body with inline data under `url`, as data URIs, where links to stored files can take their place."""
    if isinstance(body, list):
        return [echo(item) for item in body]
    if not isinstance(body, dict):
        return body
    data, media_type = body.get("data"), body.get("media_type")
    if isinstance(data, str) and isinstance(media_type, str):
        kept = {key: value for key, value in body.items() if key not in ("data", "url")}
        return kept | {"url": _data_uri(data, media_type)}
    return {key: echo(value) for key, value in body.items()}
