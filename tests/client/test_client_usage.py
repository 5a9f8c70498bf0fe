"""What the client tells of usage and rules."""

from __future__ import annotations

import pytest

from filmgate.client import AsyncFilmgate, Filmgate, NotFound, QuotaExceeded
from tests.support.service import RunningService


async def test_usage_and_rules(service: RunningService):
    """A rule that is set refuses what it does not allow, with an error of its own, in both clients."""
    key = service.run("keys", "create", "--name", "c", "--application", "client usage").stdout.strip()
    with Filmgate(service.url, service.key) as operator, Filmgate(service.url, key) as filmgate:
        standing = operator.set_limits("client usage", credits=1.5, credits_per="day")
        assert (standing.credits.left, standing.limits.credits_per, standing.own.task_days) == (1.5, "day", None)
        assert filmgate.wait(filmgate.submit("x", duration=1), timeout=60).credits == 1
        with pytest.raises(QuotaExceeded, match=r"0\.5 of 1\.5 are left today") as refused:
            filmgate.submit("x", duration=1)
        assert (refused.value.status, refused.value.code) == (403, "quota_exceeded")
        usage = filmgate.usage()
        assert (usage.total.completed, usage.total.credits, usage.now.credits.left) == (1, 1, 0.5)
        assert usage.now in [each.now for each in operator.all_usage(since=usage.until)]
        assert usage.now in operator.limits()
        with pytest.raises(NotFound):
            operator.set_limits("nobody", credits=None)
    async with AsyncFilmgate(service.url, key) as other:
        assert (await other.usage(since=usage.since, until=usage.until)).days == usage.days
        with pytest.raises(QuotaExceeded):
            await other.submit("x", duration=1)
