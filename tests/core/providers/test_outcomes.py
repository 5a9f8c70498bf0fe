"""What at a provider is certainly a submit without an answer, and what only resembles it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from filmgate.adapters.ledger.sqlite import SqliteLedger
from filmgate.core.providers.account import Account
from filmgate.core.providers.outcomes import SKEW, IdentifiedTask, identify, unknown_until
from filmgate.domain.accounts import AccountSettings
from filmgate.domain.generation import Generation
from filmgate.domain.states import Stage, State
from filmgate.domain.task import Resemblance, SubmitAttempt, WorkState
from filmgate.ports.provider import Status, Submission, TaskRef
from filmgate.ports.tasks import Change
from tests.core.providers.small import Small
from tests.ledger.examples import CANCELLED, NOW, A, B, submitted

LAKE = Generation("a lake")
ASKED = SubmitAttempt("the-submit-key", NOW)
ORIGINS = {"one": "https://api.example", "two": "https://api.example", "far": "https://other.example"}


class Listing(Small):
    """A provider that lists what it is told to."""

    searches = True

    def __init__(self, *listed: Status) -> None:
        super().__init__()
        self.listed = [*listed]

    async def find(self, submission: Submission, since: float) -> list[Status]:
        """Return the list, whatever is looked for."""
        del submission, since
        return self.listed


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[SqliteLedger]:
    """Open a ledger that knows two engines of one provider, and one of another."""
    opened = SqliteLedger(tmp_path / "ledger.db")
    await opened.open()
    for application in (A, B):
        await opened.add_application(application)
    await opened.set_origins(ORIGINS, NOW)
    yield opened
    await opened.close()


def report(upstream_id: str, prompt: str | None = "a lake", at: float | None = NOW, **more: Any) -> Status:
    """Return what a provider lists."""
    asked = None if prompt is None else Generation(prompt)
    return Status(TaskRef(upstream_id), State.PROCESSING, asked=asked, created_at=at, **more)


async def look(ledger: SqliteLedger, *listed: Status, asked: SubmitAttempt = ASKED, **settings: Any) -> IdentifiedTask:
    """Look for the submit of a task at engine one."""
    account = Account("one", Listing(*listed), AccountSettings(**settings))
    return await identify(account, ledger, Submission(asked.key, LAKE), asked, "the task")


def alike(found: IdentifiedTask) -> list[str]:
    """Return the ids of what only resembles it."""
    assert found.ours is None
    return [each.id for each in found.alike]


async def test_a_mark_is_identity(ledger: SqliteLedger):
    """Whatever the prompt and the time, and whatever else resembles the submit."""
    found = await look(ledger, report("like"), report("ours", "something else", NOW - 9_000, marked=True))
    assert found == IdentifiedTask(TaskRef("ours"))


async def test_a_mark_on_another_tasks_generation_is_not_believed(ledger: SqliteLedger):
    """An id belongs to one task, also for days after that is gone; another generation with the mark is the one."""
    theirs = await submitted(ledger, B, engine="two", upstream_id="ours")
    await ledger.delete(B.id, theirs.id, NOW)
    assert await look(ledger, report("ours", marked=True)) == IdentifiedTask(None)
    again = report("again", marked=True)
    assert await look(ledger, report("ours", marked=True), again) == IdentifiedTask(TaskRef("again"))


async def test_a_resemblance_is_not(ledger: SqliteLedger):
    """One alone with this prompt and time is shown, and no more than that."""
    found = await look(ledger, report("like"))
    assert found == IdentifiedTask(None, (Resemblance("like", NOW),))


@pytest.mark.parametrize(
    ("listed", "ours", "candidates"),
    [
        ([], None, []),
        ([report("like")], "like", []),
        ([report("like", " a lake\n")], "like", []),
        ([report("like"), report("alike")], None, ["like", "alike"]),
        ([report("like"), report("silent", None)], None, ["like", "silent"]),
        ([report("other", "a river")], None, ["other"]),
        ([report("silent", None)], None, ["silent"]),
        ([report("timeless", at=None)], None, ["timeless"]),
        ([report("late", at=NOW + 30 + SKEW + 1)], None, []),
        ([report("like"), report("late", at=NOW + 30 + SKEW + 1)], "like", []),
    ],
)
async def test_of_an_exclusive_account_the_only_candidate_is_it(
    ledger: SqliteLedger, listed: list[Status], ours: str | None, candidates: list[str]
):
    """If it tells this prompt, and a time at which the submit was being sent."""
    found = await look(ledger, *listed, exclusive=True)
    assert found.ours == (ours and TaskRef(ours))
    assert [each.id for each in found.alike] == candidates


async def test_what_another_task_has_is_no_candidate(ledger: SqliteLedger):
    """Through whichever engine it came, and also when that task is gone; an id of another provider says nothing."""
    await submitted(ledger, B, engine="two", upstream_id="theirs")
    gone = await submitted(ledger, B, engine="one", upstream_id="deleted")
    await ledger.delete(B.id, gone.id, NOW)
    await submitted(ledger, B, engine="far", upstream_id="like")
    found = await look(ledger, report("theirs"), report("deleted"), report("like"), exclusive=True)
    assert found == IdentifiedTask(TaskRef("like"))


@pytest.mark.parametrize("stage", [Stage.SUBMITTING, Stage.SUBMIT_UNKNOWN])
@pytest.mark.parametrize("engine", ["one", "two", "far"])
async def test_while_another_submit_may_be_meant_none_is_chosen(ledger: SqliteLedger, stage: Stage, engine: str):
    """One with the same prompt at the same provider, of any tenant, until it is answered and no more looked for."""
    other = await submitted(ledger, B, engine=engine, generation=LAKE)
    work = WorkState(asked=SubmitAttempt("another-key", NOW))
    await ledger.commit(Change(task_id=other.id, fence=0, now=NOW, stage=stage, work=work))
    here = engine != "far"
    assert (await look(ledger, report("like"), exclusive=True)).ours == (None if here else TaskRef("like"))
    await ledger.cancel(B.id, other.id, CANCELLED, NOW)
    assert (await look(ledger, report("like"), exclusive=True)).ours == (None if here else TaskRef("like"))
    await ledger.settle_seek(other.id, None, NOW)
    assert (await look(ledger, report("like"), exclusive=True)).ours == TaskRef("like")


async def test_another_prompt_that_is_open_is_no_other_claim(ledger: SqliteLedger):
    """Submits that cannot be meant do not keep one from its generation."""
    other = await submitted(ledger, B, engine="one", generation=Generation("a river"))
    work = WorkState(asked=SubmitAttempt("another-key", NOW))
    await ledger.commit(Change(task_id=other.id, fence=0, now=NOW, stage=Stage.SUBMITTING, work=work))
    assert (await look(ledger, report("like"), exclusive=True)).ours == TaskRef("like")


async def test_a_submit_of_an_uncertain_time_is_looked_for_up_to_its_latest(ledger: SqliteLedger):
    """After a restore it may have been sent at any moment since the backup."""
    late = report("late", at=NOW + 5_000)
    assert alike(await look(ledger, late)) == []
    uncertain = SubmitAttempt(ASKED.key, NOW, latest=NOW + 5_000)
    assert alike(await look(ledger, late, asked=uncertain)) == ["late"]


def test_a_submit_is_held_for_days():
    """Seven from the submit on, or as many as the account says; also where there is no such account any more."""
    assert unknown_until(ASKED, None) == NOW + 7 * 86_400
    assert unknown_until(ASKED, AccountSettings(unknown_days=0.5)) == NOW + 43_200
