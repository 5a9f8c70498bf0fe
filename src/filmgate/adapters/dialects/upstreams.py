"""What the upstreams of all dialects do alike: the statuses of a provider's answers, understood in one place."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple, TypeVar

import msgspec
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from filmgate.domain.errors import EngineFailed
from filmgate.domain.failures import Failure, FailureCode
from filmgate.ports.line import Line, LineError, Reply
from filmgate.ports.provider import ProviderTrouble, Submission

_VERDICTS = frozenset({400, 409, 413, 414, 415, 422})
_ACCOUNT = frozenset({401, 402, 403, 404, 405, 501})
_BUSY = frozenset({425, 429})
_LONGEST_MESSAGE = 500


class Told(NamedTuple):
    """What a provider's error says: its own code and its sentence, None where there is none.

    `verdict` is True if it is about this request, also under a status that otherwise tells of the account.
    """

    code: str | None = None
    message: str | None = None
    verdict: bool = False


ReadError = Callable[[int, Any], Told]
"""Reads the error of a dialect from a status and the JSON below it (None if it was no JSON)."""


class UpstreamOptions(BaseModel):
    """The options that every upstream has; a dialect adds its own. An unknown option is an error.

    `not_accepted` are the statuses from 500 on by which this provider says for certain that it accepted nothing.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    not_accepted: frozenset[int] = Field(default=frozenset())


Options = TypeVar("Options", bound=UpstreamOptions)


def options(kind: type[Options], given: Mapping[str, Any]) -> Options:
    """Read an upstream's options. Raises ValueError with a sentence that says what is wrong."""
    try:
        return kind.model_validate(dict(given))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise ValueError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from error


async def call(line: Line, method: str, path: str, **request: Any) -> Reply:
    """Send a request; a line without an answer is trouble. Raises ProviderTrouble."""
    try:
        return await line.call(method, path, **request)
    except LineError as error:
        raise ProviderTrouble(error.message, accepted=error.sent, account=not error.sent) from error


async def send(line: Line, submission: Submission, path: str, **request: Any) -> Reply:
    """Send a submit, under its key for providers that know a repeated one by it. Raises ProviderTrouble."""
    return await call(line, "POST", path, headers={"idempotency-key": submission.key}, fresh=True, **request)


def accepted(reply: Reply, read_error: ReadError, not_accepted: frozenset[int] = frozenset()) -> dict[str, Any]:
    """Give the JSON object that a submit was answered with.

    Raises EngineFailed with the provider's verdict; ProviderTrouble, which says whether anything may be accepted.
    """
    value = decoded(reply)
    if 200 <= reply.status < 300:
        if isinstance(value, dict):
            return value
        raise ProviderTrouble("The answer to the submit is no JSON object.", accepted=True)
    told = read_error(reply.status, value)
    message = _sentence(reply.status, told)
    if told.verdict or reply.status in _VERDICTS:
        raise EngineFailed(failure(told, message))
    certain = reply.status < 500 and reply.status != 408
    raise ProviderTrouble(
        message,
        accepted=not (certain or reply.status == 501 or reply.status in not_accepted),
        account=_of_account(reply.status),
        retry_after=retry_after(reply.headers),
    )


def answered(reply: Reply, read_error: ReadError) -> Any:
    """Give the JSON that a query was answered with, None for a 404. Raises ProviderTrouble."""
    value = decoded(reply)
    if reply.status == 404:
        return None
    if 200 <= reply.status < 300 and value is not None:
        return value
    if 200 <= reply.status < 300:
        raise ProviderTrouble("The answer is no JSON.")
    message = _sentence(reply.status, read_error(reply.status, value))
    raise ProviderTrouble(message, account=_of_account(reply.status), retry_after=retry_after(reply.headers))


def failure(told: Told, message: str | None = None, code: FailureCode = FailureCode.REJECTED_BY_PROVIDER) -> Failure:
    """Give a provider's verdict in our words: moderation is known by name, all else keeps the provider's sentence."""
    text = (message or told.message or "The provider gave no reason.")[:_LONGEST_MESSAGE]
    moderated = any("moderat" in (part or "").lower() for part in (told.code, told.message))
    return Failure(FailureCode.MODERATED if moderated else code, text)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Read when to come back, in seconds, from `retry-after-ms` or from either form of `retry-after`."""
    value = headers.get("retry-after-ms")
    scale = 1000.0 if value is not None else 1.0
    value = (value if value is not None else headers.get("retry-after", "")).strip()
    try:
        return max(0.0, float(value) / scale)
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(value) - datetime.datetime.now(datetime.UTC)).total_seconds())
    except (ValueError, TypeError):
        return None


def _of_account(status: int) -> bool:
    return status in _ACCOUNT or 300 <= status < 400


def _sentence(status: int, told: Told) -> str:
    if told.message:
        return told.message[:_LONGEST_MESSAGE]
    return (
        f"The provider answered {status}."
        if status not in (404, 405)
        else (f"The provider answered {status}: is its base address right?")
    )


def decoded(reply: Reply) -> Any:
    """Give the JSON of an answer, None if it is none."""
    try:
        return msgspec.json.decode(reply.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


__all__ = [
    "ReadError",
    "Told",
    "UpstreamOptions",
    "accepted",
    "answered",
    "call",
    "decoded",
    "failure",
    "options",
    "retry_after",
    "send",
]
