"""What owners see of their webhooks, and do about them."""

from __future__ import annotations

from filmgate.core.webhooks.sign import Signing
from filmgate.domain.errors import Conflict, NotFound
from filmgate.domain.states import FINAL
from filmgate.domain.webhooks import WebhookStatus, parts_of
from filmgate.domain.work import Queue
from filmgate.ports.clock import Clock
from filmgate.ports.context import RequestContext
from filmgate.ports.dispatch import Dispatcher
from filmgate.ports.ledger import Ledger
from filmgate.ports.webhooks import Delivery, SigningSecret, WebhookEvent, WebhookFilter, WebhookPage

UNKNOWN = "there is no such webhook"


class WebhookService:
    """The webhooks and the signing secrets of the application that asks."""

    def __init__(self, ledger: Ledger, dispatcher: Dispatcher, clock: Clock) -> None:
        self._log = ledger.webhooks
        self._dispatcher = dispatcher
        self._clock = clock
        self._signing = Signing(ledger.webhooks, clock)

    async def find(self, context: RequestContext, wanted: WebhookFilter) -> WebhookPage:
        """List webhooks, newest first."""
        return await self._log.find(context.caller.application_id, wanted)

    async def get(self, context: RequestContext, name: str) -> WebhookEvent:
        """Find a webhook by its own name, or the newest one of a task by the task's id. Raises NotFound."""
        owner, parts = context.caller.application_id, parts_of(name)
        if parts is not None:
            found = await self._log.get(owner, *parts)
        else:
            page = await self._log.find(owner, WebhookFilter(task_id=name, limit=1))
            found = next(iter(page.webhooks), None)
        if found is None:
            raise NotFound(UNKNOWN)
        return found

    async def deliveries(self, webhook: WebhookEvent) -> list[Delivery]:
        """Return the deliveries of a webhook that are still kept, oldest first."""
        return await self._log.deliveries(webhook)

    async def resend(self, context: RequestContext, name: str) -> WebhookEvent:
        """Resend a webhook, with three days of tries before it again.

        Raises NotFound, and Conflict where its address is nobody's or a later state was told instead.
        """
        webhook = await self.get(context, name)
        if webhook.status is WebhookStatus.SUPERSEDED or await self._needs_resend(context, webhook):
            raise Conflict("The task has ended since, which was told instead: send the webhook of its end again.")
        if webhook.status is WebhookStatus.SKIPPED:
            raise Conflict("Nobody listens at the address of this webhook.")
        sent = await self._log.resend(context.caller.application_id, webhook.task_id, webhook.state, self._clock())
        if sent is None:
            raise NotFound(UNKNOWN)
        self._dispatcher.wake(Queue.WEBHOOK)
        return sent

    async def secrets(self, context: RequestContext) -> list[SigningSecret]:
        """Return what signs webhooks now, newest first; the first one is made when it is asked for."""
        return await self._signing.secrets(context.caller.application_id)

    async def rotate(self, context: RequestContext, *, at_once: bool) -> list[SigningSecret]:
        """Let a new secret sign, and give all that do; `at_once` the earlier ones do not any more."""
        return await self._signing.rotate(context.caller.application_id, at_once=at_once)

    async def _needs_resend(self, context: RequestContext, webhook: WebhookEvent) -> bool:
        if webhook.state in FINAL:
            return False
        page = await self._log.find(context.caller.application_id, WebhookFilter(task_id=webhook.task_id))
        return any(other.state in FINAL for other in page.webhooks)
