"""A provider that speaks the Agents API, as Luma does."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, ClassVar, Final, get_args

import msgspec

from filmgate.adapters.dialects.agents import responses
from filmgate.adapters.dialects.agents.requests import vocabulary
from filmgate.adapters.dialects.agents.requests.submit import AgentsReference, AgentsSubmit, AgentsVideo
from filmgate.adapters.dialects.agents.requests.vocabulary import Type
from filmgate.adapters.dialects.agents.responses import FailureWord
from filmgate.adapters.dialects.calling import lenient
from filmgate.adapters.dialects.calling.answers import not_found, preview_notes
from filmgate.adapters.dialects.calling.capabilities import DialectCapabilities
from filmgate.adapters.dialects.calling.luma import answers_of, check_subject, read_error, read_reason
from filmgate.adapters.dialects.calling.request_parts import encode_file, media_type, segment, unsupported_failure
from filmgate.adapters.dialects.calling.upstreams import (
    Code,
    Meaning,
    Unknown,
    UpstreamOptions,
    call,
    failure,
    options,
    parse_query_answer,
    parse_receipt,
    send,
)
from filmgate.domain.adjustments import Adjustment, enhance_changes, size_changes
from filmgate.domain.capabilities import SIDES, Capabilities, InputOption, union
from filmgate.domain.errors import EngineFailed
from filmgate.domain.failures import Failure, FailureCode
from filmgate.domain.generation import Generation, GuideRole, ImageFormat, Kind, Operation, ReferenceKind
from filmgate.domain.media import Role
from filmgate.domain.sizes import frame_count
from filmgate.domain.states import State
from filmgate.ports.provider import Input, InputMode, Status, Submission, TaskRef
from filmgate.ports.transport import ProviderClient

_REFERENCE: Final = "Luma, Agents API reference, failure_code"

CODES: Final = {
    "invalid_request": Code(Meaning.REJECTED, _REFERENCE),
    "image_too_large": Code(Meaning.REJECTED, _REFERENCE),
    "unsupported_format": Code(Meaning.REJECTED, _REFERENCE),
    "corrupt_input": Code(Meaning.REJECTED, _REFERENCE),
    "content_moderated": Code(Meaning.MODERATED, _REFERENCE),
    "budget_exhausted": Code(Meaning.ACCOUNT, _REFERENCE),
    "rate_limited": Code(Meaning.BUSY, _REFERENCE),
}
"""`generation_failed` and `output_not_found` are not here: such a generation was accepted."""

UNKNOWN: Final = Unknown({}, {not_found("generation|task"): "Filmgate, as Luma's API serves it"})

_API: Final = "the Agents API"
_GENERATIONS: Final = "/generations"
_RESOLUTIONS: Final = ("540p", "720p", "1080p")
_FORMATS: Final = {ImageFormat.JPG: "jpeg", ImageFormat.PNG: "png"}
_LONG: Final = 5
"""Seconds up to which a clip can have a `start_frame` and an `end_frame`; a longer one has `keyframes`."""

_FRAMES: Final = frozenset({None, ReferenceKind.IMAGE, ReferenceKind.TASK})
_CLIPS: Final = frozenset({ReferenceKind.VIDEO, ReferenceKind.TASK})
_PICTURES: Final = frozenset({GuideRole.IMAGE})
_SCOPES: Final[dict[Type, DialectCapabilities]] = {
    "image": DialectCapabilities(guides=_PICTURES),
    "image_edit": DialectCapabilities(_FRAMES, guides=_PICTURES | {GuideRole.MODIFY}),
    "video": DialectCapabilities(_FRAMES, _FRAMES, _PICTURES),
    "video_edit": DialectCapabilities(_CLIPS, guides=_PICTURES | {GuideRole.FIRST_FRAME}),
    "video_reframe": DialectCapabilities(_CLIPS, guides=_PICTURES),
}
ANSWERS: Final = answers_of(responses.STATES, CODES, UNKNOWN)
_NEVER: Final = frozenset({Operation.UPSCALE, Operation.ADD_AUDIO})
_PICTURE: Final = Capabilities(
    kinds=(Kind.IMAGE,),
    durations=(),
    resolutions=(),
    inputs=(InputOption.START_IMAGE, InputOption.IMAGE_REF, InputOption.MODIFY_IMAGE_REF),
    loop=False,
    needs_prompt=True,
)
_CLIP: Final = Capabilities(
    operations=tuple(operation for operation in Operation if operation not in _NEVER),
    resolutions=_RESOLUTIONS,
    inputs=(
        *(side for side in SIDES if side is not InputOption.END_VIDEO),
        InputOption.IMAGE_REF,
        InputOption.FIRST_FRAME,
    ),
    needs_prompt=True,
)
_BY_MODEL: Final[dict[str, Capabilities]] = {
    vocabulary.VIDEO_MODEL: _CLIP,
    **dict.fromkeys(vocabulary.IMAGE_MODELS, _PICTURE),
}

_NAMED: Final = {"video_edit": Operation.MODIFY, "video_reframe": Operation.REFRAME}
_CODES: Final[dict[str, str]] = {word: word for word in get_args(FailureWord)} | {
    "output_not_found": FailureCode.OUTPUT_MISSING
}


class AgentsUpstream:
    """Implements Provider. Pictures and foreign videos are sent along, earlier generations are named by their id.

    The API documents no list and no way to stop or to forget a generation.
    """

    ADDRESS: ClassVar = "https://agents.lumalabs.ai/v1"
    OPTIONS: ClassVar = UpstreamOptions

    type: str = vocabulary.NAME
    batch: int = 1
    means: Mapping[ReferenceKind, tuple[InputMode, ...]] = {
        ReferenceKind.IMAGE: (InputMode.FILE, InputMode.ADDRESS),
        ReferenceKind.VIDEO: (InputMode.FILE, InputMode.ADDRESS),
        ReferenceKind.TASK: (InputMode.TASK, InputMode.FILE, InputMode.ADDRESS),
    }
    searches: bool = False
    discards: bool = False

    def __init__(self, line: ProviderClient, given: Mapping[str, Any]) -> None:
        """Create the provider of an account from its client and options. Raises ValueError for an unknown option."""
        self.line = line
        self._not_accepted = options(UpstreamOptions, given).not_accepted

    def capabilities(self, model: str | None) -> Capabilities:
        """Return the capabilities of the requests for a model; an unknown model has those of clips and of pictures."""
        return _BY_MODEL.get(model or "", union((_CLIP, _PICTURE)))

    def changes(self, generation: Generation) -> list[Adjustment]:
        """Return the part of a generation that its requests have no field for."""
        changes = enhance_changes(generation, _API)
        kind = vocabulary.type_of(generation)
        if kind == "video_edit":
            changes += [change for change in size_changes(generation) if change.field == "aspect_ratio"]
        weighed = next((guide for guide in generation.guides if guide.weight not in (None, 1)), None)
        if weighed is not None:
            reason = f"{_API} has no weights of pictures"
            changes.append(Adjustment(f"{weighed.role.field}.weight", weighed.weight, None, reason))
        return changes

    def refuse(self, generation: Generation) -> Failure | None:
        """Return the failure of a generation that this API has no words for."""
        reason = _lacks(generation) or _SCOPES[vocabulary.type_of(generation)].lacks(generation, _API)
        return None if reason is None else unsupported_failure(reason)

    async def submit(self, submission: Submission) -> TaskRef:
        """Submit a generation, once. Raises EngineFailed, ProviderError."""
        body = await asyncio.to_thread(_body, submission)
        reply = await send(self.line, submission, _GENERATIONS, json=body)
        names = any(given and given.earlier for given in (submission.start, submission.end))
        return parse_receipt(reply, ANSWERS, self._not_accepted, partial(read_error, earlier=names))

    async def query(self, ids: Sequence[str]) -> list[Status]:
        """Query generations, one after the other. Raises ProviderError."""
        reports = [await self._get(task_id) for task_id in ids]
        return [report for report in reports if report is not None]

    async def find(self, submission: Submission, since: float) -> list[Status]:
        """Find nothing: there is no list to look at."""
        del submission, since
        return []

    async def discard(self, task_id: str) -> None:
        """Do nothing: the API has no way to say it."""
        del task_id

    async def _get(self, task_id: str) -> Status | None:
        name = segment(task_id)
        told = (
            parse_query_answer(await call(self.line, "GET", f"{_GENERATIONS}/{name}"), ANSWERS, task_id)
            if name
            else None
        )
        if told is None:
            return None
        return parse_status(check_subject(told, task_id), task_id)


def _lacks(generation: Generation) -> str | None:
    """Return the first part of a generation without a field or value here, as a sentence."""
    if not generation.prompt.strip():
        return "The Agents API needs a prompt."
    reframed = generation.kind is Kind.IMAGE and generation.operation is Operation.REFRAME
    if generation.operation in _NEVER or reframed:
        return f"The Agents API has no operation {generation.operation} for a {generation.kind}."
    if generation.kind is Kind.VIDEO and generation.resolution not in (None, *_RESOLUTIONS):
        return f"The Agents API makes videos in {', '.join(_RESOLUTIONS)}, not in {generation.resolution}."
    if generation.concepts:
        return "The Agents API has no concepts: camera moves are to be described in the prompt."
    changed = sum(guide.role is GuideRole.MODIFY for guide in generation.guides)
    if generation.kind is Kind.IMAGE and changed + (generation.start is not None) > 1:
        return "The Agents API can change one picture at a time."
    return None


def _body(submission: Submission) -> AgentsSubmit:
    """Write the body of a submit; reads the files that are sent along. Raises EngineFailed, ProviderError."""
    wanted = submission.generation
    kind = vocabulary.type_of(wanted)
    standard = vocabulary.IMAGE_MODEL if wanted.kind is Kind.IMAGE else vocabulary.VIDEO_MODEL
    body: AgentsSubmit = {"prompt": wanted.prompt, "model": submission.model or standard, "type": kind}
    if kind != "video_edit":
        body["aspect_ratio"] = wanted.aspect_ratio
    pictures = _guides(submission, GuideRole.IMAGE)
    if pictures:
        body["image_ref"] = pictures
    if wanted.kind is Kind.IMAGE:
        _add_image(body, submission)
    elif kind == "video":
        body["video"] = _clip(submission)
    else:
        _add_change(body, submission)
    return body


def _add_image(body: AgentsSubmit, submission: Submission) -> None:
    sources = _guides(submission, GuideRole.MODIFY)
    if submission.start is not None:
        sources.append(_reference(submission.start))
    body["output_format"] = _FORMATS[submission.generation.image_format]
    if sources:
        body["source"] = sources[0]


def _clip(submission: Submission) -> AgentsVideo:
    wanted = submission.generation
    video: AgentsVideo = {"duration": f"{wanted.duration}s"}
    if wanted.resolution is not None:
        video["resolution"] = wanted.resolution
    if wanted.loop:
        video["loop"] = True
    _add_frames(video, submission)
    return video


def _add_frames(video: AgentsVideo, submission: Submission) -> None:
    """Write the frames at the start and the end of a clip."""
    seconds = submission.generation.duration
    start = None if submission.start is None else _frame(submission.start)
    end = None if submission.end is None else _frame(submission.end)
    placed = [(0, start), (frame_count(seconds) - 1, end)]
    given = [(place, frame) for place, frame in placed if frame is not None]
    if seconds > _LONG and given and not any("generation_id" in frame for _, frame in given):
        video["keyframes"] = [frame for _, frame in given]
        video["keyframe_indexes"] = [place for place, _ in given]
        return
    if start is not None:
        video["start_frame"] = start
    if end is not None:
        video["end_frame"] = end


def _frame(given: Input) -> AgentsReference:
    if given.kind is not ReferenceKind.IMAGE and given.earlier is None:
        raise EngineFailed(
            unsupported_failure("The Agents API can only go on with a video that the same account made.")
        )
    return _reference(given)


def _add_change(body: AgentsSubmit, submission: Submission) -> None:
    """Write an edit or a reframe: the length follows from its source."""
    assert submission.start is not None, "this works on a video"
    body["source"] = _reference(submission.start)
    video: AgentsVideo = {}
    if submission.generation.resolution is not None:
        video["resolution"] = submission.generation.resolution
    if first := _guides(submission, GuideRole.FIRST_FRAME):
        video["start_frame"] = first[0]
    if video:
        body["video"] = video


def _guides(submission: Submission, role: GuideRole) -> list[AgentsReference]:
    return [_reference(given) for guide, given in submission.guides if guide.role is role]


def _reference(given: Input) -> AgentsReference:
    """Write an input as this API names it."""
    if given.earlier is not None:
        return {"generation_id": given.earlier.id}
    if given.file is not None:
        return {"data": encode_file(given.file), "media_type": media_type(given)}
    assert given.address is not None
    clip = given.kind is not ReferenceKind.IMAGE
    return {"url": given.address, "media_type": media_type(given)} if clip else {"url": given.address}


def parse_status(told: Mapping[str, Any], task_id: str) -> Status:
    """Understand a generation that was asked for by its id."""
    state = responses.STATES.get((lenient.text(told.get("state")) or "").lower())
    return Status(
        TaskRef(task_id),
        state,
        failure=_failure(told) if state is State.FAILED else None,
        links=_links(told) if state is State.COMPLETED else {},
        asked=_parse_request(told),
        created_at=lenient.moment(told.get("created_at")),
        notes=preview_notes(told.get("metadata")),
    )


def _parse_request(told: Mapping[str, Any]) -> Generation:
    """Return the request as far as known: its type and its model."""
    named = _NAMED.get(lenient.text(told.get("type")) or "")
    return Generation("", model=lenient.text(told.get("model")), kind=_kind(told), named=named)


def _kind(told: Mapping[str, Any]) -> Kind:
    kind = lenient.text(told.get("type")) or ""
    return Kind.IMAGE if kind.startswith("image") or kind == "layering" else Kind.VIDEO


def _links(told: Mapping[str, Any]) -> dict[Role, str]:
    """Return the first file of each kind; beside a video, a picture is its thumbnail."""
    picture = Role.IMAGE if _kind(told) is Kind.IMAGE else Role.THUMBNAIL
    roles = {"video": Role.VIDEO, "image": picture}
    links: dict[Role, str] = {}
    for made in map(lenient.mapping, lenient.items(told.get("output"))):
        role, link = roles.get(lenient.text(made.get("type")) or ""), lenient.text(made.get("url"))
        if role is not None and link is not None:
            links.setdefault(role, link)
    return links


def _failure(told: Mapping[str, Any]) -> Failure:
    """Return why it failed; a code of this API keeps its name."""
    word = lenient.text(told.get("failure_code"))
    verdict = failure(read_reason(told.get("failure_reason") or word, word), code=FailureCode.GENERATION_FAILED)
    if verdict.code == FailureCode.MODERATED:
        return verdict
    return msgspec.structs.replace(verdict, code=_CODES.get(word or "", verdict.code))
