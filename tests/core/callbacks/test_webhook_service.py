"""What owners see of their webhooks, and do about them."""

from __future__ import annotations

import pytest

from filmgate.domain.errors import Conflict, NotFound
from filmgate.domain.states import State
from filmgate.domain.webhooks import WebhookStatus
from filmgate.domain.work import Queue
from filmgate.ports.webhooks import Delivery, DeliveryOutcome, WebhookEvent, WebhookFilter
from tests.core.small_core import OWNER, STRANGER, Core

URL = "http://owner.test/hook"


async def settle(core: Core, status: WebhookStatus) -> WebhookEvent:
    """Deliver the one webhook that is due, with this outcome."""
    (claim,) = await core.claim(Queue.WEBHOOK)
    await core.ledger.webhooks.settle(claim, DeliveryOutcome(status, Delivery(core.clock(), 0.1, 200)))
    found = await core.ledger.webhooks.get(claim.due.application_id, claim.due.task_id, claim.due.detail)
    assert found is not None
    return found


async def test_a_webhook_is_found_by_its_name_and_by_its_task(core: Core):
    """With its deliveries; a stranger finds neither."""
    task = await core.finish(await core.submit(callback=URL))
    sent = await settle(core, WebhookStatus.DELIVERED)
    assert await core.webhooks.get(OWNER, sent.id) == await core.webhooks.get(OWNER, task.id) == sent
    assert [each.answer for each in await core.webhooks.deliveries(sent)] == [200]
    assert (await core.webhooks.find(OWNER, WebhookFilter())).webhooks == [sent]
    assert (await core.webhooks.find(STRANGER, WebhookFilter())).webhooks == []
    for name in (sent.id, task.id):
        with pytest.raises(NotFound):
            await core.webhooks.get(STRANGER, name)
        with pytest.raises(NotFound):
            await core.webhooks.resend(STRANGER, name)


async def test_a_delivered_webhook_can_be_sent_again(core: Core):
    """It is due at once, from its first try on."""
    await core.finish(await core.submit(callback=URL))
    sent = await settle(core, WebhookStatus.DELIVERED)
    again = await core.webhooks.resend(OWNER, sent.id)
    assert (again.status, again.tries) == (WebhookStatus.PENDING, 0)
    assert await core.ledger.next_work(Queue.WEBHOOK) == core.clock()
    with pytest.raises(NotFound):
        await core.webhooks.resend(OWNER, "unknown")


async def test_a_start_is_not_told_after_the_end(core: Core):
    """The owner would take the task for one that is worked on."""
    task = await core.submit(callback=URL, dialect="announced")
    await core.finish(task)
    begun = await core.ledger.webhooks.get(task.application_id, task.id, State.PROCESSING)
    assert begun is not None
    with pytest.raises(Conflict, match="has ended since"):
        await core.webhooks.resend(OWNER, begun.id)


async def test_nobody_is_told_twice_who_does_not_listen(core: Core):
    """A webhook whose address is nobody's stays unsent."""
    await core.finish(await core.submit(callback=URL))
    sent = await settle(core, WebhookStatus.SKIPPED)
    with pytest.raises(Conflict, match="Nobody listens"):
        await core.webhooks.resend(OWNER, sent.id)


async def test_a_webhook_that_goes_meanwhile_is_not_found(core: Core, monkeypatch: pytest.MonkeyPatch):
    """Its task was deleted between the look and the act."""
    await core.finish(await core.submit(callback=URL))
    sent = await settle(core, WebhookStatus.DELIVERED)

    async def gone(*_: object) -> None:
        return None

    monkeypatch.setattr(core.ledger.webhooks, "resend", gone)
    with pytest.raises(NotFound):
        await core.webhooks.resend(OWNER, sent.id)


async def test_secrets_are_each_applications_own(core: Core):
    """A rotation adds one; at once, the earlier ones end."""
    (first,) = await core.webhooks.secrets(OWNER)
    assert await core.webhooks.secrets(OWNER) == [first]
    both = await core.webhooks.rotate(OWNER, at_once=False)
    assert [each.secret for each in both][1] == first.secret
    assert both[1].ends_at is not None
    (only,) = await core.webhooks.rotate(OWNER, at_once=True)
    assert only.secret not in {each.secret for each in both}
    (theirs,) = await core.webhooks.secrets(STRANGER)
    assert theirs.secret not in {first.secret, only.secret}
