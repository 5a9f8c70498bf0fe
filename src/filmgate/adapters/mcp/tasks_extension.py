"""Long work as MCP tasks: the extension `io.modelcontextprotocol/tasks`, mapped one to one on the ledger.

A client that has declared the extension gets a handle from a tool that starts a video; the handle's id is the id of
the task. Asked for it later, the task holds the result that `luma_get_task` would give. A failed generation is a
result with an error in it, not a failed request; only a cancelled one has a state of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from filmgate.adapters.mcp.results import RESULT
from filmgate.adapters.mcp.view import progress_words, rfc3339
from filmgate.domain.failures import FailureCode
from filmgate.domain.states import State
from filmgate.domain.task import Task

EXTENSION: Final = "io.modelcontextprotocol/tasks"
CAPABILITIES: Final = "io.modelcontextprotocol/clientCapabilities"
POLL_MS: Final = 5_000
"""Milliseconds between looks that clients are asked for. They look by themselves, which costs no model's attention."""

REQUIRED: Final[dict[str, Any]] = {"requiredCapabilities": {"extensions": {EXTENSION: {}}}}


def is_declared(meta: Mapping[str, Any] | None) -> bool:
    """Return by the `_meta` of a request whether its client understands the extension."""
    capabilities = (meta or {}).get(CAPABILITIES)
    extensions = capabilities.get("extensions") if isinstance(capabilities, dict) else None
    return isinstance(extensions, dict) and isinstance(extensions.get(EXTENSION), dict)


def handle(task: Task) -> dict[str, Any]:
    """Return what a tool answers instead of its result."""
    return {"resultType": "task", **_state(task)}


def describe_task(task: Task, base: str) -> dict[str, Any]:
    """Return a task as it is asked for, with its result once there is one."""
    state = _state(task)
    if state["status"] == "completed":
        result = msgspec.json.decode(RESULT.one(task, None, base))
        state["result"] = {**result, "resultType": "complete", "isError": task.state is State.FAILED}
    return state


def _state(task: Task) -> dict[str, Any]:
    return {
        "taskId": task.id,
        "status": _status(task),
        "statusMessage": task.failure.message if task.failure else progress_words(task),
        "createdAt": rfc3339(task.created_at),
        "lastUpdatedAt": rfc3339(task.updated_at),
        "ttlMs": None,
        "pollIntervalMs": POLL_MS,
    }


def _status(task: Task) -> str:
    if not task.final:
        return "working"
    cancelled = task.failure is not None and task.failure.code == FailureCode.CANCELLED
    return "cancelled" if cancelled else "completed"
