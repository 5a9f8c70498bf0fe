"""What the service answers about usage. Fields that a newer service adds are left out."""

from __future__ import annotations

from typing import TypedDict

import msgspec


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


class Limits(msgspec.Struct, frozen=True):
    """The rules for an application; 0 is one that is off."""

    task_days: float = 0.0
    media_days: float = 0.0
    media_bytes: int = 0
    credits: float = 0.0
    credits_per: str = "month"


class OwnLimits(msgspec.Struct, frozen=True):
    """The rules that an application has of its own; None is what holds for all."""

    task_days: float | None = None
    media_days: float | None = None
    media_bytes: int | None = None
    credits: float | None = None
    credits_per: str | None = None


class Credits(msgspec.Struct, frozen=True):
    """The credits of the present period; `limit` and `left` are None where nothing limits them.

    `renews` is the day on which there are as many again, None where they do not renew.
    """

    used: float
    limit: float | None = None
    left: float | None = None
    per: str = "month"
    renews: str | None = None


class Standing(msgspec.Struct, frozen=True):
    """How an application stands: its rules, those that are its own, its credits, and what it has and holds now."""

    application_id: str
    application: str
    limits: Limits
    own: OwnLimits
    credits: Credits
    unfinished: int = 0
    files_held: int = 0
    bytes_held: int = 0


class StandingList(msgspec.Struct, frozen=True):
    """How the service lists applications."""

    applications: tuple[Standing, ...]


class Tally(msgspec.Struct, frozen=True):
    """Numbers of tasks, seconds of video and bytes of what was made, and the credits that tasks have cost."""

    submitted: int = 0
    completed: int = 0
    failed: int = 0
    cancelled: int = 0
    seconds: float = 0.0
    bytes: int = 0
    credits: float = 0.0


class Day(Tally, frozen=True, kw_only=True):
    """What was counted on a day, such as 2026-11-22, in UTC."""

    day: str


class Usage(msgspec.Struct, frozen=True):
    """What an application has used from the day `since` to the day `until`, and how it stands now."""

    since: str
    until: str
    total: Tally
    failures: dict[str, int]
    days: tuple[Day, ...]
    now: Standing


class UsageList(msgspec.Struct, frozen=True):
    """How the service lists usage."""

    applications: tuple[Usage, ...]
