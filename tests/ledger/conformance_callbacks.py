"""What every ledger does with webhooks: a log that goes with the due work, and secrets."""

from __future__ import annotations

import pytest

from filmgate.domain.states import State
from filmgate.domain.task import Task
from filmgate.domain.webhooks import WebhookStatus
from filmgate.domain.work import Queue, WorkItem, WorkKind
from filmgate.ports.keys import Application
from filmgate.ports.ledger import Ledger
from filmgate.ports.tasks import Change
from filmgate.ports.webhooks import Delivery, DeliveryOutcome, SigningSecret, WebhookFilter
from filmgate.ports.work import Claim

from .conformance import Tenants
from .examples import CANCELLED, NOW, A, B, submitted

URL = "http://example.test/hook?token=x"
DAY = 86_400.0


async def ended(ledger: Ledger, owner: Application = A, now: float = NOW) -> Task:
    """Return a task that has ended and whose owner is to be told."""
    task = await submitted(ledger, owner, callback_url=URL)
    found = await ledger.cancel(owner.id, task.id, CANCELLED, now)
    assert found is not None
    return found


async def claimed(ledger: Ledger, now: float = NOW) -> Claim:
    """Claim a webhook that must be there."""
    (claim,) = await ledger.claim(Queue.WEBHOOK, "w", now, 60.0)
    return claim


def tried(answer: int | None, at: float = NOW, **outcome: float | None) -> DeliveryOutcome:
    """Return what a delivery has come to: arrived, or to be tried again."""
    trouble = None if answer == 200 else "no"
    status = WebhookStatus.PENDING if trouble else WebhookStatus.DELIVERED
    return DeliveryOutcome(status, Delivery(at, 0.5, answer, trouble), outcome.get("again"), trouble)


class CallbackConformance(Tenants):
    """The log."""

    async def test_a_callback_is_there_with_its_due_work(self, ledger: Ledger):
        """The end of a task and its webhook are one; nobody else sees it, and no other state has one."""
        task = await ended(ledger)
        found = await ledger.webhooks.get(A.id, task.id, State.FAILED)
        assert found is not None
        assert (found.url, found.status, found.since, found.tries) == (URL, WebhookStatus.PENDING, NOW, 0)
        assert found.next_at == NOW
        assert await ledger.webhooks.get(B.id, task.id, State.FAILED) is None
        assert await ledger.webhooks.get(A.id, task.id, State.COMPLETED) is None
        assert (await ledger.webhooks.find(B.id, WebhookFilter())).total == 0

    async def test_a_task_without_an_address_has_no_callback(self, ledger: Ledger):
        """Who is not to be told is not in the log."""
        task = await submitted(ledger)
        await ledger.cancel(A.id, task.id, CANCELLED, NOW)
        assert (await ledger.webhooks.find(A.id, WebhookFilter())).webhooks == []

    async def test_a_delivery_that_arrived_ends_the_work(self, ledger: Ledger):
        """What became of it, the delivery and the end of the due work are written at once."""
        task = await ended(ledger)
        await ledger.webhooks.settle(await claimed(ledger), tried(200))
        found = await ledger.webhooks.get(A.id, task.id, State.FAILED)
        assert found is not None
        assert (found.status, found.tries, found.answer, found.last_at) == (WebhookStatus.DELIVERED, 1, 200, NOW)
        assert (found.next_at, found.trouble) == (None, None)
        assert await ledger.webhooks.deliveries(found) == [Delivery(NOW, 0.5, 200)]
        assert await ledger.next_work(Queue.WEBHOOK) is None

    async def test_a_delivery_that_failed_is_due_again(self, ledger: Ledger):
        """The work is put back, and the log says when it is due."""
        task = await ended(ledger)
        await ledger.webhooks.settle(await claimed(ledger), tried(None, again=NOW + 30))
        found = await ledger.webhooks.get(A.id, task.id, State.FAILED)
        assert found is not None
        assert (found.status, found.next_at, found.trouble) == (WebhookStatus.PENDING, NOW + 30, "no")
        assert await ledger.next_work(Queue.WEBHOOK) == NOW + 30

    async def test_a_void_claim_changes_only_the_log_of_deliveries(self, ledger: Ledger):
        """What was sent again meanwhile stays due, whatever comes of the delivery before."""
        task = await ended(ledger)
        old = await claimed(ledger)
        assert await ledger.webhooks.resend(A.id, task.id, State.FAILED, NOW + 5) is not None
        await ledger.webhooks.settle(old, tried(200))
        found = await ledger.webhooks.get(A.id, task.id, State.FAILED)
        assert found is not None
        assert (found.status, found.answer) == (WebhookStatus.PENDING, 200)
        assert await ledger.next_work(Queue.WEBHOOK) == NOW + 5

    async def test_a_callback_can_be_sent_again(self, ledger: Ledger):
        """Sent again it begins anew, with the deliveries before still in the log; a stranger cannot do it."""
        task = await ended(ledger)
        await ledger.webhooks.settle(await claimed(ledger), tried(200))
        assert await ledger.webhooks.resend(B.id, task.id, State.FAILED, NOW + 9) is None
        assert await ledger.webhooks.resend(A.id, task.id, State.COMPLETED, NOW + 9) is None
        sent = await ledger.webhooks.resend(A.id, task.id, State.FAILED, NOW + 9)
        assert sent is not None
        assert (sent.status, sent.since, sent.tries, sent.created_at) == (WebhookStatus.PENDING, NOW + 9, 0, NOW)
        assert (await claimed(ledger, NOW + 9)).due.detail == State.FAILED
        assert len(await ledger.webhooks.deliveries(sent)) == 1

    async def test_the_end_supersedes_the_beginning(self, ledger: Ledger):
        """With the delivery of the end the beginning is not due any more; one that was delivered stays so."""
        for earlier, status in ((None, WebhookStatus.SUPERSEDED), (200, WebhookStatus.DELIVERED)):
            task = await submitted(ledger, callback_url=URL)
            begun = WorkItem(WorkKind.WEBHOOK, Queue.WEBHOOK, task.id, A.id, NOW, State.PROCESSING)
            await ledger.commit(Change(task_id=task.id, fence=0, now=NOW, state=State.PROCESSING), [begun])
            await ledger.webhooks.settle(await claimed(ledger), tried(earlier, again=None if earlier else NOW + 99))
            await ledger.cancel(A.id, task.id, CANCELLED, NOW)
            await ledger.webhooks.settle(await claimed(ledger), tried(500, again=NOW + 50))
            found = await ledger.webhooks.get(A.id, task.id, State.PROCESSING)
            assert found is not None
            assert found.status is status
            assert await ledger.next_work(Queue.WEBHOOK) == NOW + 50
            await ledger.delete(A.id, task.id, NOW)

    async def test_callbacks_are_listed_newest_first(self, ledger: Ledger):
        """The list is of one application, of one task or one status if asked, and in pages."""
        tasks = [await ended(ledger, now=NOW + n) for n in range(5)]
        await ended(ledger, B)
        await ledger.webhooks.settle(await claimed(ledger, NOW + 9), tried(200))
        page = await ledger.webhooks.find(A.id, WebhookFilter(limit=2, offset=1))
        assert [each.task_id for each in page.webhooks] == [tasks[3].id, tasks[2].id]
        assert (page.total, page.more) == (5, True)
        one = await ledger.webhooks.find(A.id, WebhookFilter(task_id=tasks[1].id))
        assert [each.task_id for each in one.webhooks] == [tasks[1].id]
        told = [
            (await ledger.webhooks.find(owner.id, WebhookFilter(statuses=(WebhookStatus.DELIVERED,)))).total
            for owner in (A, B)
        ]
        assert sorted(told) == [0, 1]
        mixed = WebhookFilter(statuses=(WebhookStatus.DELIVERED, WebhookStatus.PENDING), limit=4)
        page = await ledger.webhooks.find(A.id, mixed)
        assert [each.task_id for each in page.webhooks] == [each.id for each in tasks[:0:-1]]
        assert (page.total, page.more) == (5, True)
        of_task = WebhookFilter(task_id=tasks[1].id, statuses=tuple(WebhookStatus))
        assert len((await ledger.webhooks.find(A.id, of_task)).webhooks) == 1
        assert (await ledger.webhooks.find(B.id, of_task)).webhooks == []

    async def test_the_log_is_bounded(self, ledger: Ledger):
        """Of each webhook the newest fifty deliveries are kept, and none for more than thirty days."""
        first, other = await ended(ledger), await ended(ledger)
        for n in range(60):
            await ledger.webhooks.settle(await self._claim_of(ledger, first, NOW + n), tried(None, NOW + n, again=NOW))
        found = await ledger.webhooks.get(A.id, first.id, State.FAILED)
        assert found is not None
        assert found.tries == 60
        kept = await ledger.webhooks.deliveries(found)
        assert [each.at for each in kept] == [NOW + n for n in range(10, 60)]
        for n in range(6):
            later = NOW + 31 * DAY + n
            await ledger.webhooks.settle(await self._claim_of(ledger, other, later), tried(None, later, again=NOW))
        assert await ledger.webhooks.deliveries(found) == []

    async def _claim_of(self, ledger: Ledger, task: Task, now: float) -> Claim:
        """Claim the webhook of a task among others."""
        await ledger.release_leases("w")
        claims = await ledger.claim(Queue.WEBHOOK, "w", now, 60.0, 2)
        return next(claim for claim in claims if claim.due.task_id == task.id)

    async def test_a_deleted_task_takes_its_callbacks_along(self, ledger: Ledger):
        """Nothing is left of a deleted task, also when a delivery of it ends afterwards."""
        task = await ended(ledger)
        claim = await claimed(ledger)
        found = await ledger.webhooks.get(A.id, task.id, State.FAILED)
        assert found is not None
        await ledger.delete(A.id, task.id, NOW)
        await ledger.webhooks.settle(claim, tried(500, again=NOW))
        assert await ledger.webhooks.get(A.id, task.id, State.FAILED) is None
        assert await ledger.webhooks.deliveries(found) == []


class SecretConformance(Tenants):
    """The secrets."""

    @pytest.mark.parametrize("again", [1, 2])
    async def test_the_first_secret_stays(self, ledger: Ledger, again: int):
        """Adding a first secret when there is one does nothing."""
        for n in range(again + 1):
            await ledger.webhooks.add_first_secret(A.id, SigningSecret(bytes([n]) * 32, NOW))
        assert await ledger.webhooks.secrets(A.id, NOW) == [SigningSecret(b"\0" * 32, NOW)]
        assert await ledger.webhooks.secrets(B.id, NOW) == []

    async def test_a_rotation_is_of_one_application(self, ledger: Ledger):
        """The others' secrets do not end with it."""
        for owner in (A, B):
            await ledger.webhooks.add_first_secret(owner.id, SigningSecret(owner.id.encode(), NOW))
        await ledger.webhooks.rotate_secret(A.id, SigningSecret(b"new", NOW), NOW + 10)
        assert await ledger.webhooks.secrets(A.id, NOW) == [
            SigningSecret(b"new", NOW),
            SigningSecret(A.id.encode(), NOW, NOW + 10),
        ]
        assert await ledger.webhooks.secrets(B.id, NOW + 10) == [SigningSecret(B.id.encode(), NOW)]
