"""Every error the client raises.

FilmgateClientError       also raised itself, for refusals that have no class of their own
├── InvalidInput          what was given cannot be sent; nothing was sent
├── Unauthorized          401: the key is missing, unknown or revoked
├── QuotaExceeded         403: the application has not so many credits left
├── NotFound              404: unknown, deleted or somebody else's
├── TooManyRequests       429: a rate or a count is exhausted
├── InFlight              409: the same submit is being accepted already
├── ServiceUnavailable    5xx: the service cannot do this now
├── ConnectionFailed      the service did not answer
│   └── OutcomeUnknown    the connection broke after the request was sent: it may have been carried out
├── WrongService          what answered is not the service of the data folder; it was not given the folder's key
├── UnreadableAnswer      what answered is not a Filmgate service
├── WaitTimeout           the task was not finished in time; it goes on
└── DownloadFailed        the file is not what the service said it is
"""

from __future__ import annotations


class FilmgateClientError(Exception):
    """The service refused the request.

    `status` is the HTTP status (None where there was no answer), `code` a word for programs, `field` the part of the
    request that was wrong, `doc_url` the address of the documentation of the code, which a service has that serves its
    documentation, `trace_id` what its logs call the request.
    """

    code = "error"

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        code: str | None = None,
        field: str | None = None,
        doc_url: str | None = None,
        trace_id: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.code = code or type(self).code
        self.field = field
        self.doc_url = doc_url
        self.trace_id = trace_id


class InvalidInput(FilmgateClientError, ValueError):
    """An argument cannot be sent."""

    code = "bad_request"


class Unauthorized(FilmgateClientError):
    """The API key is missing, unknown or revoked."""

    code = "invalid_token"


class QuotaExceeded(FilmgateClientError):
    """The application has not so many credits left."""

    code = "quota_exceeded"


class NotFound(FilmgateClientError):
    """There is no such thing, or it is not yours."""

    code = "not_found"


class TooManyRequests(FilmgateClientError):
    """A rate or a count is exhausted; `retry_after` is the seconds after which a retry can succeed."""

    code = "too_many_requests"
    retry_after: float = 1.0


class InFlight(FilmgateClientError):
    """The same submit is being accepted already; `retry_after` is the seconds after which its task can be had."""

    code = "in_flight"
    retry_after: float = 1.0


class ServiceUnavailable(FilmgateClientError):
    """The service, or what stands before it, cannot do this now."""

    code = "unavailable"


class ConnectionFailed(FilmgateClientError):
    """The service did not answer."""

    code = "connection_failed"


class OutcomeUnknown(ConnectionFailed):
    """The connection broke after the request was sent: it may have been carried out, and sending it again failed."""

    code = "outcome_unknown"


class WrongService(FilmgateClientError):
    """Another service than that of the key's data folder answered; the key was not sent."""

    code = "wrong_service"


class UnreadableAnswer(FilmgateClientError):
    """The answer is not one of Filmgate's."""

    code = "unreadable_answer"


class WaitTimeout(FilmgateClientError):
    """The task was not finished in time; it goes on and can be asked for by `task_id`."""

    code = "timeout"

    def __init__(self, message: str, *, task_id: str) -> None:
        super().__init__(message)
        self.task_id = task_id


class DownloadFailed(FilmgateClientError):
    """The file is not there, or not what the service said it is."""

    code = "download_failed"
