"""What applications have used, in numbers that only grow day by day, and what they hold now."""

from __future__ import annotations

import datetime

import msgspec

from filmgate.domain.limits import PLACES, Limits, OwnLimits
from filmgate.domain.periods import Period


class Tally(msgspec.Struct, frozen=True):
    """Numbers of tasks, seconds and bytes of what was made, and credits; each task counts when it ends as it does.

    What is submitted and costs credits counts on the day of the submit, all else on the day of the end. `failed` does
    not count those that their owner has cancelled.
    """

    submitted: int = 0
    completed: int = 0
    failed: int = 0
    cancelled: int = 0
    seconds: float = 0.0
    bytes: int = 0
    credits: float = 0.0


class Usage(msgspec.Struct, frozen=True):
    """The tallies of the days of a time on which anything was counted, and the failures by code."""

    days: dict[str, Tally]
    failures: dict[str, int]

    @property
    def total(self) -> Tally:
        """The sum of the days."""
        rows = [msgspec.structs.astuple(tally) for tally in self.days.values()]
        return Tally(*(round(sum(column), PLACES) for column in zip(*rows, strict=True))) if rows else Tally()


class QuotaStatus(msgspec.Struct, frozen=True):
    """How an application stands: its rules, the credits that the present period has cost, what it holds now."""

    application_id: str
    name: str
    limits: Limits
    own: OwnLimits
    used: float
    pending: int
    processing: int
    files: int
    bytes: int

    @property
    def unfinished(self) -> int:
        """The tasks that have not ended."""
        return self.pending + self.processing

    @property
    def left(self) -> float | None:
        """The credits that are left, None where nothing limits them."""
        return max(0.0, round(self.limits.credits - self.used, PLACES)) if self.limits.credits else None


def day_of(moment: float) -> str:
    """Name the day of a time in unix seconds, such as 2026-11-22, in UTC."""
    return _date(moment).isoformat()


def begin_of(period: Period, now: float) -> str:
    """Name the day a period has begun; before all others for the one without end."""
    today = _date(now)
    first = {Period.DAY: today, Period.MONTH: today.replace(day=1), Period.TOTAL: datetime.date.min}
    return first[period].isoformat()


def next_of(period: Period, now: float) -> str | None:
    """Name the day the next period begins, None if there is none."""
    today = _date(now)
    if period is Period.TOTAL:
        return None
    days = 1 if period is Period.DAY else 32 - today.day
    later = today + datetime.timedelta(days=days)
    return (later if period is Period.DAY else later.replace(day=1)).isoformat()


def _date(moment: float) -> datetime.date:
    return datetime.datetime.fromtimestamp(moment, datetime.UTC).date()
