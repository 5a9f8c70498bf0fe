"""The writes of every ledger, each a rule in one transaction. A store adds the reads and runs the rules."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from functools import partial

from filmgate.adapters.ledger.transactions import idempotency, keys, provider_ids, tasks, webhooks, work
from filmgate.adapters.ledger.transactions.transaction import Rule, T
from filmgate.domain.failures import Failure
from filmgate.domain.limits import Limits
from filmgate.domain.task import Task
from filmgate.domain.work import WorkItem
from filmgate.ports.idempotency import IdempotencyRecord
from filmgate.ports.keys import ApiKey, Application
from filmgate.ports.media import StoredMedia
from filmgate.ports.tasks import Change, RawRequest
from filmgate.ports.webhooks import DeliveryOutcome, SigningSecret, WebhookEvent
from filmgate.ports.work import Claim


class LedgerWrites(ABC):
    """Writes of tasks, work, files and keys, for a `filmgate.ports.ledger.Ledger`."""

    _limits: Limits
    """The rules for applications that have none of their own."""

    @abstractmethod
    async def _write(self, rule: Rule[T]) -> T:
        """Run a rule in a transaction, and return its result once it is durable."""

    async def add_application(self, application: Application) -> Application:
        """Add the application, or return the one that already has this name."""
        return await self._write(partial(keys.add_application, application=application))

    async def add_key(self, key: ApiKey) -> None:
        """Add a key; raises NotFound without its application, Conflict if the key is there already."""
        await self._write(partial(keys.add_key, key=key))

    async def revoke_key(self, key_id: str, now: float) -> bool:
        """Revoke a key that is still good."""
        return await self._write(partial(keys.revoke_key, key_id=key_id, now=now))

    async def submit(
        self,
        task: Task,
        echo: RawRequest,
        due: Sequence[WorkItem],
        media: Sequence[StoredMedia] = (),
        *,
        max_unfinished: int = 0,
        mark: IdempotencyRecord | None = None,
    ) -> None:
        """Write an accepted task; raises also Conflict for an id that is there."""
        await self._write(
            partial(
                tasks.submit,
                task=task,
                echo=echo,
                due=due,
                media=media,
                max_unfinished=max_unfinished,
                known_by=mark,
                limits=self._limits,
            )
        )

    async def expect(self, task: Task, mark: IdempotencyRecord, now: float) -> None:
        """Remember the submission of a task, so that a repeat of it is recognised."""
        await self._write(partial(idempotency.expect, task=task, known_by=mark, now=now))

    async def add_media(self, media: StoredMedia) -> None:
        """Write the row of an upload."""
        await self._write(partial(tasks.add_media, media=(media,)))

    async def drop_upload(self, application_id: str, token: str) -> StoredMedia | None:
        """Remove the row of an upload of the application."""
        return await self._write(partial(tasks.drop_upload, application_id=application_id, token=token))

    async def commit(self, change: Change, due: Sequence[WorkItem] = ()) -> Task | None:
        """Apply a change with the work it makes due, if its fence still holds."""
        return await self._write(partial(tasks.commit, change=change, due=due))

    async def cancel(self, application_id: str, task_id: str, failure: Failure, now: float) -> Task | None:
        """End an unfinished task of the application by its owner's will."""
        return await self._write(
            partial(tasks.cancel, application_id=application_id, task_id=task_id, failure=failure, now=now)
        )

    async def delete(self, application_id: str, task_id: str, now: float) -> bool:
        """Remove a task of the application and make the purge of its files due."""
        return await self._write(partial(tasks.delete, application_id=application_id, task_id=task_id, now=now))

    async def set_origins(self, origins: Mapping[str, str], now: float) -> None:
        """Remember the origin of each engine's provider."""
        await self._write(partial(provider_ids.set_origins, origins=origins, now=now))

    async def settle_seek(self, task_id: str, recall: WorkItem | None, now: float) -> bool:
        """End the search for the submission of a task; its cancellation at the provider is due."""
        return await self._write(partial(work.settle_seek, task_id=task_id, recall=recall, now=now))

    async def enqueue(self, due: WorkItem) -> None:
        """Make work due, whatever has become of its task."""
        await self._write(partial(work.enqueue, due=(due,)))

    async def claim(
        self, queue: str, worker: str, now: float, lease: float, limit: int = 1, *, share: int = 0
    ) -> list[Claim]:
        """Take the fair next due work of a queue."""
        return await self._write(
            partial(work.claim, queue=queue, worker=worker, now=now, until=now + lease, limit=limit, share=share)
        )

    async def renew(self, claims: Sequence[Claim], now: float, lease: float) -> None:
        """Let the leases of claims end later."""
        await self._write(partial(work.renew, claims=claims, until=now + lease))

    async def release_leases(self, worker: str) -> int:
        """End the leases of a worker that stops or is dead, and return their number."""
        return await self._write(partial(work.release_leases, worker=worker))

    async def postpone(self, claim: Claim, not_before: float) -> None:
        """Put claimed work back; nothing happens for a void claim."""
        await self._write(partial(work.postpone, claim=claim, not_before=not_before))

    async def finish(self, claim: Claim) -> None:
        """Remove claimed work that is done; nothing happens for a void claim."""
        await self._write(partial(work.finish, claim=claim))

    async def clock_moved(self, seconds: float) -> None:
        """Move due times along with a clock that was set."""
        await self._write(partial(work.clock_moved, seconds=seconds))


class WebhookWrites(ABC):
    """Writes of the log of webhooks, for a `filmgate.ports.webhooks.WebhookLog`."""

    @abstractmethod
    async def _write(self, rule: Rule[T]) -> T:
        """Run a rule in a transaction, and return its result once it is durable."""

    async def settle(self, claim: Claim, outcome: DeliveryOutcome) -> None:
        """Record the outcome of a claimed webhook."""
        await self._write(partial(webhooks.settle, claim=claim, outcome=outcome))

    async def resend(self, application_id: str, task_id: str, state: str, now: float) -> WebhookEvent | None:
        """Make a webhook of the application due again."""
        who = {"application_id": application_id, "task_id": task_id, "state": state}
        return await self._write(partial(webhooks.resend, who=who, now=now))

    async def add_first_secret(self, application_id: str, secret: SigningSecret) -> None:
        """Add a secret unless the application has one."""
        await self._write(partial(webhooks.add_first_secret, application_id=application_id, secret=secret))

    async def rotate_secret(self, application_id: str, secret: SigningSecret, until: float) -> None:
        """Add a secret and let the others end."""
        await self._write(partial(webhooks.rotate_secret, application_id=application_id, secret=secret, until=until))
