"""Access from the first start on: the default application, its first key, and the admin key."""

from __future__ import annotations

import contextlib
import logging
import os
import time

import uuid_utils
from pydantic import SecretStr

from filmgate.app.reach import is_loopback
from filmgate.core.tasks.keys import digest, new_key
from filmgate.domain.roles import KeyRole
from filmgate.domain.settings import Settings
from filmgate.faults import Point, reach
from filmgate.modes import file_mode
from filmgate.ports.context import Caller
from filmgate.ports.keys import ApiKey, Application, Keys

log = logging.getLogger(__name__)

DEFAULT_APPLICATION = "default"
"""The application of the admin key and of the first key."""

FIRST_KEY = "first-key"
"""The file with the first key in the data folder."""

SHORTEST_ADMIN_KEY = 16
"""How many characters the admin key has at least where others than this machine reach the service."""


async def first_start(ledger: Keys, settings: Settings) -> tuple[Application, str | None]:
    """Make sure of the default application, and of one key, an admin's, if there is none at all."""
    now = time.time()
    application = await ledger.add_application(new_application(DEFAULT_APPLICATION))
    if settings.admin_key is not None:
        return application, None
    if keys := await ledger.keys():
        if not any(key.role is KeyRole.ADMIN and key.revoked_at is None for key in keys):
            log.warning("No key has the role admin: create one with `filmgate keys create --role admin --name NAME`.")
        return application, None
    key = new_key()
    path = settings.data / FIRST_KEY
    with contextlib.suppress(FileNotFoundError):
        path.unlink()
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, file_mode()), "w") as file:
        file.write(key + "\n")
    reach(Point.FIRST_KEY_WRITTEN)
    await ledger.add_key(api_key(application, key, "first", now, KeyRole.ADMIN))
    return application, key


def new_application(name: str) -> Application:
    """Make up an application."""
    return Application(str(uuid_utils.uuid4()), name, str(uuid_utils.uuid4()), time.time())


def api_key(application: Application, key: str, name: str, now: float, role: KeyRole = KeyRole.MEMBER) -> ApiKey:
    """Return the row of a new key."""
    return ApiKey(
        id=str(uuid_utils.uuid4()),
        application_id=application.id,
        user_id=application.user_id,
        name=name,
        digest=digest(key.encode()),
        hint=key[-4:],
        created_at=now,
        role=role,
    )


def admin_key(settings: Settings, owner: Application) -> tuple[bytes, Caller] | None:
    """Return the admin key of the settings with its caller."""
    if settings.admin_key is None:
        return None
    credential = str(uuid_utils.uuid5(uuid_utils.UUID(owner.id), "bootstrap"))
    caller = Caller(owner.id, owner.user_id, credential, limited=False, role=KeyRole.ADMIN)
    return strip_secret(settings.admin_key).encode(), caller


def strip_secret(secret: SecretStr) -> str:
    """Return a secret without the white space that files and shells leave around it."""
    return secret.get_secret_value().strip()


def secret_trouble(settings: Settings) -> str | None:
    """Return why the service cannot start with the admin key or the metrics token that it was given; None if it can."""
    for name in ("admin_key", "metrics_token"):
        secret = getattr(settings, name)
        if secret is not None and not strip_secret(secret):
            return f"FILMGATE_{name.upper()} is blank: nobody could use it. Leave it out, or give it a value."
    if settings.admin_key is None or len(strip_secret(settings.admin_key)) >= SHORTEST_ADMIN_KEY:
        return None
    if is_loopback(settings.host) and settings.public_url is None and not settings.trusted_proxies:
        return None
    why = f"on {settings.host}" if not is_loopback(settings.host) else "behind a proxy (public_url, trusted_proxies)"
    return f"FILMGATE_ADMIN_KEY has fewer than {SHORTEST_ADMIN_KEY} characters: too short for serving {why}."
