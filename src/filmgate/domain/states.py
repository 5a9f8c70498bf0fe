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
    """Which committed step the work on an unfinished task resumes from.

    `inputs` is of tasks that refer to files elsewhere: they are fetched before an engine takes the task.
    `submitting` and `submit_unknown` are of tasks that a provider makes: it is being asked, or was asked and it could
    not be learned whether it accepted. `render` is of tasks that an engine here makes, `poll` of those that a provider
    makes: rows and answers have had one word for both from the start, so they are two names of one value.
    """

    INPUTS = "inputs"
    SUBMIT = "submit"
    SUBMITTING = "submitting"
    SUBMIT_UNKNOWN = "submit_unknown"
    RENDER = "follow"
    POLL = "follow"
    INGEST = "ingest"
    SETTLE = "settle"
    DONE = "done"


class WaitsFor(StrEnum):
    """What an unfinished task waits for, while nobody here works on making it."""

    INPUTS = "inputs"
    ENGINE = "engine"
    PROVIDER = "provider"


AT_PROVIDER: frozenset[Stage] = frozenset({Stage.SUBMIT_UNKNOWN, Stage.POLL})
"""A task in one of these may be at work at a provider, if it has one, while nobody here works on it."""

FINAL: frozenset[State] = frozenset({State.COMPLETED, State.FAILED})
"""A task in one of these never changes its state again."""
