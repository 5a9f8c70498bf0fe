"""What the work on every task begins with: the refusal, the clock, and the earlier task it goes on from."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from filmgate.core.work.attempt import Attempt
from filmgate.domain.errors import EngineFailed
from filmgate.domain.failures import Failure, FailureCode
from filmgate.domain.generation import Reference
from filmgate.domain.settings import EngineSettings
from filmgate.domain.states import State
from filmgate.domain.task import Task
from filmgate.domain.work import WorkKind, work_for
from filmgate.ports.clock import Clock
from filmgate.ports.tasks import TaskReads


class TaskStart:
    """Begins tasks; `announced` are the dialects whose owners also hear of the start."""

    def __init__(
        self, ledger: TaskReads, settings: Mapping[str, EngineSettings], announced: Collection[str], clock: Clock
    ) -> None:
        self._ledger = ledger
        self._settings = settings
        self._announced = announced
        self._clock = clock

    def check(self, task: Task, refusal: Failure | None) -> None:
        """Raise EngineFailed with why a task cannot be done, if so."""
        if task.generation.unsupported is not None:
            raise EngineFailed(Failure(FailureCode.UNSUPPORTED_BY_ENGINE, task.generation.unsupported))
        if refusal is not None:
            raise EngineFailed(refusal)
        settings = self._settings.get(task.engine)
        if task.started_at is not None or settings is None:
            return
        used = settings.operations
        if used and task.generation.operation not in used:
            reason = f"The engine {task.engine} is used for {', '.join(used)} only."
            raise EngineFailed(Failure(FailureCode.UNSUPPORTED_BY_ENGINE, reason))

    async def begin(self, attempt: Attempt, refusal: Failure | None) -> None:
        """Start the clock of a task, once. Raises EngineFailed with why it cannot be done, if so."""
        self.check(attempt.task, refusal)
        task, now = attempt.task, self._clock()
        if task.started_at is not None:
            return
        deadline = self.deadline(task.engine)
        due = [work_for(task, WorkKind.EXPIRE, deadline)]
        if task.callback_url and task.dialect in self._announced:
            due.append(work_for(task, WorkKind.WEBHOOK, now, State.PROCESSING))
        await attempt.commit(tuple(due), state=State.PROCESSING, started_at=now, deadline_at=deadline)

    def deadline(self, engine: str) -> float:
        """Return until when a task may take that an engine begins with now."""
        return self._clock() + self._settings[engine].deadline

    async def earlier(self, task: Task, reference: Reference) -> Task:
        """Return the task that a task goes on from, with its video. Raises EngineFailed if it is gone."""
        earlier = await self._ledger.get(task.application_id, reference.value)
        if earlier is None or earlier.output is None or earlier.output.video is None:
            raise EngineFailed(
                Failure(FailureCode.INPUT_UNREACHABLE, "The earlier video was deleted before it was used.")
            )
        return earlier
