"""Who may ask from the first start on: the default application, its first key, and the bootstrap key."""

from __future__ import annotations

import contextlib
import os
import time

import uuid_utils

from filmgate.core.keys import digest, new_key
from filmgate.domain.settings import Settings
from filmgate.faults import Point, reached
from filmgate.modes import file_mode
from filmgate.ports.context import Caller
from filmgate.ports.ledger import ApiKey, Application, Ledger

DEFAULT_APPLICATION = "default"
"""The application of the bootstrap key and of the first key."""

FIRST_KEY = "first-key"
"""The file with the first key in the data folder."""

SHORTEST_BOOTSTRAP = 16
"""How many characters a bootstrap key has at least where others than this machine reach the service."""


async def first_start(ledger: Ledger, settings: Settings) -> tuple[Application, str | None]:
    """Make sure of the default application, and of one key if there is none at all."""
    now = time.time()
    application = await ledger.add_application(new_application(DEFAULT_APPLICATION))
    if settings.api_key is not None or await ledger.keys():
        return application, None
    key = new_key()
    path = settings.data / FIRST_KEY
    with contextlib.suppress(FileNotFoundError):
        path.unlink()
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, file_mode()), "w") as file:
        file.write(key + "\n")
    reached(Point.FIRST_KEY_WRITTEN)
    await ledger.add_key(api_key(application, key, "first", now))
    return application, key


def new_application(name: str) -> Application:
    """Make up an application."""
    return Application(str(uuid_utils.uuid4()), name, str(uuid_utils.uuid4()), time.time())


def api_key(application: Application, key: str, name: str, now: float) -> ApiKey:
    """Give what is kept of a new key."""
    return ApiKey(
        str(uuid_utils.uuid4()), application.id, application.user_id, name, digest(key.encode()), key[-4:], now
    )


def bootstrap(settings: Settings, owner: Application) -> tuple[bytes, Caller] | None:
    """Give the bootstrap key with who holds it, if the operator has set one."""
    if settings.api_key is None:
        return None
    caller = Caller(
        owner.id, owner.user_id, str(uuid_utils.uuid5(uuid_utils.UUID(owner.id), "bootstrap")), limited=False
    )
    return settings.api_key.get_secret_value().strip().encode(), caller
