"""The log of webhooks and their secrets, in the same file and the same transactions as the tasks."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import apsw
from msgspec.structs import asdict

from filmgate.adapters.ledger.sqlite import due
from filmgate.adapters.ledger.sqlite.reader import Reader
from filmgate.adapters.ledger.sqlite.statements import SQL, Row, Values, run
from filmgate.adapters.ledger.sqlite.store import Store
from filmgate.domain.states import FINAL, State
from filmgate.domain.webhooks import WebhookStatus
from filmgate.domain.work import Queue, WorkItem, WorkKind
from filmgate.ports.tasks import COUNTED
from filmgate.ports.webhooks import Delivery, DeliveryOutcome, SigningSecret, WebhookEvent, WebhookFilter, WebhookPage
from filmgate.ports.work import Claim

_KEPT_DELIVERIES = 50
"""So many deliveries of one webhook are kept, the newest."""

_KEPT_SECONDS = 30 * 86_400.0
"""So long is a delivery kept; older ones go a few at a time, whenever another is written."""

_FEW = 10
_KEPT_SECRETS = 5


class SqliteWebhooks:
    """Implements `filmgate.ports.webhooks.WebhookLog` for the ledger of which it is a part."""

    def __init__(self, store: Callable[[], Store]) -> None:
        """Take what gives the open store, and raises Unavailable while there is none."""
        self._store = store

    async def get(self, application_id: str, task_id: str, state: str) -> WebhookEvent | None:
        """Find one webhook of the application."""
        values = {"application_id": application_id, "task_id": task_id, "state": state}
        rows = self._store().reader.rows(SQL["get_callback"], values)
        return _webhook_from(rows[0]) if rows else None

    async def find(self, application_id: str, wanted: WebhookFilter) -> WebhookPage:
        """List the application's webhooks, newest first."""
        return await self._store().lists.run(
            application_id, partial(_find, application_id=application_id, wanted=wanted)
        )

    async def deliveries(self, webhook: WebhookEvent) -> list[Delivery]:
        """Return the deliveries of a webhook, oldest first."""
        values = {"task_id": webhook.task_id, "state": webhook.state}
        return [Delivery(*row) for row in self._store().reader.rows(SQL["deliveries"], values)]

    async def settle(self, claim: Claim, outcome: DeliveryOutcome) -> None:
        """Write down what a claimed webhook has come to."""
        await self._store().writer.run(partial(_settle, claim=claim, outcome=outcome))

    async def resend(self, application_id: str, task_id: str, state: str, now: float) -> WebhookEvent | None:
        """Make a webhook of the application due again."""
        who = {"application_id": application_id, "task_id": task_id, "state": state}
        return await self._store().writer.run(partial(_resend, who=who, now=now))

    async def secrets(self, application_id: str, now: float) -> list[SigningSecret]:
        """Return what signs the application's webhooks, newest first."""
        rows = self._store().reader.rows(SQL["callback_secrets"], {"application_id": application_id, "now": now})
        return [SigningSecret(*row) for row in rows]

    async def add_first_secret(self, application_id: str, secret: SigningSecret) -> None:
        """Add a secret unless the application has one."""
        await self._store().writer.run(partial(_add_first, application_id=application_id, secret=secret))

    async def rotate_secret(self, application_id: str, secret: SigningSecret, until: float) -> None:
        """Add a secret and let the others end."""
        await self._store().writer.run(partial(_rotate, application_id=application_id, secret=secret, until=until))


def _find(reader: Reader, *, application_id: str, wanted: WebhookFilter) -> WebhookPage:
    statement, count, values = list_statements(application_id, wanted)
    found = [_webhook_from(row) for row in reader.rows(statement, values)]
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


def _settle(connection: apsw.Connection, *, claim: Claim, outcome: DeliveryOutcome) -> None:
    which: Values = {"task_id": claim.due.task_id, "state": claim.due.detail}
    if outcome.delivery is not None:
        _add_delivery(connection, which, outcome.delivery)
    again = outcome.again
    if due.finish(connection, claim) if again is None else due.postpone(connection, claim, again):
        told = {"status": outcome.status, "again": again, "trouble": outcome.trouble}
        run(connection, "settle_callback", which | told)
    if claim.due.detail in FINAL:
        earlier: Values = {"task_id": claim.due.task_id, "state": State.PROCESSING}
        run(connection, "drop_detail", earlier | {"kind": WorkKind.WEBHOOK, "detail": State.PROCESSING})
        run(connection, "supersede_callback", earlier)


def _add_delivery(connection: apsw.Connection, which: Values, delivery: Delivery) -> None:
    values = which | asdict(delivery)
    if not run(connection, "count_delivery", values):
        return
    run(connection, "add_delivery", values)
    run(connection, "drop_surplus_deliveries", which | {"kept": _KEPT_DELIVERIES})
    run(connection, "drop_old_deliveries", {"oldest": delivery.at - _KEPT_SECONDS, "few": _FEW})


def _resend(connection: apsw.Connection, *, who: dict[str, str], now: float) -> WebhookEvent | None:
    if not run(connection, "get_callback", dict(who)):
        return None
    due.enqueue(
        connection,
        [WorkItem(WorkKind.WEBHOOK, Queue.WEBHOOK, who["task_id"], who["application_id"], now, who["state"])],
    )
    (row,) = run(connection, "get_callback", dict(who))
    return _webhook_from(row)


def _add_first(connection: apsw.Connection, *, application_id: str, secret: SigningSecret) -> None:
    if not run(connection, "callback_secrets", {"application_id": application_id, "now": secret.created_at}):
        run(connection, "add_callback_secret", {"application_id": application_id, **asdict(secret)})


def _rotate(connection: apsw.Connection, *, application_id: str, secret: SigningSecret, until: float) -> None:
    whose: Values = {"application_id": application_id}
    run(connection, "end_callback_secrets", whose | {"until": until})
    run(connection, "add_callback_secret", whose | asdict(secret))
    run(connection, "drop_callback_secrets", whose | {"now": secret.created_at, "kept": _KEPT_SECRETS})


def _webhook_from(row: Row) -> WebhookEvent:
    """Read a webhook from `callback_columns`."""
    task_id, state, application_id, url, status, *rest = row
    return WebhookEvent(task_id, state, application_id, url, WebhookStatus(status), *rest)
