"""One message posted to the service's `/mcp`, and what comes back: JSON, or a stream of events."""

from __future__ import annotations

import base64
import re
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

import httpx2
import msgspec

from filmgate.adapters.cli.mcp.jsonrpc import Message, failure, one_line, read
from filmgate.client import Unauthorized, UnreadableAnswer
from filmgate.client.calls import Call, connection, error_of, request
from filmgate.client.target import Target

PATH = "/mcp"

_SILENCE = 120.0
"""Seconds without a sign of life after which the service counts as gone; a wait holds its answer for under a minute."""

_NAMED = {
    "tools/call": "name",
    "prompts/get": "name",
    "resources/read": "uri",
    "tasks/get": "taskId",
    "tasks/update": "taskId",
    "tasks/cancel": "taskId",
}
"""The parameter that a method's `Mcp-Name` header repeats."""

_ONCE = ("luma_generate", "luma_extend", "luma_delete")
"""How the names of tools begin that do more when they are called twice."""

_PLAIN = re.compile(r"[!-~]([ -~]*[!-~])?")
_WRAPPED = re.compile(r"=\?base64\?.*\?=")


async def answers(
    http: httpx2.AsyncClient, target: Target, line: bytes, message: Message, version: str | None
) -> AsyncGenerator[bytes, None]:
    """Post a message and give each message that comes back as one line, the answer last.

    `version` is the protocol version that was agreed on, if any. Raises FilmgateClientError.
    """
    call = Call("POST", PATH, bytes, body=line, repeatable=_is_repeatable(message))
    with connection(target, call):
        post = request(http, target, call, _SILENCE)
        post.headers.update(headers(message, version))
        response = await http.send(post, stream=True)
        try:
            answered = False
            async for answer, final in _read(response, message):
                answered = answered or final
                yield answer
        finally:
            await response.aclose()
    if message.wants_answer and not answered:
        raise UnreadableAnswer(f"{target.url}{PATH} ended its answer before it was complete")


def _is_repeatable(message: Message) -> bool:
    """Return whether it does no harm to send a message twice: not where something is started or deleted."""
    return message.method != "tools/call" or not str(message.parameter("name")).startswith(_ONCE)


def headers(message: Message, version: str | None) -> dict[str, str]:
    """Return the headers that repeat parts of a message, for routing by headers."""
    found = {"Accept": "application/json, text/event-stream"}
    if version := message.version or (None if message.method == "initialize" else version):
        found["MCP-Protocol-Version"] = version
    if isinstance(message.method, str):
        found["Mcp-Method"] = _header(message.method)
        name = message.parameter(_NAMED.get(message.method, ""))
        if isinstance(name, str):
            found["Mcp-Name"] = _header(name)
    return found


async def _read(response: httpx2.Response, message: Message) -> AsyncIterator[tuple[bytes, bool]]:
    """Yield the messages that come back, each with whether it is the answer."""
    kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    try:
        if response.is_success and kind == "text/event-stream":
            async for event in httpx2.EventSource(response, max_event_size=None):
                if event.data:
                    yield one_line(event.data), read(event.data).method is msgspec.UNSET
            return
        await response.aread()
        if not response.is_success:
            yield _refusal(response, message), True
        elif response.content and message.wants_answer:
            yield one_line(response.content), True
    except msgspec.MsgspecError as error:
        raise UnreadableAnswer(
            f"{response.url} does not answer as Filmgate does: {error}", status=response.status_code
        ) from error


def _refusal(response: httpx2.Response, message: Message) -> bytes:
    """Return the JSON-RPC error in an answer, with the request's own id. Raises what other errors stand for."""
    error = _error(response.content)
    if error is None or not message.wants_answer:
        raise error_of(response)
    if response.status_code == 401:  # the command line knows what to do about it
        told = error.get("data") or {}
        raise Unauthorized(error["message"], status=401, code=told.get("code"), trace_id=told.get("trace_id"))
    return failure(message.id, error["code"], error["message"], error.get("data"))


def _error(content: bytes) -> dict[str, Any] | None:
    try:
        error = msgspec.json.decode(content, type=dict[str, Any]).get("error")
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    good = isinstance(error, dict) and isinstance(error.get("code"), int) and isinstance(error.get("message"), str)
    return error if good else None


def _header(value: str) -> str:
    """Write a value so that it survives in a header: as it is, else wrapped."""
    if _PLAIN.fullmatch(value) and not _WRAPPED.fullmatch(value):
        return value
    return f"=?base64?{base64.b64encode(value.encode()).decode()}?="
