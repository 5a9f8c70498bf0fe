"""How the service that made the data of an earlier version was set up; it goes on in the same way."""

from __future__ import annotations

from typing import Any

ENGINES: dict[str, dict[str, Any]] = {
    "scripted": {
        "type": "scripted",
        "models": ["*"],
        "slots": 1,
        "steps": 1,
        # What was left unfinished may be taken up years later.
        "deadline": 1e10,
        "queue_limit": 1e10,
    }
}
