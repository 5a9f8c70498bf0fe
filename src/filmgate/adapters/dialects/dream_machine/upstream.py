"""A provider that speaks Dream Machine v1, as Luma does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from operator import itemgetter
from typing import Any, ClassVar, Final, get_args

import msgspec

from filmgate.adapters.dialects.calling import lenient
from filmgate.adapters.dialects.calling.answers import not_found, preview_notes
from filmgate.adapters.dialects.calling.capabilities import DialectCapabilities
from filmgate.adapters.dialects.calling.luma import answers_of, check_subject, read_error, read_reason
from filmgate.adapters.dialects.calling.marks import is_ours
from filmgate.adapters.dialects.calling.request_parts import segment, unsupported_failure
from filmgate.adapters.dialects.calling.upstreams import (
    Code,
    Unknown,
    UpstreamOptions,
    call,
    check_discarded,
    failure,
    options,
    parse_query_answer,
    parse_receipt,
    send,
)
from filmgate.adapters.dialects.dream_machine import responses
from filmgate.adapters.dialects.dream_machine.requests import bodies, vocabulary
from filmgate.adapters.dialects.dream_machine.requests.builder import body_of, type_of
from filmgate.adapters.dialects.dream_machine.requests.pages import MAX_PAGE
from filmgate.adapters.dialects.dream_machine.requests.vocabulary import ImageModel, RequestType, VideoModel
from filmgate.adapters.dialects.serving.codec import validate
from filmgate.domain.adjustments import Adjustment, enhance_changes, size_changes
from filmgate.domain.capabilities import SIDES, Capabilities, InputOption, union
from filmgate.domain.errors import EngineFailed, InvalidRequest
from filmgate.domain.failures import Failure, FailureCode
from filmgate.domain.generation import Generation, GuideRole, Kind, Operation, Reference, ReferenceKind
from filmgate.domain.media import Role
from filmgate.domain.states import State
from filmgate.ports.provider import Input, InputMode, ProviderError, Status, Submission, TaskRef
from filmgate.ports.transport import ProviderClient

CODES: Final[dict[str, Code]] = {}
"""Luma documents sentences and no codes: an error under a 2xx leaves a submit open."""

UNKNOWN: Final = Unknown({}, {not_found("generation|task"): "Luma, Dream Machine API: 'Generation not found'"})

_API: Final = "Dream Machine"
_GENERATIONS: Final = "/generations"
_PATHS: Final = {
    RequestType.VIDEO: f"{_GENERATIONS}/video",
    RequestType.IMAGE: f"{_GENERATIONS}/image",
    RequestType.MODIFY: f"{_GENERATIONS}/video/modify",
    RequestType.REFRAME_VIDEO: f"{_GENERATIONS}/video/reframe",
    RequestType.REFRAME_IMAGE: f"{_GENERATIONS}/image/reframe",
}
_AFTER: Final = {RequestType.UPSCALE: "upscale", RequestType.AUDIO: "audio"}

_FRAMES: Final = frozenset({None, ReferenceKind.IMAGE, ReferenceKind.TASK})
_CLIPS: Final = frozenset({ReferenceKind.VIDEO, ReferenceKind.TASK})
_OWN: Final = frozenset({ReferenceKind.TASK})
_FIRST: Final = frozenset({GuideRole.FIRST_FRAME})
_SCOPES: Final = {
    RequestType.VIDEO: DialectCapabilities(_FRAMES, _FRAMES),
    RequestType.IMAGE: DialectCapabilities(guides=frozenset(GuideRole) - _FIRST),
    RequestType.UPSCALE: DialectCapabilities(_OWN),
    RequestType.AUDIO: DialectCapabilities(_OWN),
    RequestType.MODIFY: DialectCapabilities(_CLIPS, guides=_FIRST),
    RequestType.REFRAME_VIDEO: DialectCapabilities(_CLIPS, guides=_FIRST),
    RequestType.REFRAME_IMAGE: DialectCapabilities(frozenset({ReferenceKind.IMAGE})),
}
_FROM_SOURCE: Final[dict[RequestType, frozenset[str]]] = {
    RequestType.UPSCALE: frozenset({"resolution"}),
    RequestType.AUDIO: frozenset(),
    RequestType.MODIFY: frozenset(),
    RequestType.REFRAME_VIDEO: frozenset({"aspect_ratio"}),
    RequestType.REFRAME_IMAGE: frozenset({"aspect_ratio"}),
}
"""Requests whose result has the size of its source, but for these values."""

_BY_LINK: Final = frozenset({RequestType.MODIFY, RequestType.REFRAME_VIDEO, RequestType.REFRAME_IMAGE})
_ONLY_VIDEOS: Final = frozenset({Operation.UPSCALE, Operation.MODIFY, Operation.ADD_AUDIO})

_PICTURE: Final = Capabilities(
    kinds=(Kind.IMAGE,),
    operations=(Operation.GENERATE, Operation.REFRAME),
    durations=(),
    resolutions=(),
    inputs=(
        InputOption.START_IMAGE,
        InputOption.IMAGE_REF,
        InputOption.STYLE_REF,
        InputOption.CHARACTER_REF,
        InputOption.MODIFY_IMAGE_REF,
    ),
    loop=False,
)
_CLIP: Final = Capabilities(
    operations=tuple(Operation),
    inputs=(*(side for side in SIDES if side is not InputOption.END_VIDEO), InputOption.FIRST_FRAME),
    concepts=True,
)
_BY_MODEL: Final = {**dict.fromkeys(get_args(VideoModel), _CLIP), **dict.fromkeys(get_args(ImageModel), _PICTURE)}

_PAGES: Final = 5

ANSWERS: Final = answers_of(responses.STATES, CODES, UNKNOWN)

_Body = bodies.VideoBody | bodies.ImageBody | bodies.ModifyBody | bodies.ReframeVideoBody | bodies.ReframeImageBody
_BODIES: Final[dict[str, type[_Body]]] = {
    RequestType.VIDEO: bodies.VideoBody,
    RequestType.IMAGE: bodies.ImageBody,
    RequestType.MODIFY: bodies.ModifyBody,
    RequestType.REFRAME_VIDEO: bodies.ReframeVideoBody,
    RequestType.REFRAME_IMAGE: bodies.ReframeImageBody,
}
_FOLLOW_UPS: Final[dict[str, Operation]] = {
    RequestType.UPSCALE: Operation.UPSCALE,
    RequestType.AUDIO: Operation.ADD_AUDIO,
}
_CLOCKS: Final = 120.0
"""Seconds that two clocks may differ."""

_COMPARED: Final = ("generation_type", "prompt", "model", "aspect_ratio")


class DreamMachineUpstream:
    """Implements Provider. Pictures and foreign videos are given by address, earlier videos by their id."""

    ADDRESS: ClassVar = "https://api.lumalabs.ai/dream-machine/v1"
    OPTIONS: ClassVar = UpstreamOptions

    type: str = vocabulary.NAME
    batch: int = 1
    means: Mapping[ReferenceKind, tuple[InputMode, ...]] = {
        ReferenceKind.IMAGE: (InputMode.ADDRESS,),
        ReferenceKind.VIDEO: (InputMode.ADDRESS,),
        ReferenceKind.TASK: (InputMode.TASK, InputMode.ADDRESS),
    }
    searches: bool = True
    discards: bool = True

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
        kind = type_of(generation)
        if kind in _FROM_SOURCE:
            kept = {"aspect_ratio", "resolution", "size"} - _FROM_SOURCE[kind]
            changes += [change for change in size_changes(generation) if change.field in kept]
        return changes

    def refuse(self, generation: Generation) -> Failure | None:
        """Return the failure of a generation that no request of this API can express."""
        reason = _SCOPES[type_of(generation)].lacks(generation, _API)
        if generation.kind is Kind.IMAGE and generation.named in _ONLY_VIDEOS:
            reason = f"{_API} can do that with videos only."
        return None if reason is None else unsupported_failure(reason)

    async def submit(self, submission: Submission) -> TaskRef:
        """Submit a generation, once. Raises EngineFailed, ProviderError."""
        wanted = await self._translate(submission)
        body = body_of(wanted, submission.model)
        if submission.callback_url is not None:
            body["callback_url"] = submission.callback_url
        reply = await send(self.line, submission, _path(wanted), json=body)
        names = any(side and side.kind is ReferenceKind.TASK for side in (wanted.start, wanted.end))
        return parse_receipt(reply, ANSWERS, self._not_accepted, partial(read_error, earlier=names))

    async def query(self, ids: Sequence[str]) -> list[Status]:
        """Query generations, one after the other. Raises ProviderError."""
        reports = [await self._get(task_id) for task_id in ids]
        return [report for report in reports if report is not None]

    async def find(self, submission: Submission, since: float) -> list[Status]:
        """Search the list, which has the newest first. One that is too long to tell is trouble."""
        search = Search(submission, body_of(submission.generation, submission.model), since)
        offset = 0
        for _ in range(_PAGES):
            page, more = await self._page(offset)
            for told in page:
                search.look(told)
            if search.over or not more:
                return search.reports
            offset += len(page)
        if not search.reports and not search.passed:
            raise ProviderError("The provider's list of generations is too long to be searched.")
        return search.reports

    async def discard(self, task_id: str) -> None:
        """Delete a generation."""
        path = _one(task_id)
        if path:
            check_discarded(await call(self.line, "DELETE", path), ANSWERS)

    async def _get(self, task_id: str) -> Status | None:
        path = _one(task_id)
        told = parse_query_answer(await call(self.line, "GET", path), ANSWERS, task_id) if path else None
        if told is None:
            return None
        return parse_status(check_subject(told, task_id), task_id)

    async def _page(self, offset: int) -> tuple[list[Any], bool]:
        """Read a page of the list, and whether there may be more."""
        query = {"limit": MAX_PAGE, "offset": offset}
        told = parse_query_answer(await call(self.line, "GET", _GENERATIONS, query=query), ANSWERS)
        if not isinstance(told, dict) or not isinstance(told.get("generations", ""), list | None):
            raise ProviderError("The provider's list of generations is none.")
        page = lenient.items(told["generations"])
        return page, bool(page) and told.get("has_more") is not False

    async def _translate(self, submission: Submission) -> Generation:
        """Return the generation with its references in the provider's names. Raises EngineFailed."""
        generation = submission.generation
        linked = type_of(generation) in _BY_LINK
        return msgspec.structs.replace(
            generation,
            start=await self._side(submission.start, linked=linked),
            end=await self._side(submission.end, linked=linked),
            guides=tuple(msgspec.structs.replace(guide, url=_address(given)) for guide, given in submission.guides),
        )

    async def _side(self, given: Input | None, *, linked: bool) -> Reference | None:
        if given is None:
            return None
        if given.earlier is not None:
            if not linked:
                return Reference(ReferenceKind.TASK, given.earlier.id)
            return Reference(ReferenceKind.VIDEO, await self._link(given.earlier.id))
        if not linked and given.kind is not ReferenceKind.IMAGE:
            raise EngineFailed(unsupported_failure(f"{_API} can only go on with a video that the same account made."))
        return Reference(given.kind, _address(given))

    async def _link(self, task_id: str) -> str:
        """Return the address under which the provider has an earlier video. Trouble with that is before the submit."""
        try:
            report = await self._get(task_id)
        except ProviderError as trouble:
            raise ProviderError(
                trouble.message, accepted=False, account=trouble.account, retry_after=trouble.retry_after
            ) from trouble
        link = None if report is None else report.links.get(Role.VIDEO)
        if link is None:
            raise EngineFailed(Failure(FailureCode.INPUT_UNREACHABLE, "The provider has the earlier video no longer."))
        return self.line.address(link)[0]


def _one(task_id: str) -> str | None:
    """Return the path of a generation; None if none can have that id."""
    name = segment(task_id)
    return name and f"{_GENERATIONS}/{name}"


def _path(wanted: Generation) -> str:
    """Return the path that a generation is asked for at."""
    kind = type_of(wanted)
    if kind not in _AFTER:
        return _PATHS[kind]
    assert wanted.start is not None, "this works on an earlier generation"
    return f"{_one(wanted.start.value)}/{_AFTER[kind]}"


def _address(given: Input) -> str:
    if given.address is None:
        raise EngineFailed(unsupported_failure(f"{_API} takes pictures and videos by address only."))
    return given.address


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


class Search:
    """Searches a list, newest first, for the generation that a sent body has become.

    The generation with its mark is the one. Without it, all count that were made since then and do not differ from it,
    but for those with another mark. Only if no callback address was sent, generations made before that end the search.
    """

    def __init__(self, submission: Submission, sent: Mapping[str, Any], since: float) -> None:
        """Create a search for a submission by its body and the time of sending, in unix seconds."""
        self._submission = submission
        self._sent = sent
        self._since = since
        self._found: Status | None = None
        self._likely: dict[str, tuple[bool, float, Status]] = {}
        self.passed = False
        """Whether the list has come to generations made before."""

    @property
    def over(self) -> bool:
        """Whether the rest of the list does not matter."""
        return self._found is not None or (self.passed and self._submission.callback_url is None)

    @property
    def reports(self) -> list[Status]:
        """What was found, the likeliest first: those that tell their request, and the nearest in time."""
        if self._found is not None:
            return [self._found]
        return [report for *_, report in sorted(self._likely.values(), key=itemgetter(0, 1))]

    def look(self, listed: object) -> None:
        """Compare the next generation of the list."""
        told = lenient.mapping(listed)
        task_id = lenient.name(told.get("id"))
        if task_id is None or self._found is not None:
            return
        report = parse_status(told, task_id)
        made = self._since if report.created_at is None else report.created_at
        self.passed = made < self._since - _CLOCKS
        ours = is_ours(told, self._submission)
        if ours:
            self._found = msgspec.structs.replace(report, marked=True)
        elif ours is None and not self.passed and (resembling := _resembles(told, self._sent)) is not False:
            self._likely.setdefault(task_id, (resembling is None, abs(made - self._since), report))


def _resembles(told: Mapping[str, Any], sent: Mapping[str, Any]) -> bool | None:
    """Return whether a generation may come from a sent body; None if it does not show its request.

    A missing value is no difference, but for keyframes: a request with keyframes shows them.
    """
    request = lenient.mapping(told.get("request"))
    if not request:
        return None
    for field in _COMPARED:
        said, meant = lenient.text(request.get(field)), lenient.text(sent.get(field))
        if said is not None and meant is not None and said != meant:
            return False
    return _frames(request) == _frames(sent)


def _frames(request: Mapping[str, Any]) -> dict[str, str | None]:
    """Return the kinds of the keyframes."""
    frames = lenient.mapping(request.get("keyframes"))
    return {side: lenient.text(frame.get("type")) for side, frame in frames.items() if isinstance(frame, dict)}


def _failure(told: Mapping[str, Any]) -> Failure:
    return failure(read_reason(told.get("failure_reason")), code=FailureCode.GENERATION_FAILED)


def _links(told: Mapping[str, Any]) -> dict[Role, str]:
    """Return the files; beside a video, the picture is its thumbnail."""
    assets = lenient.mapping(told.get("assets"))
    picture = Role.IMAGE if _kind(told) is Kind.IMAGE else Role.THUMBNAIL
    links = {Role.VIDEO: lenient.text(assets.get("video")), picture: lenient.text(assets.get("image"))}
    return {role: link for role, link in links.items() if link is not None}


def _kind(told: Mapping[str, Any]) -> Kind:
    return Kind.IMAGE if told.get("generation_type") == Kind.IMAGE else Kind.VIDEO


def _parse_request(told: Mapping[str, Any]) -> Generation:
    """Understand the request as if it had been sent here; if that fails, only its least parts."""
    kind = _kind(told)
    request = {key: value for key, value in lenient.mapping(told.get("request")).items() if value is not None}
    request.setdefault("model", lenient.text(told.get("model")))
    named = lenient.text(request.get("generation_type")) or kind.value
    if named in _BODIES:
        try:
            return msgspec.structs.replace(validate(_BODIES[named], request).generation(), unsupported=None)
        except InvalidRequest:
            pass  # What it does not say in our words is not worth refusing to follow it.
    return Generation(
        lenient.text(request.get("prompt")) or "",
        model=lenient.text(request.get("model")),
        kind=kind,
        named=_FOLLOW_UPS.get(named),
    )
