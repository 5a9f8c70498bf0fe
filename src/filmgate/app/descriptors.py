"""File descriptors: how many there are, and how many of them may be connections of clients."""

from __future__ import annotations

import contextlib
import resource
from pathlib import Path
from typing import Final

from filmgate.adapters.web.connections import ADMIN_CONNECTIONS

_MOST: Final = 1 << 20
"""Descriptors that are asked for at most: where there is no limit, programs that try all of them would not end."""

_LEAST_CONNECTIONS: Final = 16
_LARGEST_RESERVE: Final = 1024
_USED_AT_START: Final = 64


def raise_limit() -> int:
    """Raise the soft limit of descriptors to the hard one, and return it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MOST if hard == resource.RLIM_INFINITY else min(hard, _MOST)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(ValueError, OSError):  # the system may allow fewer than it says
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return _MOST if soft == resource.RLIM_INFINITY else soft


def connections_within(limit: int, used: int) -> int:
    """Return the limit of connected clients for a number of descriptors, some of them in use.

    A quarter of them is kept for the ledger, the store, engines, providers and webhooks, and a few for admins.
    """
    reserve = min(limit // 4, _LARGEST_RESERVE) + ADMIN_CONNECTIONS
    return max(_LEAST_CONNECTIONS, limit - used - reserve)


def in_use() -> int:
    """Return how many descriptors this process has open."""
    try:
        return sum(1 for _ in Path("/proc/self/fd").iterdir())
    except OSError:
        return _USED_AT_START
