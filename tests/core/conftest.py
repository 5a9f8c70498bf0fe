"""A core on small ports, one for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.core.small_core import Core, small_core


@pytest.fixture
async def core(tmp_path: Path) -> AsyncIterator[Core]:
    """Return a core with an engine and a provider account."""
    async with small_core(tmp_path) as made:
        yield made
