"""A download on its way: what has arrived, what must be true of an answer, and how to go on where one broke off."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import re
import uuid
from collections.abc import Iterator, Mapping
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from filmgate.domain.addresses import redact
from filmgate.ports.fetcher import FetchError

if TYPE_CHECKING:
    import httpx2

RESUMES = 5
"""How often a download goes on after a break, at most."""

_PIECE = 256 * 1024
_PASSING_STATUS = frozenset({408, 425, 429, 500, 502, 503, 504})
_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)")


class Download:
    """The bytes of one address as they arrive, over as many answers as it takes.

    Answers are put together only if the server vouches that they are parts of the same file: by a strong validator.
    """

    def __init__(self, url: str, file: BinaryIO, max_bytes: int) -> None:
        """Take the open, empty file that the bytes go to, and how many they may be."""
        self.url = url
        self._file = file
        self._max_bytes = max_bytes
        self._held = bytearray()
        self._size = 0
        self._total: int | None = None
        self._validator: str | None = None
        self._gained = 0
        self._resuming = False

    def headers(self) -> dict[str, str]:
        """Return the headers that ask for the missing rest; none if the whole file is missing."""
        self._gained = 0
        self._resuming = self._size > 0 and self._validator is not None
        return {"range": f"bytes={self._size}-", "if-range": self._validator or ""} if self._resuming else {}

    def goes_on(self, error: FetchError) -> bool:
        """Return whether asking for the rest makes sense: bytes came, more may come, and a validator names the file."""
        return error.retryable and self._gained > 0 and self._validator is not None

    async def take(self, answer: httpx2.Response) -> bool:
        """Read an answer to its end; False if the file must be requested again. Raises FetchError."""
        status = answer.status_code
        if self._resuming and (status == 416 or (status == 206 and not self._is_continued_by(answer))):
            await self._start_anew()
            return False
        if status != 200 and not (self._resuming and status == 206):
            raise FetchError(f"{redact(self.url)} answered {status}.", retryable=status in _PASSING_STATUS)
        if status == 200:
            await self._start_anew()
            self._total = _length(answer.headers)
            self._validator = _validator(answer.headers)
        self._check_head(answer)
        await self._read(answer)
        return True

    def _is_continued_by(self, answer: httpx2.Response) -> bool:
        """Return whether a partial answer begins where we are, in the file that we have the beginning of."""
        parts = _RANGE.fullmatch(answer.headers.get("content-range", "").strip())
        if parts is None or int(parts[1]) != self._size or int(parts[2]) < self._size:
            return False
        name = "etag" if (self._validator or "").startswith('"') else "last-modified"
        if answer.headers.get(name, self._validator) != self._validator:
            return False
        if parts[3] != "*":
            known, self._total = self._total, int(parts[3])
            return known in (None, self._total) and int(parts[2]) < self._total
        return True

    def _check_head(self, answer: httpx2.Response) -> None:
        encoding = answer.headers.get("content-encoding", "identity").strip().lower()
        if encoding not in ("", "identity"):
            message = f"{redact(self.url)} answered with a compressed body, which is not accepted."
            raise FetchError(message, retryable=False)
        if max(self._total or 0, self._size + (_length(answer.headers) or 0)) > self._max_bytes:
            raise self._too_large()

    async def _read(self, answer: httpx2.Response) -> None:
        async for piece in answer.aiter_raw():
            self._size += len(piece)
            self._gained += len(piece)
            if self._size > self._max_bytes:
                raise self._too_large()
            self._held += piece
            if len(self._held) >= _PIECE:
                await self._flush()
        await self._check_end()

    async def _check_end(self) -> None:
        if self._size == 0:
            raise FetchError(f"{redact(self.url)} answered with an empty body.", retryable=False)
        if self._total is not None and self._size < self._total:
            raise FetchError(f"{redact(self.url)} broke off its answer.", retryable=True)
        if self._total is not None and self._size > self._total:
            # What came is no file that the server knows: nothing of it can be built on.
            self._validator = None
            raise FetchError(f"{redact(self.url)} served more than it announced.", retryable=True)
        await self._flush()

    async def _flush(self) -> None:
        """Write off the event loop."""
        data = bytes(self._held)
        self._held.clear()
        await asyncio.to_thread(self._file.write, data)

    async def _start_anew(self) -> None:
        self._held.clear()
        self._size, self._total, self._validator = 0, None, None
        await asyncio.to_thread(_empty, self._file)

    def _too_large(self) -> FetchError:
        message = f"{redact(self.url)} serves more than the {self._max_bytes} bytes that are allowed."
        return FetchError(message, retryable=False)


@contextlib.contextmanager
def write_atomically(target: Path) -> Iterator[BinaryIO]:
    """Yield a file that becomes `target` if all goes well, and vanishes if not."""
    part = target.with_name(f".{uuid.uuid4().hex}.part")
    try:
        with part.open("xb") as file:
            yield file
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def _empty(file: BinaryIO) -> None:
    file.seek(0)
    file.truncate()


def _length(headers: Mapping[str, str]) -> int | None:
    length = headers.get("content-length", "")
    return int(length) if length.isdecimal() else None


def _validator(headers: Mapping[str, str]) -> str | None:
    """Return what names these very bytes to a server that also serves parts of them; None without it."""
    if headers.get("accept-ranges", "").strip().lower() != "bytes":
        return None
    tag = headers.get("etag", "").strip()
    if tag:
        return tag if tag.startswith('"') else None
    modified = headers.get("last-modified")
    return modified if modified and _is_settled(modified, headers.get("date", "")) else None


def _is_settled(modified: str, date: str) -> bool:
    """Return whether a file is old enough that its time of change, in seconds, names one state."""
    try:
        age = parsedate_to_datetime(date) - parsedate_to_datetime(modified)
    except (ValueError, TypeError):
        return False
    return age >= datetime.timedelta(seconds=1)
