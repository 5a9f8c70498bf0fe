"""A reseller's gateway as a provider."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from pydantic import Field

from filmgate.adapters.dialects.calling import answers
from filmgate.adapters.dialects.calling.answers import not_found
from filmgate.adapters.dialects.calling.lenient import (
    array,
    first,
    identity,
    items,
    mapping,
    moment,
    objects,
    percent,
    text,
)
from filmgate.adapters.dialects.calling.request_parts import link, refuse_all_but, segment, unsupported_failure
from filmgate.adapters.dialects.calling.upstreams import (
    Answers,
    Code,
    Meaning,
    ReportedError,
    Unknown,
    UpstreamOptions,
    call,
    decode_json,
    failure,
    options,
    parse_query_answer,
    parse_receipt,
    reports_of,
    send,
)
from filmgate.adapters.dialects.gateway import requests, responses
from filmgate.domain.adjustments import Adjustment, size_changes, works_on_clip
from filmgate.domain.capabilities import Capabilities, InputOption
from filmgate.domain.failures import Failure, FailureCode
from filmgate.domain.generation import MAX_PROMPT, Generation, Operation, ReferenceKind
from filmgate.domain.media import Role
from filmgate.domain.sizes import ASPECT_RATIOS, DEFAULT_ASPECT_RATIO
from filmgate.domain.states import State
from filmgate.ports.provider import InputMode, ProviderError, Status, Submission, TaskRef
from filmgate.ports.transport import ProviderClient, Reply

_NEW_API: Final = "new-api, types/error.go"
_RELAY: Final = "new-api, relay/relay_task.go"
_HTTP_STATUS: Final = "Luma-API and new-api: the HTTP status of the error, repeated in the envelope"

CODES: Final = {
    "400": Code(Meaning.REJECTED, _HTTP_STATUS),
    "401": Code(Meaning.ACCOUNT, _HTTP_STATUS),
    "402": Code(Meaning.ACCOUNT, _HTTP_STATUS),
    "403": Code(Meaning.ACCOUNT, _HTTP_STATUS),
    "413": Code(Meaning.REJECTED, _HTTP_STATUS),
    "422": Code(Meaning.REJECTED, _HTTP_STATUS),
    "429": Code(Meaning.BUSY, _HTTP_STATUS),
    "invalid_request": Code(Meaning.REJECTED, _RELAY),
    "invalid_api_platform": Code(Meaning.ACCOUNT, _RELAY),
    "model_mapping_failed": Code(Meaning.ACCOUNT, _RELAY),
    "model_price_error": Code(Meaning.ACCOUNT, _RELAY),
    "bad_request_body": Code(Meaning.REJECTED, _NEW_API),
    "model_not_found": Code(Meaning.REJECTED, _NEW_API),
    "access_denied": Code(Meaning.ACCOUNT, _NEW_API),
    "insufficient_user_quota": Code(Meaning.ACCOUNT, _NEW_API),
    "pre_consume_token_quota_failed": Code(Meaning.ACCOUNT, _NEW_API),
    "entitlement_required": Code(Meaning.ACCOUNT, _NEW_API),
    "entitlement_inactive": Code(Meaning.ACCOUNT, _NEW_API),
    "entitlement_daily_limit_exceeded": Code(Meaning.ACCOUNT, _NEW_API),
    "entitlement_total_limit_exceeded": Code(Meaning.ACCOUNT, _NEW_API),
    "token_concurrency_limit_reached": Code(Meaning.BUSY, _NEW_API),
    "sensitive_words_detected": Code(Meaning.MODERATED, _NEW_API),
    "prompt_blocked": Code(Meaning.MODERATED, _NEW_API),
}
"""The codes about a gateway's own upstream are not here: do_request_failed, fail_to_fetch_task, bad_response_body …"""

UNKNOWN: Final = Unknown(
    {"task_not_exist": _RELAY},
    {not_found("task|generation|video"): "Filmgate, as gateways' API serves it"},
)


_SUBMIT: Final = "/luma/generations"
_BATCH: Final = "/luma/tasks"


class GatewayOptions(UpstreamOptions):
    """`batch` is how many tasks are asked about at once; 1 is for gateways without a batch query."""

    batch: int = Field(default=50, ge=1, le=1000)


class GatewayUpstream:
    """Implements Provider. What a gateway answers is recognised by its form: no two of them answer quite alike."""

    ADDRESS: Final = None
    OPTIONS: Final = GatewayOptions

    def __init__(self, line: ProviderClient, given: Mapping[str, Any]) -> None:
        """Create the provider of an account from its client and options. Raises ValueError for a wrong option."""
        self._options = options(GatewayOptions, given)
        self.type: str = requests.NAME
        self.line = line
        self.batch = self._options.batch
        self.searches = False
        self.discards = False
        self.means: Mapping[ReferenceKind, tuple[InputMode, ...]] = {
            ReferenceKind.IMAGE: (InputMode.FILE, InputMode.ADDRESS),
            ReferenceKind.VIDEO: (),
            ReferenceKind.TASK: (InputMode.TASK,),
        }

    def capabilities(self, model: str | None) -> Capabilities:  # noqa: ARG002 - its requests are the same for all models
        """Return the capabilities of its requests."""
        return Capabilities(
            operations=(Operation.GENERATE, Operation.EXTEND),
            inputs=(InputOption.START_IMAGE, InputOption.START_TASK, InputOption.END_IMAGE),
        )

    def changes(self, generation: Generation) -> list[Adjustment]:
        """Return the part of a generation that its requests have no field for."""
        return size_changes(generation) if works_on_clip(generation) else []

    def refuse(self, generation: Generation) -> Failure | None:
        """Return the failure of a generation that needs a field this API does not have."""
        if refused := refuse_all_but((Operation.GENERATE, Operation.EXTEND), generation):
            return refused
        if generation.operation is Operation.GENERATE:
            return None
        if generation.start is not None and generation.start.kind is ReferenceKind.VIDEO:
            return unsupported_failure("This provider extends only videos that it has made itself.")
        if generation.loop:
            return unsupported_failure("This provider makes no extensions that loop.")
        if not generation.prompt.strip():
            return unsupported_failure("This provider extends a video only with a prompt.")
        return None

    async def submit(self, submission: Submission) -> TaskRef:
        """Submit a new video or an extension. Raises EngineFailed, ProviderError."""
        earlier = None if submission.start is None else submission.start.earlier
        path = _SUBMIT if earlier is None else f"{_SUBMIT}/{segment(earlier.id)}/extend"
        reply = await send(self.line, submission, path, json=await _body(submission))
        return parse_receipt(reply, ANSWERS, self._options.not_accepted, None if earlier is None else _read_earlier)

    async def query(self, ids: Sequence[str]) -> list[Status]:
        """Query tasks one by one, or many at once. Raises ProviderError."""
        if len(ids) == 1 or self.batch == 1:
            return [report for task_id in ids if (report := await self._one(task_id)) is not None]
        reply = await call(self.line, "POST", _BATCH, json={"ids": list(ids)}, fresh=False)
        tasks = {task_id: _parse_status(task, task_id) for task in _batch(reply) for task_id in _ids(task)}
        return reports_of(ids, tasks, reply)

    async def find(self, submission: Submission, since: float) -> list[Status]:
        """Return nothing: a gateway lists no tasks."""
        del submission, since
        return []

    async def discard(self, task_id: str) -> None:
        """Refuse: this dialect cannot cancel. Raises ProviderError."""
        raise ProviderError(f"This provider cannot take back a task: {task_id} goes on.")

    async def _one(self, task_id: str) -> Status | None:
        place = segment(task_id)
        if place is None:
            return None
        value = parse_query_answer(await call(self.line, "GET", f"{_SUBMIT}/{place}"), ANSWERS, task_id)
        task = next(iter(() if value is None else _tasks(value)), None)
        return None if task is None else _parse_status(task, task_id)


async def _body(submission: Submission) -> requests.GatewaySubmit:
    """Write a submit. An extension has the size of the earlier video."""
    generation, start = submission.generation, submission.start
    body: requests.GatewaySubmit = {
        "user_prompt": generation.prompt,
        "expand_prompt": generation.enhance,
        "duration": f"{generation.duration}s",
    }
    if start is None or start.earlier is None:
        body["loop"], body["aspect_ratio"] = generation.loop, generation.aspect_ratio
        if generation.resolution:
            body["resolution"] = generation.resolution
        if start is not None:
            body["image_url"] = await link(start)
    if submission.end is not None:
        body["image_end_url"] = await link(submission.end)
    if submission.model:
        body["model_name"] = submission.model
    if submission.callback_url:
        body["notify_hook"] = submission.callback_url
    return body


def _alone(value: Any) -> Any:
    """Return the task in an array of one, as the proxy answered from which all gateways descend."""
    task = value[0] if len(items(value)) == 1 else value
    data = items(mapping(task).get("data"))
    return {**task, "data": data[0]} if len(data) == 1 else task


def _is_error(value: Any) -> bool:
    """Return whether an envelope is that of an error: it says so, and holds nothing else."""
    data = mapping(value).get("data")
    return answers.refuses(value) and not (mapping(data) or items(data))


def _read_earlier(status: int, value: Any) -> ReportedError:
    """Read an error about an extension: a 404 is about the earlier video, which the provider has no more."""
    told = answers.parse_error(status, value)
    if status != 404 or value is None:
        return told
    return ReportedError(told.code, told.message or "The provider no longer has the video to extend.", Meaning.REJECTED)


def _batch(reply: Reply) -> list[Mapping[str, Any]]:
    """Return the tasks of a batch. Raises ProviderError."""
    with contextlib.suppress(ProviderError):
        tasks = _tasks(decode_json(reply))
        if any(map(_has_state, tasks)):
            return tasks
    if reply.status == 404:
        sentence = "The provider has no batch query: is its base address right, or is batch = 1 missing?"
        raise ProviderError(sentence, account=True)
    value = parse_query_answer(reply, ANSWERS)
    return [] if value is None else _tasks(value)


def _tasks(value: Any) -> list[Mapping[str, Any]]:
    """Find the tasks of an answer: an array, a single object, or either of them as the data of an envelope.

    Raises ProviderError if it is nothing of that kind.
    """
    if array(value) is not None:
        return [task for task in objects(value) if _id(task) is not None]
    answer = mapping(value)
    if any(identity(answer.get(key)) for key in ("task_id", "id")):
        return [answer]
    if "data" not in answer:
        raise ProviderError("The answer holds no task.")
    return [] if answer["data"] is None else _tasks(answer["data"])


def _parts(task: Mapping[str, Any]) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Return the item of an envelope and the task within; they are the same where there is no envelope."""
    return task, mapping(task.get("data")) or task


def _ids(task: Mapping[str, Any]) -> Iterator[str]:
    """Yield all names of a task, its own before those of the rows that a gateway keeps about it."""
    for key in ("task_id", "id"):
        for part in _parts(task):
            if (found := identity(part.get(key))) is not None:
                yield found


def _id(value: Mapping[str, Any]) -> str | None:
    """Return the name of a task; the data of an envelope may be that name alone."""
    return next(_ids(value), None) or (None if _is_error(value) else identity(text(value.get("data"))))


def _receipt(value: Any) -> TaskRef | None:
    task_id = _id(mapping(_alone(value)))
    return None if task_id is None else TaskRef(task_id)


def _has_state(value: Any) -> bool:
    return _state(mapping(_alone(value))) is not None


ANSWERS: Final = Answers(
    read_error=lambda status, value: answers.parse_error(status, _alone(value)),
    read_codes=lambda value: answers.read_codes(_alone(value)),
    refuses=lambda value: answers.refuses(_alone(value)),
    receipt=_receipt,
    has_state=_has_state,
    codes=CODES,
    unknown=UNKNOWN,
)


def _parse_status(task: Mapping[str, Any], task_id: str) -> Status:
    item, inner = _parts(task)
    state = _state(task)
    return Status(
        receipt=TaskRef(task_id),
        state=state,
        percent=first(percent, item.get("progress"), inner.get("progress")),
        failure=_failure(item, inner) if state is State.FAILED else None,
        links=_links(inner) if state is State.COMPLETED else {},
        asked=_parse_request(inner),
        created_at=first(moment, inner.get("created_at"), item.get("submit_time"), item.get("created_at")),
        notes=answers.preview_notes(inner),
    )


def _state(task: Mapping[str, Any]) -> State | None:
    words = [part.get(key) for part in _parts(task) for key in ("status", "state", "task_status")]
    return first(lambda word: responses.STATES.get((text(word) or "").lower()), *words)


def _failure(item: Mapping[str, Any], inner: Mapping[str, Any]) -> Failure:
    reasons = (part.get(key) for part in (item, inner) for key in ("fail_reason", "failure_reason"))
    said = answers.parse_error(200, inner)
    return failure(ReportedError(said.code, first(text, *reasons, said.message)), code=FailureCode.GENERATION_FAILED)


def _links(task: Mapping[str, Any]) -> dict[Role, str]:
    """Return the addresses of the files, of the video the one without watermarks."""
    artifact = mapping(task.get("artifact"))
    raw, video = (mapping(task.get(key)) or mapping(artifact.get(key)) for key in ("video_raw", "video"))
    links = {
        Role.VIDEO: first(text, raw.get("url"), video.get("download_url"), video.get("url"), task.get("video")),
        Role.IMAGE: text(mapping(task.get("image")).get("url")),
        Role.THUMBNAIL: _still(task, artifact, "thumbnail"),
        Role.LAST_FRAME: _still(task, artifact, "last_frame"),
    }
    return {role: link for role, link in links.items() if link is not None}


def _still(task: Mapping[str, Any], artifact: Mapping[str, Any], key: str) -> str | None:
    stills = (task.get(key), artifact.get(key))
    return first(text, *(mapping(still).get("url") for still in stills), *stills)


def _parse_request(task: Mapping[str, Any]) -> Generation | None:
    """Read the request: only the prompt and the shape are there."""
    request = mapping(task.get("request"))
    prompt = first(text, task.get("prompt"), request.get("prompt"), request.get("user_prompt"))
    ratio = text(request.get("aspect_ratio"))
    if prompt is None and ratio is None:
        return None
    return Generation(
        prompt=(prompt or "")[:MAX_PROMPT],
        aspect_ratio=ratio if ratio in ASPECT_RATIOS else DEFAULT_ASPECT_RATIO,
    )


__all__ = ["GatewayOptions", "GatewayUpstream"]
