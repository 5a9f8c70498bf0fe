"""The folders that an agent's user has open: what MCP calls roots, asked for when a local file is named."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote, urlsplit

import msgspec

from filmgate.adapters.cli.mcp.folders import real_folder
from filmgate.adapters.cli.mcp.jsonrpc import Message

_CAPABILITIES = "io.modelcontextprotocol/clientCapabilities"
_KEY = "filmgate_roots"
_ID = "filmgate-roots-"
_SECONDS = 10.0


class InputRequired(Exception):
    """The client is to say what its roots are, and to call again; `answer` is the message that says so."""

    def __init__(self, answer: bytes) -> None:
        super().__init__()
        self.answer = answer


class Roots:
    """Asks the client for its roots, each time anew: they may change, and are seldom needed.

    Clients that began with a handshake are sent a request; those of the newest version are told to call again and
    say it then.
    """

    def __init__(self, write: Callable[[bytes], None]) -> None:
        self._write = write
        self._offered = False
        self._number = 0
        self._asked: dict[str, asyncio.Future[Any]] = {}

    def note(self, message: Message) -> bool:
        """Take note of what a message says of roots. Return whether it was an answer to a question from here."""
        if message.method == "initialize":
            capabilities = message.parameter("capabilities")
            self._offered = isinstance(capabilities, dict) and isinstance(capabilities.get("roots"), dict)
        if message.method is not msgspec.UNSET or not isinstance(message.id, str):
            return False
        asked = self._asked.pop(message.id, None)
        if asked is not None and not asked.done():
            asked.set_result(None if message.result is msgspec.UNSET else message.result)
        return asked is not None or message.id.startswith(_ID)

    async def folders(self, message: Message) -> list[str]:
        """Return the roots of the client that sent this message. Raises InputRequired."""
        if message.version is None:
            return _folders(await self._ask()) if self._offered else []
        responses = message.parameter("inputResponses")
        if isinstance(responses, dict) and _KEY in responses:
            return _folders(responses[_KEY])
        meta = message.parameter("_meta")
        capabilities = meta.get(_CAPABILITIES) if isinstance(meta, dict) else None
        if not isinstance(capabilities, dict) or not isinstance(capabilities.get("roots"), dict):
            return []
        asking = {"resultType": "input_required", "inputRequests": {_KEY: {"method": "roots/list", "params": {}}}}
        raise InputRequired(msgspec.json.encode({"jsonrpc": "2.0", "id": message.id, "result": asking}))

    async def _ask(self) -> Any:
        """Return what the client answers; None if it does not."""
        self._number += 1
        number = f"{_ID}{self._number}"
        self._asked[number] = asyncio.get_running_loop().create_future()
        self._write(msgspec.json.encode({"jsonrpc": "2.0", "id": number, "method": "roots/list"}))
        try:
            with contextlib.suppress(TimeoutError):
                return await asyncio.wait_for(self._asked[number], _SECONDS)
        finally:
            self._asked.pop(number, None)
        return None


def _folders(result: Any) -> list[str]:
    """Return the folders of a list of roots, without those of other machines."""
    roots = result.get("roots") if isinstance(result, dict) else None
    uris = [root.get("uri") for root in roots if isinstance(root, dict)] if isinstance(roots, list) else []
    paths = [path_of(uri) for uri in uris if isinstance(uri, str)]
    return [real_folder(path) for path in paths if path is not None and path.startswith("/")]


def path_of(uri: str) -> str | None:
    """Return the path that a file address of this machine names; None for any other address."""
    try:
        parts = urlsplit(uri)
    except ValueError:
        return None
    path = unquote(parts.path)
    good = parts.scheme == "file" and parts.netloc.lower() in ("", "localhost") and "\0" not in path
    return path if good else None
