"""What is written in another way than expected is understood, or refused by its cause."""

from __future__ import annotations

import base64
import re
import textwrap
from urllib.parse import quote

import pytest

from filmgate.domain.addresses import describe_wrong_address
from filmgate.domain.data_uris import decode_data_uri
from filmgate.domain.errors import InvalidMedia, PayloadTooLarge
from filmgate.domain.structure import Structure
from filmgate.domain.task_ids import canonical_id

DATA = bytes(range(256)) * 64 + b"\xff\xfe\xfb"
TEXT = base64.b64encode(DATA + b"x").decode()
ID = "0193a5c0-1b2c-7def-8abc-0123456789ab"


@pytest.mark.parametrize(
    "uri",
    [
        f"data:image/png;base64,{TEXT}",
        f"DATA:IMAGE/PNG;BASE64,{TEXT}",
        f"data:;base64,{TEXT}",
        f"data:image/png;charset=utf-8;base64,{TEXT}",
        f'data:image/png;name="my, picture.png";base64,{TEXT}',
        f"data:image/png; name=a.png; base64, {TEXT}",
        f"data:image/svg+xml;name={'a%20' * 100}.png;base64,{TEXT}",
        "data:image/png;base64," + "\r\n".join(textwrap.wrap(TEXT, 76)) + "\n",
        "data:image/png;base64," + " ".join(textwrap.wrap(TEXT, 64)),
        "data:image/png;base64," + TEXT.rstrip("="),
        "data:image/png;base64," + TEXT.replace("+", "-").replace("/", "_"),
        "data:image/png;base64," + quote(TEXT, safe=""),
        "data:image/png;base64," + TEXT.replace("+", "%2b").replace("/", "%2f").replace("=", "%3d"),
        "data:image/png;base64," + "%0D%0A".join(textwrap.wrap(TEXT, 76)),
    ],
    ids=lambda uri: uri[:60],
)
def test_data_uris(uri: str) -> None:
    """Base64 may have line breaks, percent-encoding, the other alphabet, no padding, and parameters in front."""
    assert decode_data_uri(uri, len(DATA) + 1) == DATA + b"x"


@pytest.mark.parametrize(
    ("uri", "words"),
    [
        ("data:image/png,plain", "must look like"),
        ("data:image/png;base64", "must look like"),
        ("data:image/png;base64,", "is empty"),
        ("data:image/png;base64, \n", "is empty"),
        ("data:image/png;base64,AAAA!AAA", 'there is "!" after 4 letters'),
        ("data:image/png;base64,AAAA%00AA", 'there is "%" after 4 letters'),
        ("data:image/png;base64,AA=AAA", 'there is "=" after 2 letters'),
        ("data:image/png;base64,AAAAA", "its end is missing"),
        ("data:image/png;base64,AAé", "not ASCII"),
        ("data:image/png;base64," + "A" * 4096, "more than 1000 bytes"),
        ("data:image/png;base64," + "A \n" * 4096, "more than 1000 bytes"),
    ],
    ids=lambda value: value[:40],
)
def test_data_uris_that_are_none(uri: str, words: str) -> None:
    """What cannot be read says where it is wrong."""
    with pytest.raises(InvalidMedia, match=words):
        decode_data_uri(uri, 1000)


def test_the_limit_counts_bytes_of_the_file() -> None:
    """Line breaks do not count: a file as large as allowed is read, one byte more is not."""
    text = "\r\n".join(textwrap.wrap(base64.b64encode(bytes(60_000)).decode(), 60))
    assert len(decode_data_uri(f"data:image/png;base64,{text}", 60_000)) == 60_000
    with pytest.raises(InvalidMedia, match="more than 59990"):
        decode_data_uri(f"data:image/png;base64,{text}", 59_990)


@pytest.mark.parametrize("between", ["\\r\\n", "\\n", " ", "%0A"])
def test_files_with_line_breaks_do_not_count_as_text(between: str) -> None:
    """A large file in lines is no bulk of a body; a large text in words is."""
    lines = between.join(textwrap.wrap(base64.b64encode(DATA * 20).decode(), 76)).encode()
    body = b'{"url":"data:image/png;name=a.png;base64,' + lines + b'"}'
    structure = Structure(50_000)
    structure.add(body)
    structure.finish(body)
    with pytest.raises(PayloadTooLarge):
        Structure(50_000).finish(b'{"prompt":"' + b"A word: " * 20_000 + b'"}')


@pytest.mark.parametrize("written", [ID, ID.upper(), f" {ID}\n", f"{{{ID}}}", f"{{{ID.upper()}}}", f"({ID})"])
def test_ids(written: str) -> None:
    """An id in capitals, in braces or with white space around it is the same."""
    assert canonical_id(written) == ID


@pytest.mark.parametrize("other", ["", "x", "X" * 36, ID[:-1], f"{ID}0", "Abc-123", ID.replace("-", "") + "x" * 5_000])
def test_other_ids_stay(other: str) -> None:
    """What is no UUID is what it is."""
    assert canonical_id(other) == other


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(60)).decode(), "bare base64.*data:image/png;base64,"),
        (base64.b64encode(b"\xff\xd8\xff\xe0" + bytes(60)).decode(), "bare base64.*data:image/jpeg;base64,"),
        (base64.b64encode(b"GIF89a" + bytes(60)).decode(), "bare base64.*data:image/gif;base64,"),
        (base64.b64encode(b"RIFF\0\0\0\0WEBP" + bytes(60)).decode(), "bare base64.*data:image/webp;base64,"),
        (base64.b64encode(b"\0\0\0\x20ftypisom" + bytes(60)).decode(), "bare base64.*data:video/mp4;base64,"),
        ("A" * 500, "bare base64"),
        ("/home/me/a.png", "path of a file on a computer"),
        ("~/a.png", "path of a file"),
        ("C:\\Users\\me\\a.png", "path of a file"),
        ("\\\\server\\share\\a.png", "path of a file"),
        ("file:///home/me/a.png", "path of a file"),
        ("a.png", "name of a file"),
        ("example.com/a.png", "no scheme: write https://"),
        ("localhost:8000/a.png", "no scheme: write https://"),
        ("//example.com/a.png", "no scheme: write https:"),
        ("s3://bucket/a.png", "s3:// are not fetched"),
        ("blob:https://example.com/1", "within a browser"),
        ("nowhere", "no address"),
    ],
    ids=lambda value: value[:30],
)
def test_what_is_no_address(value: str, words: str) -> None:
    """Whatever stands where an address was expected is named, with what to do."""
    said = describe_wrong_address(value) or ""
    assert re.search(words, said), said
    assert value[:60] not in said or len(value) < 8, "it is not repeated: it may be secret, or long"


def test_addresses_that_may_be_some() -> None:
    """What begins as an address is left to those who read it closely, and no file is spoken of where none can be."""
    assert describe_wrong_address(" HTTPS://example.com") is None
    assert "data URI" not in (describe_wrong_address("nowhere", file=False) or "")
