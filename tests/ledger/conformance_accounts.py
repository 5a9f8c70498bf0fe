"""What every ledger counts, and how it keeps to the credits of an application."""

from __future__ import annotations

import asyncio

import pytest
from msgspec.structs import replace

from filmgate.domain.errors import NotFound, QuotaExceeded
from filmgate.domain.failures import Failure
from filmgate.domain.limits import OwnLimits
from filmgate.domain.media import Output, Role
from filmgate.domain.periods import Period
from filmgate.domain.states import Stage, State
from filmgate.domain.task import Task, WorkState
from filmgate.domain.usage import Tally, Usage
from filmgate.ports.ledger import Ledger
from filmgate.ports.tasks import Change

from .conformance import Tenants
from .examples import CANCELLED, ECHO, A, B, media, output, task

DAY = 86_400.0
FIRST, LAST = "0001-01-01", "9999-12-31"


async def cost(ledger: Ledger, credits_: float, **fields: object) -> Task:
    """Submit a task at such a price."""
    made = task(**{"created_at": 10.0, "updated_at": 10.0, "work": WorkState(credits=credits_), **fields})
    await ledger.submit(made, ECHO, ())
    return made


async def fails(ledger: Ledger, made: Task, code: str = "moderated", **fields: object) -> Task | None:
    """End a task as its engine would, with a failure."""
    change = Change(task_id=made.id, fence=0, now=20.0, state=State.FAILED, failure=Failure(code, "No."), **fields)  # type: ignore[arg-type]
    return await ledger.commit(replace(change, stage=Stage.DONE, finished_at=20.0))


async def completes(ledger: Ledger, made: Task, made_of: Output | None = None) -> None:
    """End a task with its files."""
    change = Change(task_id=made.id, fence=0, now=20.0, output=made_of or output())
    await ledger.commit(replace(change, state=State.COMPLETED, stage=Stage.DONE, finished_at=20.0))


async def used(ledger: Ledger, now: float = 30.0, application: str = A.id) -> float:
    """Return how many credits the present period has cost."""
    return (await ledger.accounts.standing(application, now)).used


async def everything(ledger: Ledger, application: str = A.id) -> Usage:
    """Return all that was ever counted."""
    return await ledger.accounts.usage(application, FIRST, LAST)


class CreditConformance(Tenants):
    """Credits are taken with the task and given back with its failure."""

    async def test_submits_at_once_never_spend_more_than_there_is(self, ledger: Ledger):
        """Of many submits in one moment as many are accepted as the credits allow, and nothing of the others."""
        await ledger.accounts.set_limits(A.id, OwnLimits(credits=10.0))
        tasks = [task(work=WorkState(credits=3.0)) for _ in range(20)]
        outcomes = await asyncio.gather(*(ledger.submit(each, ECHO, ()) for each in tasks), return_exceptions=True)
        assert sum(outcome is None for outcome in outcomes) == 3
        assert {type(outcome) for outcome in outcomes if outcome is not None} == {QuotaExceeded}
        assert len(await ledger.get_many(A.id, [each.id for each in tasks])) == 3
        assert await used(ledger) == 9.0
        assert (await everything(ledger)).total == Tally(submitted=3, credits=9.0)

    async def test_a_refusal_says_what_is_left(self, ledger: Ledger):
        """The sentence names the price, the balance and the period."""
        await ledger.accounts.set_limits(A.id, OwnLimits(credits=4.0, credits_per=Period.DAY))
        await cost(ledger, 2.5)
        with pytest.raises(QuotaExceeded, match=r"^Insufficient credits: this costs 2, and 1.5 of 4 are left today\.$"):
            await cost(ledger, 2.0)
        await cost(ledger, 1.5)
        await cost(ledger, 0.0)

    async def test_fractions_add_up(self, ledger: Ledger):
        """Ten tenths are one, and given back they are nothing."""
        await ledger.accounts.set_limits(A.id, OwnLimits(credits=1.0))
        tasks = [await cost(ledger, 0.1) for _ in range(10)]
        with pytest.raises(QuotaExceeded):
            await cost(ledger, 0.1)
        assert await used(ledger) == 1.0
        for each in tasks:
            await fails(ledger, each)
        assert await used(ledger) == 0.0

    async def test_a_failure_gives_back_once(self, ledger: Ledger):
        """However often its end is committed, cancelled or deleted again, the credits come back once."""
        made = await cost(ledger, 5.0)
        ends = (fails(ledger, made), fails(ledger, made), ledger.cancel(A.id, made.id, CANCELLED, 21.0))
        assert sum(each is not None and each.fence == 0 for each in await asyncio.gather(*ends)) in (1, 2)
        assert await used(ledger) == 0.0
        assert await ledger.delete(A.id, made.id, 22.0)
        assert await used(ledger) == 0.0
        assert (await everything(ledger)).total == Tally(submitted=1, failed=1)

    async def test_a_cancelled_task_gives_back_what_was_not_begun(self, ledger: Ledger):
        """The owner gets the credits back as long as no work has begun; the deadline always gives them back."""
        waiting, running, late = [await cost(ledger, 5.0) for _ in range(3)]
        for begun in (running, late):
            await ledger.commit(Change(task_id=begun.id, fence=0, now=15.0, state=State.PROCESSING, started_at=15.0))
        await ledger.cancel(A.id, waiting.id, CANCELLED, 20.0)
        assert await used(ledger) == 10.0
        await ledger.cancel(A.id, running.id, CANCELLED, 20.0)
        assert await used(ledger) == 10.0
        await ledger.cancel(A.id, late.id, Failure("expired", "Too late."), 20.0)
        assert await used(ledger) == 5.0
        counted = await everything(ledger)
        assert counted.total == Tally(submitted=3, cancelled=2, failed=1, credits=5.0)
        assert counted.failures == {"expired": 1}

    async def test_a_delete_is_a_cancel(self, ledger: Ledger):
        """Deleting what has not ended counts as cancelled, and gives back what was not begun."""
        waiting, done = [await cost(ledger, 5.0) for _ in range(2)]
        await completes(ledger, done)
        for each in (waiting, done):
            assert await ledger.delete(A.id, each.id, 25.0)
        total = (await everything(ledger)).total
        assert (total.submitted, total.completed, total.cancelled, total.credits) == (2, 1, 1, 5.0)

    async def test_credits_come_again_with_the_period(self, ledger: Ledger):
        """A month's credits are there again in the next one, and what is given back late is of the month it was of."""
        await ledger.accounts.set_limits(A.id, OwnLimits(credits=5.0, credits_per=Period.MONTH))
        january = await cost(ledger, 5.0, created_at=30 * DAY)
        await cost(ledger, 5.0, created_at=31 * DAY)
        for refused in (30 * DAY + 1, 31 * DAY + 1):
            with pytest.raises(QuotaExceeded):
                await cost(ledger, 1.0, created_at=refused)
        await fails(ledger, january)
        assert await used(ledger, 31 * DAY + 1) == 5.0

    async def test_credits_in_total_do_not_come_again(self, ledger: Ledger):
        """They are counted since the first task, also where the rule came later."""
        await cost(ledger, 5.0)
        await ledger.accounts.set_limits(A.id, OwnLimits(credits=8.0, credits_per=Period.TOTAL))
        with pytest.raises(QuotaExceeded, match="3 of 8 are left"):
            await cost(ledger, 4.0, created_at=4_000 * DAY)
        await ledger.accounts.set_limits(A.id, OwnLimits(credits=9.0, credits_per=Period.TOTAL))
        await cost(ledger, 4.0, created_at=4_000 * DAY)

    async def test_rules_are_of_one_application(self, ledger: Ledger):
        """Another application has what holds for all, and rules for nobody are refused."""
        own = OwnLimits(task_days=1.0, media_bytes=5, credits=1.0, credits_per=Period.TOTAL)
        await ledger.accounts.set_limits(A.id, own)
        alpha, beta = await ledger.accounts.standings(10.0)
        assert (alpha.name, alpha.own, alpha.limits.task_days, alpha.left) == (A.name, own, 1.0, 1.0)
        assert (beta.name, beta.own, beta.limits.task_days, beta.left) == (B.name, OwnLimits(), 0.0, None)
        for act in (ledger.accounts.set_limits("nobody", own), ledger.accounts.standing("nobody", 1.0)):
            with pytest.raises(NotFound):
                await act


class UsageConformance(Tenants):
    """Usage is counted where tasks are submitted and end."""

    async def test_each_day_has_its_tally(self, ledger: Ledger):
        """Submits count on their day and ends on theirs, each application for itself."""
        made = await cost(ledger, 2.0)
        await cost(ledger, 1.0, created_at=2 * DAY, updated_at=2 * DAY)
        clip = media(made, Role.VIDEO).media
        clip = replace(clip, bytes=700, facts=replace(clip.facts, duration=5.041667))
        await completes(ledger, made, Output(media(made).media, video=clip))
        failing = await cost(ledger, 1.0, created_at=2 * DAY, updated_at=2 * DAY)
        await fails(ledger, failing)
        counted = await everything(ledger)
        assert counted.days == {
            "1970-01-01": Tally(submitted=1, completed=1, failed=1, seconds=5.041667, bytes=710, credits=2.0),
            "1970-01-03": Tally(submitted=2, credits=1.0),
        }
        assert counted.failures == {"moderated": 1}
        assert (await ledger.accounts.usage(A.id, "1970-01-02", LAST)).days.keys() == {"1970-01-03"}
        assert (await everything(ledger, B.id)).total == Tally()

    async def test_what_is_held_follows_the_files(self, ledger: Ledger):
        """Files count with their rows, of tasks and of uploads, until those go."""
        made = task()
        await ledger.submit(made, ECHO, (), [media(made), media(made)])
        upload = media()
        await ledger.add_media(upload)
        standing = await ledger.accounts.standing(A.id, 10.0)
        assert (standing.files, standing.bytes, standing.pending, standing.processing) == (3, 30, 1, 0)
        await ledger.delete(A.id, made.id, 20.0)
        await ledger.drop_upload(A.id, upload.media.token)
        standing = await ledger.accounts.standing(A.id, 30.0)
        assert (standing.files, standing.bytes, standing.unfinished) == (0, 0, 0)
