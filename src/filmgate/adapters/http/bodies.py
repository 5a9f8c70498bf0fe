"""Reads the bodies of requests: within their limit, within the memory for them, and never with too much structure."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final, Protocol

from filmgate.adapters.http.body_memory import BodyMemory, Release
from filmgate.adapters.http.headers import find
from filmgate.domain.errors import FilmgateError, InvalidRequest, PayloadTooLarge
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

    @property
    def unreserved(self) -> int:
        """The bytes of a body that every path takes, and that needs no memory reserved."""
        return min(UNCOUNTED, self._small or UNCOUNTED)

    async def read(
        self, scope: Any, receive: Receive, *, files: bool = False, raw: bool = False, application: str | None = None
    ) -> bytes:
        """Read a whole body. Raises PayloadTooLarge, InvalidRequest for too many values, Unavailable without memory.

        With `raw` it is a file itself, else JSON or a form, which with `files` may hold files in base64. The memory
        is the application's, of the request if none is named, until `release` or the end of the request.
        """
        most = self._most if files or raw else self._small
        check = self._check(scope, raw=raw)
        size = _announced(scope)
        if size is not None and most and size > most:
            raise await _drained(receive, _too_large(most, size), size, self._most)
        reserved = size is not None and size <= UNCOUNTED
        pieces: list[bytes] = []
        received = 0
        while True:
            if not reserved and (size is not None or received > UNCOUNTED):
                most_held = size if size is not None else most or self._memory.share
                await self._reserve(scope, application, most_held * (_COPIES_OF_FORM if _is_form(scope) else 1))
                reserved = True
            message = await receive()
            piece: bytes = message.get("body", b"")
            received += len(piece)
            more = message.get("more_body", False)
            try:
                if most and received > most:
                    raise _too_large(most)
                if check is not None:
                    check.add(piece)
            except (InvalidRequest, PayloadTooLarge) as error:
                pieces.clear()
                release(scope)
                if more:
                    await _drained(receive, error, size or received, self._most)
                raise
            pieces.append(piece)
            if not more:
                break
        body = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        pieces.clear()
        if check is not None:
            check.finish(body)
        return body

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
    """Give back the memory that the body of a request has: nobody holds it any more."""
    give_back: Release | None = scope.get("state", {}).pop(_RELEASE, None)
    if give_back is not None:
        give_back()


async def _drained(receive: Receive, error: FilmgateError, size: int, most: int) -> FilmgateError:
    """Take the rest of a body that is refused, unless it is too large for any path, and return its error.

    Most clients send all before they read. One whose connection is closed before would not see the answer.
    """
    received = 0
    while (not most or max(size, received) <= most) and (message := await receive()).get("more_body"):
        received += len(message.get("body", b""))
    return error


def _is_form(scope: Any) -> bool:
    return (find(scope["headers"], b"content-type") or b"").strip().lower().startswith(_FORM)


def _announced(scope: Any) -> int | None:
    length = find(scope["headers"], b"content-length")
    return int(length) if length is not None and length.isdigit() else None


def _too_large(most: int, size: int | None = None) -> PayloadTooLarge:
    found = f"more than {most} bytes" if size is None else f"{size} bytes"
    return PayloadTooLarge(f"the body has {found}, and at most {most} are allowed on this path")
