"""Delivers due webhooks."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Mapping

from filmgate.core.query.cache import Serializer
from filmgate.core.webhooks.limit import ConcurrencyLimiter
from filmgate.core.webhooks.schedule import decide, failure_of
from filmgate.core.webhooks.sign import Signing, sign
from filmgate.domain.addresses import redact
from filmgate.domain.retry_after import parse_retry_after
from filmgate.domain.states import State
from filmgate.domain.task import Task
from filmgate.domain.webhooks import WebhookStatus
from filmgate.faults import Point, reach
from filmgate.ports.clock import Clock
from filmgate.ports.context import traceparent
from filmgate.ports.fetcher import Fetcher, FetchError
from filmgate.ports.ledger import Ledger
from filmgate.ports.webhooks import Delivery, DeliveryOutcome, WebhookEvent
from filmgate.ports.work import Claim

log = logging.getLogger(__name__)

DUMMIES = frozenset({"https://api.acedata.cloud/health"})
"""Addresses that clients send only to be answered at once; nobody listens there."""

TIMEOUT = 10.0
"""Seconds in which a receiver has to answer."""

_LONGEST_WISH = 1e10
"""Seconds of a Retry-After above which it is taken for nonsense, not for a wish."""


class WebhookSender:
    """Delivers webhooks at least once: any 2xx is an arrival, 410 the end, anything else is tried again.

    Of one task never two are under way at once, and that it has started is no news once it has ended: so the states of
    a task are told in their order.
    """

    def __init__(
        self,
        ledger: Ledger,
        fetcher: Fetcher,
        forms: Mapping[str, Serializer],
        clock: Clock,
        *,
        chance: Callable[[], float] = random.random,
        told: Callable[[DeliveryOutcome], None] = lambda _: None,
    ) -> None:
        """Take the forms in which tasks are posted, by the name of the dialect, and who is told of every outcome."""
        self._ledger = ledger
        self._log = ledger.webhooks
        self._fetcher = fetcher
        self._forms = forms
        self._clock = clock
        self._chance = chance
        self._told = told
        self._signing = Signing(ledger.webhooks, clock)
        self._receivers = ConcurrencyLimiter()

    async def deliver(self, claim: Claim) -> None:
        """Post one webhook, then remove it from the due work or put it back for later."""
        task = claim.task
        if task is None:
            await self._ledger.finish(claim)
        elif not task.callback_url or task.callback_url.rstrip("/") in DUMMIES:
            await self._settle(claim, DeliveryOutcome(WebhookStatus.SKIPPED, trouble="nobody listens at this address"))
        elif claim.due.detail == State.PROCESSING and task.final:
            await self._settle(claim, DeliveryOutcome(WebhookStatus.SUPERSEDED))
        else:
            with self._receivers.visit(task.callback_url, task.application_id, task.credential_id, task.id) as visit:
                if visit.pause is not None:
                    await self._ledger.postpone(claim, self._clock() + visit.pause)
                    return
                visit.answered = await self._attempt(claim, task, task.callback_url)

    async def _attempt(self, claim: Claim, task: Task, url: str) -> bool:
        """Make one delivery and write down what came of it; says whether the receiver answered."""
        webhook = await self._log.get(task.application_id, task.id, claim.due.detail)
        if webhook is None:
            # The task was deleted a moment ago.
            await self._ledger.finish(claim)
            return True
        delivery, wanted = await self._post(webhook, task, url)
        reach(Point.WEBHOOK_SENT)
        outcome = decide(webhook, delivery, wanted, self._clock(), self._chance)
        _report(webhook, outcome, redact(url))
        await self._settle(claim, outcome)
        reach(Point.WEBHOOK_SETTLED)
        return delivery.answer is not None

    async def _settle(self, claim: Claim, outcome: DeliveryOutcome) -> None:
        await self._log.settle(claim, outcome)
        self._told(outcome)

    async def _post(self, webhook: WebhookEvent, task: Task, url: str) -> tuple[Delivery, float]:
        """Post once; gives what came of it, and for how many seconds the receiver wants to be left alone."""
        at, start = self._clock(), time.monotonic()
        body = await self._payload(task)
        keys = [each.secret for each in await self._signing.secrets(task.application_id)]
        headers = {"content-type": "application/json", "x-trace-id": task.trace_id}
        if (place := traceparent.get()) is not None:
            headers["traceparent"] = place
        try:
            response = await self._fetcher.post(
                url,
                body,
                headers | sign(webhook.id, at, body, keys),
                timeout=TIMEOUT,
                application=task.application_id,
            )
        except FetchError as error:
            return Delivery(at, time.monotonic() - start, trouble=error.message), 0.0
        delivery = Delivery(at, time.monotonic() - start, response.status, failure_of(response.status))
        wished = parse_retry_after(response.headers.get("retry-after", ""), self._clock(), _LONGEST_WISH)
        return delivery, wished or 0.0

    async def _payload(self, task: Task) -> bytes:
        form = self._forms[task.dialect]
        echoes = await self._ledger.echoes([task.id]) if form.wants_echo else {}
        return form.one(task, echoes.get(task.id), task.base_url)


def _report(webhook: WebhookEvent, outcome: DeliveryOutcome, place: str) -> None:
    if outcome.status is WebhookStatus.PENDING:
        log.info("webhook %s to %s: %s; trying again", webhook.id, place, outcome.trouble)
    elif outcome.status is WebhookStatus.FAILED:
        log.warning("webhook %s to %s: %s", webhook.id, place, outcome.trouble)
