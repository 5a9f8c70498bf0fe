"""The first error of a validation, as a sentence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

_PREFIX: Final = "Value error, "


class Invalid(NamedTuple):
    """What was wrong first: its type for pydantic, its field as a path with dots, the reason, and the value."""

    type: str
    field: str
    reason: str
    value: Any

    def __str__(self) -> str:
        """Return the sentence, without the value, which may be secret."""
        return f"{self.field}: {self.reason}" if self.field else self.reason


def first_error(errors: Sequence[Any], skip: int = 0) -> Invalid:
    """Return the first of what `errors()` of pydantic lists; `skip` leaves out the first parts of its path."""
    first = errors[0]
    field = ".".join(map(str, first["loc"][skip:]))
    return Invalid(first["type"], field, plain_reason(first["msg"]), first.get("input"))


def plain_reason(message: str) -> str:
    """Return a message without what pydantic puts in front of the sentences of our own validators."""
    return message.removeprefix(_PREFIX)
