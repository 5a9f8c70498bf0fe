"""An MP4 of coded H.264 frames, its index before them. Boxes are those of ISO/IEC 14496-12 and -15."""

from __future__ import annotations

import struct

_TICKS = 512
"""Units of time in a frame."""
_MATRIX = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)


def write_mp4(sequence: bytes, pictures: bytes, coded: list[bytes], width: int, height: int, rate: int) -> bytes:
    """Return the file; the first frame is a key frame, `rate` is frames per second."""
    samples = [struct.pack(">I", len(unit)) + unit for unit in coded]
    entry = _sample_entry(sequence, pictures, width, height)
    kind = _box(b"ftyp", b"isom", struct.pack(">I", 512), b"isomiso2avc1mp41")
    before = len(kind) + len(_index(entry, samples, width, height, rate, 0)) + 8
    return kind + _index(entry, samples, width, height, rate, before) + _box(b"mdat", *samples)


def _box(name: bytes, *content: bytes) -> bytes:
    inside = b"".join(content)
    return struct.pack(">I", 8 + len(inside)) + name + inside


def _full(name: bytes, *content: bytes, flags: int = 0) -> bytes:
    return _box(name, struct.pack(">I", flags), *content)


def _sample_entry(sequence: bytes, pictures: bytes, width: int, height: int) -> bytes:
    """Return the description of the frames: H.264, BT.709."""
    units = (b"\x01", sequence[1:4], b"\xff\xe1", _counted(sequence), b"\x01", _counted(pictures))
    colours = _box(b"colr", b"nclx", struct.pack(">HHHB", 1, 1, 1, 0))
    size = struct.pack(">HHIIIH", width, height, 0x480000, 0x480000, 0, 1)
    head = (bytes(6), struct.pack(">H", 1), bytes(16), size, bytes(32), struct.pack(">Hh", 24, -1))
    return _box(b"avc1", *head, _box(b"avcC", *units), colours)


def _counted(unit: bytes) -> bytes:
    return struct.pack(">H", len(unit)) + unit


def _index(entry: bytes, samples: list[bytes], width: int, height: int, rate: int, start: int) -> bytes:
    """Return what stands before the frames, which begin at byte `start` of the file."""
    count, scale = len(samples), rate * _TICKS
    length = count * _TICKS
    sizes = struct.pack(f">{count}I", *map(len, samples))
    table = _box(
        b"stbl",
        _full(b"stsd", struct.pack(">I", 1), entry),
        _full(b"stts", struct.pack(">III", 1, count, _TICKS)),
        _full(b"stss", struct.pack(">II", 1, 1)),
        _full(b"stsc", struct.pack(">IIII", 1, 1, count, 1)),
        _full(b"stsz", struct.pack(">II", 0, count), sizes),
        _full(b"stco", struct.pack(">II", 1, start)),
    )
    here = _box(b"dinf", _full(b"dref", struct.pack(">I", 1), _full(b"url ", flags=1)))
    media = _box(
        b"mdia",
        _full(b"mdhd", struct.pack(">IIIIHH", 0, 0, scale, length, 0x55C4, 0)),
        _full(b"hdlr", bytes(4), b"vide", bytes(12), b"VideoHandler\0"),
        _box(b"minf", _full(b"vmhd", bytes(8), flags=1), here, table),
    )
    shown = (
        struct.pack(">IIIII", 0, 0, 1, 0, length),
        bytes(16),
        _MATRIX,
        struct.pack(">II", width << 16, height << 16),
    )
    whole = (struct.pack(">IIIIIH", 0, 0, scale, length, 0x10000, 0x100), bytes(10), _MATRIX, bytes(24))
    track = _box(b"trak", _full(b"tkhd", *shown, flags=3), media)
    return _box(b"moov", _full(b"mvhd", *whole, struct.pack(">I", 2)), track)
