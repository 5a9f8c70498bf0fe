"""Pauses between tries: longer from try to try, and spread so that many clients do not come back at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

_MOST_DOUBLINGS: Final = 64
"""Beyond these any pause is at its limit; a power of a large count would be no number."""


def exponential(tries: int, first: float, longest: float) -> float:
    """Return the seconds to pause after so many earlier tries: `first`, doubled by each, up to `longest`."""
    return min(longest, first * 2.0 ** min(tries, _MOST_DOUBLINGS))


def step(tries: int, pauses: Sequence[float], last: float | None = None) -> float:
    """Return the pause for so many earlier tries; `last` from the end on, or the last of them."""
    if tries < len(pauses):
        return pauses[tries]
    return pauses[-1] if last is None else last


def spread(pause: float, least: float, most: float, chance: Callable[[], float]) -> float:
    """Return a pause times a factor between `least` and `most`, by a chance from 0 to 1."""
    return pause * (least + (most - least) * chance())
