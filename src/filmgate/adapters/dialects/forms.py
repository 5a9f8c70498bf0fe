"""Reading bodies that are forms with files."""

from __future__ import annotations

import base64
import re
from collections.abc import AsyncGenerator
from typing import NamedTuple

from fastapi import Request
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from filmgate.domain.errors import InvalidRequest

_TYPE = re.compile(r"[\w.+-]+/[\w.+-]+", re.ASCII)
_MAX_PARTS = 50
_MAX_TEXT = 64 * 1024


class Part(NamedTuple):
    """A file in a form: its media type as it was sent, and its bytes."""

    type: str
    data: bytes

    @property
    def data_uri(self) -> str:
        """The file as a data URI."""
        return f"data:{self.type};base64,{base64.b64encode(self.data).decode()}"


def is_form(request: Request) -> bool:
    """Tell whether the body says that it is a form with parts."""
    return request.headers.get("content-type", "").strip().lower().startswith("multipart/form-data")


async def parse_form(request: Request, body: bytes) -> dict[str, str | Part]:
    """Read a form with parts that was read to its end already; of parts of one name the last counts.

    Raises InvalidRequest.
    """

    async def pieces() -> AsyncGenerator[bytes, None]:
        yield body

    try:
        form = await MultiPartParser(
            request.headers, pieces(), max_files=_MAX_PARTS, max_fields=_MAX_PARTS, max_part_size=_MAX_TEXT
        ).parse()
    except (MultiPartException, KeyError, UnicodeDecodeError) as error:
        raise InvalidRequest(f"the body is not a valid form: {error}") from error
    fields: dict[str, str | Part] = {}
    try:
        for name, value in form.multi_items():
            fields[name] = await _part(value) if isinstance(value, UploadFile) else value
    finally:
        await form.close()
    return fields


async def _part(file: UploadFile) -> Part:
    kind = (file.content_type or "").partition(";")[0].strip().lower()
    return Part(kind if _TYPE.fullmatch(kind) else "application/octet-stream", await file.read())
