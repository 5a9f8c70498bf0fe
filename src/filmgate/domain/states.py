"""The states of a task and the stages of the work behind it."""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    """What an owner sees. Each dialect translates these words in its own `wire`."""

    PENDING = "pending"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"


class Stage(StrEnum):
    """Which committed step the work on an unfinished task resumes from."""

    SUBMIT = "submit"
    FOLLOW = "follow"
    INGEST = "ingest"
    SETTLE = "settle"
    DONE = "done"


FINAL: frozenset[State] = frozenset({State.COMPLETED, State.FAILED})
"""A task in one of these never changes its state again."""
