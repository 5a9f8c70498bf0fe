"""The short way for plain tool calls: no session, no streams, no models, one JSON document in and one out.

What is not plain in every respect is left to the SDK's server, which knows the whole protocol. Both run the same
tools, and a test holds their answers against each other.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, Literal, NamedTuple

import msgspec

from filmgate import __version__
from filmgate.adapters.mcp import tasks_extension
from filmgate.adapters.mcp.handlers import ToolResult
from filmgate.adapters.mcp.tools import BY_NAME, Tool

HANDSHAKE: Final = frozenset({b"2024-11-05", b"2025-03-26", b"2025-06-18", b"2025-11-25"})
"""Versions of the protocol whose clients begin with a handshake; no version named means one of them."""

MODERN: Final = b"2026-07-28"
"""The version whose requests each carry what a handshake would have said."""

SERVER_INFO: Final = {"name": "filmgate", "title": "Filmgate", "version": __version__}

_ROUTING = (b"mcp-protocol-version", b"mcp-method", b"mcp-name")
_ENDING = b',"resultType":"complete","_meta":%b}'
_TASK_ENDING = b',"_meta":%b}'
_STAMP: Final = msgspec.json.encode({"io.modelcontextprotocol/serverInfo": SERVER_INFO})


class _Capabilities(msgspec.Struct):
    extensions: dict[str, dict[str, Any]] | None = None


class _Meta(msgspec.Struct):
    token: int | str | msgspec.UnsetType = msgspec.field(name="progressToken", default=msgspec.UNSET)
    version: str | None = msgspec.field(name="io.modelcontextprotocol/protocolVersion", default=None)
    capabilities: _Capabilities | None = msgspec.field(name=tasks_extension.CAPABILITIES, default=None)


class _Params(msgspec.Struct):
    name: str
    arguments: dict[str, Any] | None = None
    meta: _Meta | None = msgspec.field(name="_meta", default=None)


class _ToolCall(msgspec.Struct):
    jsonrpc: Literal["2.0"]
    id: int | str
    method: Literal["tools/call"]
    params: _Params


class Plain(NamedTuple):
    """A plain call of a tool. `modern` says in which era's form it is answered."""

    id: int | str
    tool: Tool
    arguments: dict[str, Any]
    modern: bool
    long: bool
    wants_progress: bool


_decode = msgspec.json.Decoder(_ToolCall).decode


def plain(data: bytes, headers: Iterable[tuple[bytes, bytes]]) -> Plain | None:
    """Read a plain tool call; None for all else, good or bad."""
    try:
        call = _decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    params = call.params
    tool, meta = BY_NAME.get(params.name), params.meta or _Meta()
    said = [header for header in headers if header[0] in _ROUTING]
    routing = dict(said)
    version = routing.get(b"mcp-protocol-version")
    modern = version == MODERN
    if tool is None or len(routing) != len(said):
        return None
    if modern:
        if not _agrees(routing, params) or meta.capabilities is None:
            return None
    elif meta.version is not None or not (version is None or version in HANDSHAKE):
        return None
    extensions = (meta.capabilities.extensions if modern and meta.capabilities else None) or {}
    return Plain(
        call.id,
        tool,
        params.arguments or {},
        modern,
        long=tasks_extension.EXTENSION in extensions,
        wants_progress=meta.token is not msgspec.UNSET,
    )


def _agrees(routing: dict[bytes, bytes], params: _Params) -> bool:
    """Return whether the headers say what the body says."""
    return (
        params.meta is not None
        and params.meta.version is not None
        and params.meta.version.encode() == MODERN
        and routing.get(b"mcp-method") == b"tools/call"
        and routing.get(b"mcp-name") == params.name.encode()
    )


def answer(call: Plain, outcome: ToolResult) -> bytes:
    """Write the response to a plain call."""
    body = outcome.body
    if call.modern:
        body = body[:-1] + (_ENDING if outcome.type == "complete" else _TASK_ENDING) % _STAMP
    return b'{"jsonrpc":"2.0","id":%b,"result":%b}' % (msgspec.json.encode(call.id), body)
