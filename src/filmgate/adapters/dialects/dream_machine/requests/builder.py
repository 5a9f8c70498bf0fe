"""The bodies that ask for a generation: as a provider is sent them, and as the `request` of a task shows them."""

from __future__ import annotations

from typing import Any, Final, get_args

import msgspec

from filmgate.adapters.dialects.dream_machine.requests.vocabulary import (
    IMAGE_MODEL,
    MODE,
    VIDEO_MODEL,
    ImageModel,
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


def body_of(generation: Generation, model: str | None) -> dict[str, Any]:
    """Return the body that asks another server of this API for a generation.

    What the generation refers to are addresses that this server can reach, and ids of its own generations; the model is
    named as it names it.
    """
    kind = type_of(generation)
    written = {"generation_type": kind.value, **_WRITERS[kind](generation, _Links("", None))}
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


def _video(generation: Generation, link: _Links) -> dict[str, Any]:
    written: dict[str, Any] = {
        "aspect_ratio": generation.aspect_ratio,
        "duration": f"{generation.duration}s",
        "loop": generation.loop,
        **_resolution(generation),
    }
    if generation.concepts:
        written["concepts"] = [{"key": key} for key in generation.concepts]
    sides = {"frame0": _frame(generation.start, link), "frame1": _frame(generation.end, link)}
    frames = {side: frame for side, frame in sides.items() if frame is not None}
    return written | ({"keyframes": frames} if frames else {})


def _frame(side: Reference | None, link: _Links) -> dict[str, str] | None:
    """Write a keyframe; this API has none for a video by its address."""
    if side is None or side.kind is ReferenceKind.VIDEO:
        return None
    if side.kind is ReferenceKind.TASK:
        return {"type": "generation", "id": side.value}
    return {"type": "image", "url": link(side.value)}


def _image(generation: Generation, link: _Links) -> dict[str, Any]:
    written: dict[str, Any] = {"aspect_ratio": generation.aspect_ratio, "format": generation.image_format.value}
    for role in (GuideRole.IMAGE, GuideRole.STYLE):
        pictures = _write_weighted(generation, role, link)
        written |= {f"{role}_ref": pictures} if pictures else {}
    faces = [link(guide.url) for guide in generation.guides if guide.role is GuideRole.CHARACTER]
    if faces:
        written["character_ref"] = {"identity0": {"images": faces}}
    changed = _write_weighted(generation, GuideRole.MODIFY, link)
    return written | ({"modify_image_ref": changed[0]} if changed else {})


def _write_weighted(generation: Generation, role: GuideRole, link: _Links) -> list[dict[str, Any]]:
    return [
        {"url": link(guide.url)} | ({} if guide.weight is None else {"weight": guide.weight})
        for guide in generation.guides
        if guide.role is role
    ]


def _write_modify(generation: Generation, link: _Links) -> dict[str, Any]:
    return {"mode": MODE, **_source(generation, link)}


def _write_reframe(generation: Generation, link: _Links) -> dict[str, Any]:
    return {"aspect_ratio": generation.aspect_ratio, **_source(generation, link)}


def _write_image_reframe(generation: Generation, link: _Links) -> dict[str, Any]:
    return {"format": generation.image_format.value, **_write_reframe(generation, link)}


def _source(generation: Generation, link: _Links) -> dict[str, Any]:
    """Write the file that is worked on."""
    start = generation.start
    if start is None:
        return {"media": {"url": ""}}
    frames = [link(guide.url) for guide in generation.guides if guide.role is GuideRole.FIRST_FRAME]
    return {"media": {"url": link(start.value, start.kind)}} | ({"first_frame": {"url": frames[0]}} if frames else {})


def _resolution(generation: Generation) -> dict[str, Any]:
    return {} if generation.resolution is None else {"resolution": generation.resolution}


_WRITERS: Final = {
    RequestType.VIDEO: _video,
    RequestType.IMAGE: _image,
    RequestType.UPSCALE: lambda generation, _: _resolution(generation),
    RequestType.AUDIO: lambda *_: dict[str, Any](),
    RequestType.MODIFY: _write_modify,
    RequestType.REFRAME_VIDEO: _write_reframe,
    RequestType.REFRAME_IMAGE: _write_image_reframe,
}
