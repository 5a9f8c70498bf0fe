"""Content-Encoding: compressed bodies of requests, decompressed while they come and no further than they are read."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Final

from filmgate.adapters.web.headers import Headers, find
from filmgate.domain.errors import InvalidRequest, UnsupportedEncoding

ACCEPTED: Final = ("gzip", "deflate")
"""Compressions that a body may have."""

_NAMES: Final = {"gzip": "gzip", "x-gzip": "gzip", "deflate": "deflate"}
_WINDOW: Final = {"gzip": 31, "deflate": zlib.MAX_WBITS}
_PLAIN: Final = frozenset({"", "identity"})
_PIECE: Final = 256 * 1024
"""Bytes that come out at once, at most: a thousand times as many can be in what is given."""


class Decompressor:
    """Decompresses one body."""

    def __init__(self, name: str) -> None:
        """Take one of the accepted encodings."""
        self._name = name
        self._stream = zlib.decompressobj(_WINDOW[name])

    def pieces(self, data: bytes) -> Iterator[bytes]:
        """Yield a piece of the body decompressed, in pieces of a bounded size. Raises InvalidRequest."""
        while data:
            if self._stream.eof:
                raise InvalidRequest(f"the body has more bytes behind the end of its {self._name} data; send one only")
            try:
                piece = self._stream.decompress(data, _PIECE)
            except zlib.error as error:
                raise InvalidRequest(
                    f"the body is not valid {self._name}, which its Content-Encoding says it is: compress it again, "
                    "or leave the header out"
                ) from error
            data = self._stream.unconsumed_tail or self._stream.unused_data
            if piece:
                yield piece

    def finish(self) -> None:
        """Check that the body was whole. Raises InvalidRequest."""
        if not self._stream.eof:
            raise InvalidRequest(f"the body ends in the middle of its {self._name} data: it was cut off; send it again")


def decompressor(headers: Headers) -> Decompressor | None:
    """Return the decompressor of a body, None if it is not compressed. Raises UnsupportedEncoding."""
    said = (find(headers, b"content-encoding") or b"").decode("latin-1").strip().lower()
    if said in _PLAIN:
        return None
    if said not in _NAMES:
        shown = "".join(letter if letter.isprintable() else "?" for letter in said[:40])
        raise UnsupportedEncoding(
            f'Content-Encoding "{shown}" is not read here: send the body uncompressed, or compressed with '
            f"{' or '.join(ACCEPTED)}"
        )
    return Decompressor(_NAMES[said])
