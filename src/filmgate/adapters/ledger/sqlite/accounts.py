"""The books of the applications, in the same file and the same transactions as the tasks."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from msgspec.structs import asdict

from filmgate.adapters.ledger.rows import own_limits_from
from filmgate.adapters.ledger.sqlite.reader import Reader
from filmgate.adapters.ledger.sqlite.statements import SQL
from filmgate.adapters.ledger.sqlite.store import Store
from filmgate.adapters.ledger.statements import Values
from filmgate.domain.errors import NotFound
from filmgate.domain.limits import PLACES, Limits, OwnLimits
from filmgate.domain.states import State
from filmgate.domain.usage import QuotaStatus, Tally, Usage, begin_of


class SqliteAccounts:
    """Implements `filmgate.ports.accounts.Accounts` for the ledger of which it is a part."""

    def __init__(self, store: Callable[[], Store], limits: Limits) -> None:
        """Take a function that returns the open store, and the limits of applications that have none of their own."""
        self._store = store
        self._limits = limits

    async def standing(self, application_id: str, now: float) -> QuotaStatus:
        """Return the limits and the usage of an application."""
        return self._store().reader.snapshot(partial(_standing, who=application_id, limits=self._limits, now=now))

    async def standings(self, now: float) -> list[QuotaStatus]:
        """Return the limits and the usage of all applications, by name."""
        return await self._store().background.run(partial(_standings, limits=self._limits, now=now))

    async def usage(self, application_id: str, first: str, last: str) -> Usage:
        """Return the counts of an application between two days."""
        values = {"application_id": application_id, "first": first, "last": last}
        return await self._store().background.run(partial(_usage, values=values))

    async def set_limits(self, application_id: str, own: OwnLimits) -> None:
        """Replace the rules that an application has of its own."""
        values = {"application_id": application_id, **asdict(own)}
        await self._store().writer.run(lambda transaction: transaction.run("set_limits", values))


def _standing(reader: Reader, *, who: str, limits: Limits, now: float) -> QuotaStatus:
    values: Values = {"application_id": who}
    names = reader.rows(SQL["application_name"], values)
    if not names:
        raise NotFound("no such application")
    own = own_limits_from(reader.rows(SQL["own_limits"], values))
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
