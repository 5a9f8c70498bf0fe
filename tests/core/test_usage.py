"""What applications may use and have used."""

from __future__ import annotations

import pytest

from filmgate.domain.errors import InvalidRequest, NotFound
from filmgate.domain.periods import Period
from tests.core.small_core import OWNER, STRANGER, Core


async def test_what_was_made_is_counted_for_its_application(core: Core):
    """A report has the month unless days are given; another application has used nothing."""
    await core.finish(await core.submit())
    await core.tasks.cancel(OWNER, (await core.submit()).id)
    report = await core.usage.report(OWNER)
    assert (report.first, report.last) == ("1970-01-01", "1970-01-01")
    total = report.usage.total
    assert (total.submitted, total.completed, total.cancelled, total.failed) == (2, 1, 1, 0)
    assert total.bytes > 0
    assert await core.usage.ever(OWNER) == total
    assert (await core.usage.report(OWNER, "1971-01-01", "1971-02-01")).usage.total.submitted == 0
    assert (await core.usage.report(STRANGER)).usage.total.submitted == 0
    assert (await core.usage.standing(OWNER)).files == 3
    assert core.usage.now == core.clock()


async def test_admins_see_all_applications_by_name(core: Core):
    """Each with its own counts."""
    await core.submit()
    reports = await core.usage.reports()
    assert [(each.standing.name, each.usage.total.submitted) for each in reports] == [("alpha", 1), ("beta", 0)]


@pytest.mark.parametrize("name", ["beta", "app-b"])
async def test_limits_are_set_for_one_application(core: Core, name: str):
    """By its name or id; None is the rule for all again, and others keep theirs."""
    own = await core.usage.change_limits(name, {"credits": 5.0, "credits_per": Period.DAY})
    assert (own.limits.credits, own.limits.credits_per) == (5.0, Period.DAY)
    assert own.left == 5.0
    again = await core.usage.change_limits(name, {"credits": None})
    assert (again.limits.credits, again.limits.credits_per) == (0.0, Period.DAY)
    assert (await core.usage.standing(OWNER)).limits.credits_per is Period.MONTH


@pytest.mark.parametrize("value", [-1.0, float("inf"), float("nan")])
async def test_limits_that_are_no_numbers_are_refused(core: Core, value: float):
    """With the name of the rule, and nothing is set."""
    with pytest.raises(InvalidRequest, match="credits must be a number") as refused:
        await core.usage.change_limits("alpha", {"task_days": 3.0, "credits": value})
    assert refused.value.field == "credits"
    assert (await core.usage.standing(OWNER)).limits.task_days == 0


async def test_unknown_applications_and_days_are_errors(core: Core):
    """Each names what was wrong."""
    with pytest.raises(NotFound, match="nobody"):
        await core.usage.change_limits("nobody", {})
    for field, days in (("since", ("yesterday", None)), ("until", (None, "2026-13-01"))):
        with pytest.raises(InvalidRequest, match=f"{field} must be a day") as refused:
            await core.usage.report(OWNER, *days)
        assert refused.value.field == field
