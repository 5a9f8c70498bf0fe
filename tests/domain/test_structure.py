"""A body is refused for its structure before it is read, whatever it is made of."""

from __future__ import annotations

import base64
import json

import pytest

from filmgate.domain.errors import InvalidRequest, PayloadTooLarge
from filmgate.domain.structure import MAX_LINES, MAX_VALUES, FormLines, Structure, count_values

MIB = 1024 * 1024
FILE = base64.b64encode(bytes(range(256)) * 16_384)


def check(*pieces: bytes, most: int = MIB) -> None:
    """Check a body that comes in these pieces."""
    structure = Structure(most)
    for piece in pieces:
        structure.add(piece)
    structure.finish(b"".join(pieces))


AMPLIFYING = {
    "empty objects": b'{"a":[' + b"{}," * MAX_VALUES + b"0]}",
    "empty arrays": b'{"a":[' + b"[]," * MAX_VALUES + b"0]}",
    "nested arrays": b"[" * MAX_VALUES + b"]" * MAX_VALUES,
    "numbers": b"[" + b"1," * MAX_VALUES + b"1]",
    "short strings": b"[" + b'"",' * MAX_VALUES + b"1]",
    "keys": b"{" + b",".join(b'"%x":1' % number for number in range(MAX_VALUES + 1)) + b"}",
    "one key again and again": b"{" + b'"a":1,' * MAX_VALUES + b'"a":1}',
}
BULKY = {
    "white space": b'{"a":' + b" " * 2 * MIB + b"1}",
    "a long number": b'{"a":' + b"1" * 2 * MIB + b"}",
    "a long fraction": b'{"a":0.' + b"0" * 2 * MIB + b"}",
    "a long exponent": b'{"a":1e' + b"1" * 2 * MIB + b"}",
    "long numbers": b"[" + b",".join([b"0." + b"1" * 300] * 7_000) + b"]",
    "escapes": b'{"a":"' + b"\\u0041" * (MIB // 2) + b'"}',
    "text": b'{"a":"' + b"A word. " * (MIB // 4) + b'"}',
    "wide text": b'{"a":"' + FILE[: 2 * MIB] + "\N{GRINNING FACE}".encode() + b'"}',
    "a long key": b'{"' + b"k " * MIB + b'":1}',
}


@pytest.mark.parametrize("name", AMPLIFYING)
def test_too_many_values(name: str) -> None:
    """More than so many values are refused, in whatever way they are written, large or small as the body is."""
    with pytest.raises(InvalidRequest, match=f"more than {MAX_VALUES} JSON values"):
        check(AMPLIFYING[name], most=0)


@pytest.mark.parametrize("name", BULKY)
def test_bulk_that_is_no_file(name: str) -> None:
    """What costs time or memory to read and is no file has the small bound, in one piece or in many."""
    body = BULKY[name]
    with pytest.raises(PayloadTooLarge, match=f"apart from files in base64 .* {MIB} bytes"):
        check(body)
    with pytest.raises(PayloadTooLarge, match="apart from files"):
        check(*(body[at : at + 65_536] for at in range(0, len(body), 65_536)))


@pytest.mark.parametrize("prefix", ["", "data:image/png;base64,", "data:video/mp4;codecs=avc1;base64,"])
def test_files_do_not_count(prefix: str) -> None:
    """Files in base64 are let through, several of them, beside a text in any writing, slashes escaped or not."""
    image = prefix + FILE.decode()
    body = {"prompt": "日本 \N{GRINNING FACE}, [x] {y}" * 100, "frames": [{"url": image}, {"url": image}]}
    for written in (json.dumps(body), json.dumps(body, ensure_ascii=False), json.dumps(body).replace("/", "\\/")):
        check(written.encode())


def test_a_small_body_may_be_anything() -> None:
    """Within the small bound only the number of values is looked at."""
    for body in BULKY.values():
        check(body, most=len(body))


def test_values_are_never_counted_short() -> None:
    """The count is at least the number of values and keys that become objects in memory."""
    document = {"a": [1, [2, {}], {"b": "c", "d": []}], "e": None}
    assert count_values(json.dumps(document).encode()) >= 9
    assert count_values(b"1") == 1


def test_forms_of_many_lines() -> None:
    """A form whose parts have too many headers is refused, in one piece or in many; one with a file is not."""
    header = b"a: b\r\n"
    lines = FormLines()
    lines.add(bytes(range(256)) * 65_536)
    lines.finish(b"")
    with pytest.raises(PayloadTooLarge, match=f"more than {MAX_LINES} line ends"):
        FormLines().add(header * (MAX_LINES + 1))
    lines = FormLines()
    for _ in range(MAX_LINES):
        lines.add(header)
    with pytest.raises(PayloadTooLarge):
        lines.add(header)
