"""The bodies that ask for a generation: as a provider is sent them, and as the `request` of a task shows them."""

from __future__ import annotations

from typing import Any, Final, Literal, NotRequired, get_args

import msgspec
from typing_extensions import TypedDict

from filmgate.adapters.dialects.dream_machine.requests.vocabulary import (
    IMAGE_MODEL,
    MODE,
    VIDEO_MODEL,
    ImageModel,
    Mode,
    RequestType,
    VideoModel,
)
from filmgate.domain.generation import OWN, Generation, GuideRole, Kind, Operation, Reference, ReferenceKind
from filmgate.domain.media import find_media_name, media_path
from filmgate.domain.task import Task
from filmgate.ports.tasks import RawRequest

_TYPES: Final = {
    Operation.UPSCALE: RequestType.UPSCALE,
    Operation.ADD_AUDIO: RequestType.AUDIO,
    Operation.MODIFY: RequestType.MODIFY,
    Operation.REFRAME: RequestType.REFRAME_VIDEO,
}
_MODELS: Final = {Kind.VIDEO: get_args(VideoModel), Kind.IMAGE: get_args(ImageModel)}


class FileLink(TypedDict):
    """A file by its address."""

    url: str


class WeighedPicture(FileLink):
    """A picture by its address, and how much it counts."""

    weight: NotRequired[float]


class Keyframe(TypedDict):
    """A frame by the address of a picture, or by the id of an earlier generation."""

    type: Literal["image", "generation"]
    url: NotRequired[str]
    id: NotRequired[str]


class Keyframes(TypedDict, total=False):
    """What a clip starts from and ends at."""

    frame0: Keyframe
    frame1: Keyframe


class DreamMachineSubmit(TypedDict, total=False):
    """A body that asks for a generation; which fields it has follows from its `generation_type`."""

    generation_type: str
    model: str
    prompt: str
    aspect_ratio: str
    resolution: str
    duration: str
    loop: bool
    concepts: list[dict[Literal["key"], str]]
    keyframes: Keyframes
    format: str
    image_ref: list[WeighedPicture]
    style_ref: list[WeighedPicture]
    character_ref: dict[Literal["identity0"], dict[Literal["images"], list[str]]]
    modify_image_ref: WeighedPicture
    mode: Mode
    media: FileLink
    first_frame: FileLink
    callback_url: str


def default_model(generation: Generation) -> str:
    """Return the model that is meant where none is named."""
    return IMAGE_MODEL if generation.kind is Kind.IMAGE else VIDEO_MODEL


def request_of(task: Task, echo: RawRequest | None, dialect: str, base: str) -> dict[str, Any]:
    """Return the `request` of a task.

    A body of this dialect is shown as it was sent; what readers need of `generation_type`, `model` and `prompt` is
    added where it was left out. For a task of another dialect it is the body that would ask for the same here.
    """
    kind = type_of(task.generation)
    if echo is not None and echo.dialect == dialect:
        sent: dict[str, Any] = msgspec.json.decode(echo.body)
        added = {
            "generation_type": kind.value,
            "model": task.generation.model or default_model(task.generation),
            "prompt": task.generation.prompt,
        }
        return {**sent, **{name: value for name, value in added.items() if sent.get(name) is None}}
    written = _WRITERS[kind](task.generation, _Links(base, echo))
    if task.callback_url is not None:
        written["callback_url"] = task.callback_url
    return {
        "generation_type": kind.value,
        "model": _model_name(task.generation),
        "prompt": task.generation.prompt,
        **written,
    }


def body_of(generation: Generation, model: str | None) -> DreamMachineSubmit:
    """Return the body that asks another server of this API for a generation.

    What the generation refers to are addresses that this server can reach, and ids of its own generations; the model is
    named as it names it.
    """
    kind = type_of(generation)
    written: DreamMachineSubmit = {"generation_type": kind.value, **_WRITERS[kind](generation, _Links("", None))}
    if kind not in (RequestType.UPSCALE, RequestType.AUDIO):
        written["model"] = model or default_model(generation)
    if kind is not RequestType.UPSCALE and generation.prompt.strip():
        written["prompt"] = generation.prompt
    return written


def type_of(generation: Generation) -> RequestType:
    """Return the type of request for a generation."""
    if generation.kind is Kind.IMAGE:
        reframed = generation.operation is Operation.REFRAME
        return RequestType.REFRAME_IMAGE if reframed else RequestType.IMAGE
    return _TYPES.get(generation.operation, RequestType.VIDEO)


def _model_name(generation: Generation) -> str:
    """Return a name that clients of this API know."""
    known = generation.model in _MODELS[generation.kind]
    return generation.model if known and generation.model else default_model(generation)


class _Links:
    """Writes addresses: a file of our own has its link, under the name that the body of the submit has for it."""

    def __init__(self, base: str, echo: RawRequest | None) -> None:
        self._base = base
        self._body = b"" if echo is None else echo.body

    def __call__(self, value: str, kind: ReferenceKind = ReferenceKind.IMAGE) -> str:
        """Return an address."""
        if not value.startswith(OWN):
            return value
        token = value.removeprefix(OWN)
        usual = "input.mp4" if kind is ReferenceKind.VIDEO else "input.png"
        return self._base + media_path(token, find_media_name(token, self._body) or usual)


def _video(generation: Generation, link: _Links) -> DreamMachineSubmit:
    written: DreamMachineSubmit = {
        "aspect_ratio": generation.aspect_ratio,
        "duration": f"{generation.duration}s",
        "loop": generation.loop,
        **_resolution(generation),
    }
    if generation.concepts:
        written["concepts"] = [{"key": key} for key in generation.concepts]
    frames: Keyframes = {}
    if (start := _frame(generation.start, link)) is not None:
        frames["frame0"] = start
    if (end := _frame(generation.end, link)) is not None:
        frames["frame1"] = end
    if frames:
        written["keyframes"] = frames
    return written


def _frame(side: Reference | None, link: _Links) -> Keyframe | None:
    """Write a keyframe; this API has none for a video by its address."""
    if side is None or side.kind is ReferenceKind.VIDEO:
        return None
    if side.kind is ReferenceKind.TASK:
        return {"type": "generation", "id": side.value}
    return {"type": "image", "url": link(side.value)}


def _image(generation: Generation, link: _Links) -> DreamMachineSubmit:
    written: DreamMachineSubmit = {
        "aspect_ratio": generation.aspect_ratio,
        "format": generation.image_format.value,
    }
    if pictures := _weigh_pictures(generation, GuideRole.IMAGE, link):
        written["image_ref"] = pictures
    if styles := _weigh_pictures(generation, GuideRole.STYLE, link):
        written["style_ref"] = styles
    if faces := _links_of(generation, GuideRole.CHARACTER, link):
        written["character_ref"] = {"identity0": {"images": faces}}
    if changed := _weigh_pictures(generation, GuideRole.MODIFY, link):
        written["modify_image_ref"] = changed[0]
    return written


def _weigh_pictures(generation: Generation, role: GuideRole, link: _Links) -> list[WeighedPicture]:
    return [
        {"url": link(guide.url)} if guide.weight is None else {"url": link(guide.url), "weight": guide.weight}
        for guide in generation.guides
        if guide.role is role
    ]


def _links_of(generation: Generation, role: GuideRole, link: _Links) -> list[str]:
    return [link(guide.url) for guide in generation.guides if guide.role is role]


def _write_modify(generation: Generation, link: _Links) -> DreamMachineSubmit:
    return {"mode": MODE, **_source(generation, link)}


def _write_reframe(generation: Generation, link: _Links) -> DreamMachineSubmit:
    return {"aspect_ratio": generation.aspect_ratio, **_source(generation, link)}


def _write_image_reframe(generation: Generation, link: _Links) -> DreamMachineSubmit:
    return {"format": generation.image_format.value, **_write_reframe(generation, link)}


def _write_upscale(generation: Generation, _: _Links) -> DreamMachineSubmit:
    return _resolution(generation)


def _write_audio(_: Generation, __: _Links) -> DreamMachineSubmit:
    return {}


def _source(generation: Generation, link: _Links) -> DreamMachineSubmit:
    """Write the file that is worked on."""
    start = generation.start
    if start is None:
        return {"media": {"url": ""}}
    written: DreamMachineSubmit = {"media": {"url": link(start.value, start.kind)}}
    if frames := _links_of(generation, GuideRole.FIRST_FRAME, link):
        written["first_frame"] = {"url": frames[0]}
    return written


def _resolution(generation: Generation) -> DreamMachineSubmit:
    return {} if generation.resolution is None else {"resolution": generation.resolution}


_WRITERS: Final = {
    RequestType.VIDEO: _video,
    RequestType.IMAGE: _image,
    RequestType.UPSCALE: _write_upscale,
    RequestType.AUDIO: _write_audio,
    RequestType.MODIFY: _write_modify,
    RequestType.REFRAME_VIDEO: _write_reframe,
    RequestType.REFRAME_IMAGE: _write_image_reframe,
}
