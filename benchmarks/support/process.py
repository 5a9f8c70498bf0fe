"""What a process costs, seen from outside; its children do not count."""

from __future__ import annotations

import os
from pathlib import Path


class Process:
    """A process on this machine."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._proc = Path(f"/proc/{pid}")

    def cpu(self) -> float:
        """Seconds of CPU so far, user and system."""
        fields = (self._proc / "stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def resident(self) -> int:
        """Bytes of memory."""
        return self._bytes("VmRSS:")

    def most_resident(self) -> int:
        """Bytes of memory, at most so far."""
        return self._bytes("VmHWM:")

    def _bytes(self, field: str) -> int:
        lines = (self._proc / "status").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(field))
