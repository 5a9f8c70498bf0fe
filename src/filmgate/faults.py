"""Named points of the work at which a test lets the process die.

Off, which it is unless `arm` is called with something, reaching a point is one comparison. The service arms what
stands in `FILMGATE_FAULT` when it starts: `name:3` kills the process when the point is reached for the third time.
This module imports nothing of ours, so every layer may name its points.
"""

from __future__ import annotations

import os
import signal
import threading
from collections import Counter
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Final

VARIABLE: Final = "FILMGATE_FAULT"
"""Where the process is killed: `POINT:TIMES`, several with commas between them."""

TRACE: Final = "FILMGATE_FAULT_TRACE"
"""A file to which the name of every point is written when it is reached."""


class Point(StrEnum):
    """Every commit and every effect outside the process, each just before or just after it."""

    # the ledger's file
    MIGRATED = "migrated"
    COMMIT_BEGUN = "commit-begun"
    COMMIT_DONE = "commit-done"
    # the same, if what is committed came from several at once
    GROUP_BEGUN = "group-begun"
    GROUP_DONE = "group-done"
    # the start and the end of the service
    FIRST_KEY_WRITTEN = "first-key-written"
    RESUMED = "resumed"
    COLLECTED = "collected"
    STOPPING = "stopping"
    # acts of owners
    SUBMIT_READY = "submit-ready"
    SUBMIT_ACCEPTED = "submit-accepted"
    CANCELLED = "cancelled"
    DELETED = "deleted"
    UPLOAD_STORED = "upload-stored"
    UPLOAD_DROPPED = "upload-dropped"
    # files
    FILE_SYNCED = "file-synced"
    FILE_PLACED = "file-placed"
    FILE_REMOVED = "file-removed"
    # the work on a task; what a stage is called is what has just been committed
    CLAIMED = "claimed"
    STAGE_INPUTS = "stage-inputs"
    STAGE_SUBMIT = "stage-submit"
    STAGE_SUBMITTING = "stage-submitting"
    STAGE_SUBMIT_UNKNOWN = "stage-submit_unknown"
    STAGE_FOLLOW = "stage-follow"
    STAGE_INGEST = "stage-ingest"
    STAGE_SETTLE = "stage-settle"
    STAGE_DONE = "stage-done"
    INPUT_STORED = "input-stored"
    ENGINE_BEGUN = "engine-begun"
    ENGINE_ENDED = "engine-ended"
    DEVELOPED = "developed"
    TIDYING = "tidying"
    # providers
    PROVIDER_ASKED = "provider-asked"
    PROVIDER_ANSWERED = "provider-answered"
    FETCHED = "fetched"
    SOUGHT = "sought"
    RECALLED = "recalled"
    DECIDED = "decided"
    IMPORT_READY = "import-ready"
    IMPORTED = "imported"
    # what goes on beside the tasks
    WEBHOOK_SENT = "webhook-sent"
    WEBHOOK_SETTLED = "webhook-settled"
    EXPIRED = "expired"
    PURGED = "purged"
    RULES_APPLIED = "rules-applied"
    # a backup, which is another process
    BACKUP_FILLED = "backup-filled"
    BACKUP_PLACED = "backup-placed"


class _Armed:
    """Counts how often each point is reached, and kills the process when it is time."""

    def __init__(self, text: str, trace: str | None) -> None:
        self._ends = {_parse(fault) for fault in text.split(",") if fault}
        self._trace = Path(trace) if trace else None
        self._counts: Counter[Point] = Counter()
        self._lock = threading.Lock()

    def reach(self, point: Point) -> None:
        with self._lock:
            self._counts[point] += 1
            if self._trace is not None:
                with self._trace.open("a") as file:
                    file.write(f"{point}\n")
            if (point, self._counts[point]) in self._ends:
                os.kill(os.getpid(), signal.SIGKILL)


_armed: _Armed | None = None


def reach(point: Point) -> None:
    """Mark a fault point as reached."""
    if _armed is not None:
        _armed.reach(point)


def arm(environment: Mapping[str, str]) -> None:
    """Arm the faults that the environment asks for; without the variables nothing ever does. Raises ValueError."""
    global _armed  # noqa: PLW0603 - one process, one set of faults
    text, trace = environment.get(VARIABLE, ""), environment.get(TRACE)
    _armed = _Armed(text, trace) if text or trace else None


def _parse(fault: str) -> tuple[Point, int]:
    name, times = fault.strip().split(":")
    return Point(name), int(times)
