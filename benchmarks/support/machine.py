"""The machine that a benchmark runs on."""

from __future__ import annotations

import os
import platform


def description() -> str:
    """Return what the figures depend on: the processor, its cores, and the version of Python."""
    return f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
