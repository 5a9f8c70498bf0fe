"""The books of the applications, in the same file and the same transactions as the tasks."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import apsw
from msgspec.structs import asdict, replace

from filmgate.adapters.ledger.sqlite.reader import Reader
from filmgate.adapters.ledger.sqlite.statements import SQL, Row, Values, run
from filmgate.adapters.ledger.sqlite.store import Store
from filmgate.domain.errors import NotFound, QuotaExceeded
from filmgate.domain.failures import FailureCode
from filmgate.domain.limits import PLACES, Limits, OwnLimits
from filmgate.domain.media import files
from filmgate.domain.periods import Period
from filmgate.domain.states import State
from filmgate.domain.task import Task
from filmgate.domain.usage import QuotaStatus, Tally, Usage, begin_of, day_of

_SLACK = 1e-6
"""Credits by which a sum of decimal fractions may be off."""


class SqliteAccounts:
    """Implements `filmgate.ports.accounts.Accounts` for the ledger of which it is a part."""

    def __init__(self, store: Callable[[], Store], limits: Limits) -> None:
        """Take what gives the open store, and the rules for applications that have none of their own."""
        self._store = store
        self._limits = limits

    async def standing(self, application_id: str, now: float) -> QuotaStatus:
        """Return how an application stands."""
        return self._store().reader.snapshot(partial(_standing, who=application_id, limits=self._limits, now=now))

    async def standings(self, now: float) -> list[QuotaStatus]:
        """Return how all applications stand."""
        return await self._store().background.run(partial(_standings, limits=self._limits, now=now))

    async def usage(self, application_id: str, first: str, last: str) -> Usage:
        """Return the counts of an application between two days."""
        values = {"application_id": application_id, "first": first, "last": last}
        return await self._store().background.run(partial(_usage, values=values))

    async def set_limits(self, application_id: str, own: OwnLimits) -> None:
        """Replace the rules that an application has of its own."""
        values = {"application_id": application_id, **asdict(own)}
        await self._store().writer.run(lambda connection: run(connection, "set_limits", values))


def limits_of(connection: apsw.Connection, application_id: str, limits: Limits) -> Limits:
    """Return the rules for an application, its own before those for all."""
    return limits.overridden(_own(run(connection, "own_limits", {"application_id": application_id})))


def count_accepted(connection: apsw.Connection, task: Task, limits: Limits) -> None:
    """Count a new task and take its credits. Raises QuotaExceeded if too few are left."""
    price = task.work.credits
    if price:
        _check_credits(connection, task, limits_of(connection, task.application_id, limits))
    # One that was made elsewhere before counts from now on.
    _count(connection, task, task.updated_at, Tally(submitted=1), price)


def count_ended(connection: apsw.Connection, task: Task) -> None:
    """Count the end of a task, and give its credits back if it is not the owner's."""
    at = task.updated_at if task.finished_at is None else task.finished_at
    if task.state is State.COMPLETED:
        made = None if task.output is None or task.output.video is None else task.output.video.facts.duration
        size = sum(media.bytes for media in files(task.output))
        _count(connection, task, at, Tally(completed=1, seconds=made or 0.0, bytes=size))
        return
    back = 0.0 if _owners_will(task) else -task.work.credits
    code = "" if task.failure is None else task.failure.code
    if code == FailureCode.CANCELLED:
        _count(connection, task, at, Tally(cancelled=1), back)
        return
    _count(connection, task, at, Tally(failed=1), back)
    values = {"application_id": task.application_id, "day": day_of(at), "code": code}
    run(connection, "count_failure", values)


def _owners_will(task: Task) -> bool:
    """Whether the owner has ended a task on which work had begun: that is not the service's failure."""
    by_owner = task.cancel_requested and task.failure is not None and task.failure.code == FailureCode.CANCELLED
    return by_owner and task.started_at is not None


def _check_credits(connection: apsw.Connection, task: Task, limits: Limits) -> None:
    if not limits.credits:
        return
    period = limits.credits_per
    values = {"application_id": task.application_id, "first": begin_of(period, task.created_at)}
    ((used,),) = run(connection, "credits_since", values)
    if used + task.work.credits > limits.credits + _SLACK:
        left = max(0.0, limits.credits - used)
        raise QuotaExceeded(f"Insufficient credits: this costs {task.work.credits:g}, and {_left(left, limits)}.")


def _left(left: float, limits: Limits) -> str:
    lasting = {Period.DAY: " today", Period.MONTH: " this month", Period.TOTAL: ""}[limits.credits_per]
    return f"{left:g} of {limits.credits:g} are left{lasting}"


def _count(connection: apsw.Connection, task: Task, at: float, tally: Tally, credits_: float = 0.0) -> None:
    """Add to the tally of a day, and credits to that of the task's submit, which often is the same."""
    day, charged = day_of(at), day_of(task.created_at)
    if credits_ and charged == day:
        tally = replace(tally, credits=credits_)
    elif credits_:
        run(connection, "count_usage", _values(task, charged, Tally(credits=credits_)))
    run(connection, "count_usage", _values(task, day, tally))


def _values(task: Task, day: str, tally: Tally) -> Values:
    return {"application_id": task.application_id, "day": day, **asdict(tally)}


def _own(rows: list[Row]) -> OwnLimits:
    if not rows:
        return OwnLimits()
    tasks, media, size, credits_, period = rows[0]
    return OwnLimits(tasks, media, size, credits_, None if period is None else Period(period))


def _standing(reader: Reader, *, who: str, limits: Limits, now: float) -> QuotaStatus:
    values: Values = {"application_id": who}
    names = reader.rows(SQL["application_name"], values)
    if not names:
        raise NotFound("no such application")
    own = _own(reader.rows(SQL["own_limits"], values))
    rules = limits.overridden(own)
    ((used,),) = reader.rows(SQL["credits_since"], values | {"first": begin_of(rules.credits_per, now)})
    counts: dict[str, int] = dict(reader.rows(SQL["count_unfinished_of"], values))
    pending, processing = counts.get(State.PENDING, 0), counts.get(State.PROCESSING, 0)
    files_held, bytes_held = next(iter(reader.rows(SQL["held"], values)), (0, 0))
    return QuotaStatus(who, names[0][0], rules, own, round(used, PLACES), pending, processing, files_held, bytes_held)


def _standings(reader: Reader, *, limits: Limits, now: float) -> list[QuotaStatus]:
    return [_standing(reader, who=who, limits=limits, now=now) for who, _ in reader.rows(SQL["list_applications"])]


def _usage(reader: Reader, *, values: Values) -> Usage:
    days = {day: Tally(*counted) for day, *counted in reader.rows(SQL["usage_days"], values)}
    return Usage(days, dict(reader.rows(SQL["usage_failures"], values)))
