"""A Dream Machine on loopback: what it shows."""

from __future__ import annotations

from typing import Any

from filmgate.adapters.dialects.serving.codec import rfc3339

NOW = 1_800_000_000.0
"""When its generations were made, in unix seconds."""


def generation(**fields: Any) -> dict[str, Any]:
    """Return a generation as Luma shows it."""
    shown = {
        "id": "g-1",
        "generation_type": "video",
        "state": "completed",
        "failure_reason": None,
        "created_at": rfc3339(NOW),
        "assets": {"video": "https://cdn.example/v.mp4", "image": "https://cdn.example/t.jpg", "progress_video": None},
        "model": "ray-2",
        "request": {"generation_type": "video", "model": "ray-2", "prompt": "a cat", "aspect_ratio": "16:9"},
    }
    return shown | fields
