"""What the bridge has to know of the JSON-RPC messages that it carries."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from filmgate.client.errors import FilmgateClientError

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
INTERNAL_ERROR = -32603
NOT_CARRIED = -32000
"""The code of a request that the service did not answer; `data` says why, in the words of the command line."""

VERSION_KEY = "io.modelcontextprotocol/protocolVersion"

Id = str | int | float | None


class Message(msgspec.Struct, frozen=True):
    """A request, a notification (no id) or an answer (no method)."""

    id: Id | UnsetType = UNSET
    method: str | UnsetType = UNSET
    params: dict[str, Any] | list[Any] | UnsetType | None = UNSET
    result: Any = UNSET

    @property
    def wants_answer(self) -> bool:
        """Whether this is a request."""
        return self.id is not UNSET and self.method is not UNSET

    @property
    def key(self) -> bytes:
        """The id, told apart from others by its type too."""
        return msgspec.json.encode(self.id)

    @property
    def cancelled_key(self) -> bytes:
        """The id of the request that this notification cancels."""
        return msgspec.json.encode(self.parameter("requestId"))

    @property
    def version(self) -> str | None:
        """The protocol version that the message itself names."""
        meta = self.parameter("_meta")
        version = meta.get(VERSION_KEY) if isinstance(meta, dict) else None
        return version if isinstance(version, str) else None

    def parameter(self, name: str) -> Any:
        """Return a named parameter; None where there is none."""
        return self.params.get(name) if isinstance(self.params, dict) else None


class _Agreed(msgspec.Struct):
    protocolVersion: str  # noqa: N815 - as the protocol spells it


class _Initialized(msgspec.Struct):
    result: _Agreed


read = msgspec.json.Decoder(Message).decode
_initialized = msgspec.json.Decoder(_Initialized).decode


def negotiated_version(answer: bytes) -> str | None:
    """Read the protocol version from the answer to `initialize`."""
    try:
        return _initialized(answer).result.protocolVersion
    except msgspec.MsgspecError:
        return None


def failure(of: Any, code: int = NOT_CARRIED, message: str = "", data: Any = None) -> bytes:
    """Write the error that answers a request."""
    error = {"code": code, "message": message} | ({} if data is None else {"data": data})
    return msgspec.json.encode({"jsonrpc": "2.0", "id": of, "error": error})


def refusal(message: Message, error: FilmgateClientError) -> bytes:
    """Write the result of a tool call that was refused here, in the form in which the service refuses one."""
    words = {"code": error.code, "message": error.message, "field": error.field, "trace_id": error.trace_id}
    text = msgspec.json.encode({"error": {name: word for name, word in words.items() if word is not None}}).decode()
    return tool_result(message, {"content": [{"type": "text", "text": text}], "isError": True})


def tool_result(message: Message, result: dict[str, Any]) -> bytes:
    """Write the result of a tool call, marked as whole where the client's version wants that."""
    if message.version is not None:
        result = {**result, "resultType": "complete"}
    return msgspec.json.encode({"jsonrpc": "2.0", "id": message.id, "result": result})


def one_line(text: bytes | str) -> bytes:
    """Return a message without line breaks. Raises msgspec.MsgspecError where it is not JSON."""
    raw = text.encode() if isinstance(text, str) else text
    return msgspec.json.format(raw, indent=-1)
