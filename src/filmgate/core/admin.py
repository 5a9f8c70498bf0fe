"""What an admin sees and decides: the engines, where a request would go, and submits nobody knows the outcome of."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import msgspec

from filmgate.core.providers.account import Account
from filmgate.core.providers.outcomes import UNKNOWN
from filmgate.core.providers.routing import Candidate, Router
from filmgate.core.work.attempt import WorkContext
from filmgate.domain.adjustments import Terms
from filmgate.domain.errors import Conflict, InvalidRequest, NotFound
from filmgate.domain.generation import Generation
from filmgate.domain.settings import EngineSettings
from filmgate.domain.states import Stage, State
from filmgate.domain.task import Resemblance, Task
from filmgate.domain.work import WorkItem, WorkKind, work_for
from filmgate.faults import Point, reach
from filmgate.ports.engine import Engine
from filmgate.ports.tasks import Change


class Decision(StrEnum):
    """What becomes of a submit without a known outcome."""

    ACCEPTED = "accepted"
    """The provider has it, under an id that the admin gives."""

    SUBMIT_AGAIN = "submit_again"
    FAIL = "fail"


class UnknownOutcome(msgspec.Struct, frozen=True):
    """A task whose submit has no known outcome: for how many seconds, and what at its provider resembles it."""

    task: Task
    age: float
    alike: tuple[Resemblance, ...]


class EngineStatus(msgspec.Struct, frozen=True):
    """How an engine is. `address` is None for one in this process; `slots` is None where nothing limits it."""

    name: str
    type: str
    address: str | None
    models: dict[str, float | None]
    priority: int
    weight: float
    slots: int | None
    healthy: bool
    trouble: str | None
    retry_in: float
    waiting: int
    in_flight: int
    unknown: int


class AdminService:
    """Answers admins. Whoever calls has made sure that one asks."""

    def __init__(
        self,
        work_context: WorkContext,
        router: Router,
        settings: Mapping[str, EngineSettings],
        engines: Mapping[str, Engine],
        accounts: Mapping[str, Account],
    ) -> None:
        self._work_context = work_context
        self._router = router
        self._settings = settings
        self._engines = engines
        self._accounts = accounts

    async def engines(self) -> list[EngineStatus]:
        """Return how every engine is, in the order of the configuration."""
        counts = await self._work_context.ledger.counts()
        unknown = [task.engine for task in await self._work_context.ledger.unknown_submits()]
        return [await self._status(name, unknown.count(name), counts) for name in self._settings]

    async def route(self, generation: Generation, application_id: str, terms: Terms) -> list[Candidate]:
        """Return where a generation would go now, and why; the engines in order, the chosen one first.

        Raises UnknownModel, InvalidRequest if a model has to be named.
        """
        generation = self._router.models.with_model(generation)
        return self._router.candidates(generation, await self._router.origin_of(generation, application_id), terms)

    async def unknown_submits(self) -> list[UnknownOutcome]:
        """List the tasks with an unknown outcome of all applications, oldest first."""
        return [await self._unknown(task) for task in await self._work_context.ledger.unknown_submits()]

    async def _unknown(self, task: Task) -> UnknownOutcome:
        asked = task.work.asked
        assert asked is not None, "a submit is committed with its key"
        # What another task has got since the last look is nobody's to choose any more.
        known = await self._work_context.ledger.find_upstream(task.engine, [each.id for each in asked.alike])
        alike = tuple(each for each in asked.alike if each.id not in known)
        return UnknownOutcome(task, max(0.0, self._work_context.clock() - asked.at), alike)

    async def decide(self, task_id: str, decision: Decision, upstream_id: str | None = None) -> Task:
        """Decide what becomes of a submit without a known outcome.

        Raises NotFound if the task is not one of those (any more), InvalidRequest if the provider's id is missing or
        not wanted, Conflict if that id is another task's.
        """
        if (upstream_id is not None) != (decision is Decision.ACCEPTED):
            raise InvalidRequest("upstream_id belongs to the decision accepted, and to no other", field="upstream_id")
        task = next((each for each in await self._work_context.ledger.unknown_submits() if each.id == task_id), None)
        if task is None:
            raise NotFound("no submit of an unknown outcome has this id")
        changes, due = self._consequences(task, decision, upstream_id)
        change = Change(task_id=task.id, fence=task.fence, now=self._work_context.clock(), seize=True, **changes)
        decided = await self._work_context.ledger.commit(change, due)
        if decided is None:
            raise Conflict("The task has moved on meanwhile: look again.")
        reach(Point.DECIDED)
        self._work_context.feed.publish(decided)
        for work in due:
            self._work_context.dispatcher.wake(work.queue)
        return decided

    def _consequences(
        self, task: Task, decision: Decision, upstream_id: str | None
    ) -> tuple[dict[str, Any], tuple[WorkItem, ...]]:
        now = self._work_context.clock()
        # It goes on from here, with the engine's time, wherever it would have ended as one of an unknown outcome.
        settings = self._settings.get(task.engine)
        deadline = now + (EngineSettings(type=task.engine) if settings is None else settings).deadline
        limit = work_for(task, WorkKind.EXPIRE, deadline)
        if decision is Decision.ACCEPTED:
            follow = work_for(task, WorkKind.POLL, now)
            return {"stage": Stage.POLL, "upstream_id": upstream_id, "deadline_at": deadline}, (follow, limit)
        if decision is Decision.SUBMIT_AGAIN:
            work = msgspec.structs.replace(task.work, asked=None)
            again = work_for(task, WorkKind.ADVANCE, now)
            return {"stage": Stage.SUBMIT, "work": work, "deadline_at": deadline}, (again, limit)
        end = {"state": State.FAILED, "stage": Stage.DONE, "failure": UNKNOWN, "finished_at": now}
        told = (work_for(task, WorkKind.WEBHOOK, now, State.FAILED),) if task.callback_url else ()
        return end, (*told, work_for(task, WorkKind.PURGE, now)) if task.generation.references else told

    async def _status(self, name: str, unknown: int, counts: Mapping[tuple[str, State], int]) -> EngineStatus:
        engine, account = self._settings[name], self._accounts.get(name)
        trouble = None if account is None else account.submits.trouble
        here = engine.slots or self._engines[name].slots if account is None else engine.slots
        flying = (
            await self._work_context.ledger.at_provider(name) if account else counts.get((name, State.PROCESSING), 0)
        )
        return EngineStatus(
            name=name,
            type=engine.type,
            address=None if account is None else account.provider.line.base,
            models={model: each.credits for model, each in engine.models.items()},
            priority=engine.priority,
            weight=engine.weight,
            slots=here,
            healthy=trouble is None,
            trouble=trouble,
            retry_in=0.0 if account is None else round(account.submits.wait, 1),
            waiting=counts.get((name, State.PENDING), 0),
            in_flight=flying - unknown if account else flying,
            unknown=unknown,
        )
