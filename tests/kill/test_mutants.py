"""The kill tests notice defects: each is planted in the service that is killed, and seen within a few kills."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.kill.chaos import Chaos
from tests.kill.mutants import MOST, MUTANTS, notice, until_noticed

_FEW = ("repeat after crash", "answer group before commit", "remember keys apart", "name webhooks anew")
"""Defects that every run of the tests plants; `make mutants` plants all."""


@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", _FEW)
def test_a_defect_is_noticed(tmp_path: Path, name: str) -> None:
    """A service with a defect is killed where that shows, and what is wrong is named."""
    assert notice(tmp_path, name, seed=1).kinds


@pytest.mark.timeout(900)
def test_a_service_without_defect_is_not_blamed(tmp_path: Path) -> None:
    """Killed in the same places, with the same clients, a service without these defects keeps every promise."""
    some = [MUTANTS[name] for name in _FEW]
    acts = tuple({act: None for mutant in some for act in mutant.acts})
    with Chaos(tmp_path, seed=1, acts=acts) as chaos:
        faults = tuple(fault for mutant in some for fault in mutant.faults)
        every = some[0]._replace(faults=faults, acts=acts, kinds=frozenset(chaos.history.KINDS))
        found = until_noticed(chaos, every, len(faults))
    assert found.kinds == (), chaos.history.wrong
    assert found.kills <= MOST
