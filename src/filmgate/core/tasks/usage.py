"""What applications may use and have used, for those who ask."""

from __future__ import annotations

import datetime
import math

import msgspec

from filmgate.domain.errors import InvalidRequest, NotFound
from filmgate.domain.limits import OwnLimits
from filmgate.domain.periods import Period
from filmgate.domain.usage import QuotaStatus, Tally, Usage, day_of
from filmgate.ports.clock import Clock
from filmgate.ports.context import RequestContext
from filmgate.ports.ledger import Ledger


class UsageReport(msgspec.Struct, frozen=True):
    """How an application stands, and what it has used from the first to the last day."""

    standing: QuotaStatus
    first: str
    last: str
    usage: Usage


class UsageService:
    """Reports usage and keeps the rules of applications."""

    def __init__(self, ledger: Ledger, clock: Clock) -> None:
        self._ledger = ledger
        self._clock = clock

    @property
    def now(self) -> float:
        """The time by which periods begin, in unix seconds."""
        return self._clock()

    async def standing(self, context: RequestContext) -> QuotaStatus:
        """Return how the caller's application stands."""
        return await self._ledger.accounts.standing(context.caller.application_id, self._clock())

    async def report(self, context: RequestContext, since: str | None = None, until: str | None = None) -> UsageReport:
        """Report on the caller's application, of this month unless days are given. Raises InvalidRequest."""
        return await self._report(await self.standing(context), *self._days(since, until))

    async def ever(self, context: RequestContext) -> Tally:
        """Return all counts of the caller's application."""
        first, last = datetime.date.min.isoformat(), datetime.date.max.isoformat()
        return (await self._ledger.accounts.usage(context.caller.application_id, first, last)).total

    async def reports(self, since: str | None = None, until: str | None = None) -> list[UsageReport]:
        """Report on all applications, by name; callers check the admin role."""
        days = self._days(since, until)
        return [await self._report(standing, *days) for standing in await self.standings()]

    async def standings(self) -> list[QuotaStatus]:
        """Return the quota status of all applications, by name; callers check the admin role."""
        return await self._ledger.accounts.standings(self._clock())

    async def change_limits(self, application: str, changes: dict[str, float | Period | None]) -> QuotaStatus:
        """Set some rules of an application, given by name or id; one that is None is that for all from now on.

        Raises NotFound, InvalidRequest naming the rule.
        """
        for name, value in changes.items():
            if isinstance(value, int | float) and not (value >= 0 and math.isfinite(value)):
                raise InvalidRequest(f"{name} must be a number from 0 on", field=name)
        found = [each for each in await self.standings() if application in (each.name, each.application_id)]
        if not found:
            raise NotFound(f"There is no application {application}.")
        own: OwnLimits = msgspec.structs.replace(found[0].own, **changes)
        await self._ledger.accounts.set_limits(found[0].application_id, own)
        return await self._ledger.accounts.standing(found[0].application_id, self._clock())

    async def _report(self, standing: QuotaStatus, first: str, last: str) -> UsageReport:
        usage = await self._ledger.accounts.usage(standing.application_id, first, last)
        return UsageReport(standing, first, last, usage)

    def _days(self, since: str | None, until: str | None) -> tuple[str, str]:
        last = _day(until or day_of(self._clock()), "until")
        first = _day(since, "since") if since else last.replace(day=1)
        return first.isoformat(), last.isoformat()


def _day(text: str, field: str) -> datetime.date:
    try:
        return datetime.date.fromisoformat(text)
    except ValueError as error:
        raise InvalidRequest(f"{field} must be a day such as 2026-11-22", field=field) from error
