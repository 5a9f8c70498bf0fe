"""The rules shared by the upstreams of all dialects: which answers are certain, decided in one place."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Annotated, Any, Final, NamedTuple, TypeVar

import msgspec
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from filmgate.domain.accounts import AccountSettings
from filmgate.domain.errors import EngineFailed
from filmgate.domain.failures import Failure, FailureCode
from filmgate.domain.retry_after import SECONDS, parse_http_date, parse_retry_after
from filmgate.domain.settings import EngineSettings, no_switches
from filmgate.domain.structure import count_values
from filmgate.domain.suggestions import check_keys
from filmgate.domain.validation import first_error
from filmgate.ports.provider import ProviderError, Status, Submission, TaskRef
from filmgate.ports.transport import ProviderClient, ProviderClientError, Reply

NOT_ACCEPTED: Final = frozenset({*range(400, 407), *range(410, 418), 422, 426, 428, 429, 431, 451})
"""Statuses of a submit that certainly was not accepted, unless the body is a job. All others leave it open."""

_VERDICTS: Final = frozenset({400, 413, 414, 415, 422})
_ACCOUNT: Final = frozenset({401, 402, 403, 404, 405, 501})
_NOT_THERE: Final = frozenset({400, 404, 410})
"""Statuses, beside 2xx, under which a provider may say that it does not know an id."""

_LONGEST_MESSAGE: Final = 500
_BOM: Final = b"\xef\xbb\xbf"
_MAX_VALUES: Final = 200_000


_ROUTED: Final = re.compile(
    r"\b(?:page|route|path|url|uri|endpoint|host|domain|deployment|application|service|model)\b"
)
"""Words of proxies and routers in front of a provider, which have codes such as `not_found` too."""


class Meaning(StrEnum):
    """The meaning of an error's code for a submit that was not accepted."""

    ACCOUNT = "account"
    """The key, its permissions or its balance: another account may take the task."""

    BUSY = "busy"
    """A rate or a count is exhausted: the same account may take the task later."""

    REJECTED = "rejected"
    """A verdict on this request: every account would say the same."""

    MODERATED = "moderated"
    """A verdict on its content."""


class Code(NamedTuple):
    """A code by which a provider says for certain that it accepted nothing, and where that is documented."""

    meaning: Meaning
    source: str


class ReportedError(NamedTuple):
    """A provider's error: its own code and its sentence, None where there is none.

    `meaning` is what the dialect knows beyond the code and the status.
    """

    code: str | None = None
    message: str | None = None
    meaning: Meaning | None = None


ReadError = Callable[[int, Any], ReportedError]
"""Reads the error of a dialect from a status and the JSON below it (None if it was no JSON)."""


class Unknown(NamedTuple):
    """The answers of a dialect for an unknown id: codes and sentences, each with its source.

    A sentence is a pattern for the whole of it, in lower case and without a full stop.
    """

    codes: Mapping[str, str]
    sentences: Mapping[re.Pattern[str], str]


class Answers(NamedTuple):
    """The readers of a dialect's answers.

    `receipt` finds the id of a task, `has_state` tells whether a body has a word for its state that the dialect
    knows: a body with both is a job. `read_codes` lists the codes of an error, none where there is no error; `refuses`
    tells whether a body speaks of one. `codes` are those by which nothing was accepted, `unknown` says that an id is
    not known.
    """

    read_error: ReadError
    read_codes: Callable[[Any], list[str]]
    refuses: Callable[[Any], bool]
    receipt: Callable[[Any], TaskRef | None]
    has_state: Callable[[Any], bool]
    codes: Mapping[str, Code]
    unknown: Unknown


class UpstreamOptions(BaseModel):
    """The options that every upstream has; a dialect adds its own. An unknown option is an error.

    `not_accepted` are the statuses from 500 on by which this provider says for certain that it accepted nothing.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    not_accepted: frozenset[Annotated[int, Field(ge=500, le=599)]] = Field(default=frozenset())

    _numbers = field_validator("*", mode="before")(classmethod(no_switches))


Options = TypeVar("Options", bound=UpstreamOptions)


def options(kind: type[Options], given: Mapping[str, Any]) -> Options:
    """Read an upstream's options. Raises ValueError with a sentence for people."""
    check_keys(given, (*kind.model_fields, *AccountSettings.model_fields, *EngineSettings.model_fields))
    try:
        return kind.model_validate(dict(given))
    except ValidationError as error:
        raise ValueError(str(first_error(error.errors()))) from error


async def call(line: ProviderClient, method: str, path: str, **request: Any) -> Reply:
    """Send a request; a line without an answer is trouble. Raises ProviderError."""
    try:
        return await line.call(method, path, **request)
    except ProviderClientError as error:
        raise ProviderError(error.message, accepted=error.sent, account=not error.sent) from error


async def send(line: ProviderClient, submission: Submission, path: str, **request: Any) -> Reply:
    """Send a submit, under its key for providers that know a repeated one by it. Raises ProviderError."""
    return await call(line, "POST", path, headers={"idempotency-key": submission.key}, fresh=True, **request)


def parse_receipt(
    reply: Reply,
    dialect: Answers,
    not_accepted: frozenset[int] = frozenset(),
    read_error: ReadError | None = None,
) -> TaskRef:
    """Return the provider's name of the task that a submit has become.

    A job is the answer whatever its status is; without one only a listed status, or a listed code under a 2xx, says
    for certain that nothing was accepted. `read_error` reads the errors of this submit, where they say more than
    others of the dialect. Raises EngineFailed with the provider's verdict; ProviderError, which says whether
    anything may be accepted.
    """
    value = decode_json(reply)
    receipt = dialect.receipt(value)
    if receipt is not None and dialect.has_state(value):
        return receipt
    told = (read_error or dialect.read_error)(reply.status, value)
    if is_good(reply):
        if receipt is not None and not dialect.refuses(value):
            return receipt
        # What was given an id may have been made, whatever else is said of it.
        meaning = None if receipt is not None else _listed_meaning(dialect, value)
        if meaning is None:
            message = (told.message or "The answer to the submit names no task.")[:_LONGEST_MESSAGE]
            raise ProviderError(message, accepted=True, retry_after=retry_after(reply.headers))
    elif reply.status in NOT_ACCEPTED:
        meaning = told.meaning or _meaning(dialect, told) or _meaning_of(reply.status)
    else:
        raise ProviderError(
            _sentence(reply.status, told),
            accepted=reply.status not in not_accepted,
            account=_of_account(reply.status),
            retry_after=retry_after(reply.headers),
        )
    raise _refusal(meaning, _sentence(reply.status, told), told, reply)


def parse_query_answer(reply: Reply, dialect: Answers, task_id: str | None = None) -> Any:
    """Return the JSON that a query was answered with; None if it says that the id is not known.

    The job that was asked for is the answer whatever its status is. Raises ProviderError.
    """
    value = decode_json(reply)
    good = is_good(reply)
    receipt = dialect.receipt(value)
    if receipt is not None and dialect.has_state(value) and (good or receipt.id == task_id):
        return value
    told = dialect.read_error(reply.status, value)
    if (good or reply.status in _NOT_THERE) and is_unknown(dialect, value, told):
        return None
    if good and value is not None and not (receipt is None and dialect.refuses(value)):
        return value
    if good and value is None:
        raise ProviderError("The answer is no JSON.")
    meaning = _listed_meaning(dialect, value) if good else _meaning(dialect, told)
    # What stands in front of a provider answers a query with a bare 404 while it is deployed anew.
    account = meaning is Meaning.ACCOUNT or (meaning is None and reply.status != 404 and _of_account(reply.status))
    raise ProviderError(_sentence(reply.status, told), account=account, retry_after=retry_after(reply.headers))


def check_discarded(reply: Reply, dialect: Answers) -> None:
    """Raise ProviderError unless a task is gone by the answer to a delete.

    A 404 is enough, but for the page of a router: a task that goes on costs money.
    """
    gone = reply.status == 404 and (not reply.body or decode_json(reply) is not None)
    if not (is_good(reply) or gone) and parse_query_answer(reply, dialect) is not None:
        raise ProviderError(f"The provider answered {reply.status} to a delete.")


def is_unknown(dialect: Answers, value: Any, told: ReportedError) -> bool:
    """Return whether an error is the dialect's own for an id that it does not know."""
    said = (told.message or "").strip().rstrip(".!").lower()
    if any(code in dialect.unknown.codes for code in dialect.read_codes(value)) and not _ROUTED.search(said):
        return True
    return any(sentence.fullmatch(said) for sentence in dialect.unknown.sentences)


def failure(
    told: ReportedError, message: str | None = None, code: FailureCode = FailureCode.REJECTED_BY_PROVIDER
) -> Failure:
    """Return a provider's verdict in our words: moderation is known by name, all else keeps the provider's sentence."""
    text = (message or told.message or "The provider gave no reason.")[:_LONGEST_MESSAGE]
    moderated = told.meaning is Meaning.MODERATED or any(
        "moderat" in (part or "").lower() for part in (told.code, told.message)
    )
    return Failure(FailureCode.MODERATED if moderated else code, text)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Read when to come back, in seconds, from `retry-after-ms` or from either form of `retry-after`.

    A date counts from the provider's own clock, where the answer has its time. ProviderError has the bound.
    """
    milliseconds = headers.get("retry-after-ms", "").strip()
    if SECONDS.fullmatch(milliseconds):
        return float(milliseconds) / 1000
    now = parse_http_date(headers.get("date", ""))
    return parse_retry_after(headers.get("retry-after", ""), time.time() if now is None else now)


def decode_json(reply: Reply) -> Any:
    """Return the JSON of an answer; None if it is no JSON, or far larger than any real answer."""
    if count_values(reply.body) > _MAX_VALUES:
        return None
    try:
        return msgspec.json.decode(reply.body.removeprefix(_BOM))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def is_good(reply: Reply) -> bool:
    """Return whether the status of an answer is one of success."""
    return 200 <= reply.status < 300


def reports_of(ids: Sequence[str], reports: Mapping[str, Status], reply: Reply) -> list[Status]:
    """Return the statuses in a batch of the tasks with these ids, in their order.

    One that is left out is not known, unless the batch came with an error: then nothing is said of it.
    """
    unsaid = () if is_good(reply) else ids
    found = {task_id: Status(TaskRef(task_id), None) for task_id in unsaid} | dict(reports)
    return [found[task_id] for task_id in ids if task_id in found]


def _refusal(meaning: Meaning | None, message: str, told: ReportedError, reply: Reply) -> EngineFailed | ProviderError:
    """Return the error for a submit that certainly was not accepted."""
    if meaning in (Meaning.REJECTED, Meaning.MODERATED):
        return EngineFailed(failure(told._replace(meaning=meaning), message))
    return ProviderError(message, account=meaning is Meaning.ACCOUNT, retry_after=retry_after(reply.headers))


def _listed_meaning(dialect: Answers, value: Any) -> Meaning | None:
    """Return the meaning of an error under a 2xx; None unless every code in it is on the list."""
    found = [dialect.codes.get(code) for code in dialect.read_codes(value)]
    known = [code.meaning for code in found if code is not None]
    return known[0] if known and len(known) == len(found) else None


def _meaning(dialect: Answers, told: ReportedError) -> Meaning | None:
    code = dialect.codes.get((told.code or "").lower())
    return None if code is None else code.meaning


def _meaning_of(status: int) -> Meaning | None:
    if status in _VERDICTS:
        return Meaning.REJECTED
    return Meaning.ACCOUNT if status in _ACCOUNT else None


def _of_account(status: int) -> bool:
    return status in _ACCOUNT or 300 <= status < 400


def _sentence(status: int, told: ReportedError) -> str:
    if told.message:
        return told.message[:_LONGEST_MESSAGE]
    question = ": is its base address right?" if status in (404, 405) else "."
    return f"The provider answered {status}{question}"


__all__ = [
    "NOT_ACCEPTED",
    "Answers",
    "Code",
    "Meaning",
    "ReadError",
    "ReportedError",
    "Unknown",
    "UpstreamOptions",
    "call",
    "check_discarded",
    "decode_json",
    "failure",
    "is_good",
    "is_unknown",
    "options",
    "parse_query_answer",
    "parse_receipt",
    "reports_of",
    "retry_after",
    "send",
]
