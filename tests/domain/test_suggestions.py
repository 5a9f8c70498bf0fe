"""Mistyped names: a name that there is not is refused with the nearest one."""

from __future__ import annotations

import pytest

from filmgate.domain.suggestions import check_keys, edits, meant, nearest

KNOWN = ("poll", "poll_max", "timeout")


def test_a_key_that_there_is_not_is_refused():
    """With the nearest one; keys that there are pass, whatever their order."""
    check_keys(reversed(KNOWN), KNOWN)
    check_keys((), KNOWN)
    for name in ("pol_max", "POLL_MAX", ""):
        with pytest.raises(ValueError, match=f'there is no key "{name}"; the nearest is "poll'):
            check_keys(("poll", name), KNOWN)


@pytest.mark.parametrize(
    ("one", "other", "count"),
    [("poll", "poll", 0), ("pol", "poll", 1), ("plol", "poll", 1), ("ab", "", 2), ("a", "b", 1)],
)
def test_letters_that_differ_are_counted(one: str, other: str, count: int):
    """In either direction; two neighbours that were swapped count once."""
    assert edits(one, other) == edits(other, one) == count


def test_only_a_name_that_is_near_is_meant():
    """A third of its letters may differ, or two."""
    assert meant("Timeuot", KNOWN) == "timeout"
    assert meant("elsewhere", KNOWN) is None
    assert nearest("elsewhere", ()) is None
