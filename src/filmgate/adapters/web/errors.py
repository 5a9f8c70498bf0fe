"""Errors as answers: each path's errors in the form of its dialect."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from filmgate.adapters.web.encodings import ACCEPTED
from filmgate.adapters.web.headers import Headers
from filmgate.domain.errors import ErrorWriter, FilmgateError, InvalidRequest, NotFound, of_the_disk
from filmgate.domain.retry_after import retry_after_header
from filmgate.domain.validation import first_error


class Errors:
    """Finds the writer of a path's errors, the longest prefix winning; `fallback` writes all others."""

    def __init__(self, writers: Mapping[str, ErrorWriter], fallback: ErrorWriter) -> None:
        self._writers = sorted(writers.items(), key=lambda entry: -len(entry[0]))
        self._fallback = fallback

    def answer(self, path: str, error: FilmgateError, trace_id: str) -> tuple[int, Headers, bytes]:
        """Return the status, headers and body of an error on this path."""
        writer = next((writer for prefix, writer in self._writers if path.startswith(prefix)), self._fallback)
        return error.status, headers_of(error), writer(error, trace_id)


def headers_of(error: FilmgateError) -> Headers:
    """Return the headers that an error needs besides the body."""
    headers: Headers = [(b"content-type", b"application/json")]
    if error.status == 401:
        headers.append((b"www-authenticate", b'Bearer realm="filmgate"'))
    if error.status == 408:
        headers.append((b"connection", b"close"))  # the rest of the request could be taken for another one
    if error.status == 415:
        headers.append((b"accept-encoding", ", ".join(ACCEPTED).encode()))
    if error.retry_after is not None:
        headers.append(retry_after_header(error.retry_after))
    return headers


def defect(error: BaseException) -> FilmgateError:
    """Return the error to answer for an unforeseen one, unless it is the disk's."""
    return of_the_disk(error) or FilmgateError("Something went wrong here. The trace id finds it in the log.")


def from_http(error: HTTPException) -> FilmgateError:
    """Read an error of the framework's own: no such path, or not with this method."""
    if error.status_code == 404:
        return NotFound("There is nothing at this path.")
    known = FilmgateError("This method is not allowed here." if error.status_code == 405 else str(error.detail))
    known.status, known.code = error.status_code, "bad_request" if error.status_code < 500 else "api_error"
    return known


def from_validation(error: RequestValidationError) -> FilmgateError:
    """Read the framework's verdict on a parameter of the path or the query."""
    first = first_error(error.errors(), skip=1)
    return InvalidRequest(str(first), field=first.field or None)
