"""What a body is that was to be JSON, and where JSON is wrong: the cause, the place and what to do."""

from __future__ import annotations

import re
from typing import Final

_STARTS: Final = (
    (b"\x1f\x8b", "the body is compressed with gzip, and no Content-Encoding says so: send Content-Encoding: gzip"),
    (b"\x28\xb5\x2f\xfd", "the body is compressed with zstd: send JSON uncompressed, or with Content-Encoding: gzip"),
    (b"PK\x03\x04", "the body is a ZIP archive: send JSON uncompressed, or with Content-Encoding: gzip"),
)
_ZLIB: Final = (b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda")
_FILES: Final = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"BM", b"II*\0", b"MM\0*", b"\x1a\x45\xdf\xa3", b"%PDF")
_MARKED: Final = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}

_FORM: Final = re.compile(rb"\s*([A-Za-z_][\w.-]{0,63})(?:\[\w*\]|%5[Bb]\w*%5[Dd])*=")
_PART: Final = re.compile(rb"\s*--[^\r\n]{1,80}\r?\n[\w-]+\s*:", re.ASCII)
_PLACE: Final = re.compile(r"\(byte (\d+)\)")
_HALF: Final = re.compile(rb"\\u[dD][89a-fA-F][0-9a-fA-F]{2}")
_NEAR_END: Final = 24
_PYTHON: Final = (b"True", b"False", b"None")
_NO_NUMBERS: Final = (b"NaN", b"Infinity", b"-Infinity", b"undefined")


def describe_start(body: bytes) -> str | None:
    """Return what a body is instead of JSON, and what to do; None if its first bytes do not tell."""
    known = next((sentence for magic, sentence in _STARTS if body.startswith(magic)), None)
    if known is not None:
        return f"{known}. It is not JSON as it is"
    if body.startswith(_ZLIB):
        return "the body is compressed, and no Content-Encoding says so: send Content-Encoding: deflate with the JSON"
    if body.startswith(_FILES) or body[4:8] == b"ftyp" or (body[:4] == b"RIFF" and body[8:12] == b"WEBP"):
        return (
            "the body is a file itself, not JSON: send a JSON object with the address of the file, or with the file "
            "as a data URI (data:image/png;base64,…)"
        )
    start = body.lstrip()
    if start.startswith(b"<"):
        return "the body is XML or HTML, not JSON: send a JSON object"
    if _PART.match(body):
        return (
            "the body is a form with parts, not JSON: send a JSON object; where a path takes forms, the Content-Type "
            "has to be multipart/form-data with the boundary"
        )
    form = _FORM.match(body)
    if form is not None:
        name = form[1].decode()
        return (
            f'the body is form-encoded ({name}=…), not JSON: send {{"{name}": …}} with the Content-Type '
            "application/json; with curl, use --json"
        )
    return None


def explain(body: bytes, error: Exception) -> str:
    """Return why a body is no JSON: the fault, its byte, and the remedy."""
    if not body.strip():
        return "the body is empty: send a JSON object with the fields of the request"
    if (sentence := describe_start(body)) is not None:
        return sentence
    if (encoding := _MARKED.get(body[:2])) is not None:
        return f"the body is no valid JSON: it begins like {encoding}, and is none; send it in UTF-8"
    if isinstance(error, RecursionError):
        return "the body is no JSON that is read here: it is nested too deeply"
    if isinstance(error, UnicodeDecodeError):
        return _not_utf8(body)
    said = str(error)
    if "surrogate" in said or ("truncated" in said and _HALF.search(body[-_NEAR_END:])):
        return (
            "the body is no valid JSON: half of a character stands alone in a text, as \\ud83d without its other half "
            "\\ude00 (a lone surrogate). Do not cut texts within a character; send it whole, or in UTF-8"
        )
    if "truncated" in said:
        return (
            f"the body is no valid JSON: it ends in the middle, after {len(body)} bytes. It was cut off, or a quote or "
            "a bracket is missing at its end"
        )
    if "out of range" in said:
        return "the body is no valid JSON that is read here: a number in it is too large"
    found = _PLACE.search(said)
    if found is None:
        return f"the body is no valid JSON: {said}"
    # Behind the end of a document, and in escapes, the place is the one after.
    at = int(found[1]) - ("trailing characters" in said or "escape" in said)
    return f"the body is no valid JSON: at byte {at} {_at(body, at, said)}"


def _not_utf8(body: bytes) -> str:
    try:
        body.decode()
    except UnicodeDecodeError as error:
        at = error.start
        if body[at] == 0xED:
            return (
                f"the body is no valid JSON: at byte {at} half of a character stands alone (a lone surrogate). Do not "
                "cut texts within a character; send it whole, in UTF-8"
            )
        return (
            f"the body is no valid JSON: at byte {at} it is not UTF-8 (0x{body[at]:02x}). Is it Latin-1 or another "
            "encoding? Send it in UTF-8"
        )
    return "the body is no valid JSON: it is not UTF-8; send it in UTF-8"


def _at(body: bytes, at: int, said: str) -> str:
    """Return the fault at a byte, or behind the white space after it."""
    behind = body[at : at + 256].lstrip()[:16]
    if body[at : at + 1] < b" " and "trailing" not in said:
        return "there is a line break or another control character within a text: write \\n for it"
    if behind.startswith((b"//", b"/*", b"#")):
        return "there is a comment: JSON has none, leave it out"
    if "trailing characters" in said:
        if behind.startswith((b"{", b"[", b'"')):
            return "a second document begins: send one JSON object"
        return "the JSON has ended and more follows: send one JSON object and nothing behind it"
    if behind.startswith((b"'", b"\xe2\x80\x9c", b"\xe2\x80\x98")):
        return 'there are quotes of another kind: JSON has double quotes only, "…"'
    if behind.startswith(_PYTHON):
        return f"there is {behind.split(b',')[0].rstrip(b' }]').decode()}: JSON writes true, false and null"
    if behind.startswith(_NO_NUMBERS):
        return "there is a number that JSON has not, such as NaN: leave the field out"
    if "trailing comma" in said:
        return "there is a comma in front of a closing bracket: leave it out"
    if behind[:1].isalpha() and "keys" in said:
        return 'a key has no quotes: write "key": …'
    if "escape" in said:
        return 'there is a backslash with a letter that means nothing: write \\\\ for a backslash, \\" for a quote'
    if at == 0:
        return "no object begins: send a JSON object, {…}"
    return said.removeprefix("JSON is malformed: ").partition(" (byte")[0]
