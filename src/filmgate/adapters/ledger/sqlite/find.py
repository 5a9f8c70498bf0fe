"""Lists of tasks: a filter becomes the conditions that it needs."""

from __future__ import annotations

from filmgate.adapters.ledger.sqlite.reader import Reader
from filmgate.adapters.ledger.sqlite.rows import json, task_from
from filmgate.adapters.ledger.sqlite.statements import SQL, Values
from filmgate.ports.ledger import Page, TaskFilter

_LISTS = ("ids", "trace_ids", "states")
_SCALARS = ("user_id", "created_min", "created_max")


def find(reader: Reader, application_id: str, wanted: TaskFilter) -> Page:
    """Read one page and the length of the whole list."""
    where, values = conditions(application_id, wanted)
    order = SQL["find_newest" if wanted.newest else "find_oldest"]
    tasks = [task_from(row) for row in reader.rows(f"{SQL['find_tasks']} {where} {order}", values)]
    if tasks and len(tasks) < wanted.limit:
        return Page(tasks, wanted.offset + len(tasks))
    ((total,),) = reader.rows(f"{SQL['find_total']} {where}", values)
    return Page(tasks, total)


def conditions(application_id: str, wanted: TaskFilter) -> tuple[str, Values]:
    """Give the conditions of a filter and the values they name."""
    given = {name: getattr(wanted, name) for name in _LISTS + _SCALARS if getattr(wanted, name) is not None}
    where = " ".join([SQL["find_owner"], *(SQL[f"find_if_{name}"] for name in given)])
    values = {name: json(value) if name in _LISTS else value for name, value in given.items()}
    if wanted.after is not None:
        where += " " + SQL["find_behind_newest" if wanted.newest else "find_behind_oldest"]
        values["after_time"], values["after_id"] = wanted.after
    return where, values | {"application_id": application_id, "limit": wanted.limit, "offset": wanted.offset}
