"""Tasks and their files as resources."""

from __future__ import annotations

import base64
from typing import Any, Final

import msgspec

from filmgate.adapters.mcp import uris
from filmgate.adapters.mcp.view import view
from filmgate.core.tasks.service import TaskService
from filmgate.domain.errors import InvalidRequest, NotFound
from filmgate.domain.media import Media, files
from filmgate.domain.task import Task
from filmgate.ports.context import RequestContext
from filmgate.ports.media import MediaStore
from filmgate.ports.tasks import TaskFilter

MAX_BYTES: Final = 16 * 1024 * 1024
"""Bytes of a file that is read as a resource, at most; larger ones have their link."""

_PAGE: Final = 25

TEMPLATES: Final[tuple[dict[str, Any], ...]] = (
    {
        "uriTemplate": uris.TASK_TEMPLATE,
        "name": "task",
        "title": "A task",
        "description": "State, progress and links of a task, as luma_get_task gives them.",
        "mimeType": "application/json",
    },
    {
        "uriTemplate": uris.FILE_TEMPLATE,
        "name": "file",
        "title": "A file of a task",
        "description": "A file of a completed task: video, image, thumbnail or last_frame.",
    },
)


class _Mark(msgspec.Struct, frozen=True, array_like=True):
    """Where a page of the list ended: the time and the id of its last task."""

    created_at: float
    task_id: str


class Resources:
    """Lists and reads the tasks of the caller and their files."""

    def __init__(self, tasks: TaskService, store: MediaStore) -> None:
        self._tasks = tasks
        self._store = store

    async def list_page(self, context: RequestContext, cursor: str | None) -> tuple[list[dict[str, Any]], str | None]:
        """Describe a page of resources, those of the newest tasks first, and give the cursor of the next one.

        Raises InvalidRequest for a cursor that is not one of ours.
        """
        after = None if cursor is None else _read_mark(cursor)
        page = await self._tasks.find(context, TaskFilter(after=after, limit=_PAGE))
        resources = [resource for task in page.tasks for resource in uris.of_task(task)]
        return resources, _mark(page.tasks[-1]) if page.more else None

    async def read(self, context: RequestContext, uri: str) -> dict[str, Any]:
        """Return the contents of a resource. Raises NotFound, InvalidRequest for a file that is too large."""
        named = uris.parse_uri(uri)
        if named is None:
            raise NotFound("There is no such resource.", field="uri")
        task_id, role = named
        task = await self._tasks.get(context, task_id)
        if role is None:
            text = msgspec.json.encode(view(task, context.base_url)).decode()
            return {"uri": uri, "mimeType": "application/json", "text": text}
        media = next((media for media in files(task.output) if media.role == role), None)
        if media is None:
            raise NotFound(f"Task {task_id} has no {role} (yet).", field="uri")
        return {"uri": uri, "mimeType": media.facts.type, "blob": await self._blob(context, task, media)}

    async def _blob(self, context: RequestContext, task: Task, media: Media) -> str:
        if media.bytes > MAX_BYTES:
            link = task.link(media, context.base_url)
            raise InvalidRequest(f"The file has {media.bytes} bytes, too many to read here: fetch {link}", field="uri")
        try:
            data = b"".join([piece async for piece in self._store.read(media.key, 0, media.bytes)])
        except FileNotFoundError as error:
            raise NotFound("There is no such file here (any more).", field="uri") from error
        return base64.b64encode(data).decode()


def _mark(task: Task) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(_Mark(task.created_at, task.id))).decode()


def _read_mark(cursor: str) -> tuple[float, str]:
    try:
        mark = msgspec.json.decode(base64.urlsafe_b64decode(cursor), type=_Mark)
    except (ValueError, msgspec.MsgspecError) as error:
        raise InvalidRequest("cursor must be the nextCursor of the page before", field="cursor") from error
    return mark.created_at, mark.task_id
