"""The port of the answer cache, as far as others than its reader need it."""

from __future__ import annotations

from typing import Protocol


class AnswerCache(Protocol):
    """Rendered answers of final tasks."""

    def forget(self, task_id: str) -> None:
        """Drop the answers of a task after its deletion or the removal of its files."""
