"""Names of tasks and their files as resources."""

from __future__ import annotations

import re
from typing import Any, Final

from filmgate.domain.media import Media, Role, files
from filmgate.domain.task import Task

SCHEME: Final = "filmgate://tasks/"

TASK_TEMPLATE: Final = SCHEME + "{task_id}"
FILE_TEMPLATE: Final = SCHEME + "{task_id}/{file}"

_URI = re.compile(r"filmgate://tasks/(?P<task_id>[^/]{1,64})(/(?P<file>[a-z_]{1,16}))?")


def uri_of(task: Task, media: Media | None = None) -> str:
    """Name a task, or one of its files."""
    return f"{SCHEME}{task.id}" if media is None else f"{SCHEME}{task.id}/{media.role}"


def parse_uri(uri: str) -> tuple[str, str | None] | None:
    """Return the id of the task and the file that a name is of; None for any other name."""
    found = _URI.fullmatch(uri)
    return None if found is None else (found["task_id"], found["file"])


def describe_resource(task: Task, media: Media | None = None) -> dict[str, Any]:
    """Describe the resource of a task, or of one of its files."""
    if media is None:
        return {"uri": uri_of(task), "name": f"task {task.id}", "title": _title(task), "mimeType": "application/json"}
    words = "last frame" if media.role is Role.LAST_FRAME else str(media.role)
    return {
        "uri": uri_of(task, media),
        "name": f"{words} of task {task.id}",
        "title": f"{words.capitalize()}: {_title(task)}",
        "mimeType": media.facts.type,
        "size": media.bytes,
    }


def of_task(task: Task) -> list[dict[str, Any]]:
    """Describe a task and all files it has."""
    return [describe_resource(task), *(describe_resource(task, media) for media in files(task.output))]


def _title(task: Task) -> str:
    words = " ".join(task.generation.prompt.split()) or "without a prompt"
    return words if len(words) <= 60 else words[:59] + "…"
