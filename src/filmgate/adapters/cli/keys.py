"""Commands about API keys. They open the ledger themselves, and work while the service runs."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from filmgate.adapters.cli import options, output
from filmgate.adapters.cli.configuration import settings
from filmgate.adapters.cli.errors import CommandExit, Exit, stopping
from filmgate.adapters.cli.tables import show
from filmgate.domain.roles import KeyRole

if TYPE_CHECKING:
    from filmgate.domain.settings import Settings
    from filmgate.ports.keys import ApiKey
    from filmgate.ports.ledger import Ledger

T = TypeVar("T")

commands = typer.Typer(help="Create, list and revoke API keys.", rich_markup_mode=None)


@commands.command()
def create(
    name: Annotated[str, typer.Option("--name", help="The name of the key in lists.", show_default=False)],
    application: Annotated[
        str, typer.Option("--application", help="The application of the key. It is created if it does not exist.")
    ] = "default",
    role: Annotated[
        KeyRole,
        typer.Option(
            "--role",
            metavar="ROLE",
            help="What the key may do: viewer (read), member (also submit and change) or admin (also administer the "
            "whole service).",
        ),
    ] = KeyRole.MEMBER,
    data: options.Data = None,
    database: options.Database = None,
    as_json: options.Json = False,
) -> int:
    """Create an API key and print it. It is shown once."""
    if not name.strip() or not application.strip():
        raise CommandExit("the name of a key and of its application cannot be empty", Exit.USAGE, code="bad_request")
    key, kept = _with_ledger(
        settings(data=data, database=database), lambda ledger: _create(ledger, name.strip(), application.strip(), role)
    )
    if as_json:
        output.emit({**_document(kept), "key": key})
    else:
        print(key)
    return Exit.DONE


@commands.command("list")
def list_keys(data: options.Data = None, database: options.Database = None, as_json: options.Json = False) -> int:
    """List the keys, oldest first. Only the last characters of each are shown."""
    keys = _with_ledger(settings(data=data, database=database), lambda ledger: ledger.keys())
    if as_json:
        output.emit({"keys": [_document(key) for key in keys]})
    else:
        show(("id", "name", "ends in", "role", "created", "application", "state"), map(_row, keys))
    return Exit.DONE


@commands.command()
def revoke(
    wanted: Annotated[
        str, typer.Argument(metavar="ID_OR_NAME", help="The id or the name of the key.", show_default=False)
    ],
    data: options.Data = None,
    database: options.Database = None,
    as_json: options.Json = False,
) -> int:
    """Revoke a key. A running service refuses it within seconds."""
    key = _with_ledger(settings(data=data, database=database), lambda ledger: _revoke(ledger, wanted))
    if as_json:
        output.emit({"id": key.id, "name": key.name, "revoked": True})
    else:
        print(f"{key.id} revoked")
    return Exit.DONE


async def _create(ledger: Ledger, name: str, owner: str, role: KeyRole) -> tuple[str, ApiKey]:
    import uuid_utils

    from filmgate.app import api_key
    from filmgate.core.tasks.keys import new_key
    from filmgate.ports.keys import Application

    now = time.time()
    application = await ledger.add_application(
        Application(str(uuid_utils.uuid4()), owner, str(uuid_utils.uuid4()), now)
    )
    key = new_key()
    kept = api_key(application, key, name, now, role)
    await ledger.add_key(kept)
    return key, kept


async def _revoke(ledger: Ledger, wanted: str) -> ApiKey:
    matching = [key for key in await ledger.keys() if wanted in (key.id, key.name)]
    good = [key for key in matching if key.revoked_at is None]
    if not good:
        reason = f"the key {wanted} is revoked already" if matching else f"there is no key {wanted}"
        raise CommandExit(reason, Exit.FAILED, code="conflict" if matching else "not_found")
    if len(good) > 1:
        ids = ", ".join(key.id for key in good)
        raise CommandExit(
            f"{len(good)} keys are called {wanted}: revoke one by its id: {ids}", Exit.USAGE, code="ambiguous"
        )
    if not await ledger.revoke_key(good[0].id, time.time()):
        raise CommandExit(f"the key {wanted} is revoked already", Exit.FAILED, code="conflict")
    return good[0]


def _with_ledger(chosen: Settings, work: Callable[[Ledger], Awaitable[T]]) -> T:
    import asyncio

    from filmgate.app import open_existing_ledger
    from filmgate.domain.errors import NotFound

    async def run() -> T:
        async with open_existing_ledger(chosen) as ledger:
            return await work(ledger)

    try:
        with stopping():
            return asyncio.run(run())
    except CommandExit as stop:
        if not isinstance(stop.__cause__, NotFound):
            raise
        hint = "Say where the data folder of the service is, with --data or FILMGATE_DATA."
        raise CommandExit(stop.message, Exit.USAGE, code="no_data", hint=hint) from stop


def _document(key: ApiKey) -> dict[str, Any]:
    return {
        "id": key.id,
        "name": key.name,
        "application_id": key.application_id,
        "hint": key.hint,
        "role": key.role,
        "created_at": output.moment(key.created_at),
        "revoked_at": None if key.revoked_at is None else output.moment(key.revoked_at),
    }


def _row(key: ApiKey) -> tuple[str, ...]:
    revoked = "active" if key.revoked_at is None else f"revoked {output.moment(key.revoked_at)}"
    return key.id, key.name, f"…{key.hint}", key.role, output.moment(key.created_at), key.application_id, revoked
