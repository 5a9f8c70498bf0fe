"""Results of tool calls as bytes: structured content, and the same as compact JSON text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from filmgate.adapters.mcp import uris
from filmgate.adapters.mcp.view import view
from filmgate.domain.errors import FilmgateError, TooManyRequests
from filmgate.domain.task import Task
from filmgate.ports.tasks import RawRequest

_encode = msgspec.json.encode
_CONTENT_END: Final = b'],"structuredContent":'


def result(structured: bytes, links: bytes = b"") -> bytes:
    """Write the result of a call from its structured content, already JSON; `links` are further content blocks."""
    text = _encode(structured.decode())
    return b'{"content":[{"type":"text","text":%b}%b],"structuredContent":%b,"isError":false}' % (
        text,
        links,
        structured,
    )


def with_block(written: bytes, block: Mapping[str, Any]) -> bytes:
    """Put another content block behind those of a result. A quote in a text is escaped, so no text looks like this."""
    return written.replace(_CONTENT_END, b",%b%b" % (_encode(block), _CONTENT_END), 1)


def error_result(error: FilmgateError, trace_id: str) -> bytes:
    """Write a failed call, so that the agent can read the fault and its place."""
    words = _encode({"error": error_words(error, trace_id)}).decode()
    return b'{"content":[{"type":"text","text":%b}],"isError":true}' % _encode(words)


def error_words(error: FilmgateError, trace_id: str) -> dict[str, Any]:
    """Return what went wrong: code, sentence, the field and the whole seconds to wait where there are any, trace id."""
    words: dict[str, Any] = {"code": error.code, "message": error.message}
    if error.field:
        words["field"] = error.field
    if isinstance(error, TooManyRequests):
        words["retry_after_seconds"] = error.retry_after
    return words | {"trace_id": trace_id}


class ResultForm:
    """One task as the result of a tool; a finished one links its thumbnail."""

    name = "mcp"
    wants_echo = False
    wants_times = False

    def one(self, task: Task, echo: RawRequest | None, base: str) -> bytes:
        """Write the whole result."""
        del echo
        return result(_encode(view(task, base)), _thumbnail(task))

    def many(self, items: Sequence[bytes]) -> bytes:
        """Write several results."""
        return b"[%b]" % b",".join(items)


class ItemForm:
    """One task as a part of structured content."""

    name = "mcp-item"
    wants_echo = False
    wants_times = False

    def one(self, task: Task, echo: RawRequest | None, base: str) -> bytes:
        """Write the task alone."""
        del echo
        return _encode(view(task, base))

    def many(self, items: Sequence[bytes]) -> bytes:
        """Write several tasks."""
        return b"[%b]" % b",".join(items)


RESULT: Final = ResultForm()
ITEM: Final = ItemForm()


def _thumbnail(task: Task) -> bytes:
    if task.output is None:
        return b""
    return b"," + _encode({"type": "resource_link", **uris.describe_resource(task, task.output.thumbnail)})
