"""The process may die at any moment: nothing accepted is lost, nothing ends twice, no child is left behind."""

from __future__ import annotations

from pathlib import Path

import pytest

from filmgate.faults import Point
from tests.kill.ordeal import FIRST, POINTS, Ordeal
from tests.support.processes import orphans, until

KILLS = len(FIRST) + len(POINTS) + len(POINTS) // 4


@pytest.mark.timeout(600)
def test_kills_at_every_point_lose_nothing(tmp_path: Path) -> None:
    """Killed at each named point and at random moments, a service keeps every promise; no point is only a name."""
    with Ordeal(tmp_path, seed=20, studio=3) as ordeal:
        ordeal.suffer(KILLS)
        ordeal.judge()
    assert {kind: found for kind, found in ordeal.history.wrong.items() if found} == {}
    assert ordeal.reached.keys() == {*Point}
    # On a machine with much else to do, the work does not come to every point before the round is over.
    assert len(ordeal.hits) >= len(Point) // 2
    assert ordeal.history.ends()["completed"] >= 20
    until(orphans, lambda left: not left, deadline=10)
