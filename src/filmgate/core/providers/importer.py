"""Taking over tasks that a provider made before Filmgate knew of them."""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from collections.abc import Mapping, Sequence

import msgspec
import uuid_utils

from filmgate.core.providers.account import Account
from filmgate.domain.errors import Conflict, InvalidRequest, NotFound, Unavailable
from filmgate.domain.generation import Generation
from filmgate.domain.settings import EngineSettings
from filmgate.domain.states import Stage, State
from filmgate.domain.task import Task, WorkState
from filmgate.domain.work import WorkKind, work_for
from filmgate.faults import Point, reach
from filmgate.ports.clock import Clock
from filmgate.ports.context import RequestContext
from filmgate.ports.dispatch import Dispatcher
from filmgate.ports.ledger import Ledger
from filmgate.ports.provider import ProviderError, Status
from filmgate.ports.tasks import RawRequest

UPSTREAM_ID = r"^[A-Za-z0-9][A-Za-z0-9._:-]{7,127}$"
"""What an id looks like under which a task of a provider can be found here."""

_ID = re.compile(UPSTREAM_ID.strip("^$"))
_DIALECT = "native"
_PATIENCE = 5.0
_LONGEST_TURN = 60.0
_FORGET_AFTER = 60.0
_FORGET_SOON = 5.0
_REMEMBERED = 10_000
_AT_ONCE = 4
_MOST = 50


class Importer:
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
        self._looking: dict[tuple[str, str], asyncio.Task[bool]] = {}
        self._lines = asyncio.Semaphore(_AT_ONCE)

    @property
    def is_wanted(self) -> bool:
        """Whether queries of any application are passed on."""
        return bool(self._asked_for)

    async def import_task(self, context: RequestContext, engine: str, upstream_id: str) -> Task:
        """Take over one task for the application that asks; one that is there already is given as it is.

        Raises NotFound for an engine that is no provider and for a task that it does not know, Unavailable if it
        cannot be asked now, InvalidRequest for an id that cannot be one, Conflict if the task is somebody else's.
        """
        account = self._accounts.get(engine)
        if account is None:
            known = ", ".join(self._accounts) or "none is configured"
            raise NotFound(f"There is no provider {engine!r} here: {known}.", field="engine")
        if not _ID.fullmatch(upstream_id):
            raise InvalidRequest("an id has 8 to 128 letters, digits, dots, colons, - or _", field="ids")
        there = await self._ledger.get(context.caller.application_id, upstream_id)
        if there is not None:
            return there
        report = await self._query(account, upstream_id)
        if report is None:
            raise NotFound(f"The provider {engine} knows no task {upstream_id}.", field="ids")
        return await self._import(context, account, report)

    async def for_query(self, context: RequestContext, ids: Sequence[str]) -> bool:
        """Try to take over tasks that a query asks for in vain; True if there are any now.

        Deleted tasks stay deleted, and an id that no provider knows is asked about once a minute at most.
        """
        application = context.caller.application_id
        engines = self._asked_for.get(application, ())
        wanted = [each for each in ids if engines and self._is_new(application, each)]
        wanted = [each for each in wanted if not await self._ledger.has_departed(application, each)][:_MOST]
        looks = {look for each in wanted if (look := self._looking.get((application, each))) is not None}
        new = [each for each in wanted if (application, each) not in self._looking]
        if new:
            looks.add(self._begin_search(context, engines, new))
        # Whoever asks for the same id meanwhile waits for the same answer; none of them ends it by going away.
        return any(await asyncio.gather(*map(asyncio.shield, looks)))

    def _begin_search(self, context: RequestContext, engines: Sequence[str], ids: Sequence[str]) -> asyncio.Task[bool]:
        places = [(context.caller.application_id, each) for each in ids]
        look = asyncio.ensure_future(self._search(context, engines, ids))
        self._looking |= dict.fromkeys(places, look)

        def forget(_: asyncio.Task[bool]) -> None:
            for place in places:
                del self._looking[place]

        look.add_done_callback(forget)
        return look

    async def _search(self, context: RequestContext, engines: Sequence[str], ids: Sequence[str]) -> bool:
        """Look tasks up at one engine after the other; True if any was taken over."""
        adopted: set[str] = set()
        certain = True
        try:
            async with asyncio.timeout(_PATIENCE), self._lines:
                for name in engines:
                    found, answered = await self._import_known(
                        context, name, [each for each in ids if each not in adopted]
                    )
                    adopted |= found
                    certain &= answered
        except (TimeoutError, Unavailable):
            certain = False
        for each in ids:
            if each not in adopted:
                self._remember((context.caller.application_id, each), _FORGET_AFTER if certain else _FORGET_SOON)
        return bool(adopted)

    async def _import_known(self, context: RequestContext, engine: str, ids: Sequence[str]) -> tuple[set[str], bool]:
        """Take over what an engine's provider knows of these; give them, and whether it has answered for all."""
        account = self._accounts[engine]
        known = await self._ledger.find_upstream(engine, ids)
        strange = [each for each in ids if each not in known]
        batches = [strange[at : at + account.provider.batch] for at in range(0, len(strange), account.provider.batch)]
        answers = await asyncio.gather(*map(account.look, batches), return_exceptions=True)
        adopted = set()
        for answer in answers:
            for report in () if isinstance(answer, BaseException) else answer.values():
                with contextlib.suppress(Conflict):
                    adopted.add((await self._import(context, account, report)).id)
        return adopted, not any(isinstance(answer, BaseException) for answer in answers)

    def _is_new(self, application: str, task_id: str) -> bool:
        until = self._strangers.get((application, task_id), 0.0)
        return _ID.fullmatch(task_id) is not None and until <= time.monotonic()

    def _remember(self, place: tuple[str, str], seconds: float) -> None:
        """Do not ask for this id again for a while."""
        if len(self._strangers) >= _REMEMBERED:
            del self._strangers[next(iter(self._strangers))]
        self._strangers[place] = time.monotonic() + seconds

    async def _query(self, account: Account, upstream_id: str) -> Status | None:
        # A task that was taken over before and deleted since may come back to its owner: the ledger looks whose it was.
        known = await self._ledger.find_upstream(account.name, [upstream_id])
        if known.get(upstream_id, upstream_id) != upstream_id:
            raise Conflict("The provider's task is one of another task here already, or was one until lately.")
        try:
            async with asyncio.timeout(_LONGEST_TURN):
                return (await account.look([upstream_id])).get(upstream_id)
        except ProviderError as trouble:
            raise Unavailable(f"The provider {account.name} cannot be asked now: {trouble.message}") from trouble
        except TimeoutError as error:
            raise Unavailable(f"The provider {account.name} cannot be asked now: others are.") from error

    async def _import(self, context: RequestContext, account: Account, report: Status) -> Task:
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
            stage=Stage.POLL,
            started_at=made,
            deadline_at=now + settings.deadline,
            work=WorkState(video=report.receipt.video_id),
            upstream_id=report.receipt.id,
        )
        due = (
            work_for(task, WorkKind.POLL, now),
            work_for(task, WorkKind.EXPIRE, now + settings.deadline),
        )
        body = msgspec.json.encode({"prompt": task.generation.prompt, "aspect_ratio": task.generation.aspect_ratio})
        reach(Point.IMPORT_READY)
        await self._ledger.submit(task, RawRequest(_DIALECT, body), due)
        reach(Point.IMPORTED)
        self._dispatcher.wake(due[0].queue)
        return task


def _understood(report: Status) -> Generation:
    """Return the request as understood; its references are the provider's and are dropped."""
    return msgspec.structs.replace(report.asked or Generation(""), start=None, end=None, guides=())
