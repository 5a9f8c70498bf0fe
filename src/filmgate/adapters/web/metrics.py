"""How many requests were answered."""

from __future__ import annotations

from collections import defaultdict


class RequestCounter:
    """Counts requests by dialect and status: one addition to a dictionary, so that the fast path can afford it."""

    def __init__(self) -> None:
        self._counts: defaultdict[tuple[str, int], int] = defaultdict(int)

    def count(self, dialect: str, status: int) -> None:
        """Count one answered request."""
        self._counts[dialect, status] += 1

    def items(self) -> list[tuple[tuple[str, int], int]]:
        """Return the counts so far."""
        return list(self._counts.items())
