"""Looking at processes from outside."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

Found = TypeVar("Found")


def of_session(session: int) -> list[int]:
    """Return the ids of all living processes of a session, the children of children too."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(fields[3]) == session and fields[0] != "Z":
            found.append(int(entry.name))
    return found


def orphans() -> list[int]:
    """Return the ids of helper processes of a service whose parent is gone, whatever session they are in."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
            command = (entry / "cmdline").read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if fields[1] == "1" and fields[0] != "Z" and b"filmgate.adapters." in command:
            found.append(int(entry.name))
    return found


def sockets(pid: int) -> int:
    """Count the sockets that a process has open, those it listens on too."""
    count = 0
    for link in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # closed since it was listed
            count += str(link.readlink()).startswith("socket:")
    return count


def until(look: Callable[[], Found], wanted: Callable[[Found], bool], deadline: float = 30) -> Found:
    """Look again and again until the wanted is found; fail with what was found last when the time is up."""
    end = time.monotonic() + deadline
    while True:
        found = look()
        if wanted(found):
            return found
        if time.monotonic() > end:
            raise AssertionError(f"not within {deadline} s; last found: {found!r}")
        time.sleep(0.05)
