"""The answers of the service about usage, under the client's names, and the rules that can be set."""

from __future__ import annotations

from typing import TypeAlias, TypedDict

from filmgate import api


class Changes(TypedDict, total=False):
    """Rules of an application to set: None is what holds for all, 0 switches a rule off.

    `task_days` and `media_days` are how long ended tasks and their files are kept, `media_bytes` how many bytes of
    files; `credits` are what tasks may cost, `credits_per` "day", "month" or "total".
    """

    task_days: float | None
    media_days: float | None
    media_bytes: int | None
    credits: float | None
    credits_per: str | None


Credits: TypeAlias = api.NativeCredits
Day: TypeAlias = api.NativeDay
Limits: TypeAlias = api.NativeLimits
OwnLimits: TypeAlias = api.NativeOwnLimits
Standing: TypeAlias = api.NativeStanding
Tally: TypeAlias = api.NativeTally
Usage: TypeAlias = api.NativeUsage
