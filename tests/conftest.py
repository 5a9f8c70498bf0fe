"""What all tests share: a running service."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.support import npm
from tests.support.service import RunningService

# How long one example takes says more about what else the machine does than about the code.
settings.register_profile("filmgate", deadline=None)
settings.load_profile("filmgate")


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """A service that all tests of a worker share; every model is made by the scripted engine."""
    running = RunningService(tmp_path_factory.mktemp("service") / "data").start()
    yield running
    assert running.stop() == 0, running.log.read_text()[-4000:]
    assert "Traceback" not in running.log.read_text(), running.log.read_text()[-8000:]


@pytest.fixture
def start_service(tmp_path: Path) -> Iterator[Callable[..., RunningService]]:
    """Start further services, each with options of its own; what still runs at the end is stopped."""
    with contextlib.ExitStack() as stack:
        count = 0

        def start(**options: str) -> RunningService:
            nonlocal count
            count += 1
            running = RunningService(tmp_path / f"data{count}", **options)
            stack.callback(running.stop)
            return running.start()

        yield start


@pytest.fixture(scope="session")
def node() -> None:
    """Have node here, with the libraries installed that tests use from npm."""
    if (reason := npm.lacking()) is not None:
        pytest.skip(reason)
    npm.install()
