"""How OpenAI writes videos."""

from __future__ import annotations

from typing import Any

VIDEO_ID = "video_abc123"
NOW = 1_725_077_411


def video(**more: Any) -> dict[str, Any]:
    """Write a video as OpenAI does while it is made."""
    return {
        "id": VIDEO_ID,
        "object": "video",
        "model": "sora-2",
        "status": "in_progress",
        "progress": 40,
        "created_at": NOW,
        "completed_at": None,
        "expires_at": None,
        "error": None,
        "prompt": "a cat",
        "remixed_from_video_id": None,
        "seconds": "5",
        "size": "1360x752",
        **more,
    }
