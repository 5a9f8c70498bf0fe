"""What becomes of a task whose submit has no known outcome, and of the search for one whose owner has given up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from filmgate.core.providers.cancel import ProviderCancel
from filmgate.core.providers.outcomes import UNKNOWN
from filmgate.domain.failures import Failure
from filmgate.domain.generation import Generation
from filmgate.domain.states import Stage, State
from filmgate.domain.work import Queue, queue_of
from filmgate.ports.provider import ProviderError, Status, TaskRef
from filmgate.ports.tasks import Change
from tests.core.providers.test_submitting import BEGUN, DAY, ENGINE, LOST, Make, World, world

__all__ = ["world"]

HOUR = 3_600.0
RECALLED = queue_of(Queue.RECALL, ENGINE)


def listing(here: World, *listed: Status | Exception) -> list[str]:
    """Let the provider list something, its last answer for ever; give the ids that it is told to forget."""
    answers, forgotten = [*listed], list[str]()

    async def find(*_: Any) -> list[Status]:
        now = answers.pop(0) if isinstance(answers[0], Exception) and len(answers) > 1 else None
        if isinstance(now, Exception):
            raise now
        return [each for each in answers if isinstance(each, Status)]

    async def discard(task_id: str) -> None:
        forgotten.append(task_id)

    provider: Any = here.provider
    provider.searches = provider.discards = True
    provider.find, provider.discard = find, discard
    here.stands.deadline = lambda _: here.clock.now + HOUR
    return forgotten


def like(upstream_id: str, **more: Any) -> Status:
    """Return a generation with the prompt and the time of the task's submit."""
    return Status(TaskRef(upstream_id), State.PROCESSING, asked=Generation("a lake"), created_at=BEGUN, **more)


async def limit(here: World) -> float | None:
    """Return when a task is ended by the clock."""
    return await here.ledger.next_work(Queue.EXPIRE)


@pytest.mark.parametrize(("settings", "days"), [({}, 7), ({"unknown_days": 0.25}, 0.25)])
async def test_an_unknown_outcome_has_days(world: Make, tmp_path: Path, settings: dict[str, Any], days: float):
    """From its submit on, whatever the engine's deadline is; it is counted once."""
    here = world(LOST, **settings)
    await here.accept()
    await here.go_on(DAY, tmp_path)
    assert (await here.task()).deadline_at == BEGUN + days * DAY
    assert await limit(here) == BEGUN + days * DAY
    assert here.account.unknown == 1


async def test_a_submit_that_was_cut_off_by_a_crash_has_them_too(world: Make, tmp_path: Path):
    """The process died before it read the answer; the next one holds the task."""
    here = world(LOST)
    await here.accept()
    here.account.submit = None  # type: ignore[method-assign,assignment]
    claims = await here.ledger.claim(ENGINE, "worker", BEGUN, 60.0)
    with pytest.raises(TypeError):
        await here.submitting.stages[Stage.SUBMIT](here.work_context.attempt(claims[0]), tmp_path)
    assert (await here.task()).stage is Stage.SUBMITTING
    await here.ledger.release_leases("worker")
    await here.go_on(2 * DAY, tmp_path)
    task = await here.task()
    assert (task.stage, task.deadline_at) == (Stage.SUBMIT_UNKNOWN, BEGUN + 7 * DAY)
    assert await limit(here) == BEGUN + 7 * DAY


@pytest.mark.parametrize("known", ["marked", "exclusive"])
async def test_what_turns_up_later_has_the_engines_time(world: Make, tmp_path: Path, known: str):
    """It was found after two days, when the engine's first deadline had long passed."""
    here = world(LOST, exclusive=known == "exclusive")
    listing(here)
    here.provider.find = _nothing  # type: ignore[method-assign]
    await here.accept()
    await here.go_on(2 * DAY, tmp_path)
    assert (await here.task()).stage is Stage.SUBMIT_UNKNOWN
    listing(here, like("theirs", marked=known == "marked"))
    await here.go_on(600, tmp_path)
    task = await here.task()
    assert (task.stage, task.upstream_id) == (Stage.POLL, "theirs")
    assert task.deadline_at == await limit(here)
    assert BEGUN + 2 * DAY + HOUR <= (task.deadline_at or 0) <= BEGUN + 2 * DAY + HOUR + 600
    assert len(here.keys) == 1


async def _nothing(*_: Any) -> list[Status]:
    return []


@pytest.mark.parametrize("exclusive", [False, True])
async def test_a_resemblance_holds_a_task(world: Make, tmp_path: Path, exclusive: bool):
    """Also where the admin lets it be sent again: it was probably accepted. Without one it is sent again, once."""
    here = world(LOST, on_unknown="submit_again", exclusive=exclusive)
    listing(here, like("one"), like("two"))
    await here.accept()
    await here.go_on(DAY, tmp_path)
    task = await here.task()
    assert task.work.asked is not None
    assert [each.id for each in task.work.asked.alike] == ["one", "two"]
    assert (task.stage, len(here.keys)) == (Stage.SUBMIT_UNKNOWN, 1)
    listing(here)
    here.provider.find = _nothing  # type: ignore[method-assign]
    await here.go_on(DAY, tmp_path)
    task = await here.task()
    assert task.work.asked is not None
    assert (task.stage, task.work.again, task.work.asked.alike) == (Stage.SUBMIT_UNKNOWN, True, ())
    assert len(set(here.keys)) == len(here.keys) == 2
    assert task.deadline_at == task.work.asked.at + 7 * DAY == await limit(here)


@pytest.mark.parametrize("outage", [0, 6])
async def test_a_list_that_cannot_be_read_counts_as_no_look(world: Make, tmp_path: Path, outage: int):
    """A task is sent again only after as many searches that found nothing, however many could not be made."""
    here = world(LOST, on_unknown="submit_again")
    looks = []

    async def find(*_: Any) -> list[Status]:
        if len(here.keys) == 1:
            looks.append(here.clock.now)
            if len(looks) <= outage:
                raise ProviderError("Down.")
        return []

    listing(here)
    here.provider.find = find  # type: ignore[method-assign]
    await here.accept()
    await here.go_on(DAY, tmp_path)
    assert (len(here.keys), len(looks)) == (2, outage + 4)


async def test_a_task_that_is_sent_again_has_the_engines_time(world: Make, tmp_path: Path):
    """In the commit that sends it on: a crash in between leaves it neither held nor overdue."""
    here = world(LOST, TaskRef("theirs"), on_unknown="submit_again")
    here.stands.deadline = lambda _: here.clock.now + HOUR
    await here.accept()
    await here.go_on(0, tmp_path)
    task = await here.task()
    assert (task.stage, task.work.again, task.work.asked) == (Stage.SUBMIT, True, None)
    assert task.deadline_at == BEGUN + HOUR == await limit(here)


async def test_a_policy_to_fail_fails(world: Make, tmp_path: Path):
    """Whatever resembles it."""
    here = world(LOST, on_unknown="fail")
    listing(here, like("one"))
    await here.accept()
    await here.go_on(DAY, tmp_path)
    assert (await here.task()).failure == UNKNOWN


async def test_a_task_with_anothers_id_has_the_days(world: Make, tmp_path: Path):
    """It is held like any of an unknown outcome."""
    here = world(TaskRef("their-task"))
    for name in ("one", "two"):
        await here.accept(name)
        await here.go_on(1, tmp_path)
    two = await here.task("two")
    assert two.work.asked is not None
    assert (two.stage, two.deadline_at) == (Stage.SUBMIT_UNKNOWN, two.work.asked.at + 7 * DAY)
    assert await limit(here) == two.deadline_at


async def given_up(here: World, folder: Path, *listed: Status | Exception) -> list[str]:
    """Let the owner of a held task give up, and the search for it go on for a day: what was deleted."""
    listing(here)
    here.provider.find = _nothing  # type: ignore[method-assign]
    await here.accept()
    await here.go_on(1, folder)
    await here.ledger.cancel("app", "task", Failure("cancelled", "Cancelled."), here.clock.now)
    forgotten = listing(here, *listed)
    recalling = ProviderCancel({ENGINE: here.account}, here.ledger, here.stands, here.clock)
    end = here.clock.now + DAY
    while (due := await here.ledger.next_work(RECALLED)) is not None and due < end:
        here.clock.now = max(here.clock.now, due)
        for claim in await here.ledger.claim(RECALLED, "worker", here.clock.now, 60.0):
            await recalling.work(claim)
    return forgotten


async def test_only_what_has_the_mark_is_taken_back(world: Make, tmp_path: Path):
    """What resembles it beside that stays, and the id is known from then on."""
    here = world(LOST)
    marked = msgspec.structs.replace(like("ours", marked=True), asked=Generation("in other words"))
    assert await given_up(here, tmp_path, like("theirs"), marked) == ["ours"]
    assert await here.ledger.find_upstream(ENGINE, ["ours", "theirs"]) == {"ours": "task"}


async def test_what_resembles_a_submit_is_not_taken_back(world: Make, tmp_path: Path, caplog: pytest.LogCaptureFixture):
    """It may be somebody else's; the log names it."""
    assert await given_up(world(LOST), tmp_path, like("theirs")) == []
    assert "only theirs resembles it" in caplog.text


@pytest.mark.parametrize(("listed", "forgotten"), [(1, ["like-0"]), (2, [])])
async def test_of_an_exclusive_account_the_only_candidate_is(
    world: Make, tmp_path: Path, listed: int, forgotten: list[str]
):
    """Of two that look alike nobody knows which one is unwanted."""
    here = world(LOST, exclusive=True)
    assert await given_up(here, tmp_path, *(like(f"like-{number}") for number in range(listed))) == forgotten


async def test_a_list_that_cannot_be_read_says_nothing(world: Make, tmp_path: Path):
    """It is looked at for hours, as a provider's outage lasts."""
    down = [ProviderError("Down.") for _ in range(5)]
    assert await given_up(world(LOST), tmp_path, *down, like("ours", marked=True)) == ["ours"]


async def test_what_an_admin_has_given_to_another_task_is_not_taken_back(world: Make, tmp_path: Path):
    """Its id is known as that task's."""
    here = world(LOST)
    await here.accept("other")
    await here.go_on(0, tmp_path)
    fence = (await here.task("other")).fence
    decided = Change(task_id="other", fence=fence, now=BEGUN, stage=Stage.POLL, upstream_id="ours", seize=True)
    assert await here.ledger.commit(decided)
    assert await given_up(here, tmp_path, like("ours", marked=True)) == []
