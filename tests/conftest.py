"""What all tests share: a running service, and the choice of the long tests that a run takes."""

from __future__ import annotations

import contextlib
import os
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.support import npm
from tests.support.service import RunningService
from tests.support.yielding import is_chosen, yielding_methods

# How long one example takes says more about what else the machine does than about the code.
settings.register_profile("filmgate", deadline=None)
settings.load_profile("filmgate")


LONG_SEED = "FILMGATE_LONG_SEED"
"""Environment variable of the seed, which the workers of one run share."""

LONG_PART = 10
"""One of so many long tests is run where whole folders are."""

LONG = Path(__file__).with_name("long.txt")
"""The long tests, one a line: a file and a function, all cases of which are long ones."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options that choose long tests."""
    parser.addoption("--all", action="store_true", help="run every long test, not a tenth of them")
    parser.addoption("--long-seed", type=int, help="what the tenth of the long tests is drawn by (the day)")


def pytest_configure(config: pytest.Config) -> None:
    """Fix the seed before workers start, so that all draw the same tests."""
    given = config.getoption("--long-seed")
    if given is not None or LONG_SEED not in os.environ:
        os.environ[LONG_SEED] = str(int(time.time() // 86_400) if given is None else given)


def pytest_report_header(config: pytest.Config) -> str:
    """Report which long tests a run takes, so that it can be repeated."""
    if takes_all(config):
        return "long tests: all"
    return f"long tests: one of {LONG_PART}, --long-seed {os.environ[LONG_SEED]}; all of them with --all"


def takes_all(config: pytest.Config) -> bool:
    """Return whether a run takes every long test: it is told to, or test files are named."""
    return config.getoption("--all") or any(argument.partition("::")[0].endswith(".py") for argument in config.args)


def is_drawn(name: str, seed: int) -> bool:
    """Return whether a long test is in the tenth of a seed."""
    return zlib.crc32(f"{seed} {name}".encode()) % LONG_PART == 0


def long_tests() -> frozenset[str]:
    """Return the long tests by file and function."""
    return frozenset(line for line in LONG.read_text().splitlines() if line and not line.startswith("#"))


def plain_id(item: pytest.Item) -> str:
    """Return the id of a test without the name of its group, which workers of one run add."""
    grouped = item.get_closest_marker("xdist_group") is not None and "@" in item.nodeid
    return item.nodeid.rpartition("@")[0] if grouped else item.nodeid


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the long tests that were not drawn."""
    if takes_all(config):
        return
    seed, long = int(os.environ[LONG_SEED]), long_tests()
    left = [item for item in items if (name := plain_id(item)).partition("[")[0] in long and not is_drawn(name, seed)]
    if left:
        out = {id(item) for item in left}
        items[:] = [item for item in items if id(item) not in out]
        config.hook.pytest_deselected(items=left)


@pytest.fixture(autouse=True)
def yielding_ledger(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run a tenth of the tests of the core and of the service on a ledger that lets others run around every call."""
    node = request.node
    fits = node.nodeid.startswith(("tests/core/", "tests/service/")) and not node.get_closest_marker("at_once")
    if fits and is_chosen(plain_id(node)):
        monkeypatch.setattr(RunningService, "yielding", True)
        for owner, name, method in yielding_methods(seed=0):
            monkeypatch.setattr(owner, name, method)


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
    """Provide node, with the libraries installed that tests use from npm."""
    if (reason := npm.lacking()) is not None:
        pytest.skip(reason)
    npm.install()
