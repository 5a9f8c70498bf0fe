"""Data URIs as programs write them: base64 in either alphabet, with line breaks, percent-encoded, without padding."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Final

from filmgate.domain.errors import InvalidMedia

_HEAD: Final = re.compile(r'\s*data:([^,"]|"[^"]*")*?;\s*base64\s*,', re.IGNORECASE)
_LONGEST_HEAD: Final = 1_024
_ENCODED: Final = {
    **dict.fromkeys((b"%2b", b"%2B"), b"+"),
    **dict.fromkeys((b"%2f", b"%2F"), b"/"),
    **dict.fromkeys((b"%3d", b"%3D"), b"="),
    **dict.fromkeys((b"%0a", b"%0A", b"%0d", b"%0D", b"%20"), b""),
}
_URL_ALPHABET: Final = bytes.maketrans(b"-_", b"+/")
_WHITE: Final = b" \t\r\n\f\v"


def is_data_uri(value: str) -> bool:
    """Return whether a text is meant as a data URI."""
    return value.lstrip()[:5].lower() == "data:"


def decode_data_uri(uri: str, limit: int) -> bytes:
    """Return the bytes of a data URI, at most `limit` of them (0: no limit). Raises InvalidMedia without a field."""
    head = _HEAD.match(uri, 0, _LONGEST_HEAD)
    if head is None:
        raise InvalidMedia(
            "a data URI must look like data:image/png;base64,… (files in another form than base64 are not read)"
        )
    try:
        text = uri[head.end() :].encode("ascii")
    except UnicodeEncodeError as error:
        raise InvalidMedia("the data URI is not valid base64: it has a letter that is not ASCII") from error
    data = None if _is_too_long(text, limit) else _strict(text)
    if data is None:
        text = _plain(text)
        if _is_too_long(text, limit):
            raise InvalidMedia(f"the file has more than {limit} bytes: make it smaller")
        data = _strict(text)
    if data is None:
        raise InvalidMedia(f"the data URI is not valid base64{_reason(text)}")
    if not data:
        raise InvalidMedia("the data URI is empty: nothing is behind its comma")
    return data


def _is_too_long(text: bytes, limit: int) -> bool:
    return bool(limit) and len(text) * 3 // 4 > limit + 3


def _strict(text: bytes) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        return None


def _plain(text: bytes) -> bytes:
    """Return base64 in its usual alphabet and with its padding, without anything between."""
    if b"%" in text:
        for written, meant in _ENCODED.items():
            text = text.replace(written, meant)
    text = text.translate(_URL_ALPHABET, _WHITE).rstrip(b"=")
    return text + b"=" * (-len(text) % 4)


def _reason(text: bytes) -> str:
    """Return why base64 cannot be decoded."""
    wrong = re.search(rb"[^A-Za-z0-9+/]", text.rstrip(b"="))
    if wrong is not None:
        return f': there is "{wrong[0].decode("ascii")}" after {wrong.start()} letters'
    return ": its end is missing"
