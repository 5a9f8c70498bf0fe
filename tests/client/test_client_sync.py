"""The synchronous client is the asynchronous one, written by a script."""

from __future__ import annotations

import inspect
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest

from filmgate.client import AsyncFilmgate, Filmgate


@pytest.fixture(scope="module")
def script() -> ModuleType:
    """The script that writes the synchronous client."""
    spec = spec_from_file_location("sync_client", Path(__file__).parents[2] / "scripts/sync_client.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_synchronous_client_is_what_the_script_writes(script: ModuleType) -> None:
    """The file in the repository is the script's; otherwise run `make client`."""
    assert script.convert(script.SOURCE.read_text("utf-8")) == script.TARGET.read_text("utf-8")


def test_nothing_asynchronous_is_left(script: ModuleType) -> None:
    """No word of asyncio is left in the synchronous client."""
    text = script.TARGET.read_text("utf-8")
    assert not [word for word in ("async ", "await ", "asyncio", "aclose", "aread", "to_thread") if word in text]


def test_both_clients_have_the_same_methods() -> None:
    """Each public method has the same parameters and, but for the asynchronous words, the same description."""
    methods = {name: each for name, each in vars(AsyncFilmgate).items() if not name.startswith("_")}
    assert methods.keys() == {name for name in vars(Filmgate) if not name.startswith("_")}
    for name, method in methods.items():
        twin = vars(Filmgate)[name]
        assert inspect.signature(method).parameters == inspect.signature(twin).parameters, name
        assert method.__doc__ == twin.__doc__, name
