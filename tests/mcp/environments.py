"""Environments of their own, for programs whose requirements do not go together with the service's."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def environment(name: str) -> Path:
    """Return the folder of an environment's commands; the test is skipped where the environment was not made."""
    if not (ROOT / ".venvs" / name / ".done").exists():
        pytest.skip(f"the environment .venvs/{name} was not made: make install-clients")
    return ROOT / ".venvs" / name / "bin"
