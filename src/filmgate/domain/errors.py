"""Every error a caller can meet.

FilmgateError
├── InvalidRequest        what was sent cannot be used
│   ├── InvalidMedia      a picture or video cannot be used
│   │   └── DecoderCrashed    its decoder died over it
│   └── UnknownModel      no engine makes this model; the sentence lists those there are
├── Unauthorized          no key, or not one of ours
├── HostNotAllowed        the Host header names somebody else
├── Forbidden             the key is good, the action is not allowed
│   └── QuotaExceeded     the application has not enough credits left
├── NotFound              unknown, deleted or somebody else's: one and the same answer
├── Gone                  this address has another name now
├── Conflict              the task is not in a state that allows this
│   └── InFlight          the first request with this idempotency key is not answered yet
├── KeyReused             this idempotency key was used for another request
├── BodyTooSlow           the body takes too long to come
├── PayloadTooLarge       more bytes than the limit
├── TooManyRequests       a rate or a count is exhausted; says when to come back
├── WaitTimeout           a synchronous caller's time is up; the task goes on
└── Unavailable           the service cannot do this now
    └── DecoderLost       the processes that decode files do not stay alive

`status` is the HTTP status that every dialect gives the error; `code` is Filmgate's own word for it.
EngineFailed carries a `Failure` that ends the task; EngineCrashed means "try again".
"""

from __future__ import annotations

import errno
from collections.abc import Callable

from filmgate.domain.failures import Failure

_OF_THE_DISK = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.EFBIG})


class FilmgateError(Exception):
    """Something went wrong in Filmgate."""

    code = "api_error"
    status = 500
    retry_after: int | None = None
    """Whole seconds, 1 to 60, after which the same request may succeed."""

    def __init__(self, message: str | None = None, *, field: str | None = None) -> None:
        """Take the sentence for the reader; without one the class docstring is the sentence.

        `field` names the part of the request that was wrong, in the caller's own words.
        """
        super().__init__(message or (type(self).__doc__ or "").strip().splitlines()[0])
        self.message: str = str(self.args[0])
        self.field = field


ErrorWriter = Callable[[FilmgateError, str], bytes]
"""Writes an error, with the trace id of the request, in the form of a dialect."""


class InvalidRequest(FilmgateError):
    """The request is malformed or has a value that is not allowed."""

    code = "bad_request"
    status = 400


class InvalidMedia(InvalidRequest):
    """The picture or video cannot be used."""

    code = "invalid_media"


class DecoderCrashed(InvalidMedia):
    """The picture or video is damaged: its decoder crashed on it."""


class UnknownModel(InvalidRequest):
    """There is no such model."""

    code = "model_not_found"


class Unauthorized(FilmgateError):
    """The API key is missing or unknown: send `Authorization: Bearer <key>`."""

    code = "invalid_token"
    status = 401


class HostNotAllowed(FilmgateError):
    """This Host is not served here: add it to FILMGATE_ALLOWED_HOSTS, or set FILMGATE_PUBLIC_URL."""

    code = "host_not_allowed"
    status = 400


class Forbidden(FilmgateError):
    """This key is not allowed to do that."""

    code = "forbidden"
    status = 403


class QuotaExceeded(Forbidden):
    """Insufficient credits."""

    code = "used_up"


class NotFound(FilmgateError):
    """No such task."""

    code = "not_found"
    status = 404


class Gone(FilmgateError):
    """This address has another name now."""

    code = "gone"
    status = 410


class Conflict(FilmgateError):
    """The task is not in a state that allows this."""

    code = "conflict"
    status = 409


class InFlight(Conflict):
    """The first request with this Idempotency-Key is not answered yet: send it again in a moment."""

    code = "in_flight"
    retry_after = 1


class KeyReused(FilmgateError):
    """This Idempotency-Key was used for another request: every new request needs a key of its own."""

    code = "idempotency_key_reused"
    status = 422


class BodyTooSlow(FilmgateError):
    """The request body did not come in time."""

    code = "request_timeout"
    status = 408


class PayloadTooLarge(FilmgateError):
    """The request body is too large."""

    code = "payload_too_large"
    status = 413


class UnsupportedEncoding(FilmgateError):
    """The request body is compressed in a way that is not read here."""

    code = "unsupported_encoding"
    status = 415


class TooManyRequests(FilmgateError):
    """Too many requests: slow down."""

    code = "too_many_requests"
    status = 429
    retry_after: int = 1

    def __init__(self, message: str | None = None, *, retry_after: int = 1) -> None:
        """Take the whole seconds after which a retry can succeed, kept within 1 to 60."""
        super().__init__(message)
        self.retry_after = min(60, max(1, retry_after))


class WaitTimeout(FilmgateError):
    """The task was not finished in time; it goes on and can be queried by its id."""

    code = "timeout"
    status = 504

    def __init__(self, message: str | None = None, *, task_id: str) -> None:
        """Take the id under which the task is found."""
        super().__init__(message)
        self.task_id = task_id


class Unavailable(FilmgateError):
    """The service cannot do this now."""

    code = "unavailable"
    status = 503
    retry_after: int | None = 5


class DecoderLost(Unavailable):
    """Pictures and videos cannot be decoded now: the process that does it ends unexpectedly."""


def of_the_disk(error: BaseException) -> Unavailable | None:
    """Return what a caller should see of an error of the disk, which may pass; None for any other error."""
    if isinstance(error, OSError) and error.errno in _OF_THE_DISK:
        return Unavailable(f"The disk cannot be written now: {error.strerror}.")
    return None


class EngineFailed(FilmgateError):
    """The engine gave a definite verdict: the task ends failed."""

    code = "generation_failed"

    def __init__(self, failure: Failure) -> None:
        """Take the verdict that is shown to the owner."""
        super().__init__(failure.message)
        self.failure = failure


class EngineCrashed(FilmgateError):
    """The engine died in the middle of the work."""

    code = "engine_crashed"
