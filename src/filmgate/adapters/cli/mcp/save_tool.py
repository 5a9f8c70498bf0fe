"""The tool that saves a result in a folder of this machine, which only the command can do, not the service."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import urlsplit

import msgspec

from filmgate.adapters.cli.mcp.folders import NewFile, real_folder, safe_name
from filmgate.adapters.cli.mcp.jsonrpc import Message, tool_result
from filmgate.client.errors import DownloadFailed, InvalidInput
from filmgate.client.results import Task

NAME = "luma_save_result"

_ALLOWED = {"task_id", "filename"}
_SUFFIXES = (".mp4", ".png", ".jpg", ".jpeg", ".webm", ".gif")


class SaveTool:
    """Saves the video or picture of a completed task in the one folder that the user has allowed.

    `get` finds a task, `fetch` gives the bytes behind a link.
    """

    def __init__(
        self, folder: str, get: Callable[[str], Awaitable[Task]], fetch: Callable[[str], AsyncGenerator[bytes, None]]
    ) -> None:
        self.folder = real_folder(folder)
        self._get = get
        self._fetch = fetch

    def append_tool(self, answer: bytes) -> bytes:
        """Return a list of tools with this one behind the others."""
        whole = msgspec.json.decode(answer)
        result = whole.get("result") if isinstance(whole, dict) else None
        if not isinstance(result, dict) or not isinstance(result.get("tools"), list) or result.get("nextCursor"):
            return answer
        result["tools"].append(_definition(self.folder))
        return msgspec.json.encode(whole)

    async def call(self, message: Message) -> bytes:
        """Run the tool and return the answer. Raises FilmgateClientError."""
        task_id, filename = self._read(message.parameter("arguments") or {})
        task = await self._get(task_id)
        file = task.video or task.image
        if file is None:
            raise DownloadFailed(f"Task {task.id} is {task.state} and has no file to save. {_next(task)}")
        if file.bytes is None:
            raise DownloadFailed("The service does not say how large the file is: fetch it by its link.")
        suffix = PurePosixPath(urlsplit(file.url).path).suffix.lower()
        name = safe_name(filename or task.id, suffix if suffix in _SUFFIXES else ".bin")
        try:
            path = await self._save(file.url, file.bytes, name)
        except OSError as error:
            raise InvalidInput(f"Nothing was saved in {self.folder}: {error.strerror or error}") from error
        return _result(message, {"task_id": task.id, "path": path, "bytes": file.bytes})

    def _read(self, given: Any) -> tuple[str, str | None]:
        if not isinstance(given, dict):
            raise InvalidInput("arguments must be an object")
        given = {name: value for name, value in given.items() if value is not None and value != ""}
        for name, value in given.items():
            if name not in _ALLOWED:
                raise InvalidInput(f"{name} is no parameter of this tool. It takes task_id, filename.", field=name)
            if not isinstance(value, str):
                raise InvalidInput(f"{name} must be a text", field=name)
        if "task_id" not in given:
            raise InvalidInput("task_id is required", field="task_id")
        return given["task_id"].strip(), self._bare_name(given.get("filename"))

    def _bare_name(self, filename: str | None) -> str | None:
        """Return the name alone. Raises InvalidInput for a path to another folder."""
        if filename is None:
            return None
        folder, slash, name = filename.replace("\\", "/").rpartition("/")
        if slash and (not folder.startswith("/") or "\0" in folder or real_folder(folder) != self.folder):
            raise InvalidInput(f"filename: files are saved in {self.folder} only; give a name alone", field="filename")
        return name

    async def _save(self, url: str, size: int, name: str) -> str:
        with NewFile(self.folder) as new:
            async with aclosing(self._fetch(url)) as pieces:
                async for piece in pieces:
                    if new.written + len(piece) > size:
                        raise DownloadFailed(f"The file has more than the {size} bytes that the service told of.")
                    await asyncio.to_thread(new.write, piece)
            if new.written != size:
                raise DownloadFailed(f"The file should have {size} bytes, {new.written} came. Call again.")
            return await asyncio.to_thread(new.finish, name)


def _next(task: Task) -> str:
    if task.final:
        return "Its files are gone, or it failed: luma_get_task says why."
    return "Call luma_wait_task first."


def _result(message: Message, structured: dict[str, Any]) -> bytes:
    text = msgspec.json.encode(structured).decode()
    content = [{"type": "text", "text": text}]
    return tool_result(message, {"content": content, "structuredContent": structured, "isError": False})


def _definition(folder: str) -> dict[str, Any]:
    title = "Save a result on this machine"
    return {
        "name": NAME,
        "title": title,
        "description": f"Save the video or picture of a completed task as a file in {folder}.\n"
        "Use it when the user wants the file itself; for links use luma_get_task. While the task is pending, call "
        "luma_wait_task first.\n"
        "Never overwrites: where there is a file of that name, the new one gets a number. Nothing is billed.\n"
        "An error result has code and message: not_found for an id that is unknown, deleted or not yours.",
        "inputSchema": {
            "type": "object",
            "properties": {
                "task_id": {"type": "string", "format": "uuid", "description": "Id of a completed task."},
                "filename": {
                    "type": "string",
                    "description": "Name of the file, without a folder. Left out, the id of the task.",
                    "examples": ["boat at sunset.mp4"],
                },
            },
            "required": ["task_id"],
            "additionalProperties": False,
        },
        "outputSchema": {
            "type": "object",
            "properties": {
                "task_id": {"type": "string"},
                "path": {"type": "string", "description": "Absolute path of the new file."},
                "bytes": {"type": "integer", "description": "Size of the file."},
            },
            "required": ["task_id", "path", "bytes"],
        },
        "annotations": {
            "title": title,
            "readOnlyHint": False,
            "destructiveHint": False,
            "idempotentHint": False,
            "openWorldHint": False,
        },
    }
