"""Whether a file is as long as its container says: what ends in the middle promises frames that are not there."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

from filmgate.domain.errors import InvalidMedia

_CUT = "The video is cut off or damaged: its file ends in the middle."
_SEGMENT = b"\x18\x53\x80\x67"


def check_extent(path: Path, demuxer: str) -> None:
    """Refuse a file that ends inside one of its outermost parts. Raises InvalidMedia."""
    size = path.stat().st_size
    with path.open("rb") as file:
        if demuxer == "mov":
            _check_boxes(file, size)
        elif demuxer == "matroska":
            _check_segment(file, size)


def _check_boxes(file: BinaryIO, size: int) -> None:
    at = 0
    while at + 8 <= size:
        file.seek(at)
        head = file.read(16)
        length = int.from_bytes(head[:4], "big")
        if length == 1:
            length = int.from_bytes(head[8:16], "big")
        elif length == 0:
            return
        if length < 8 or at + length > size:
            raise InvalidMedia(_CUT)
        at += length


def _check_segment(file: BinaryIO, size: int) -> None:
    """Check the one segment that holds everything behind the header; a live one of unknown length is as it is."""
    file.seek(4)
    header = _number(file)
    file.seek(header or 0, 1)
    if header is None or file.read(4) != _SEGMENT:
        raise InvalidMedia(_CUT)
    length = _number(file)
    if length is not None and file.tell() + length > size:
        raise InvalidMedia(_CUT)


def _number(file: BinaryIO) -> int | None:
    """Read a number of 1 to 8 bytes; its leading zeros give its length. None if it is unknown."""
    first = file.read(1)
    if not first or not first[0]:
        raise InvalidMedia(_CUT)
    more = 8 - first[0].bit_length()
    value = int.from_bytes(first + file.read(more), "big") & ((1 << 7 * (more + 1)) - 1)
    return None if value == (1 << 7 * (more + 1)) - 1 else value
