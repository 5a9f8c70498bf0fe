"""The log of webhooks and their secrets, in the same file and the same transactions as the tasks."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from filmgate.adapters.ledger.rows import webhook_from
from filmgate.adapters.ledger.sqlite.reader import Reader
from filmgate.adapters.ledger.sqlite.statements import SQL
from filmgate.adapters.ledger.sqlite.store import Store
from filmgate.adapters.ledger.statements import Values
from filmgate.adapters.ledger.transactions.transaction import Rule, T
from filmgate.adapters.ledger.transactions.writes import WebhookWrites
from filmgate.ports.tasks import COUNTED
from filmgate.ports.webhooks import Delivery, SigningSecret, WebhookEvent, WebhookFilter, WebhookPage


class SqliteWebhooks(WebhookWrites):
    """Implements `filmgate.ports.webhooks.WebhookLog` for the ledger of which it is a part."""

    def __init__(self, store: Callable[[], Store]) -> None:
        """Take a function that returns the open store, and raises Unavailable while there is none."""
        self._store = store

    async def get(self, application_id: str, task_id: str, state: str) -> WebhookEvent | None:
        """Find one webhook of the application."""
        values = {"application_id": application_id, "task_id": task_id, "state": state}
        rows = self._store().reader.rows(SQL["get_callback"], values)
        return webhook_from(rows[0]) if rows else None

    async def find(self, application_id: str, wanted: WebhookFilter) -> WebhookPage:
        """List the application's webhooks, newest first."""
        return await self._store().lists.run(
            application_id, partial(_find, application_id=application_id, wanted=wanted)
        )

    async def deliveries(self, webhook: WebhookEvent) -> list[Delivery]:
        """Return the deliveries of a webhook, oldest first."""
        values = {"task_id": webhook.task_id, "state": webhook.state}
        return [Delivery(*row) for row in self._store().reader.rows(SQL["deliveries"], values)]

    async def secrets(self, application_id: str, now: float) -> list[SigningSecret]:
        """Return the secrets that sign the application's webhooks, newest first."""
        rows = self._store().reader.rows(SQL["callback_secrets"], {"application_id": application_id, "now": now})
        return [SigningSecret(*row) for row in rows]

    async def _write(self, rule: Rule[T]) -> T:
        return await self._store().writer.run(rule)


def _find(reader: Reader, *, application_id: str, wanted: WebhookFilter) -> WebhookPage:
    statement, count, values = list_statements(application_id, wanted)
    found = [webhook_from(row) for row in reader.rows(statement, values)]
    ((total,),) = reader.rows(count, values)
    return WebhookPage(found[: wanted.limit], total, len(found) > wanted.limit)


def list_statements(application_id: str, wanted: WebhookFilter) -> tuple[str, str, Values]:
    """Return the statements that read a page with one webhook more and count as far as COUNTED, and their values."""
    values: Values = {"application_id": application_id}
    where = SQL["callbacks_owner" if wanted.task_id is None else "callbacks_owner_of_task"]
    if wanted.task_id is not None:
        where += " " + SQL["callbacks_if_task_id"]
        values["task_id"] = wanted.task_id
    statuses = (None,) if wanted.statuses is None else tuple(dict.fromkeys(wanted.statuses))
    ways = []
    for number, status in enumerate(statuses):
        ways.append(where if status is None else f"{where} AND c.status = :status_{number}")
        if status is not None:
            values[f"status_{number}"] = status
    places = " UNION ALL ".join(f"{SQL['callback_places']} {way}" for way in ways or [f"{where} AND FALSE"])
    values |= {"limit": wanted.limit + 1, "offset": wanted.offset, "most": COUNTED}
    page = f"{SQL['callbacks_placed']} ({places} {SQL['callbacks_newest']}) {SQL['callbacks_of_places']}"
    return page, f"{SQL['count_places']} ({places} {SQL['count_most']})", values
