"""Reads the bodies of requests: within their limit, within the memory for them, and never with too much structure."""

from __future__ import annotations

import asyncio
from codecs import BOM_UTF8
from collections.abc import Awaitable, Callable, MutableMapping
from json import detect_encoding
from typing import Any, Final, Protocol

from filmgate.adapters.web.body_memory import BodyMemory, Release
from filmgate.adapters.web.encodings import decompressor
from filmgate.adapters.web.headers import find
from filmgate.domain.errors import InvalidRequest, PayloadTooLarge, UnsupportedEncoding
from filmgate.domain.structure import FormLines, Structure

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]

APPLICATION: Final = "application_id"
"""Name of what the state of a request has once it is known on whose behalf it comes."""

UNCOUNTED: Final = 64 * 1024
"""Bytes of a body that need no memory reserved: as much is received of every connection before anybody reads it."""

_RELEASE: Final = "release_body"
_FORM: Final = b"multipart/form-data"
_COPIES_OF_FORM: Final = 2
"""How often the files of a form are in memory: as they came, and as a data URI."""


class _Check(Protocol):
    def add(self, piece: bytes) -> None:
        """Count a piece."""

    def finish(self, body: bytes) -> None:
        """Check the whole body."""


class Bodies:
    """Reads bodies of at most `most` bytes where they may hold files, else of at most `small`; 0 is no limit."""

    def __init__(self, most: int, small: int, memory: BodyMemory) -> None:
        self._most = most
        self._small = min(most, small) or most or small
        self._memory = memory

        self._short = min(UNCOUNTED, self._small or UNCOUNTED)

    async def read_short(self, scope: Any, receive: Receive) -> bytes | None:
        """Read a body, unchecked, that every path takes and that needs no memory reserved; None for any other."""
        size = _announced_length(scope)
        if size is None or size > self._short:
            return None
        pieces = []
        while True:
            message = await receive()
            pieces.append(message.get("body", b""))
            if not message.get("more_body"):
                return b"".join(pieces)

    async def read(
        self, scope: Any, receive: Receive, *, files: bool = False, raw: bool = False, application: str | None = None
    ) -> bytes:
        """Read a whole body, decompressed, JSON in UTF-8. All limits are those of the decompressed body.

        Raises PayloadTooLarge, UnsupportedEncoding, InvalidRequest for too many values or what cannot be decompressed,
        Unavailable without memory. With `raw` it is a file itself, else JSON or a form, which with `files` may hold
        files in base64. The memory is the application's, of the request if none is named, until `release` or the end
        of the request.
        """
        most = self._most if files or raw else self._small
        check = self._check(scope, raw=raw)
        size = _announced_length(scope)
        rest = _Rest(receive)
        pieces: list[bytes] = []
        try:
            if size is not None and most and size > most:
                raise _too_large(most, size)
            await self._collect(pieces, check, rest, scope, size, most, application)
        except (InvalidRequest, PayloadTooLarge, UnsupportedEncoding):
            pieces.clear()
            release(scope)
            await _drain(rest, size or 0, self._most)
            raise
        body = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        pieces.clear()
        if check is not None:
            check.finish(body)
        return body if raw or _is_form(scope) else self._utf8(body)

    async def _collect(
        self,
        pieces: list[bytes],
        check: _Check | None,
        rest: _Rest,
        scope: Any,
        size: int | None,
        most: int,
        application: str | None,
    ) -> None:
        """Collect the pieces of a body, each counted and checked, with memory reserved before much is held."""
        stream = decompressor(scope["headers"])
        if stream is not None:
            size = None  # it says nothing of what will be held
        copies = _COPIES_OF_FORM if _is_form(scope) else 1
        reserved = size is not None and size <= UNCOUNTED
        if size is not None and not reserved:
            await self._reserve(scope, application, size * copies)
            reserved = True
        held = 0
        while rest.more:
            came = await rest.receive()
            for piece in (came,) if stream is None else stream.pieces(came):
                held += len(piece)
                if most and held > most:
                    raise _too_large(most)
                if not reserved and held > UNCOUNTED:
                    await self._reserve(scope, application, (most or self._memory.share) * copies)
                    reserved = True
                if check is not None:
                    check.add(piece)
                pieces.append(piece)
                if stream is not None:
                    await asyncio.sleep(0)  # a small piece can become a large one, and others wait
        if stream is not None:
            stream.finish()

    def _utf8(self, body: bytes) -> bytes:
        """Return JSON in UTF-8 without a mark in front, and other bytes unchanged. Raises PayloadTooLarge."""
        if body[:1] == b"{" and body[1:2] != b"\0":  # as nearly all are
            return body
        if body.startswith(BOM_UTF8):
            return body[len(BOM_UTF8) :]
        encoding = detect_encoding(body)
        if encoding == "utf-8":
            return body
        if self._small and len(body) > self._small:
            raise PayloadTooLarge(f"the body is in {encoding}, and has more than {self._small} bytes: send it in UTF-8")
        try:
            written = body.decode(encoding).encode()
        except UnicodeError:
            return body
        whole = Structure(self._small)
        whole.add(written)
        whole.finish(written)
        return written

    def _check(self, scope: Any, *, raw: bool) -> _Check | None:
        if raw:
            return None
        return FormLines() if _is_form(scope) else Structure(self._small)

    async def _reserve(self, scope: Any, application: str | None, size: int) -> None:
        state = scope.setdefault("state", {})
        release(scope)
        owner = application if application is not None else state.get(APPLICATION, "")
        state[_RELEASE] = await self._memory.reserve(owner, size)


def release(scope: Any) -> None:
    """Release the memory that the body of a request has reserved."""
    give_back: Release | None = scope.get("state", {}).pop(_RELEASE, None)
    if give_back is not None:
        give_back()


class _Rest:
    """The rest of a body, and the number of bytes received so far."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self.more = True
        self.received = 0

    async def receive(self) -> bytes:
        """Return the next piece."""
        message = await self._receive()
        self.more = message.get("more_body", False)
        piece: bytes = message.get("body", b"")
        self.received += len(piece)
        return piece


async def _drain(rest: _Rest, size: int, most: int) -> None:
    """Take the rest of a body that is refused, unless it is too large for any path.

    Most clients send all before they read. After an earlier close they would not see the answer.
    """
    while rest.more and (not most or max(size, rest.received) <= most):
        await rest.receive()


def _is_form(scope: Any) -> bool:
    return (find(scope["headers"], b"content-type") or b"").strip().lower().startswith(_FORM)


def _announced_length(scope: Any) -> int | None:
    length = find(scope["headers"], b"content-length")
    return int(length) if length is not None and length.isdigit() else None


def _too_large(most: int, size: int | None = None) -> PayloadTooLarge:
    found = f"more than {most} bytes" if size is None else f"{size} bytes"
    return PayloadTooLarge(f"the body has {found}, and at most {most} are allowed on this path")
