"""What a provider tells of a generation in the Agents API, whatever it leaves out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, get_args

import msgspec

from filmgate.adapters.dialects.agents import wire
from filmgate.adapters.dialects.agents.responses import FailureWord
from filmgate.adapters.dialects.calling import lenient
from filmgate.adapters.dialects.calling.answers import preview_notes
from filmgate.adapters.dialects.calling.luma import read_reason
from filmgate.adapters.dialects.calling.upstreams import failure
from filmgate.domain.failures import Failure, FailureCode
from filmgate.domain.generation import Generation, Kind, Operation
from filmgate.domain.media import Role
from filmgate.domain.states import State
from filmgate.ports.provider import Status, TaskRef

_NAMED: Final = {"video_edit": Operation.MODIFY, "video_reframe": Operation.REFRAME}
_CODES: Final[dict[str, str]] = {word: word for word in get_args(FailureWord)} | {
    "output_not_found": FailureCode.OUTPUT_MISSING
}


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
