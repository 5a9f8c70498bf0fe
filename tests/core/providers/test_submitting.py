"""How often a provider is asked for one task, whatever it answers and however long that goes on."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from filmgate.adapters.dispatch.embedded import EmbeddedDispatcher
from filmgate.adapters.ledger.sqlite import SqliteLedger
from filmgate.core.providers.account import Account
from filmgate.core.providers.submit import ProviderSubmit
from filmgate.core.query.feed import Feed
from filmgate.core.work.attempt import WorkContext
from filmgate.domain.accounts import AccountSettings
from filmgate.domain.errors import EngineFailed
from filmgate.domain.failures import Failure
from filmgate.domain.generation import Generation
from filmgate.domain.states import Stage, State
from filmgate.domain.task import Task
from filmgate.domain.work import Queue, WorkKind, queue_of, work_for
from filmgate.ports.keys import Application
from filmgate.ports.provider import ProviderError, Submission, TaskRef
from filmgate.ports.tasks import RawRequest
from tests.core.providers.small import Small
from tests.support.clock import Clock

ENGINE = "luma"
BEGUN = 1_000_000.0
DAY = 86_400.0

LOST = ProviderError("The answer was lost.", accepted=True)
IN_FLIGHT = ProviderError("The first request is in flight.", accepted=True, retry_after=1)
BUSY = ProviderError("Slow down.", retry_after=30)
NO_KEY = ProviderError("The key is refused.", account=True)
REFUSED = EngineFailed(Failure("rejected_by_provider", "This key was used for another request."))

Answer = TaskRef | Exception


class Counting(Small):
    """A provider that answers submits as it is told, the last answer for ever, and writes down their keys."""

    def __init__(self, clock: Clock, answers: Sequence[Answer]) -> None:
        super().__init__()
        self.clock = clock
        self.answers = list(answers)
        self.posts: list[tuple[float, str]] = []

    async def submit(self, submission: Submission) -> TaskRef:
        """Return the next answer."""
        self.posts.append((self.clock.now, submission.key))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, TaskRef):
            return answer
        raise answer


class Stands:
    """Stands in for what a submit needs beside its account: one engine, no inputs, no deadline."""

    def __init__(self, gone: bool = False) -> None:
        self.gone = gone

    async def origin(self, task: Task) -> None:
        """Go on from nothing."""
        del task

    def next_engine(self, *_: Any) -> None:
        """Know no other engine."""

    async def begin(self, *_: Any) -> None:
        """Start no clock."""

    def deadline(self, engine: str) -> float:
        """Return the engine all the time there is."""
        del engine
        return math.inf

    async def defer(self, *_: Any) -> bool:
        """Provide all inputs here."""
        return False

    async def forget(self, *_: Any) -> None:
        """Do nothing to forget."""

    async def translate(self, *_: Any) -> tuple[dict[str, Any], tuple[Any, ...]]:
        """Provide no inputs."""
        if self.gone:
            raise EngineFailed(Failure("input_unreachable", "It was deleted."))
        return {}, ()

    def submission(self, engine: str, generation: Generation, key: str, **inputs: Any) -> Submission:
        """Write a submission."""
        del engine
        return Submission(key, generation, **inputs)


class World:
    """A ledger, an account and one task, in a time that passes as fast as there is work."""

    def __init__(self, ledger: SqliteLedger, answers: Sequence[Answer], **settings: Any) -> None:
        self.clock = Clock(BEGUN)
        self.ledger = ledger
        self.provider = Counting(self.clock, answers)
        self.account = Account(ENGINE, self.provider, AccountSettings(**settings), self.clock)
        self.stands: Any = Stands()
        self.work_context = WorkContext(ledger, Feed(), EmbeddedDispatcher(ledger, self.clock), self.clock)
        accounts = {ENGINE: self.account}
        self.submitting = ProviderSubmit(
            accounts, self.stands, self.stands, self.stands, self.stands, self.work_context, self.stands
        )

    @property
    def keys(self) -> list[str]:
        """The keys of the submits, in the order in which they came."""
        return [key for _, key in self.provider.posts]

    @property
    def pauses(self) -> list[float]:
        """The seconds between the submits."""
        times = [at for at, _ in self.provider.posts]
        return [round(later - sooner, 3) for sooner, later in pairwise(times)]

    async def accept(self, task_id: str = "task") -> None:
        """Write a task that is to be submitted."""
        task = Task(
            task_id, "app", "key", "user", "trace", f"video-{task_id}", "native", ENGINE, Generation("a lake"),
            "http://127.0.0.1", None, BEGUN, BEGUN, State.PROCESSING, Stage.SUBMIT, started_at=BEGUN,
        )  # fmt: skip
        await self.ledger.submit(task, RawRequest("native", b"{}"), [work_for(task, WorkKind.ADVANCE, BEGUN)])

    async def task(self, task_id: str = "task") -> Task:
        """Read a task."""
        found = await self.ledger.get("app", task_id)
        assert found is not None
        return found

    async def go_on(self, seconds: float, folder: Path) -> None:
        """Work off what is due, for so long or until nothing is."""
        end = self.clock.now + seconds
        most = len(self.provider.posts) + 200
        queues = (ENGINE, queue_of(Queue.LOOKUP, ENGINE))
        while True:
            times = [at for queue in queues if (at := await self.ledger.next_work(queue)) is not None]
            if not times or min(times) > end:
                self.clock.now = end
                return
            assert len(self.provider.posts) < most, "it is submitted again and again"
            self.clock.now = max(self.clock.now, min(times))
            for queue in queues:
                for claim in await self.ledger.claim(queue, "worker", self.clock.now, 3600):
                    attempt = self.work_context.attempt(claim)
                    try:
                        while not attempt.over:
                            await self.submitting.stages[attempt.task.stage](attempt, folder)
                    except EngineFailed as error:
                        await attempt.end(error.failure)


Make = Callable[..., World]


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[Make]:
    """Make a world with these answers and settings."""
    ledger = SqliteLedger(tmp_path / "filmgate.db")
    await ledger.open()
    await ledger.add_application(Application("app", "app", "user", BEGUN))
    yield lambda *answers, **settings: World(ledger, answers, **settings)
    await ledger.close()


@contextmanager
def quiet(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Check that nothing has a traceback in the log."""
    yield
    assert not [record for record in caplog.records if record.exc_info]


@pytest.mark.parametrize("first", [LOST, IN_FLIGHT], ids=["lost", "in flight"])
async def test_an_unknown_outcome_is_submitted_once(world: Make, tmp_path: Path, first: Exception):
    """Where the provider knows no keys the task is held, over a month, and the breaker has noted it."""
    here = world(first)
    await here.accept()
    await here.go_on(30 * DAY, tmp_path)
    assert len(here.keys) == 1
    assert (await here.task()).stage is Stage.SUBMIT_UNKNOWN


async def test_unknown_outcomes_open_the_breaker_and_nothing_is_sent_again(world: Make, tmp_path: Path):
    """Five of them in a row are enough; while it is open a new task is not sent, and none is sent twice."""
    here = world(LOST)
    for number in range(5):
        await here.accept(f"task-{number}")
    await here.go_on(1, tmp_path)
    assert len(here.keys) == 5
    assert here.account.trouble is not None
    await here.accept("late")
    await here.go_on(2, tmp_path)
    assert len(here.keys) == 5
    await here.go_on(DAY, tmp_path)
    assert len(here.keys) == len(set(here.keys)) == 6


@pytest.mark.parametrize(
    "repeated", [IN_FLIGHT, BUSY, NO_KEY, REFUSED, LOST], ids=["in flight", "busy", "no key", "refused", "lost"]
)
async def test_what_is_said_of_a_repeat_says_nothing_of_the_first_submit(
    world: Make, tmp_path: Path, repeated: Exception
):
    """It is asked again under the same key, later and later, until the answer is a task."""
    here = world(LOST, *[repeated] * 8, TaskRef("their-task"), idempotency_keys=True)
    await here.accept()
    await here.go_on(DAY / 2, tmp_path)
    task = await here.task()
    assert (task.stage, task.upstream_id) == (Stage.POLL, "their-task")
    assert len(here.keys) == 10
    assert len(set(here.keys)) == 1
    assert max(here.pauses) >= 600


async def test_a_retry_after_is_obeyed_between_repeats(world: Make, tmp_path: Path):
    """No repeat comes sooner than the provider has asked for."""
    here = world(LOST, ProviderError("Slow down.", retry_after=450), TaskRef("their-task"), idempotency_keys=True)
    await here.accept()
    await here.go_on(DAY / 2, tmp_path)
    assert here.pauses[1] >= 450
    assert (await here.task()).upstream_id == "their-task"


@pytest.mark.parametrize(("settings", "hours"), [({}, 23), ({"idempotency_hours": 2}, 2)], ids=["default", "two"])
async def test_no_repeat_is_sent_once_the_key_may_be_forgotten(
    world: Make, tmp_path: Path, settings: dict[str, Any], hours: float
):
    """A repeat would be a second task then: the submit is held like any of an unknown outcome."""
    here = world(IN_FLIGHT, idempotency_keys=True, **settings)
    await here.accept()
    await here.go_on(30 * DAY, tmp_path)
    assert len(here.keys) > 10
    assert len(set(here.keys)) == 1
    assert here.provider.posts[-1][0] - BEGUN < hours * 3600
    assert (await here.task()).stage is Stage.SUBMIT_UNKNOWN


async def test_a_clock_that_was_set_back_makes_no_key_younger(world: Make, tmp_path: Path):
    """Who cannot tell how old a key is does not send it."""
    here = world(LOST, idempotency_keys=True)
    await here.accept()
    await here.go_on(5, tmp_path)
    before = len(here.keys)
    here.clock.now -= 20 * 3600
    await here.ledger.clock_moved(-20 * 3600)
    await here.go_on(DAY / 2, tmp_path)
    assert len(here.keys) == before


async def test_a_submit_whose_inputs_are_gone_is_not_repeated(world: Make, tmp_path: Path):
    """It would be another request under the same key."""
    here = world(LOST, TaskRef("their-task"), idempotency_keys=True)
    await here.accept()
    claims = await here.ledger.claim(ENGINE, "worker", here.clock.now, 3600)
    attempt = here.work_context.attempt(claims[0])
    await here.submitting.stages[Stage.SUBMIT](attempt, tmp_path)
    here.stands.gone = True
    while not attempt.over:
        await here.submitting.stages[attempt.task.stage](attempt, tmp_path)
    assert len(here.keys) == 1
    assert (await here.task()).stage is Stage.SUBMIT_UNKNOWN


async def test_two_tasks_with_one_id(world: Make, tmp_path: Path, caplog: pytest.LogCaptureFixture):
    """The first one keeps it; the other is held, sent once, and no traceback is written."""
    here = world(TaskRef("their-task"))
    await here.accept("one")
    await here.go_on(1, tmp_path)
    with quiet(caplog):
        await here.accept("two")
        await here.go_on(DAY, tmp_path)
    assert (await here.task("one")).upstream_id == "their-task"
    other = await here.task("two")
    assert (other.stage, other.upstream_id) == (Stage.SUBMIT_UNKNOWN, None)
    assert len(here.keys) == 2


async def test_a_refusal_that_is_certain_goes_round_with_a_new_key(world: Make, tmp_path: Path):
    """A rate that is exhausted is waited for, no longer than the provider asks, and ten minutes at most."""
    here = world(ProviderError("Slow down.", retry_after=1e9), TaskRef("their-task"))
    await here.accept()
    await here.go_on(DAY, tmp_path)
    assert (await here.task()).upstream_id == "their-task"
    assert len(set(here.keys)) == 2
    assert here.pauses == [600]


async def test_a_defect_of_a_dialect_is_an_unknown_outcome(world: Make, tmp_path: Path):
    """Nobody knows what the provider has done with what it was sent."""
    here = world(KeyError("state"))
    await here.accept()
    await here.go_on(DAY, tmp_path)
    assert len(here.keys) == 1
    assert (await here.task()).stage is Stage.SUBMIT_UNKNOWN


async def test_a_followed_task_is_handed_over(world: Make, tmp_path: Path):
    """What was accepted is followed."""
    here = world(TaskRef("their-task"))
    await here.accept()
    await here.go_on(1, tmp_path)
    assert await here.ledger.next_work(queue_of(Queue.POLL, ENGINE)) is not None
