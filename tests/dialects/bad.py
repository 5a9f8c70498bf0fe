"""Files that are not what they seem."""

from __future__ import annotations

import base64
import struct
import zlib

PLAYLIST = b"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n"


def bomb(side: int = 9_000) -> bytes:
    """Return a PNG of a few kilobytes that unpacks to 81 megapixels."""
    row = b"\0" + bytes(side // 8)
    packer = zlib.compressobj(9)
    data = b"".join(packer.compress(row) for _ in range(side)) + packer.flush()
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", data), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(map(_chunk, chunks))


def data_uri(data: bytes, kind: str = "image/png") -> str:
    """Return the bytes as a data URI that claims to be of this kind."""
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def _chunk(part: tuple[bytes, bytes]) -> bytes:
    name, data = part
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
