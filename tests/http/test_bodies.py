"""Bodies are read within their limits, whatever they are compressed with and written in."""

from __future__ import annotations

import codecs
import gzip
import zlib
from collections.abc import MutableMapping
from typing import Any

import pytest

from filmgate.adapters.web import encodings
from filmgate.adapters.web.bodies import Bodies, release
from filmgate.adapters.web.body_memory import BodyMemory
from filmgate.domain.errors import FilmgateError, InvalidRequest, PayloadTooLarge, UnsupportedEncoding
from filmgate.domain.structure import MAX_VALUES

KIB = 1024
MOST, SMALL = 400 * KIB, 100 * KIB
JSON = b'{"prompt":"a river"}'
FILE = b'{"url":"' + b"A" * 300 * KIB + b'"}'


class Sender:
    """Sends a body in pieces, and knows how much of it was taken."""

    def __init__(self, *pieces: bytes, **headers: str) -> None:
        self.pieces = list(pieces)
        named = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
        self.scope: dict[str, Any] = {"headers": named}

    async def receive(self) -> MutableMapping[str, Any]:
        """Return the next piece."""
        piece = self.pieces.pop(0)
        return {"type": "http.request", "body": piece, "more_body": bool(self.pieces)}


async def read(sender: Sender, memory: BodyMemory | None = None, **kind: bool) -> bytes:
    """Read what is sent as a submit with files is read."""
    return await Bodies(MOST, SMALL, memory or BodyMemory(0)).read(
        sender.scope, sender.receive, **(kind or {"files": True})
    )


def cut(data: bytes, size: int = 1000) -> list[bytes]:
    """Cut bytes into pieces."""
    return [data[at : at + size] for at in range(0, len(data), size)]


@pytest.mark.parametrize(
    ("encoding", "data"),
    [
        ("gzip", gzip.compress(FILE)),
        ("x-gzip", gzip.compress(FILE)),
        (" GZIP ", gzip.compress(FILE)),
        ("deflate", zlib.compress(FILE)),
        ("identity", FILE),
        ("", FILE),
    ],
    ids=["gzip", "x-gzip", "capitals", "deflate", "identity", "nothing"],
)
async def test_compressed_bodies(encoding: str, data: bytes) -> None:
    """A compressed body is read as what it says, in one piece or in many."""
    assert await read(Sender(data, content_encoding=encoding)) == FILE
    assert await read(Sender(*cut(data, 7 if len(data) < 10_000 else 1000), content_encoding=encoding)) == FILE


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip", "aws-chunked", "\x1b[31m"])
async def test_other_encodings(encoding: str) -> None:
    """Any other encoding is refused with those that are read, after the body was taken."""
    sender = Sender(JSON, JSON, content_encoding=encoding)
    with pytest.raises(UnsupportedEncoding, match="gzip or deflate") as refused:
        await read(sender)
    assert refused.value.status == 415
    assert sender.pieces == []
    assert refused.value.message.isprintable()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (gzip.compress(JSON)[:-9], "cut off"),
        (gzip.compress(JSON)[:12], "cut off"),
        (b"", "cut off"),
        (JSON, "not valid gzip"),
        (gzip.compress(JSON)[:-8] + b"\0" * 8, "not valid gzip"),
        (gzip.compress(JSON) + gzip.compress(JSON), "more bytes behind the end"),
        (gzip.compress(JSON) + b"x", "more bytes behind the end"),
    ],
    # Compressed bytes have the time in them, and every worker has to know a test by the same name.
    ids=["nine bytes short", "only the head", "nothing", "not compressed", "a wrong sum", "two of them", "a byte more"],
)
async def test_broken_compression(data: bytes, words: str) -> None:
    """What cannot be decompressed whole is refused, and says why."""
    for pieces in ([data], cut(data, 5) or [b""]):
        with pytest.raises(InvalidRequest, match=words):
            await read(Sender(*pieces, content_encoding="gzip"))


@pytest.mark.parametrize("kind", [{"files": True}, {"raw": True}, {}])
async def test_a_bomb_is_stopped_while_it_is_decompressed(
    kind: dict[str, bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A small body that would be 500 MiB is refused when it passes the limit: no more than that was ever made of it."""
    packer = zlib.compressobj(9, wbits=31)
    bomb = b"".join(packer.compress(b"A" * KIB * KIB) for _ in range(500)) + packer.flush()
    made = 0

    class Counting(encodings.Decompressor):
        def pieces(self, data: bytes) -> Any:
            nonlocal made
            for piece in super().pieces(data):
                made += len(piece)
                yield piece

    monkeypatch.setattr(encodings, "Decompressor", Counting)
    with pytest.raises(PayloadTooLarge, match=str(MOST if kind else SMALL)):
        await Bodies(MOST, SMALL, BodyMemory(0)).read(*_sent(bomb), **kind)
    assert 0 < made < 4 * MOST


def _sent(data: bytes) -> tuple[Any, Any]:
    sender = Sender(data, content_encoding="gzip")
    return sender.scope, sender.receive


async def test_limits_are_those_of_the_decompressed_body() -> None:
    """Too many values, and bulk that is no file, are refused compressed as they are uncompressed."""
    many = b'{"a":[' + b"{}," * MAX_VALUES + b"0]}"
    with pytest.raises(InvalidRequest, match="JSON values"):
        await read(Sender(gzip.compress(many), content_encoding="gzip"))
    with pytest.raises(PayloadTooLarge, match="apart from files"):
        await read(Sender(gzip.compress(b'{"a":' + b" " * 2 * SMALL + b"1}"), content_encoding="gzip"))
    with pytest.raises(PayloadTooLarge):
        await read(Sender(gzip.compress(FILE), content_encoding="gzip"), files=False)


async def test_memory_is_reserved_for_what_is_held() -> None:
    """A compressed body has memory for what it may become, and none if it stays small."""
    memory = BodyMemory(4 * MOST)
    sender = Sender(gzip.compress(FILE), content_encoding="gzip", content_length="500")
    await read(sender, memory)
    assert memory.held == MOST
    release(sender.scope)
    await read(Sender(gzip.compress(JSON), content_encoding="gzip"), memory)
    assert memory.held == 0
    with pytest.raises(FilmgateError):
        await read(Sender(gzip.compress(b"A" * 2 * MOST), content_encoding="gzip"), memory)
    assert memory.held == 0


TEXT = '{"prompt":"日本 \N{GRINNING FACE}"}'


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
async def test_encodings_of_json(encoding: str) -> None:
    """JSON becomes UTF-8 without a mark, whatever Unicode it is written in, compressed or not."""
    assert await read(Sender(TEXT.encode(encoding))) == TEXT.encode()
    assert await read(Sender(gzip.compress(TEXT.encode(encoding)), content_encoding="gzip")) == TEXT.encode()


async def test_the_limits_hold_for_other_encodings() -> None:
    """What is not UTF-8 has the small limit, and what it becomes is checked again."""
    with pytest.raises(PayloadTooLarge, match="send it in UTF-8"):
        await read(Sender(('{"a":"' + "\u2241" + "\u4141" * SMALL + "\u2241" + '"}').encode("utf-16")))
    with pytest.raises(InvalidRequest, match="JSON values"):
        await Bodies(0, 0, BodyMemory(0)).read(*_plain(("[" + "1," * MAX_VALUES + "1]").encode("utf-16")))


def _plain(data: bytes) -> tuple[Any, Any]:
    sender = Sender(data)
    return sender.scope, sender.receive


async def test_files_and_forms_stay_as_they_are() -> None:
    """A mark in front of a file, or of a form, belongs to it."""
    data = codecs.BOM_UTF8 + JSON
    assert await read(Sender(data), raw=True) == data
    assert await read(Sender(data, content_type="multipart/form-data; boundary=x")) == data
