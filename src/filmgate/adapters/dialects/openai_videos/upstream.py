"""A provider with OpenAI's videos API: OpenAI itself, or a server of models on a machine nearby."""

from __future__ import annotations

import math
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Final

import msgspec
from pydantic import field_validator

from filmgate.adapters.dialects.calling import answers
from filmgate.adapters.dialects.calling.answers import not_found
from filmgate.adapters.dialects.calling.lenient import array, identity, mapping, moment, name, number, percent, text
from filmgate.adapters.dialects.calling.marks import is_ours
from filmgate.adapters.dialects.calling.request_parts import media_type, refuse_all_but, segment, unsupported_failure
from filmgate.adapters.dialects.calling.upstreams import (
    Answers,
    Code,
    Meaning,
    ReportedError,
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
from filmgate.adapters.dialects.openai_videos import requests, responses
from filmgate.domain.adjustments import KEPT, Adjustment, enhance_changes, size_changes
from filmgate.domain.capabilities import DURATIONS, STARTS, Capabilities
from filmgate.domain.failures import Failure, FailureCode
from filmgate.domain.generation import MAX_PROMPT, Generation, Operation, ReferenceKind
from filmgate.domain.media import Role
from filmgate.domain.sizes import DEFAULT_ASPECT_RATIO, DEFAULT_SECONDS, MAX_SECONDS, nearest_size
from filmgate.domain.states import State
from filmgate.ports.provider import InputMode, ProviderError, Status, Submission, TaskRef
from filmgate.ports.transport import FormPart, ProviderClient

_GUIDE: Final = "OpenAI, API guide, Error codes"
_IMAGES: Final = "OpenAI, API reference, errors of refused content"

CODES: Final = {
    "invalid_api_key": Code(Meaning.ACCOUNT, _GUIDE),
    "insufficient_quota": Code(Meaning.ACCOUNT, _GUIDE),
    "billing_hard_limit_reached": Code(Meaning.ACCOUNT, _GUIDE),
    "credit_balance_exhausted": Code(Meaning.ACCOUNT, _GUIDE),
    "rate_limit_exceeded": Code(Meaning.BUSY, _GUIDE),
    "model_not_found": Code(Meaning.REJECTED, _GUIDE),
    "content_policy_violation": Code(Meaning.MODERATED, _IMAGES),
    "moderation_blocked": Code(Meaning.MODERATED, _IMAGES),
}
"""`server_error` is not here: the video may have been accepted."""

UNKNOWN: Final = Unknown({}, {not_found("video|task|job"): "vLLM-Omni and SGLang: 'Video not found'"})

_VIDEOS: Final = "/videos"
_PATHS: Final = {
    Operation.GENERATE: _VIDEOS,
    Operation.EXTEND: f"{_VIDEOS}/extensions",
    Operation.MODIFY: f"{_VIDEOS}/edits",
}
_PAGES: Final = 10
"""Pages of a search, at most."""

_NO_SEARCH: Final = frozenset({400, 404, 405, 422, 501})
_NO_DISCARD: Final = frozenset({405, 501})
_STATES: Final = {
    **responses.STATES,
    "pending": State.PENDING,
    **dict.fromkeys(("processing", "running"), State.PROCESSING),
    "succeeded": State.COMPLETED,
    **dict.fromkeys(("cancelled", "canceled", "error"), State.FAILED),
}
"""The words of the API, and those that other servers of it use."""

_PIXELS: Final = re.compile(r"([1-9][0-9]{0,4})x([1-9][0-9]{0,4})")


class OpenAIVideosOptions(UpstreamOptions):
    """`sizes`, as "1280x720", and `seconds` are all that this provider makes; without them it is asked as we are asked.

    With `text_as_json` a submit without a file is JSON: some servers take forms only with a picture.
    """

    sizes: tuple[str, ...] = ()
    seconds: tuple[int, ...] = ()
    text_as_json: bool = False

    @field_validator("sizes")
    @classmethod
    def _pixels(cls, sizes: tuple[str, ...]) -> tuple[str, ...]:
        for size in sizes:
            if not _PIXELS.fullmatch(size):
                raise ValueError(f"{size} does not look like 1280x720")
        return sizes

    @field_validator("seconds")
    @classmethod
    def _positive(cls, seconds: tuple[int, ...]) -> tuple[int, ...]:
        if any(length < 1 for length in seconds):
            raise ValueError("a length is at least 1 second")
        return tuple(sorted(seconds))


class OpenAIVideosUpstream:
    """Implements Provider. Pictures and clips are sent along as files."""

    ADDRESS: Final = "https://api.openai.com/v1"
    OPTIONS: Final = OpenAIVideosOptions

    def __init__(self, line: ProviderClient, given: Mapping[str, Any]) -> None:
        """Create the provider of an account from its client and options. Raises ValueError for a wrong option."""
        self._options = options(OpenAIVideosOptions, given)
        self.type: str = requests.NAME
        self.line = line
        self.batch = 1
        self.searches = True
        self.discards = True
        self.means: Mapping[ReferenceKind, tuple[InputMode, ...]] = {
            ReferenceKind.IMAGE: (InputMode.FILE,),
            ReferenceKind.VIDEO: (InputMode.FILE,),
            ReferenceKind.TASK: (InputMode.TASK, InputMode.FILE),
        }

    def capabilities(self, model: str | None) -> Capabilities:  # noqa: ARG002 - its options are those of all its models
        """Return the capabilities named by the options, else all that its requests can express."""
        return Capabilities(
            operations=tuple(_PATHS),
            durations=self._options.seconds or DURATIONS,
            sizes=self._options.sizes,
            inputs=STARTS,
            loop=False,
            needs_prompt=True,
        )

    def changes(self, generation: Generation) -> list[Adjustment]:
        """Return the parts that its requests have no field for, or that the options exclude."""
        changes = enhance_changes(generation, "this provider")
        if generation.operation is Operation.MODIFY:
            reason = "an edit is as long as its source; leave it out"
            changes.append(Adjustment("duration", generation.duration, KEPT, reason))
        else:
            used = _next_longer(generation.duration, self._options.seconds)
            lengths = ", ".join(map(str, self._options.seconds))
            changes.append(Adjustment("duration", generation.duration, used, f"it can be {lengths} seconds"))
        if generation.operation is not Operation.GENERATE:
            return changes + size_changes(generation)
        return changes + _other_size(generation, self._options.sizes)

    def refuse(self, generation: Generation) -> Failure | None:
        """Return the failure of a generation that needs a field this API does not have."""
        if refused := refuse_all_but(_PATHS, generation):
            return refused
        if generation.loop:
            return unsupported_failure("This provider makes no videos that loop.")
        if generation.end is not None:
            return unsupported_failure("This provider takes no picture to end at.")
        if not generation.prompt.strip():
            return unsupported_failure("This provider makes a video only with a prompt.")
        return None

    async def submit(self, submission: Submission) -> TaskRef:
        """Submit a video, an extension or an edit. Raises EngineFailed, ProviderError."""
        path = _PATHS[submission.generation.operation]
        fields, files = self._fields(submission), _files(submission)
        if self._options.text_as_json and not files:
            texts = {key: value for key, value in fields.items() if key != "video[id]"}
            body = texts | ({"video": {"id": fields["video[id]"]}} if "video[id]" in fields else {})
            reply = await send(self.line, submission, path, json=body)
        else:
            form = [*(FormPart(key, str(value)) for key, value in fields.items()), *files]
            reply = await send(self.line, submission, path, form=form)
        return parse_receipt(reply, ANSWERS, self._options.not_accepted, None if path == _VIDEOS else _read_earlier)

    async def query(self, ids: Sequence[str]) -> list[Status]:
        """Query videos, one by one. Raises ProviderError."""
        reports = []
        for video_id in ids:
            if (place := segment(video_id)) is None:
                continue
            value = parse_query_answer(await call(self.line, "GET", f"{_VIDEOS}/{place}"), ANSWERS, video_id)
            if value is not None:
                reports.append(_parse_status(_video(value), video_id))
        return reports

    async def find(self, submission: Submission, since: float) -> list[Status]:
        """List the account's videos back to a time and compare requests. Raises ProviderError."""
        fields = self._fields(submission)
        found: list[Status] = []
        async for videos in self._pages():
            recent = {
                video_id: report
                for video_id, video in videos.items()
                if ((report := _parse_status(video, video_id)).created_at or since) >= int(since)
            }
            for video_id, report in recent.items():
                ours = is_ours(videos[video_id], submission)
                if ours:
                    return [msgspec.structs.replace(report, marked=True)]
                if ours is None and _may_be(videos[video_id], fields):
                    found.append(report)
            if not recent:
                break
        return sorted(found, key=lambda report: report.created_at or math.inf)

    async def discard(self, task_id: str) -> None:
        """Delete a video, which also stops the work on it. Raises ProviderError."""
        if (place := segment(task_id)) is None:
            return
        reply = await call(self.line, "DELETE", f"{_VIDEOS}/{place}")
        if reply.status in _NO_DISCARD:
            raise ProviderError("This provider cannot take back a video.")
        check_discarded(reply, ANSWERS)

    async def _pages(self) -> AsyncIterator[Mapping[str, Mapping[str, Any]]]:
        """Yield the account's videos by their ids, the newest first, each once; nothing if there is no list."""
        seen: dict[str, None] = {}
        for _ in range(_PAGES):
            query: dict[str, str | int | float] = {"limit": requests.MAX_PAGE, "order": "desc"}
            if seen:
                query["after"] = next(reversed(seen))
            reply = await call(self.line, "GET", _VIDEOS, query=query)
            if reply.status in _NO_SEARCH:
                return
            page = mapping(parse_query_answer(reply, ANSWERS))
            listed = array(page.get("data"))
            if listed is None:
                raise ProviderError("The answer to a list has no videos.")
            videos = [(name(mapping(video).get("id")), mapping(video)) for video in listed]
            fresh = {video_id: video for video_id, video in videos if video_id is not None and video_id not in seen}
            if fresh:
                yield fresh
            if not fresh or page.get("has_more") is False:
                return
            seen |= dict.fromkeys(fresh)
        raise ProviderError("The provider's list of videos is too long to be searched.")

    def _fields(self, submission: Submission) -> requests.OpenAISubmit:
        """Write the values of a submit. What follows from the earlier video, as its size and model, is left out."""
        generation = submission.generation
        fields: requests.OpenAISubmit = {"prompt": generation.prompt}
        if generation.operation is Operation.GENERATE:
            if submission.model:
                fields["model"] = submission.model
            fields["size"] = _nearest(generation.size, self._options.sizes)
        if generation.operation is not Operation.MODIFY:
            fields["seconds"] = str(_next_longer(generation.duration, self._options.seconds))
        if submission.start is not None and submission.start.earlier is not None:
            fields["video[id]"] = submission.start.earlier.id
        return fields


def _files(submission: Submission) -> list[FormPart]:
    start = submission.start
    if start is None or start.file is None:
        return []
    field = "input_reference" if submission.generation.operation is Operation.GENERATE else "video"
    return [FormPart(field, start.file, media_type(start))]


def _nearest(size: tuple[int, int], sizes: Sequence[str]) -> str:
    """Choose the nearest size there is, of the same orientation if there is one; the size itself if there are none."""

    def off(written: str) -> tuple[bool, float]:
        width, height = map(int, written.split("x"))
        turned = (width > height) - (width < height) != (size[0] > size[1]) - (size[0] < size[1])
        return turned, abs(math.log(width / size[0])) + abs(math.log(height / size[1]))

    return min(sizes, key=off, default="{}x{}".format(*size))


def _other_size(generation: Generation, sizes: Sequence[str]) -> list[Adjustment]:
    """Return the changes that another size means, for each field that can name one."""
    size, used = "{}x{}".format(*generation.size), _nearest(generation.size, sizes)
    if used == size:
        return []
    reason = f"it can be {', '.join(sizes)}"
    ratio, _ = nearest_size(*map(int, used.split("x")))
    changes = [
        Adjustment("size", size, used, reason),
        Adjustment("aspect_ratio", generation.aspect_ratio, ratio, reason),
    ]
    if generation.resolution is not None:
        changes.append(Adjustment("resolution", generation.resolution, used, reason))
    return changes


def _next_longer(seconds: int, lengths: Sequence[int]) -> int:
    """Choose the shortest length that is long enough, else the longest; the length itself if there are none."""
    return next((length for length in lengths if length >= seconds), max(lengths, default=seconds))


def _read_error(status: int, value: Any) -> ReportedError:
    """Read an error; a policy that was violated is moderation under another name."""
    told = answers.parse_error(status, value)
    known = CODES.get(told.code or "")
    return told._replace(meaning=Meaning.MODERATED) if known and known.meaning is Meaning.MODERATED else told


def _read_earlier(status: int, value: Any) -> ReportedError:
    """Read an error about an extension or edit: a 404 with a reason is about the earlier video."""
    told = _read_error(status, value)
    return told._replace(meaning=Meaning.REJECTED) if status == 404 and told.message else told


def _receipt(value: Any) -> TaskRef | None:
    """Return the id of a video; an object of another kind is none."""
    video = mapping(value)
    kind, video_id = text(video.get("object")), identity(video.get("id"))
    return None if video_id is None or not (kind or "video").startswith("video") else TaskRef(video_id)


def _has_state(value: Any) -> bool:
    return (text(mapping(value).get("status")) or "").lower() in _STATES


ANSWERS: Final = Answers(
    read_error=_read_error,
    read_codes=answers.read_codes,
    refuses=answers.refuses,
    receipt=_receipt,
    has_state=_has_state,
    codes=CODES,
    unknown=UNKNOWN,
)


def _video(value: Any) -> Mapping[str, Any]:
    """Return an answer as a video. Raises ProviderError."""
    video = mapping(value)
    if name(video.get("id")) is None and text(video.get("status")) is None:
        raise ProviderError(_read_error(200, video).message or "The answer to a query is no video.")
    return video


def _parse_status(video: Mapping[str, Any], video_id: str) -> Status:
    state = _STATES.get((text(video.get("status")) or "").lower())
    place = segment(video_id)
    return Status(
        receipt=TaskRef(video_id),
        state=state,
        percent=percent(video.get("progress")),
        failure=_failure(video.get("error")) if state is State.FAILED else None,
        links={Role.VIDEO: f"{_VIDEOS[1:]}/{place}/content"} if state is State.COMPLETED and place else {},
        asked=_parse_request(video),
        created_at=moment(video.get("created_at")),
        notes=answers.preview_notes(video.get("metadata")),
    )


def _failure(error: Any) -> Failure:
    return failure(_read_error(200, {"error": error}), code=FailureCode.GENERATION_FAILED)


def _parse_request(video: Mapping[str, Any]) -> Generation | None:
    """Read the request; a server may show no more than the size."""
    prompt, size, seconds = text(video.get("prompt")), _size(video), number(video.get("seconds"))
    if prompt is None and size is None and seconds is None:
        return None
    aspect_ratio, resolution = nearest_size(*size) if size else (DEFAULT_ASPECT_RATIO, None)
    return Generation(
        prompt=(prompt or "")[:MAX_PROMPT],
        aspect_ratio=aspect_ratio,
        resolution=resolution,
        duration=min(MAX_SECONDS, max(1, round(seconds or DEFAULT_SECONDS))),
        model=text(video.get("model")),
    )


def _size(video: Mapping[str, Any]) -> tuple[int, int] | None:
    found = _PIXELS.fullmatch(text(video.get("size")) or "")
    return (int(found[1]), int(found[2])) if found else None


def _may_be(video: Mapping[str, Any], fields: requests.OpenAISubmit) -> bool:
    """Return whether a video can come from this request: none of its fields contradicts that.

    An extension shows its whole length and the size of the earlier video.
    """
    prompt, model = text(video.get("prompt")), text(video.get("model"))
    size, seconds = _size(video), number(video.get("seconds"))
    if prompt not in (None, fields["prompt"].strip()):
        return False
    if "size" not in fields:
        return True
    return (
        (model is None or "model" not in fields or model.startswith(fields["model"]))
        and (size is None or "{}x{}".format(*size) == fields["size"])
        and (seconds is None or seconds == int(fields["seconds"]))
    )


__all__ = ["OpenAIVideosOptions", "OpenAIVideosUpstream"]
