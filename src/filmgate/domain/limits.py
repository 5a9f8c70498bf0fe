"""What an application may use, and how long what it made is kept."""

from __future__ import annotations

import msgspec

from filmgate.domain.generation import Generation, Kind
from filmgate.domain.periods import Period

PICTURE_CREDITS = 1.0
"""What a picture costs where its engine has no price for it; a clip costs its seconds."""

PLACES = 6
"""Credits are counted to so many decimal places, so that what is given back is what was taken."""


class Limits(msgspec.Struct, frozen=True):
    """The rules for an application; 0 switches one off.

    `task_days` and `media_days` are how long a task, and its files, are kept after its end. With more than
    `media_bytes` of files the oldest ones go. `credits` is what its tasks may cost per period.
    """

    task_days: float = 0.0
    media_days: float = 0.0
    media_bytes: int = 0
    credits: float = 0.0
    credits_per: Period = Period.MONTH

    def overridden(self, own: OwnLimits) -> Limits:
        """Return these rules with what an application has of its own."""
        given = {name: value for name, value in msgspec.structs.asdict(own).items() if value is not None}
        return msgspec.structs.replace(self, **given)

    @property
    def collects(self) -> bool:
        """Whether anything is ever removed by these rules."""
        return bool(self.task_days or self.media_days or self.media_bytes)


class OwnLimits(msgspec.Struct, frozen=True):
    """The rules that an application has of its own; None is what holds for all."""

    task_days: float | None = None
    media_days: float | None = None
    media_bytes: int | None = None
    credits: float | None = None
    credits_per: Period | None = None


NO_LIMITS = Limits()
"""Nothing is limited, and everything is kept."""


def standard_price(generation: Generation) -> float:
    """Return what a task costs where its engine has no price for its model: a credit per second of video."""
    return PICTURE_CREDITS if generation.kind is Kind.IMAGE else float(generation.duration)
