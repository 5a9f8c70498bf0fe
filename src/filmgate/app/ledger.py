"""The ledger of a data folder: opened with the folder, or only if it is there."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

from filmgate.adapters.ledger.sqlite import SqliteLedger
from filmgate.app.folder import LEDGER
from filmgate.domain.errors import NotFound, Unavailable
from filmgate.domain.settings import Settings
from filmgate.modes import folder_mode, restrict
from filmgate.ports.ledger import Ledger


@contextlib.asynccontextmanager
async def open_ledger(settings: Settings) -> AsyncIterator[Ledger]:
    """Open the ledger of a data folder, which is made if there is none. Raises Unavailable."""
    _require_embedded(settings)
    restrict(group=settings.group_access)
    try:
        settings.data.mkdir(parents=True, exist_ok=True, mode=folder_mode())
    except OSError as error:
        raise Unavailable(f"The data folder {settings.data} cannot be made: {error.strerror}") from error
    async with _open(settings) as ledger:
        yield ledger


@contextlib.asynccontextmanager
async def open_existing_ledger(settings: Settings) -> AsyncIterator[Ledger]:
    """Open the ledger that a data folder has; the service may be running. Raises Unavailable, NotFound without one.

    A mistyped folder must not become a new ledger with keys that no service knows.
    """
    _require_embedded(settings)
    try:
        size = (settings.data / LEDGER).stat().st_size
    except OSError:
        size = 0
    if not size:
        raise NotFound(f"There is no ledger in {settings.data}: `filmgate serve` makes one in its data folder.")
    async with _open(settings) as ledger:
        yield ledger


def _require_embedded(settings: Settings) -> None:
    if settings.database is not None:
        raise Unavailable("Only the embedded ledger is there yet: leave FILMGATE_DATABASE empty.")


@contextlib.asynccontextmanager
async def _open(settings: Settings) -> AsyncIterator[Ledger]:
    ledger = SqliteLedger(settings.data / LEDGER, settings.limits())
    await ledger.open()
    try:
        yield ledger
    finally:
        await ledger.close()
