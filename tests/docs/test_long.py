"""The choice of long tests: all of them are there, a tenth is drawn, and the days of a month draw nearly all."""

from __future__ import annotations

import re

from tests.conftest import LONG_PART, is_drawn, long_tests

from .pages import ROOT


def test_the_long_tests_are_there():
    """Each line names a function of a test file."""
    assert long_tests()
    for name in long_tests():
        path, function = name.split("::")
        assert re.search(rf"^(async )?def {function}\(", (ROOT / path).read_text(), re.MULTILINE), name


def test_each_is_drawn_on_some_day():
    """A tenth or so is drawn on each day, and within two months nearly every one."""
    names = sorted(long_tests())
    days = [{name for name in names if is_drawn(name, day)} for day in range(20_000, 20_060)]
    assert sum(map(len, days)) < 2 * len(days) * len(names) / LONG_PART
    assert len(set().union(*days)) > 0.97 * len(names)
