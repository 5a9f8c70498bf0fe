"""Pictures and videos that an agent names by a path on this machine: read here, and sent to the service.

The service never sees the path, and cannot ask for a file. What may be read is what lies in the client's roots or in a
folder that the user has allowed.
"""

from __future__ import annotations

import asyncio
import base64
import mimetypes
import os
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from filmgate.adapters.cli.mcp.folders import is_inside, read_inside, real_folder
from filmgate.adapters.cli.mcp.jsonrpc import Message
from filmgate.adapters.cli.mcp.roots import Roots, path_of
from filmgate.client.errors import FilmgateClientError, InvalidInput
from filmgate.domain.addresses import is_local_path

ARGUMENTS = {"start_image_url": "image", "end_image_url": "image", "video_url": "video"}
"""The arguments that may name a file, and of which kind it is then."""

LIMITS = {"image": 20 * 1024 * 1024, "video": 23 * 1024 * 1024}
"""Bytes of a file, at most: what a service takes by default, for a video within one request."""

_AT_ONCE = 2


class LocalFiles:
    """Replaces paths in the arguments of tool calls by links to what they name.

    `allowed` are the folders that the user has allowed; `upload` sends a data URI and returns a link.
    """

    def __init__(self, allowed: Sequence[str], roots: Roots, upload: Callable[[str], Awaitable[str]]) -> None:
        self._allowed = [real_folder(folder) for folder in allowed]
        self._roots = roots
        self._upload = upload
        self._turns = asyncio.Semaphore(_AT_ONCE)

    async def replace_paths(self, line: bytes, message: Message) -> bytes:
        """Return a message as it is to be sent to the service. Raises InvalidInput, InputRequired."""
        named = _local(message)
        if not named:
            return line
        folders = [*self._allowed, *await self._roots.folders(message)]
        links = {}
        for argument, value in named.items():
            async with self._turns:
                data = await asyncio.to_thread(_data_uri, argument, value, folders)
                links[argument] = await self._upload_argument(argument, data)
        whole = msgspec.json.decode(line)
        whole["params"]["arguments"] |= links
        for said in ("inputResponses", "requestState"):
            whole["params"].pop(said, None)
        return msgspec.json.encode(whole)

    async def _upload_argument(self, argument: str, data: str) -> str:
        try:
            return await self._upload(data)
        except FilmgateClientError as error:
            if error.status in (400, 413, 422):  # what is wrong with the request is the file
                error.message = f"{argument}: {error.message.removeprefix('url: ')}"
                error.field = argument
            raise


def _local(message: Message) -> dict[str, str]:
    """Return the arguments of a tool call that are paths."""
    arguments = message.parameter("arguments") if message.method == "tools/call" else None
    if not isinstance(arguments, dict):
        return {}
    return {name: value for name, value in arguments.items() if name in ARGUMENTS and _is_path(value)}


def _is_path(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip()) and is_local_path(value)


def _data_uri(argument: str, value: str, folders: Sequence[str]) -> str:
    """Read the file that an argument names. Raises InvalidInput naming the argument."""
    kind = ARGUMENTS[argument]
    try:
        real = _require_allowed(value.strip(), folders)
        data = read_inside(real, LIMITS[kind])
    except InvalidInput as error:
        raise InvalidInput(f"{argument}: {error.message}", field=argument) from error
    guessed = mimetypes.guess_type(real)[0] or ""
    media_type = guessed if guessed.startswith(f"{kind}/") else f"{kind}/unknown"
    return f"data:{media_type};base64,{base64.b64encode(data).decode()}"


def _require_allowed(value: str, folders: Sequence[str]) -> str:
    """Return the place of a file that may be read. Raises InvalidInput."""
    real = _resolve(value)
    if not is_inside(real, folders):
        raise InvalidInput(f"{value} lies in no folder that may be read. {_may_read(folders)}")
    return real


def _resolve(value: str) -> str:
    """Return the place that a path leads to, links resolved. Raises InvalidInput."""
    path = path_of(value) if value[:5].lower() == "file:" else value
    try:
        path = str(Path(path).expanduser()) if path is not None and path.startswith("~") else path
        if path is not None and path.startswith("/"):
            return os.path.realpath(path)
    except (OSError, ValueError, RuntimeError) as error:
        raise InvalidInput(f"{value} cannot be resolved: {error}") from error
    raise InvalidInput(f"{value} is no file of this machine: give an absolute path, or an http(s) address")


def _may_read(folders: Sequence[str]) -> str:
    more = "To allow more, start `filmgate mcp` with --allow-folder DIR, or open the folder in your program."
    return f"Allowed: {', '.join(folders)}. {more}" if folders else f"None is allowed yet. {more}"
