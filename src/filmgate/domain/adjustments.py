"""Values that are not used as they were asked for, and whether whoever asked allows that."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, TypeAlias

import msgspec

from filmgate.domain.generation import Generation, Kind, Operation

Value: TypeAlias = str | int | float | bool | None

KEPT: Final = "as in its source"
"""What is used of a size or length that follows from the clip that is worked on."""

_LONGEST: Final = 200
"""Characters of a value that are shown, at most."""


class Adjustment(msgspec.Struct, frozen=True):
    """A value that is not used as it was asked for.

    `used` is None if there is no such thing in what is made. `reason` says why, and what can be asked for.
    """

    field: str
    asked: Value
    used: Value
    reason: str


class Terms(msgspec.Struct, frozen=True, omit_defaults=True):
    """How exactly a generation is to be made as it was asked for.

    With `strict` no value may change. `given` are the values that were named in the request, the others being
    defaults, which may; `changed` is what the dialect changed, whatever engine makes it. `source` is the ratio and
    resolution of the earlier task that it goes on from. `names` are the dialect's own names of values.
    """

    strict: bool = False
    given: tuple[str, ...] = ()
    changed: tuple[Adjustment, ...] = ()
    source: tuple[str, str | None] | None = None
    names: Mapping[str, str] = {}


def show_value(value: object) -> Value:
    """Return a value of a request as it may be shown again: short, and never a structure."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if not isinstance(value, str):
        return "…"
    return value if len(value) <= _LONGEST else f"{value[: _LONGEST - 1]}…"


def remaining_changes(terms: Terms, changes: Iterable[Adjustment]) -> tuple[Adjustment, ...]:
    """Return what remains changed when an engine makes its own changes, of values that were named.

    Two changes of one value are one; two that cancel each other are none.
    """
    found = {change.field: change for change in terms.changed}
    for change in changes:
        if change.field not in terms.given or change.asked == change.used:
            continue
        earlier = found.get(change.field)
        asked = change.asked if earlier is None else earlier.asked
        found[change.field] = msgspec.structs.replace(change, asked=asked, used=_used(change, terms))
    return tuple(change for change in found.values() if change.asked != change.used)


def _used(change: Adjustment, terms: Terms) -> Value:
    if change.used != KEPT or terms.source is None:
        return change.used
    ratio, resolution = terms.source
    return {"aspect_ratio": ratio, "resolution": resolution}.get(change.field, KEPT)


def describe(changes: Iterable[Adjustment], names: Mapping[str, str]) -> str:
    """Return a sentence for people about values that would be changed."""
    return " ".join(
        f"{names.get(change.field, change.field)}: {_text(change.asked)} would become {_text(change.used)}; "
        f"{change.reason}."
        for change in changes
    )


def _text(value: Value) -> str:
    return "nothing" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def size_changes(generation: Generation) -> list[Adjustment]:
    """Return the changes of an engine that keeps the size of the source clip."""
    reason = "the size is that of the clip it is made from; leave it out"
    asked = {
        "aspect_ratio": generation.aspect_ratio,
        "resolution": generation.resolution,
        "size": "{}x{}".format(*generation.size),
    }
    return [Adjustment(field, value, KEPT, reason) for field, value in asked.items()]


def not_enhanced(generation: Generation, who: str) -> list[Adjustment]:
    """Return the change of an engine that does not enhance prompts."""
    if not generation.enhance:
        return []
    return [Adjustment("enhance", asked=True, used=False, reason=f"{who} does not enhance prompts")]


def enhance_changes(generation: Generation, who: str) -> list[Adjustment]:
    """Return the change of a provider that cannot be told to leave a prompt as it is."""
    if generation.enhance:
        return []
    return [
        Adjustment("enhance", asked=False, used=None, reason=f"{who} decides by itself whether prompts are enhanced")
    ]


def not_looped(generation: Generation, reason: str) -> list[Adjustment]:
    """Return the change of an engine that makes no loop of this."""
    if not generation.loop or generation.kind is Kind.IMAGE:
        return []
    return [Adjustment("loop", asked=True, used=False, reason=reason)]


def works_on_clip(generation: Generation) -> bool:
    """Return whether a generation is made from a clip, so that it may have its size from there."""
    return generation.operation not in {Operation.GENERATE, Operation.REFRAME}
