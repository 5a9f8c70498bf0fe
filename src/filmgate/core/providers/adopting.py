"""Taking over tasks that a provider made before Filmgate knew of them."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Mapping

import msgspec
import uuid_utils

from filmgate.core.providers.account import Account
from filmgate.domain.errors import Conflict, InvalidRequest, NotFound, Unavailable
from filmgate.domain.generation import Generation
from filmgate.domain.settings import EngineSettings
from filmgate.domain.states import Stage, State
from filmgate.domain.task import Progress, Task
from filmgate.ports.context import RequestContext
from filmgate.ports.dispatch import Clock, Dispatcher
from filmgate.ports.ledger import EXPIRE, FOLLOW, Due, Echo, Ledger, queue_of
from filmgate.ports.provider import ProviderTrouble, Report

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{7,127}")
_DIALECT = "native"
_PATIENCE = 5.0
_FORGET_AFTER = 60.0
_REMEMBERED = 10_000
_AT_ONCE = 4


class Adopting:
    """Makes a task of ours of a provider's: under the same id, found in every dialect, followed like any other."""

    def __init__(
        self,
        accounts: Mapping[str, Account],
        settings: Mapping[str, EngineSettings],
        ledger: Ledger,
        dispatcher: Dispatcher,
        clock: Clock,
        *,
        asked_for: Mapping[str, tuple[str, ...]],
    ) -> None:
        """Take, by application id, the engines that unknown ids of its queries are looked up at."""
        self._accounts = accounts
        self._settings = settings
        self._ledger = ledger
        self._dispatcher = dispatcher
        self._clock = clock
        self._asked_for = asked_for
        self._strangers: dict[tuple[str, str], float] = {}
        self._lines = asyncio.Semaphore(_AT_ONCE)

    async def adopt(self, context: RequestContext, engine: str, upstream_id: str) -> Task:
        """Take over one task for the application that asks; one that is there already is given as it is.

        Raises NotFound if the provider does not know the task, Unavailable if it cannot be asked now, InvalidRequest
        for an engine that is no provider or an id that cannot be one, Conflict if the task is somebody else's.
        """
        account = self._accounts.get(engine)
        if account is None:
            raise InvalidRequest(
                f"engine must be a provider: {', '.join(self._accounts) or 'none is configured'}", field="engine"
            )
        if not _ID.fullmatch(upstream_id):
            raise InvalidRequest("an id has 8 to 128 letters, digits, dots, colons, - or _", field="ids")
        there = await self._ledger.get(context.caller.application_id, upstream_id)
        if there is not None:
            return there
        report = await self._asked(account, upstream_id)
        if report is None:
            raise NotFound(f"The provider {engine} knows no task {upstream_id}.", field="ids")
        return await self._taken_over(context, account, report)

    async def for_query(self, context: RequestContext, task_id: str) -> bool:
        """Try to take over a task that a query asks for in vain; True if it is there now."""
        engines = self._asked_for.get(context.caller.application_id, ())
        place = (context.caller.application_id, task_id)
        if not engines or not _ID.fullmatch(task_id) or self._strangers.get(place, 0.0) > time.monotonic():
            return False
        try:
            async with asyncio.timeout(_PATIENCE), self._lines:
                for engine in engines:
                    if await self._adopted(context, engine, task_id):
                        return True
        except TimeoutError:
            return False
        self._remember(place)
        return False

    async def _adopted(self, context: RequestContext, engine: str, task_id: str) -> bool:
        try:
            await self.adopt(context, engine, task_id)
        except (NotFound, Conflict, Unavailable):
            return False
        return True

    def _remember(self, place: tuple[str, str]) -> None:
        """Do not ask for this id again for a while."""
        if len(self._strangers) >= _REMEMBERED:
            del self._strangers[next(iter(self._strangers))]
        self._strangers[place] = time.monotonic() + _FORGET_AFTER

    async def _asked(self, account: Account, upstream_id: str) -> Report | None:
        if await self._ledger.known_upstream(account.name, [upstream_id]):
            raise Conflict("The provider's task is one of another task here already.")
        try:
            reports = await account.provider.query([upstream_id])
        except ProviderTrouble as trouble:
            raise Unavailable(f"The provider {account.name} cannot be asked now: {trouble.message}") from trouble
        return next((report for report in reports if report.receipt.id == upstream_id), None)

    async def _taken_over(self, context: RequestContext, account: Account, report: Report) -> Task:
        now, caller = self._clock(), context.caller
        settings = self._settings[account.name]
        made = min(now, report.created_at or now)
        task = Task(
            id=report.receipt.id,
            application_id=caller.application_id,
            credential_id=caller.credential_id,
            user_id=caller.user_id,
            trace_id=context.trace_id,
            video_id=report.receipt.video_id or str(uuid_utils.uuid4()),
            dialect=_DIALECT,
            engine=account.name,
            generation=_understood(report),
            base_url=context.base_url,
            callback_url=None,
            created_at=made,
            updated_at=now,
            state=State.PROCESSING,
            stage=Stage.FOLLOW,
            started_at=made,
            deadline_at=now + settings.deadline,
            work=Progress(video=report.receipt.video_id),
            upstream_id=report.receipt.id,
        )
        due = (
            Due(FOLLOW, queue_of(FOLLOW, account.name), task.id, task.application_id, now),
            Due(EXPIRE, EXPIRE, task.id, task.application_id, now + settings.deadline),
        )
        body = msgspec.json.encode({"prompt": task.generation.prompt, "aspect_ratio": task.generation.aspect_ratio})
        await self._ledger.submit(task, Echo(_DIALECT, body), due)
        self._dispatcher.wake(due[0].queue)
        return task


def _understood(report: Report) -> Generation:
    """Give what was asked for; what it refers to is the provider's, and nothing here."""
    return msgspec.structs.replace(report.asked or Generation(""), start=None, end=None, guides=())
