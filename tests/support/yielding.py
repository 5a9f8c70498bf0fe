"""A ledger that lets others run around every call: what is atomic only because SQLite answers at once shows.

`python -m tests.support.yielding serve …` is `filmgate serve …` on such a ledger. `make test-yielding` runs the tests
of the core and of the service on it (`YIELDING=all`); the ordinary suite runs a tenth of them so, chosen by their ids.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
import os
import random
import zlib
from collections.abc import Callable, Iterator
from typing import Any

from filmgate.adapters.ledger.sqlite import SqliteLedger
from filmgate.adapters.ledger.sqlite.accounts import SqliteAccounts
from filmgate.adapters.ledger.sqlite.figures import SqliteFigures
from filmgate.adapters.ledger.sqlite.retention import SqliteRetention
from filmgate.adapters.ledger.sqlite.webhooks import SqliteWebhooks
from filmgate.adapters.ledger.transactions.writes import LedgerWrites, WebhookWrites

MODE = "YIELDING"
"""The variable that has all tests run on such a ledger ("all"), none of them ("none"), or else a tenth."""

_LONGEST = 0.005
_CLASSES: tuple[type, ...] = (
    SqliteLedger, LedgerWrites, SqliteAccounts, SqliteFigures, SqliteRetention, SqliteWebhooks, WebhookWrites,
)  # fmt: skip
_APART = {"open", "close"}
_sleep = asyncio.sleep


def is_chosen(test: str) -> bool:
    """Return whether a test, given by its id, runs on such a ledger."""
    mode = os.environ.get(MODE, "tenth")
    return mode == "all" or (mode == "tenth" and zlib.crc32(test.encode()) % 10 == 0)


def yielding_methods(seed: int) -> Iterator[tuple[type, str, Callable[..., Any]]]:
    """Yield the calls of the ledger that wait for up to 5 ms before and after they do what they did."""
    chance = random.Random(seed)
    for owner in _CLASSES:
        for name, method in list(vars(owner).items()):
            if inspect.iscoroutinefunction(method) and not name.startswith("_") and name not in _APART:
                yield owner, name, _wrap(method, chance)


def _wrap(method: Callable[..., Any], chance: random.Random) -> Callable[..., Any]:
    @functools.wraps(method)
    async def call(*arguments: Any, **options: Any) -> Any:
        await _sleep(chance.uniform(0, _LONGEST))
        result = await method(*arguments, **options)
        await _sleep(chance.uniform(0, _LONGEST))
        return result

    return call


if __name__ == "__main__":
    from filmgate.adapters.cli import main

    for owner, name, method in yielding_methods(seed=0):
        setattr(owner, name, method)
    main()
