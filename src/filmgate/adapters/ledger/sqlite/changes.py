"""Reads of the changes of tasks."""

from __future__ import annotations

from filmgate.adapters.ledger.rows import json, task_from
from filmgate.adapters.ledger.sqlite.reader import Reader
from filmgate.adapters.ledger.sqlite.statements import SQL
from filmgate.ports.tasks import TaskChange


def change(reader: Reader, application_id: str, task_id: str) -> TaskChange:
    """Read a task with the number of its last change."""
    numbers = reader.rows(SQL["change_of"], {"task_id": task_id})
    rows = reader.rows(SQL["get_task"], {"id": task_id, "application_id": application_id})
    return TaskChange(numbers[0][0] if numbers else 0, task_id, task_from(rows[0]) if rows else None)


def changes(reader: Reader, application_id: str, after: int, limit: int) -> list[TaskChange]:
    """Read the tasks that have changed since a number."""
    rows = reader.rows(SQL["changes_behind"], {"application_id": application_id, "after": after, "limit": limit})
    values = {"application_id": application_id, "ids": json([task_id for _, task_id in rows])}
    tasks = {task.id: task for task in map(task_from, reader.rows(SQL["get_tasks"], values))}
    return [TaskChange(number, task_id, tasks.get(task_id)) for number, task_id in rows]
