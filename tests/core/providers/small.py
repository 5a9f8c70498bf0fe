"""A small provider, for what an account does with one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from filmgate.adapters.outbound.provider_client import HttpProviderClient
from filmgate.domain.capabilities import Capabilities
from filmgate.domain.failures import Failure
from filmgate.domain.generation import Generation, ReferenceKind
from filmgate.domain.states import State
from filmgate.ports.provider import InputMode, Status, Submission, TaskRef
from filmgate.ports.transport import ProviderClient

ORDER = Submission("key", Generation("a lake"))


_A_CROWD = 32


class Asked(NamedTuple):
    """A query as it came in."""

    at: float
    ids: list[str]


class Small:
    """Knows every task but those in `strange`; `troubles` are raised one after the other, whatever is asked.

    It answers while `answering` is set; `crowded` is set once so many questions are open at a time.
    """

    type = "small"
    means: Mapping[ReferenceKind, tuple[InputMode, ...]] = {}
    searches = False
    discards = False

    def __init__(self, batch: int = 1) -> None:
        self.line: ProviderClient = HttpProviderClient("http://127.0.0.1:9", {})
        self.batch = batch
        self.asked: list[Asked] = []
        self.strange: set[str] = set()
        self.troubles: list[Exception] = []
        self.answering = asyncio.Event()
        self.answering.set()
        self.crowded = asyncio.Event()
        self.at_once = 0
        self.most = 0

    def capabilities(self, model: str | None) -> Capabilities:
        """Report that it can what there is to ask for."""
        del model
        return Capabilities()

    def refuse(self, generation: Generation) -> Failure | None:
        """Refuse nothing."""
        del generation

    async def submit(self, submission: Submission) -> TaskRef:
        """Accept it, unless there is trouble."""
        if self.troubles:
            raise self.troubles.pop(0)
        return TaskRef(submission.key)

    async def query(self, ids: Sequence[str]) -> list[Status]:
        """Return the tasks it knows, the last first."""
        self.asked.append(Asked(time.monotonic(), list(ids)))
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        if self.at_once >= _A_CROWD:
            self.crowded.set()
        try:
            await self.answering.wait()
        finally:
            self.at_once -= 1
        if self.troubles:
            raise self.troubles.pop(0)
        return [Status(TaskRef(each), State.PROCESSING) for each in reversed(ids) if each not in self.strange]

    async def find(self, submission: Submission, since: float) -> list[Status]:
        """Find nothing, unless there is trouble."""
        del submission, since
        if self.troubles:
            raise self.troubles.pop(0)
        return []

    async def discard(self, task_id: str) -> None:
        """Forget nothing, unless there is trouble."""
        del task_id
        if self.troubles:
            raise self.troubles.pop(0)

    @property
    def queries(self) -> list[list[str]]:
        """The ids of each query so far."""
        return [each.ids for each in self.asked]
