"""An account with a provider: how it is, and one follower that asks about many tasks at once."""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import logging
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from functools import partial
from itertools import count
from typing import Any, NamedTuple, TypeVar

from filmgate.core.providers.breaker import Breaker
from filmgate.core.providers.throttle import Throttle
from filmgate.domain.accounts import AccountSettings
from filmgate.domain.errors import EngineFailed
from filmgate.ports.provider import Provider, ProviderError, Status, Submission, TaskRef
from filmgate.ports.provider_state import AccountState

log = logging.getLogger(__name__)

T = TypeVar("T")

ABSENT = 300.0
"""Seconds for which a provider must say that it does not know a task before the task is lost."""

_AHEAD = 0.25
"""Of the time between two questions: a batch with room left takes along what would be asked so much later."""

_SHORTEST_PROMPT = 4
"""Characters; what is shorter is in every sentence, and tells nothing."""

_QUERIES_AT_ONCE = 32
"""So many wait for an answer: at 100 ms each, a provider without batches can be asked 300 times a second."""


class _Question(NamedTuple):
    at: float
    number: int
    task_id: str
    answer: asyncio.Future[Status | None]


class Account:
    """Submits, and answers questions about tasks in as few requests as the provider allows.

    `requests` counts its queries, `answers` what came of its submits: accepted, refused, not_accepted or unknown,
    `unknown` the tasks that were held as those of an unknown outcome, also those that a crash cut off.
    """

    def __init__(
        self,
        name: str,
        provider: Provider,
        settings: AccountSettings,
        clock: Callable[[], float] = time.monotonic,
        state: AccountState | None = None,
    ) -> None:
        """Take the state that processes share; left out, it is this process's own."""
        breaker, submits, queries = state or local_state(settings, clock)
        self.name = name
        self.provider = provider
        self.settings = settings
        self.submits = breaker
        self.requests = 0
        self.unknown = 0
        self.answers: Counter[str] = Counter()
        self._submit_throttle = submits
        self._query_throttle = queries
        self.clock = clock
        self._known: dict[str, float] = {}
        self._questions: list[_Question] = []
        self._open: dict[str, _Question] = {}
        self._numbers = count()
        self._asked = asyncio.Event()
        self._lines = asyncio.Semaphore(_QUERIES_AT_ONCE)
        self._working: set[asyncio.Task[None]] = set()

    @property
    def followed(self) -> int:
        """How many tasks wait for an answer."""
        return len(self._open)

    @property
    def trouble(self) -> str | None:
        """Why no submit should be sent now, None if one may be."""
        quiet = f"asked for {self._submit_throttle.held:.0f} s of quiet" if self._submit_throttle.held else None
        return self.submits.trouble or quiet

    @property
    def wait(self) -> float:
        """Seconds until a submit should be sent again, 0 if one may be."""
        return max(self.submits.wait, self._submit_throttle.held)

    def start(self) -> None:
        """Ask from now on."""
        self._spawn(self._follow())

    async def close(self) -> None:
        """Stop asking and close the line."""
        for working in list(self._working):
            working.cancel()
        await asyncio.gather(*self._working, return_exceptions=True)
        await self.provider.line.close()

    async def turn(self) -> None:
        """Wait until a submit may go out."""
        await self._submit_throttle.turn()

    async def submit(self, submission: Submission) -> TaskRef:
        """Ask for a generation, once. Raises EngineFailed, ProviderError."""
        try:
            receipt = await self._submit(submission)
        except EngineFailed:
            self.answers["refused"] += 1
            raise
        except ProviderError as trouble:
            self.answers["unknown" if trouble.accepted else "not_accepted"] += 1
            # Why an account is in trouble is logged, and shown to others than the task's owner.
            trouble.message = _without(submission.generation.prompt, trouble.message)
            if trouble.retry_after is not None:
                self._submit_throttle.hold(trouble.retry_after)
            if trouble.account or trouble.accepted:
                self.submits.bad(trouble.message, definite=trouble.account)
            raise
        self.submits.good()
        self.answers["accepted"] += 1
        return receipt

    async def _submit(self, submission: Submission) -> TaskRef:
        try:
            return await self.provider.submit(submission)
        except (EngineFailed, ProviderError):
            raise
        except Exception as error:
            # A defect in a dialect knows nothing of what the provider has done.
            log.exception("engine %s: the answer to a submit was not understood", self.name)
            raise ProviderError(f"{type(error).__name__} while reading the answer", accepted=True) from error

    async def ask(self, task_id: str, pause: float) -> Status | None:
        """Return what the provider says of a task after a pause in seconds; None if it does not know the task.

        Raises ProviderError.
        """
        answer: asyncio.Future[Status | None] = asyncio.get_running_loop().create_future()
        self._put(task_id, pause, answer)
        try:
            return await answer
        finally:
            question = self._open.get(task_id)
            if question is not None and question.answer is answer:
                del self._open[task_id]

    def is_lost(self, task_id: str, since: float) -> bool:
        """Return whether a task that the provider has not known since a time of this clock is lost.

        It is after five minutes, if the provider has told of another task meanwhile: one that has forgotten them all
        is being repaired, perhaps.
        """
        now = self.clock()
        # Twice the longest pause: the other tasks are not asked about more often.
        recent = max(since, now - max(ABSENT, 2 * self.settings.poll_max))
        return now - since >= ABSENT and any(each != task_id and at >= recent for each, at in self._known.items())

    async def look(self, task_ids: Sequence[str]) -> dict[str, Status]:
        """Ask about tasks that nobody follows, one batch at most, and give those of them that the provider knows.

        Raises ProviderError.
        """
        async with self._lines:
            await self._query_throttle.turn()
            found = await self._answers(task_ids)
        return {task_id: found[task_id] for task_id in task_ids if task_id in found}

    async def find(self, submission: Submission, since: float) -> list[Status]:
        """List what a submit may have become, the likeliest first. Raises ProviderError."""
        return await self._in_turn(partial(self.provider.find, submission, since))

    async def discard(self, task_id: str) -> None:
        """Discard a task. Raises ProviderError."""
        await self._in_turn(partial(self.provider.discard, task_id))

    def poll_now(self, task_id: str) -> bool:
        """Ask about a task now if somebody waits for it; False if nobody does."""
        question = self._open.get(task_id)
        if question is not None and question.at > self.clock():
            self._put(task_id, 0.0, question.answer)
        return question is not None

    def next_query(self, task_id: str) -> float | None:
        """Return the seconds until a task is asked about, None if nobody waits for an answer."""
        question = self._open.get(task_id)
        return None if question is None else max(0.0, question.at - self.clock(), self._query_throttle.held)

    def _put(self, task_id: str, pause: float, answer: asyncio.Future[Status | None]) -> _Question:
        question = _Question(self.clock() + pause, next(self._numbers), task_id, answer)
        self._open[task_id] = question
        heapq.heappush(self._questions, question)
        if self._questions[0] is question:
            self._asked.set()
        return question

    async def _follow(self) -> None:
        while True:
            await self._until_due()
            await self._lines.acquire()
            await self._query_throttle.turn()
            batch = self._due()
            if batch:
                self._spawn(self._query(batch))
            else:
                self._lines.release()

    async def _until_due(self) -> None:
        while True:
            self._asked.clear()
            # What nobody waits for any more must not cost a turn.
            while self._questions and not self._waits(self._questions[0]):
                heapq.heappop(self._questions)
            pause = self._questions[0].at - self.clock() if self._questions else None
            if pause is not None and pause <= 0:
                return
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._asked.wait()

    def _waits(self, question: _Question) -> bool:
        """Return whether a caller still waits for it: it may be queued twice, and its caller may have gone."""
        return not question.answer.done() and self._open.get(question.task_id) is question

    def _due(self) -> list[_Question]:
        """Take the questions of one request: those that are due, then those that soon are."""
        ahead = self.clock() + (_AHEAD * self.settings.poll if self.provider.batch > 1 else 0.0)
        batch: dict[str, _Question] = {}
        while self._questions and len(batch) < self.provider.batch and self._questions[0].at <= ahead:
            question = heapq.heappop(self._questions)
            if self._waits(question):
                batch[question.task_id] = question
        return list(batch.values())

    async def _query(self, batch: list[_Question]) -> None:
        try:
            found = await self._answers([question.task_id for question in batch])
        except ProviderError as trouble:
            for question in batch:
                if not question.answer.done():
                    again = ProviderError(trouble.message, account=trouble.account, retry_after=trouble.retry_after)
                    question.answer.set_exception(again)
        else:
            for question in batch:
                if not question.answer.done():
                    question.answer.set_result(found.get(question.task_id))
        finally:
            self._lines.release()

    async def _answers(self, task_ids: Sequence[str]) -> dict[str, Status]:
        """Ask the provider now, and learn from how it answers. Raises ProviderError."""
        self.requests += 1
        try:
            reports = await self.provider.query(task_ids)
        except ProviderError as trouble:
            self._note_trouble(trouble)
            raise
        except Exception as error:
            # A defect in a dialect must not end the following of all tasks.
            log.exception("engine %s: the answer to a query was not understood", self.name)
            misread = ProviderError(f"{type(error).__name__} while reading the answer")
            self._note_trouble(misread)
            raise misread from error
        self.submits.alive()
        for report in reports:
            if report.state is not None:
                self._note_witness(report.receipt.id)
        return {report.receipt.id: report for report in reports}

    def _note_witness(self, task_id: str) -> None:
        """Note that the provider knows a task: of two, one is another than the one that is missed."""
        self._known.pop(task_id, None)
        self._known[task_id] = self.clock()
        if len(self._known) > 2:
            del self._known[next(iter(self._known))]

    async def _in_turn(self, request: Callable[[], Awaitable[T]]) -> T:
        """Send a request when the throttle allows it; errors of lists and deletes say nothing about submits."""
        async with self._lines:
            await self._query_throttle.turn()
            try:
                return await request()
            except ProviderError as trouble:
                self._hold(trouble)
                raise

    def _hold(self, trouble: ProviderError) -> None:
        if trouble.retry_after is not None:
            self._query_throttle.hold(trouble.retry_after)

    def _note_trouble(self, trouble: ProviderError) -> None:
        self._hold(trouble)
        if trouble.retry_after is None:
            self.submits.bad(trouble.message, definite=trouble.account)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        working = asyncio.ensure_future(work)
        self._working.add(working)
        working.add_done_callback(self._working.discard)


def local_state(settings: AccountSettings, clock: Callable[[], float] = time.monotonic) -> AccountState:
    """Return the state of an account that only this process works with."""
    return AccountState(Breaker(clock), Throttle(settings.submit_rate, clock), Throttle(settings.query_rate, clock))


def _without(prompt: str, message: str) -> str:
    """Return a provider's sentence without the prompt that it may repeat."""
    return message.replace(prompt, "(the prompt)") if len(prompt) >= _SHORTEST_PROMPT else message
