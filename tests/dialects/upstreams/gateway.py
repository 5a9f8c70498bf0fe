"""How gateways write tasks."""

from __future__ import annotations

from typing import Any

TASK_ID = "4665a07c-7641-4809-a133-10786201bb56"
MOMENT = 1_734_874_720.139409


def task(**more: Any) -> dict[str, Any]:
    """Write a task as gateways do while it is made."""
    return {
        "id": TASK_ID,
        "state": "processing",
        "prompt": "a cat",
        "liked": None,
        "estimate_wait_seconds": None,
        "created_at": "2024-12-22T13:38:40.139409Z",
        "video": None,
        **more,
    }


def item(**more: Any) -> dict[str, Any]:
    """Write a row of an envelope."""
    return {
        "id": 13917,
        "task_id": TASK_ID,
        "platform": "luma",
        "action": "LUMA_VIDEO",
        "status": "IN_PROGRESS",
        "fail_reason": "",
        "submit_time": int(MOMENT),
        "finish_time": 0,
        "progress": "30%",
        "data": None,
        **more,
    }


def envelope(data: Any) -> dict[str, Any]:
    """Wrap what is answered."""
    return {"code": "success", "message": "", "data": data}
