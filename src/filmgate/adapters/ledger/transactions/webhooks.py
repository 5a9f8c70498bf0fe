"""The log of webhooks and the secrets that sign them."""

from __future__ import annotations

from msgspec.structs import asdict

from filmgate.adapters.ledger.rows import webhook_from
from filmgate.adapters.ledger.statements import Values
from filmgate.adapters.ledger.transactions import work
from filmgate.adapters.ledger.transactions.transaction import Transaction
from filmgate.domain.states import FINAL, State
from filmgate.domain.work import Queue, WorkItem, WorkKind
from filmgate.ports.webhooks import Delivery, DeliveryOutcome, SigningSecret, WebhookEvent
from filmgate.ports.work import Claim

_KEPT_DELIVERIES = 50
"""So many deliveries of one webhook are kept, the newest."""

_KEPT_SECONDS = 30 * 86_400.0
"""So long is a delivery kept; older ones go a few at a time, whenever another is written."""

_FEW = 10
_KEPT_SECRETS = 5


async def settle(transaction: Transaction, *, claim: Claim, outcome: DeliveryOutcome) -> None:
    """Record the outcome of a claimed webhook: its delivery, and the end of its work or the time of the next try."""
    which: Values = {"task_id": claim.due.task_id, "state": claim.due.detail}
    if outcome.delivery is not None:
        await _add_delivery(transaction, which, outcome.delivery)
    again = outcome.again
    holds = await (work.finish(transaction, claim) if again is None else work.postpone(transaction, claim, again))
    if holds:
        told = {"status": outcome.status, "again": again, "trouble": outcome.trouble}
        await transaction.run("settle_callback", which | told)
    if claim.due.detail in FINAL:
        earlier: Values = {"task_id": claim.due.task_id, "state": State.PROCESSING}
        await transaction.run("drop_detail", earlier | {"kind": WorkKind.WEBHOOK, "detail": State.PROCESSING})
        await transaction.run("supersede_callback", earlier)


async def _add_delivery(transaction: Transaction, which: Values, delivery: Delivery) -> None:
    values = which | asdict(delivery)
    if not await transaction.run("count_delivery", values):
        return
    await transaction.run("add_delivery", values)
    await transaction.run("drop_surplus_deliveries", which | {"kept": _KEPT_DELIVERIES})
    await transaction.run("drop_old_deliveries", {"oldest": delivery.at - _KEPT_SECONDS, "few": _FEW})


async def resend(transaction: Transaction, *, who: dict[str, str], now: float) -> WebhookEvent | None:
    """Make a webhook due again, from its first try on."""
    if not await transaction.run("get_callback", dict(who)):
        return None
    again = WorkItem(WorkKind.WEBHOOK, Queue.WEBHOOK, who["task_id"], who["application_id"], now, who["state"])
    await work.enqueue(transaction, [again])
    (row,) = await transaction.run("get_callback", dict(who))
    return webhook_from(row)


async def add_first_secret(transaction: Transaction, *, application_id: str, secret: SigningSecret) -> None:
    """Add a secret unless the application has one."""
    if not await transaction.run("callback_secrets", {"application_id": application_id, "now": secret.created_at}):
        await transaction.run("add_callback_secret", {"application_id": application_id, **asdict(secret)})


async def rotate_secret(transaction: Transaction, *, application_id: str, secret: SigningSecret, until: float) -> None:
    """Add a secret, and let the others end by a time; of many the oldest go."""
    whose: Values = {"application_id": application_id}
    await transaction.run("end_callback_secrets", whose | {"until": until})
    await transaction.run("add_callback_secret", whose | asdict(secret))
    await transaction.run("drop_callback_secrets", whose | {"now": secret.created_at, "kept": _KEPT_SECRETS})
