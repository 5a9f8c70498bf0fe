"""The process may die at any moment: nothing accepted is lost, nothing is paid for twice, no child is left behind."""

from __future__ import annotations

from pathlib import Path

import pytest

from filmgate.faults import Point
from tests.kill.chaos import BACKUP, FIRST, POINTS, Chaos
from tests.support.processes import orphans, until

KILLS = len(POINTS) + len(POINTS) // 4


@pytest.mark.timeout(1800)
def test_kills_at_every_point_lose_nothing(tmp_path: Path) -> None:
    """Killed at each named point and at random moments, a service keeps every promise; no point is only a name."""
    with Chaos(tmp_path, seed=20, studio=3) as chaos:
        chaos.suffer(KILLS)
        chaos.backups.begin(f"{BACKUP[1]}:1")
        chaos.judge()
    assert {kind: found for kind, found in chaos.history.wrong.items() if found} == {}
    assert {*Point} - chaos.reached.keys() == set()
    # On a machine with much else to do, the work does not come to every point before the round is over.
    assert len(chaos.hits) >= len(FIRST + POINTS) // 2
    assert chaos.history.ends()["completed"] >= 20
    assert chaos.wire_counts["submits at the wire"] == chaos.wire_counts["tasks at the wire"] >= 20
    until(orphans, lambda left: not left, deadline=10)
