"""How AceData writes tasks and errors."""

from __future__ import annotations

from typing import Any

TASK_ID = "4665a07c-7641-4809-a133-10786201bb56"
VIDEO_ID = "b4ef4c5e-9680-41c8-a678-0ce2ce6194de"
VIDEO = "https://cdn.example/v.mp4"
NOW = 1_725_077_411.961


def task(**more: Any) -> dict[str, Any]:
    """Write a task as AceData does while it is made."""
    return {"_id": "66d297a3550a4144a5a5db42", "id": TASK_ID, "created_at": NOW, "request": {"prompt": "a cat"}, **more}


def finished(**response: Any) -> dict[str, Any]:
    """Write a task that has ended."""
    return task(started_at=NOW, finished_at=NOW + 60, elapsed=60.0, response={"task_id": TASK_ID, **response})


def error(code: str) -> dict[str, Any]:
    """Write an error as AceData does."""
    return {"success": False, "error": {"code": code, "message": "A reason."}, "trace_id": "t"}
