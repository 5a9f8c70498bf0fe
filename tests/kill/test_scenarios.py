"""Killed where a broken promise would show first, a service keeps every promise; planted bugs are found by these."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.kill.history import History
from tests.kill.scenarios import SCENARIOS, find_broken


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", SCENARIOS)
def test_a_killed_service_keeps_its_promises(tmp_path: Path, name: str) -> None:
    """A service that is killed in a scenario loses, doubles and shows nothing that it should not."""
    assert SCENARIOS[name].kinds <= {*History.KINDS}
    assert find_broken(tmp_path, SCENARIOS[name]) == {}
