"""How much structure a JSON document may have: a small one can become a tree that is a hundred times as large."""

from __future__ import annotations

from typing import Final

from filmgate.domain.errors import FilmgateError, InvalidRequest, PayloadTooLarge
from filmgate.domain.json_errors import describe_start

MAX_VALUES: Final = 20_000
"""Values in the body of a request, at most; a request that somebody means has fewer than a hundred."""

MAX_LINES: Final = 10_000
"""Line ends in the body of a form, at most: each may end a header of a part."""

_BASE64: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=-_"
_HEAD: Final = 512
_LONG: Final = 4096
_BETWEEN: Final = b"\\% "
_LONGEST_PREFIX: Final = 1024
_ESCAPED_LETTER: Final = 5
"""Bytes of an escaped letter behind its backslash."""


def count_values(document: bytes) -> int:
    """Return at least the number of values of a JSON document, at the cost of a look at each byte.

    What is in strings counts as well: a document is not read before it is known to be small.
    """
    return 1 + document.count(b",") + document.count(b"[") + document.count(b"{")


class Structure:
    """Checks a JSON body while it comes, so that one that is refused is never held or read.

    Apart from files in base64 it may have at most `most` bytes (0: no limit), and at most MAX_VALUES values.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._values = 0
        self._other = 0
        self._start = b""

    def add(self, piece: bytes) -> None:
        """Count a piece. Raises InvalidRequest for too many values or invalid JSON, PayloadTooLarge."""
        self._start = self._start or piece[:_HEAD]
        self._values += count_values(piece) - 1
        if self._values >= MAX_VALUES:
            raise self._to_error(InvalidRequest(f"the body has more than {MAX_VALUES} JSON values"))
        if self._most:
            self._other += len(piece.translate(None, _BASE64))
            self._check(self._other)

    def finish(self, body: bytes) -> None:
        """Check the whole body. Raises PayloadTooLarge."""
        if self._most and len(body) > self._most:
            self._check(len(body) - sum(map(_file_bytes, body.split(b'"'))))

    def _check(self, size: int) -> None:
        if size > self._most:
            message = f"apart from files in base64 the body has more than {self._most} bytes"
            raise self._to_error(PayloadTooLarge(message))

    def _to_error(self, error: FilmgateError) -> FilmgateError:
        """Return the cause if it is another than the error: the body is no JSON at all."""
        cause = describe_start(self._start)
        return error if cause is None else InvalidRequest(cause)


class FormLines:
    """Checks the body of a form while it comes. Raises PayloadTooLarge from MAX_LINES line ends on."""

    def __init__(self) -> None:
        self._lines = 0

    def add(self, piece: bytes) -> None:
        """Count a piece. Raises PayloadTooLarge."""
        self._lines += piece.count(b"\r\n")
        if self._lines > MAX_LINES:
            raise PayloadTooLarge(f"the form has more than {MAX_LINES} line ends; send fewer parts and headers")

    def finish(self, body: bytes) -> None:
        """Check the whole body: nothing is left to check."""


def _file_bytes(segment: bytes) -> int:
    """Return how many bytes between two quotes are a file in base64, with or without the prefix of a data URI.

    Base64 may have line breaks, spaces and percent-encoding. What is outside of strings ends with a sign that it has
    not.
    """
    if len(segment) < _LONG:
        return 0
    prefix = segment.find(b",", 0, _LONGEST_PREFIX) + 1
    other = segment[prefix:].translate(None, _BASE64)
    if other.strip(_BETWEEN):
        return 0
    # PHP escapes each slash, all escape line breaks; a letter that is escaped is six bytes for one.
    return max(0, len(segment) - prefix - len(other) - _ESCAPED_LETTER * segment.count(b"\\u"))
