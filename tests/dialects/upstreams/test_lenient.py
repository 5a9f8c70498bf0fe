"""What providers tell is read whatever its type, and what is not what it should be is as good as none."""

from __future__ import annotations

from typing import Any

import pytest

from filmgate.adapters.dialects.calling import lenient

ODD: list[Any] = [
    None,
    True,
    False,
    0,
    -1,
    1.5,
    float("inf"),
    float("nan"),
    10**400,
    "",
    " ",
    "x",
    [],
    ["x"],
    {},
    {"a": 1},
]
READERS = (
    lenient.text,
    lenient.name,
    lenient.identity,
    lenient.mapping,
    lenient.items,
    lenient.array,
    lenient.objects,
    lenient.strings,
    lenient.number,
    lenient.percent,
    lenient.moment,
)


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.__name__)
@pytest.mark.parametrize("value", ODD, ids=lambda value: repr(value)[:20])
def test_no_value_is_an_error(reader: Any, value: Any):
    """Whatever stands where a value should be, reading it raises nothing."""
    reader(value)


def test_arrays_are_read_by_what_they_hold():
    """Members of another kind are left out, and what is no array has no members."""
    mixed = [{"a": 1}, "x", 2, None, ["y"]]
    assert lenient.objects(mixed) == [{"a": 1}]
    assert lenient.strings(mixed) == ["x"]
    assert lenient.items({"a": 1}) == lenient.objects("x") == lenient.strings(None) == []
    assert lenient.array([]) == []
    assert lenient.array({}) is None


@pytest.mark.parametrize(
    ("value", "number"),
    [(4, 4.0), ("4", 4.0), (" 2.5 ", 2.5), (0, None), ("-1", None), ("inf", None), (10**400, None), ("4s", None)],
)
def test_numbers_may_be_texts(value: Any, number: float | None):
    """A number above 0 is one, also as a text; everything else is none."""
    assert lenient.number(value) == number


@pytest.mark.parametrize(
    ("value", "percent"),
    [(30, 30), (30.5, 30), ("30", 30), ("30 %", 30), (0.3, 30), (1, 1), (170, 100), ("30 of 100", None)],
)
def test_progress_is_percent_or_a_fraction(value: Any, percent: int | None):
    """Progress is from 0 to 100; a number between 0 and 1 is a fraction."""
    assert lenient.percent(value) == percent


def test_the_first_that_can_be_read_counts():
    """The values are tried in their order."""
    assert lenient.first(lenient.text, None, 3, " ", "x", "y") == "x"
    assert lenient.first(lenient.text, None, 3) is None
