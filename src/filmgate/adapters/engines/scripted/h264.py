"""H.264 of one still: a first picture of grey columns, and pictures that repeat it, without an encoder.

Every macroblock of the first picture is predicted and gets at most one coefficient, the brightness of all its pixels.
Sections in brackets are those of ITU-T H.264.
"""

from __future__ import annotations

_MACROBLOCK = 16
_FIRST = 128
"""The brightness that the very first macroblock is predicted to have (8.3.3.3)."""

_QUANTISER = 26
_SCALE = 13 * 16
"""How far one level of the coefficient goes at this quantiser (8.5.9): the second row of the table, flat weights."""

_LEVELS_4, _LEVELS_5_1, _LEVELS_5_2 = 40, 51, 52


def columns(width: int, dark: int, bright: int) -> list[int]:
    """Return the brightness of each column of macroblocks, from dark to bright, as a decoder computes it."""
    return [brightness for brightness, _ in _steps(width, dark, bright)]


def encode(width: int, height: int, frames: int, dark: int, bright: int) -> tuple[bytes, bytes, list[bytes]]:
    """Return the sequence parameters, the picture parameters, and the coded frames. Sizes are even, in pixels."""
    across, down = _macroblocks(width), _macroblocks(height)
    first = _Bits().ue(0, 7, 0).u(16, 0).ue(0).u(2, 0).ue(0, 1)
    for _, level in _steps(width, dark, bright):
        first.raw(_INTRA_FLAT).raw(_coefficient(level))
    first.raw((_INTRA_FROM_ABOVE + _NO_COEFFICIENT) * (across * (down - 1)))
    coded = [first.unit(_KEY_PICTURE)]
    for number in range(1, frames):
        skipped = _Bits().ue(0, 5, 0).u(16, number).u(1, 0).u(1, 0).u(1, 0).ue(0, 1, across * down)
        coded.append(skipped.unit(_PICTURE))
    return _sequence(width, height), _pictures(), coded


_SEQUENCE, _PICTURES, _KEY_PICTURE, _PICTURE = 0x67, 0x68, 0x65, 0x41
_INTRA_FLAT = "0010011"  # macroblock predicted flat (I_16x16_2_0_0), so its chroma, the same quantiser (7.3.5)
_INTRA_FROM_ABOVE = "01011"  # predicted from the row above (I_16x16_0_0_0)
_NO_COEFFICIENT = "1"


class _Bits:
    """Bits of a unit, written one after the other."""

    def __init__(self) -> None:
        self._parts: list[str] = []

    def u(self, count: int, value: int) -> _Bits:
        self._parts.append(format(value, f"0{count}b"))
        return self

    def ue(self, *values: int) -> _Bits:
        """Write numbers of variable length (9.1)."""
        for value in values:
            binary = format(value + 1, "b")
            self._parts.append("0" * (len(binary) - 1) + binary)
        return self

    def raw(self, bits: str) -> _Bits:
        self._parts.append(bits)
        return self

    def unit(self, head: int) -> bytes:
        """Return the bytes of the unit, with the bytes that keep start codes out of it (7.4.1)."""
        bits = "".join(self._parts) + "1"
        bits += "0" * (-len(bits) % 8)
        written, zeros = bytearray([head]), 0
        for byte in int(bits, 2).to_bytes(len(bits) // 8, "big"):
            if zeros >= 2 and byte <= 3:
                written.append(3)
                zeros = 0
            written.append(byte)
            zeros = zeros + 1 if byte == 0 else 0
        return bytes(written)


def _macroblocks(pixels: int) -> int:
    return -(-pixels // _MACROBLOCK)


def _sequence(width: int, height: int) -> bytes:
    """Return the sequence parameters (7.3.2.1): constrained baseline, one reference, limited range, BT.709."""
    across, down = _macroblocks(width), _macroblocks(height)
    blocks = across * down
    level = _LEVELS_5_2 if blocks > 8704 else _LEVELS_5_1 if blocks > 8192 else _LEVELS_4
    right, below = across * _MACROBLOCK - width, down * _MACROBLOCK - height
    bits = _Bits().u(8, 66).u(8, 0b11000000).u(8, level).ue(0, 12, 2, 1).u(1, 0).ue(across - 1, down - 1).u(2, 0b11)
    bits = bits.u(1, 1).ue(0, right // 2, 0, below // 2) if right or below else bits.u(1, 0)
    colours = bits.u(1, 1).u(1, 0).u(1, 0).u(1, 1).u(3, 5).u(1, 0).u(1, 1).u(8, 1).u(8, 1).u(8, 1)
    return colours.u(6, 0).unit(_SEQUENCE)


def _pictures() -> bytes:
    """Return the picture parameters (7.3.2.2): variable-length codes, no deblocking by default."""
    assert _QUANTISER == 26, "written as the difference to it, which is 0"
    bits = _Bits().ue(0, 0).u(2, 0).ue(0, 0, 0).u(3, 0).ue(0, 0, 0)
    return bits.u(3, 0b100).unit(_PICTURES)


def _steps(width: int, dark: int, bright: int) -> list[tuple[int, int]]:
    """Return for each column of macroblocks the brightness it has, and the level of the coefficient that makes it."""
    across = _macroblocks(width)
    steps, now = [], _FIRST
    for column in range(across):
        wanted = dark + (bright - dark) * column // max(1, across - 1)
        level = round((wanted - now) * 256 / _SCALE)
        now += _change(level)
        steps.append((now, level))
    return steps


def _change(level: int) -> int:
    """Return by how much a level of the coefficient changes every pixel (8.5.10, 8.5.12)."""
    return (((level * _SCALE + 2) >> 2) + 32) >> 6


def _coefficient(level: int) -> str:
    """Return the bits of a block whose one coefficient has this level (9.2)."""
    if level == 0:
        return _NO_COEFFICIENT
    no_zeros = "1"
    if abs(level) == 1:
        return "01" + ("1" if level < 0 else "0") + no_zeros
    # One less in size than it is: a level of one would have been written above.
    code = 2 * abs(level) - 2 + (level < 0) - 2
    if code < 14:
        bits = "0" * code + "1"
    elif code < 30:
        bits = "0" * 14 + "1" + format(code - 14, "04b")
    else:
        bits = "0" * 15 + "1" + format(code - 30, "012b")
    return "000101" + bits + no_zeros
