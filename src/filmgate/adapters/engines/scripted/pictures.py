"""JPEG and PNG of grey columns, without an encoder."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence

_BLOCK = 8


def write_jpeg(width: int, height: int, greys: Sequence[int]) -> bytes:
    """Return a JPEG in which each 8 pixels of a row have one grey, of which `greys` lists those of a row."""
    across, down = _blocks(width), _blocks(height)
    row = [_difference(grey, before) for grey, before in zip(greys[:across], (128, *greys), strict=False)]
    next_rows = [_difference(greys[0], greys[across - 1]), *row[1:]]
    bits = "".join(row) + "".join(next_rows) * (down - 1)
    bits += "1" * (-len(bits) % 8)
    coded = int(bits, 2).to_bytes(len(bits) // 8, "big").replace(b"\xff", b"\xff\0")
    return b"".join(
        (
            b"\xff\xd8",
            _segment(0xE0, b"JFIF\0\1\1\0\0\1\0\1\0\0"),
            _segment(0xDB, bytes([0] + [_BLOCK] * 64)),  # so that a step of the coefficient is one of the grey
            _segment(0xC0, struct.pack(">BHHB", 8, height, width, 1) + b"\1\x11\0"),
            _segment(0xC4, bytes([0, 0, 0, 0, 12, *[0] * 12, *range(12)])),  # twelve codes of four bits
            _segment(0xC4, bytes([0x10, 1, *[0] * 15, 0])),  # one code, of one bit: the block ends
            _segment(0xDA, b"\1\1\0\0\x3f\0"),
            coded,
            b"\xff\xd9",
        )
    )


def write_png(width: int, height: int, greys: Sequence[int]) -> bytes:
    """Return an RGB PNG whose rows all have these greys, one a pixel."""
    first = b"\0" + bytes(value for grey in greys for value in (grey, grey, grey))
    like_above = b"\2" + bytes(3 * width)
    packer = zlib.compressobj(9)
    data = packer.compress(first) + b"".join(packer.compress(like_above) for _ in range(height - 1)) + packer.flush()
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + _chunk(b"IDAT", data) + _chunk(b"IEND", b"")


def _blocks(pixels: int) -> int:
    return -(-pixels // _BLOCK)


def _difference(grey: int, before: int) -> str:
    """Return the bits of a block: by how much its grey differs, and that nothing else is in it."""
    value = grey - before
    size = abs(value).bit_length()
    code = format(size, "04b")
    return code + (format(value if value > 0 else value + (1 << size) - 1, f"0{size}b") if size else "") + "0"


def _segment(marker: int, content: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
