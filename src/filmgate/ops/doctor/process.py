"""Whether a service runs on the data folder."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from filmgate.app.folder import holder
from filmgate.domain.settings import Settings


class Running(NamedTuple):
    """The process that holds the data folder, None if none does."""

    process: int | None


def running(settings: Settings) -> Running:
    """Find out without taking the lock, which would stop a service from starting just then."""
    return Running(holder(settings.data))


def limit_of(process: int | None) -> int | None:
    """Return how many files a process may open; None where that cannot be known."""
    try:
        text = Path(f"/proc/{process or 'self'}/limits").read_text()
    except OSError:
        return None
    row = next((line for line in text.splitlines() if line.startswith("Max open files")), "")
    soft = row.removeprefix("Max open files").split()[:1]
    return int(soft[0]) if soft and soft[0].isdigit() else None
