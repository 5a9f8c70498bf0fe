"""What a provider tells of a generation in this API, whatever it leaves out."""

from __future__ import annotations

from collections.abc import Mapping
from operator import itemgetter
from typing import Any, Final

import msgspec

from filmgate.adapters.dialects.calling import lenient
from filmgate.adapters.dialects.calling.answers import preview_notes
from filmgate.adapters.dialects.calling.luma import read_reason
from filmgate.adapters.dialects.calling.marks import is_ours
from filmgate.adapters.dialects.calling.upstreams import failure
from filmgate.adapters.dialects.dream_machine import requests, wire
from filmgate.adapters.dialects.dream_machine.vocabulary import RequestType
from filmgate.adapters.dialects.serving.codec import validate
from filmgate.domain.errors import InvalidRequest
from filmgate.domain.failures import Failure, FailureCode
from filmgate.domain.generation import Generation, Kind, Operation
from filmgate.domain.media import Role
from filmgate.domain.states import State
from filmgate.ports.provider import Status, Submission, TaskRef

_Body = (
    requests.VideoBody
    | requests.ImageBody
    | requests.ModifyBody
    | requests.ReframeVideoBody
    | requests.ReframeImageBody
)
_BODIES: Final[dict[str, type[_Body]]] = {
    RequestType.VIDEO: requests.VideoBody,
    RequestType.IMAGE: requests.ImageBody,
    RequestType.MODIFY: requests.ModifyBody,
    RequestType.REFRAME_VIDEO: requests.ReframeVideoBody,
    RequestType.REFRAME_IMAGE: requests.ReframeImageBody,
}
_AFTER: Final[dict[str, Operation]] = {RequestType.UPSCALE: Operation.UPSCALE, RequestType.AUDIO: Operation.ADD_AUDIO}
_CLOCKS: Final = 120.0
"""Seconds that two clocks may differ."""

_COMPARED: Final = ("generation_type", "prompt", "model", "aspect_ratio")


def report_of(told: Mapping[str, Any], task_id: str) -> Status:
    """Understand a generation that was asked for by its id."""
    state = wire.STATES.get((lenient.text(told.get("state")) or "").lower())
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
    """Looks in a list that has the newest first for what a body may have become that was sent.

    The generation with its mark is the one. Without it, all count that were made since then and do not differ from it,
    but for those with another mark. Only if no callback address was sent, generations made before that end the search.
    """

    def __init__(self, submission: Submission, sent: Mapping[str, Any], since: float) -> None:
        """Take what was asked for, the body of it, and the time that it was sent at in unix seconds."""
        self._submission = submission
        self._sent = sent
        self._since = since
        self._found: Status | None = None
        self._likely: dict[str, tuple[bool, float, Status]] = {}
        self.passed = False
        """Whether the list has come to what was made before."""

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
        """Look at the next generation of the list."""
        told = lenient.mapping(listed)
        task_id = lenient.name(told.get("id"))
        if task_id is None or self._found is not None:
            return
        report = report_of(told, task_id)
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
    request = told.get("request")
    if not isinstance(request, dict) or not request:
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
        named=_AFTER.get(named),
    )
