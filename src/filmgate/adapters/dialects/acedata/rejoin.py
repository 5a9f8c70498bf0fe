"""Requests that are sent again after a timeout, and what they wait for."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable

_TTL = 30.0
_ROOM = 10_000


class Rejoin:
    """Remembers for 30 s after a 504 which task goes on.

    Clients send a request again after a 504, without an idempotency key: it has to wait for the same task, not make
    another one. The oldest of more than 10,000 is forgotten.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._told: dict[tuple[str, bytes], tuple[str, float]] = {}

    def remember(self, credential_id: str, body: bytes, task_id: str, *, longer: float = 0.0) -> None:
        """Note, for 30 s and so much longer, that this body is about a task that goes on."""
        key = _key(credential_id, body)
        self._told.pop(key, None)
        while len(self._told) >= _ROOM:
            del self._told[next(iter(self._told))]
        self._told[key] = (task_id, self._clock() + _TTL + longer)

    def find(self, credential_id: str, body: bytes) -> str | None:
        """Give the task that the same body of the same key is about; None if there is none."""
        task_id, until = self._told.get(_key(credential_id, body), (None, 0.0))
        return task_id if until > self._clock() else None

    def forget(self, credential_id: str, body: bytes) -> None:
        """Note that the body has been answered: sent once more, it is a new one."""
        self._told.pop(_key(credential_id, body), None)


def _key(credential_id: str, body: bytes) -> tuple[str, bytes]:
    return credential_id, hashlib.sha256(body).digest()
