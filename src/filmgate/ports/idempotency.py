"""The port of idempotent requests: what a submission is known by when it is sent again."""

from __future__ import annotations

from typing import Protocol

import msgspec

from filmgate.domain.task import Task


class IdempotencyRecord(msgspec.Struct, frozen=True):
    """By what a submit is known when it is sent again, for `lasts` seconds.

    `digest` is of its method, path and body; `key` what the client calls it, if it has a name for it. Without one it is
    known to the holder of the same API key by the digest: `tries` is how often it had been sent before, and what is
    sent again joins only what was sent less often.
    """

    digest: bytes
    lasts: float
    key: str | None = None
    tries: int = 0


class IdempotencyMatch(msgspec.Struct, frozen=True):
    """What was submitted under a client's key: the task, there still or not, and the digest of the submit."""

    task_id: str
    digest: bytes


class IdempotencyLog(Protocol):
    """Records of submissions, so that a repeat is recognised."""

    async def find_idempotent(self, application_id: str, key: str, now: float) -> IdempotencyMatch | None:
        """Find what the application submitted under a key of its own, if that is still remembered."""

    async def rejoin(self, credential_id: str, mark: IdempotencyRecord, now: float) -> str | None:
        """Find the task of the newest submit that this one repeats, and take this one for it.

        That is one without a key of its own, by the same holder, with the same digest, sent fewer times before.
        """

    async def expect(self, task: Task, mark: IdempotencyRecord, now: float) -> None:
        """Remember the submission of a task, so that a repeat is recognised; one with a key already is."""
