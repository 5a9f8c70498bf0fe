"""Lists of tasks: a filter becomes the conditions that it needs."""

from __future__ import annotations

from filmgate.adapters.ledger.rows import json, task_from
from filmgate.adapters.ledger.sqlite.reader import Reader
from filmgate.adapters.ledger.sqlite.statements import SQL
from filmgate.adapters.ledger.statements import Values
from filmgate.ports.tasks import COUNTED, Page, TaskFilter

_SCALARS = ("user_id", "created_min", "created_max")
_ORDERS = {True: "newest", False: "oldest"}


def find(reader: Reader, application_id: str, wanted: TaskFilter) -> Page:
    """Read one page and whether there is another, and count no further than COUNTED if that is wanted."""
    statement, values = page_statement(application_id, wanted)
    tasks = [task_from(row) for row in reader.rows(statement, values)]
    more = len(tasks) > wanted.limit
    tasks = tasks[: wanted.limit]
    if not more and (tasks or not wanted.offset):
        return Page(tasks, more, min(COUNTED, wanted.offset + len(tasks)))
    if not wanted.counted:
        return Page(tasks, more)
    ((total,),) = reader.rows(*total_statement(application_id, wanted))
    return Page(tasks, more, total)


def page_statement(application_id: str, wanted: TaskFilter) -> tuple[str, Values]:
    """Return the statement that reads a page and one task more, and its values."""
    ways, values = _ways(application_id, wanted)
    traces = _of_traces(wanted)
    order = SQL[f"find_{_ORDERS[wanted.newest]}"]
    values |= {"limit": wanted.limit + 1, "offset": wanted.offset}
    if len(ways) == 1:
        return f"{SQL[f'find_tasks{traces}']} {ways[0]} {order}", values
    # Each way is read in its own order and they are merged, so no more is read than the page is long.
    places = " UNION ALL ".join(f"{SQL[f'find_places{traces}']} {way}" for way in ways)
    return f"{SQL['find_placed']} ({places} {order}) {SQL[f'find_placed_{_ORDERS[wanted.newest]}']}", values


def total_statement(application_id: str, wanted: TaskFilter) -> tuple[str, Values]:
    """Return the statement that counts what matches as far as COUNTED, and its values."""
    ways, values = _ways(application_id, wanted)
    places = " UNION ALL ".join(f"{SQL[f'find_places{_of_traces(wanted)}']} {way}" for way in ways)
    return f"{SQL['count_places']} ({places} {SQL['count_most']})", values | {"most": COUNTED}


def _of_traces(wanted: TaskFilter) -> str:
    """Return the end of the names of statements for several trace ids; of one the tasks are in their order."""
    return "" if wanted.trace_ids is None or len(wanted.trace_ids) == 1 else "_of_traces"


def _ways(application_id: str, wanted: TaskFilter) -> tuple[list[str], Values]:
    """Return the conditions of a filter, once for each state that it allows, and the values they name."""
    values: Values = {"application_id": application_id}
    where = [SQL["find_owner" if wanted.ids is None else "find_owner_of_ids"]]
    if wanted.ids is not None:
        where.append(SQL["find_if_ids"])
        values["ids"] = json(wanted.ids)
    if _of_traces(wanted):
        values["trace_ids"] = json(list(dict.fromkeys(wanted.trace_ids or ())))
    elif wanted.trace_ids is not None:
        where.append(SQL["find_if_trace_id"])
        values["trace_id"] = wanted.trace_ids[0]
    for name in _SCALARS:
        if (value := getattr(wanted, name)) is not None:
            where.append(SQL[f"find_if_{name}"])
            values[name] = value
    if wanted.after is not None:
        where.append(SQL[f"find_behind_{_ORDERS[wanted.newest]}"])
        values["after_time"], values["after_id"] = wanted.after
    base = " ".join(where)
    if wanted.states is None:
        return [base], values
    states = dict.fromkeys(wanted.states)
    values |= {f"state_{number}": state for number, state in enumerate(states)}
    return [f"{base} AND state = :state_{number}" for number in range(len(states))] or [f"{base} AND FALSE"], values
