"""The port of the clock."""

from __future__ import annotations

from collections.abc import Callable

Clock = Callable[[], float]
"""Return the time in unix seconds."""
