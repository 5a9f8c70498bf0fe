"""AceData as a provider."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Final

import msgspec
from pydantic import Field

from filmgate.adapters.dialects.acedata import requests, responses
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
from filmgate.adapters.dialects.calling.marks import is_ours
from filmgate.adapters.dialects.calling.request_parts import link, refuse_all_but, unsupported_failure
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
from filmgate.domain.adjustments import Adjustment, size_changes
from filmgate.domain.capabilities import STARTS, Capabilities, InputOption
from filmgate.domain.failures import Failure, FailureCode
from filmgate.domain.generation import MAX_PROMPT, Generation, Operation, Reference, ReferenceKind
from filmgate.domain.media import Role
from filmgate.domain.sizes import ASPECT_RATIOS, DEFAULT_ASPECT_RATIO, DEFAULT_SECONDS
from filmgate.domain.states import State
from filmgate.ports.provider import InputMode, ProviderError, Status, Submission, TaskRef
from filmgate.ports.transport import ProviderClient, Reply

_REFERENCE: Final = "AceData, Luma Tasks API, Error Handling"
_SDK: Final = "acedatacloud (Python), its mapping of error codes to exceptions"

CODES: Final = {
    "bad_request": Code(Meaning.REJECTED, _SDK),
    "api_not_implemented": Code(Meaning.REJECTED, _REFERENCE),
    "token_mismatched": Code(Meaning.ACCOUNT, _REFERENCE),
    "invalid_token": Code(Meaning.ACCOUNT, _REFERENCE),
    "token_expired": Code(Meaning.ACCOUNT, _SDK),
    "no_token": Code(Meaning.ACCOUNT, _SDK),
    "used_up": Code(Meaning.ACCOUNT, _SDK),
    "disabled": Code(Meaning.ACCOUNT, _SDK),
    "forbidden": Code(Meaning.MODERATED, _SDK),
    "too_many_requests": Code(Meaning.BUSY, _REFERENCE),
}
"""`api_error` and `timeout` are not here: the task may have been accepted."""

UNKNOWN: Final = Unknown(
    {"not_found": "Filmgate, as AceData's API serves it"},
    {not_found("task|video"): "Filmgate, as AceData's API serves it"},
)


_SUBMIT: Final = "/luma/videos"
_TASKS: Final = "/luma/tasks"
_PAGES: Final = 20
"""Pages of a search, at most."""

_NO_SEARCH: Final = frozenset({400, 404, 405, 415, 422, 501})
_FINER: Final = frozenset({"1080p", "4k"})

_STATES: Final = {
    **responses.STATES,
    **dict.fromkeys(("queued", "submitted"), State.PENDING),
    **dict.fromkeys(("running", "in_progress"), State.PROCESSING),
    **dict.fromkeys(("succeed", "succeeded", "success", "complete", "finished"), State.COMPLETED),
    **dict.fromkeys(("failure", "error", "cancelled", "canceled", "rejected"), State.FAILED),
}
"""The words that AceData's own clients understand, and some of their neighbours."""

_LINKS: Final = {Role.VIDEO: "video_url", Role.IMAGE: "image_url", Role.THUMBNAIL: "thumbnail_url"}


class AceDataOptions(UpstreamOptions):
    """`batch` is how many tasks are asked about at once; with `data_uris` pictures are sent in the request itself."""

    batch: int = Field(default=50, ge=1, le=1000)
    data_uris: bool = False


class AceDataUpstream:
    """Implements Provider. Size and length of a video are AceData's own: neither can be asked for."""

    ADDRESS: Final = "https://api.acedata.cloud"
    OPTIONS: Final = AceDataOptions

    def __init__(self, line: ProviderClient, given: Mapping[str, Any]) -> None:
        """Create the provider of an account from its client and options. Raises ValueError for a wrong option."""
        self._options = options(AceDataOptions, given)
        self.type: str = requests.NAME
        self.line = line
        self.batch = self._options.batch
        self.searches = True
        self.discards = False
        self.means: Mapping[ReferenceKind, tuple[InputMode, ...]] = {
            ReferenceKind.IMAGE: (InputMode.FILE, InputMode.ADDRESS)
            if self._options.data_uris
            else (InputMode.ADDRESS,),
            ReferenceKind.VIDEO: (InputMode.ADDRESS,),
            ReferenceKind.TASK: (InputMode.TASK, InputMode.ADDRESS),
        }

    def capabilities(self, model: str | None) -> Capabilities:  # noqa: ARG002 - its requests are the same for all models
        """Return the capabilities of its requests: neither a length nor a resolution."""
        return Capabilities(
            operations=(Operation.GENERATE, Operation.EXTEND),
            durations=(DEFAULT_SECONDS,),
            resolutions=(),
            inputs=(*STARTS, InputOption.END_IMAGE),
        )

    def changes(self, generation: Generation) -> list[Adjustment]:
        """Return the part of a generation that its requests have no field for."""
        reason = f"this provider makes videos of {DEFAULT_SECONDS} seconds"
        changes = [Adjustment("duration", generation.duration, DEFAULT_SECONDS, reason)]
        start = generation.start
        if start is not None and start.kind is ReferenceKind.TASK:
            return changes + size_changes(generation)
        own = "this provider makes videos in a size of its own"
        changes += [
            Adjustment(field, change.asked, None, own)
            for change in size_changes(generation)
            for field in (change.field,)
            if field in ("resolution", "size")
        ]
        return changes

    def refuse(self, generation: Generation) -> Failure | None:
        """Return the failure of a generation without a field here, or with a coarser or shorter result."""
        if refused := refuse_all_but((Operation.GENERATE, Operation.EXTEND), generation):
            return refused
        if generation.resolution in _FINER:
            return unsupported_failure(
                f"This provider makes videos in a size of its own, less than {generation.resolution}."
            )
        if generation.duration > DEFAULT_SECONDS:
            return unsupported_failure(f"This provider makes videos of {DEFAULT_SECONDS} seconds.")
        return None

    async def submit(self, submission: Submission) -> TaskRef:
        """Submit without waiting for the video. Raises EngineFailed, ProviderError."""
        reply = await send(self.line, submission, _SUBMIT, json=await _body(submission))
        return parse_receipt(reply, ANSWERS, self._options.not_accepted)

    async def query(self, ids: Sequence[str]) -> list[Status]:
        """Query one task, or many at once. Raises ProviderError."""
        if len(ids) == 1:
            value = parse_query_answer(await self._ask({"id": ids[0], "action": "retrieve"}), ANSWERS, ids[0])
            if value is not None and not _is_task(value):
                raise ProviderError("The answer to a query is no task.")
            return [] if value is None else [_parse_status(value, ids[0])]
        reply = await self._ask({"ids": list(ids), "action": "retrieve_batch"})
        tasks = {
            task_id: _parse_status(task, task_id)
            for task in _tasks_of_batch(reply)
            if (task_id := _id(task)) is not None
        }
        return reports_of(ids, tasks, reply)

    async def find(self, submission: Submission, since: float) -> list[Status]:
        """Search by time and compare requests; our own mark is proof. Raises ProviderError."""
        body = await _body(submission)
        found: list[Status] = []
        async for task_id, task in self._since(int(since)):
            report, ours = _parse_status(task, task_id), is_ours(task, submission)
            if ours:
                return [msgspec.structs.replace(report, marked=True)]
            resembles = ours is None and _may_be(mapping(task.get("request")), body)
            if resembles and (report.created_at or since) >= int(since):
                found.append(report)
        return sorted(found, key=lambda report: report.created_at or since)

    async def discard(self, task_id: str) -> None:
        """Refuse: this dialect cannot cancel. Raises ProviderError."""
        raise ProviderError(f"This provider cannot take back a task: {task_id} goes on.")

    async def _since(self, moment: int) -> AsyncIterator[tuple[str, dict[str, Any]]]:
        """Yield the account's tasks from a time on, each once; none if there is no such search."""
        seen: set[str] = set()
        for page in range(_PAGES):
            query = {"created_at_min": moment, "limit": self.batch, "offset": page * self.batch}
            reply = await self._ask({"action": "retrieve_batch", **query})
            if reply.status in _NO_SEARCH:
                return
            tasks = {task_id: task for task in _tasks_of_batch(reply) if (task_id := _id(task)) is not None}
            for task_id in tasks.keys() - seen:
                yield task_id, tasks[task_id]
            if len(tasks) < self.batch or tasks.keys() <= seen:
                return
            seen |= tasks.keys()
        raise ProviderError("The provider has made too many tasks meanwhile to be searched.")

    async def _ask(self, query: dict[str, Any]) -> Reply:
        return await call(self.line, "POST", _TASKS, json=query, fresh=False)


async def _body(submission: Submission) -> requests.AceDataSubmit:
    """Write a submit. The size of an extension is that of the earlier video."""
    generation, start = submission.generation, submission.start
    body: requests.AceDataSubmit = {
        "action": "generate",
        "prompt": generation.prompt,
        "aspect_ratio": generation.aspect_ratio,
        "loop": generation.loop,
        "enhancement": generation.enhance,
        "async": True,
    }
    if start is not None and generation.operation is Operation.GENERATE:
        body["start_image_url"] = await link(start)
    elif start is not None and start.earlier is not None:
        body["action"], body["video_id"] = "extend", start.earlier.video_id or start.earlier.id
        del body["aspect_ratio"]
    elif start is not None:
        body["action"], body["video_url"] = "extend", await link(start)
    if submission.end is not None:
        body["end_image_url"] = await link(submission.end)
    if submission.model:
        body["model"] = submission.model
    if submission.callback_url:
        body["callback_url"] = submission.callback_url
    return body


def _may_be(echo: Mapping[str, Any], body: Mapping[str, Any]) -> bool:
    """Return whether a task with this echo, which is without a mark, can have come from this submit."""
    if (text(echo.get("prompt")) or "") != body["prompt"].strip():
        return False
    if any(text(echo.get(key)) not in (None, body.get(key)) for key in ("action", "aspect_ratio", "video_id")):
        return False
    links = ((body.get(key), text(echo.get(key))) for key in ("start_image_url", "end_image_url", "video_url"))
    # A picture that was sent along may be echoed under the address it was given.
    return all(theirs == ours or (bool(theirs) and str(ours).startswith("data:")) for ours, theirs in links)


def _read_error(status: int, value: Any) -> ReportedError:
    """Read an error. AceData's code for refused content is `forbidden`."""
    told = answers.parse_error(status, value)
    return told._replace(meaning=Meaning.MODERATED) if told.code == "forbidden" else told


def _tasks_of_batch(reply: Reply) -> list[dict[str, Any]]:
    """Return the tasks of a batch. Raises ProviderError."""
    value = decode_json(reply)
    batch = first(array, value, *(mapping(value).get(key) for key in ("items", "data")))
    tasks = objects(batch)
    if any(_id(task) is not None and _has_state(task) for task in tasks):
        return tasks
    if reply.status == 404:
        raise ProviderError("The provider answered 404 to a batch query: is its base address right?", account=True)
    if parse_query_answer(reply, ANSWERS) is None or (batch is None and "items" not in mapping(value)):
        raise ProviderError("The answer to a batch query has no tasks.")
    return tasks


def _spots(task: Mapping[str, Any]) -> tuple[Mapping[str, Any], Mapping[str, Any], Mapping[str, Any]]:
    """Return the places that describe a task: its response, itself, and its data, maybe a list of one."""
    data = task.get("data")
    return mapping(task.get("response")), task, mapping(next(iter(items(data)), data))


def _is_task(value: object) -> bool:
    task = mapping(value)
    return _id(task) is not None or any(mapping(task.get(key)) for key in ("response", "request"))


def _id(task: Mapping[str, Any]) -> str | None:
    response, top, data = _spots(task)
    return first(identity, *(spot.get(key) for spot in (top, response, data) for key in ("id", "task_id")))


def _receipt(value: Any) -> TaskRef | None:
    task_id = _id(mapping(value))
    return None if task_id is None else TaskRef(task_id, _video_id(mapping(value)))


def _has_state(value: Any) -> bool:
    """Return whether a task has a state, or has failed."""
    words = (text(spot.get(key)) for spot in _spots(mapping(value)) for key in ("state", "status"))
    return any((word or "").lower() in _STATES for word in words) or _state(mapping(value)) is State.FAILED


ANSWERS: Final = Answers(
    read_error=_read_error,
    read_codes=answers.read_codes,
    refuses=answers.refuses,
    receipt=_receipt,
    has_state=_has_state,
    codes=CODES,
    unknown=UNKNOWN,
)


def _video_id(task: Mapping[str, Any]) -> str | None:
    return first(identity, *(spot.get("video_id") for spot in _spots(task)))


def _parse_status(task: Mapping[str, Any], task_id: str) -> Status:
    spots = _spots(task)
    state = _state(task)
    links = {role: first(text, *(spot.get(key) for spot in spots)) for role, key in _LINKS.items()}
    return Status(
        receipt=TaskRef(task_id, _video_id(task)),
        state=state,
        percent=first(percent, *(spot.get("progress") for spot in spots)),
        failure=_failure(spots) if state is State.FAILED else None,
        links={role: link for role, link in links.items() if link} if state is State.COMPLETED else {},
        asked=_parse_request(mapping(task.get("request"))),
        created_at=first(moment, *(spot.get("created_at") for spot in spots)),
        notes=answers.preview_notes(*spots),
    )


def _state(task: Mapping[str, Any]) -> State | None:
    """Return the state: from an error that ends the task, else from a word, else from its files."""
    response, _, data = spots = _spots(task)
    success = response.get("success", data.get("success"))
    error = response.get("error") or data.get("error")
    if success is False and error:
        return State.FAILED
    words = [word for spot in spots for key in ("state", "status") if (word := text(spot.get(key)))]
    if words:
        return first(lambda word: _STATES.get(word.lower()), *words)
    if success is False or error:
        return State.FAILED
    if success is True and (moment(task.get("finished_at")) or text(response.get("video_url"))):
        return State.COMPLETED
    if moment(task.get("finished_at")):
        return State.COMPLETED if text(response.get("video_url")) else None
    return State.PROCESSING if moment(task.get("started_at")) else State.PENDING


def _failure(spots: tuple[Mapping[str, Any], Mapping[str, Any], Mapping[str, Any]]) -> Failure:
    said = (_read_error(200, spot) for spot in spots)
    told = next((told for told in said if told.message), ReportedError())
    return failure(told, code=FailureCode.GENERATION_FAILED)


def _parse_request(echo: Mapping[str, Any]) -> Generation | None:
    """Read the echo of a submit, as far as it can be understood."""
    if not echo:
        return None
    extends = echo.get("action") == "extend"
    ratio, film = text(echo.get("aspect_ratio")), text(echo.get("video_url"))
    picture = first(text, echo.get("start_image_url"), echo.get("image_url"))
    start = _reference(ReferenceKind.VIDEO, film) if extends else _reference(ReferenceKind.IMAGE, picture)
    return Generation(
        prompt=(text(echo.get("prompt")) or "")[:MAX_PROMPT],
        aspect_ratio=ratio if ratio in ASPECT_RATIOS else DEFAULT_ASPECT_RATIO,
        loop=echo.get("loop") is True,
        enhance=echo.get("enhancement") is not False,
        model=text(echo.get("model")),
        start=start,
        end=_reference(ReferenceKind.IMAGE, text(echo.get("end_image_url"))),
        named=Operation.EXTEND if extends and start is None else None,
    )


def _reference(kind: ReferenceKind, value: str | None) -> Reference | None:
    return Reference(kind, value) if value else None


__all__ = ["AceDataOptions", "AceDataUpstream"]
