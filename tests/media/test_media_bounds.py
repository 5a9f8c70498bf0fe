"""What is unpacked and decoded of a file is bounded by what is made of it, however much is in it."""

from __future__ import annotations

import io
import struct
import zlib
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from av.video.frame import VideoFrame
from PIL import GifImagePlugin, Image, PngImagePlugin

from filmgate.adapters.decode.frames import even_size
from filmgate.adapters.decode.messages import SOURCE
from filmgate.adapters.decode.pictures import normalise_picture

MIB = 1024 * 1024
SIDE = 16


def chunk(kind: bytes, data: bytes) -> bytes:
    """Make a chunk of a PNG."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(*more: bytes, data: bytes = (b"\0" + bytes(3 * SIDE)) * SIDE) -> bytes:
    """Make a small PNG with further chunks."""
    header = struct.pack(">IIBBBBB", SIDE, SIDE, 8, 2, 0, 0, 0)
    parts = (chunk(b"IHDR", header), *more, chunk(b"IDAT", zlib.compress(data)), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


FLOODS = {
    "iTXt": [chunk(b"iTXt", b"%d\0\1\0\0\0" % number + zlib.compress(bytes(3 * MIB))) for number in range(100)],
    "zTXt": [chunk(b"zTXt", b"%d\0\0" % number + zlib.compress(bytes(3 * MIB))) for number in range(100)],
    "iCCP": [chunk(b"iCCP", b"%d\0\0" % number + zlib.compress(bytes(3 * MIB))) for number in range(100)],
    "one large text": [chunk(b"zTXt", b"x\0\0" + zlib.compress(bytes(100 * MIB)))],
    "one large profile": [chunk(b"iCCP", b"x\0\0" + zlib.compress(bytes(100 * MIB)))],
}


@pytest.mark.parametrize("name", FLOODS)
def test_texts_and_profiles(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Of hundreds of megabytes of compressed texts and profiles a few are unpacked, and the picture is good."""
    monkeypatch.chdir(tmp_path)
    Path(SOURCE).write_bytes(png(*FLOODS[name]))
    unpack, made = PngImagePlugin._safe_zlib_decompress, 0

    def counting(data: bytes) -> bytes:
        nonlocal made
        try:
            unpacked = unpack(data)
        except ValueError:
            made += PngImagePlugin.MAX_TEXT_CHUNK
            raise
        made += len(unpacked)
        return unpacked

    monkeypatch.setattr(PngImagePlugin, "_safe_zlib_decompress", counting)
    [facts] = normalise_picture()
    assert (facts.width, facts.height) == (SIDE, SIDE)
    assert 0 < made <= 16 * MIB


def test_only_the_first_frame_is_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Of a GIF of 500 frames one is decoded for a picture."""
    monkeypatch.chdir(tmp_path)
    frames = [Image.new("RGB", (SIDE, SIDE), (number % 256, number // 256, 0)) for number in range(500)]
    buffer = io.BytesIO()
    frames[0].save(buffer, "GIF", save_all=True, append_images=frames[1:])
    Path(SOURCE).write_bytes(buffer.getvalue())
    seek, sought = GifImagePlugin.GifImageFile._seek, []

    def counting(self: Any, frame: int, update_image: bool = True) -> None:
        sought.append(frame)
        seek(self, frame, update_image)

    monkeypatch.setattr(GifImagePlugin.GifImageFile, "_seek", counting)
    normalise_picture()
    assert sought
    assert max(sought) == 0


@pytest.mark.parametrize("aspect", [Fraction(1), Fraction(4), Fraction(1, 4), Fraction(10_000), Fraction(1, 10_000)])
@pytest.mark.parametrize("size", [(16, 16), (16, 4096), (4400, 1888)])
def test_the_shape_of_pixels_makes_no_clip_larger(size: tuple[int, int], aspect: Fraction):
    """Whatever shape the pixels of a clip are said to have, no more of them are written than were read."""
    width, height = even_size(VideoFrame(*size, "yuv420p"), aspect)
    assert width * height <= max(size[0] * size[1], 16 * max(size))
