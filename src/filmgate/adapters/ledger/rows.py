"""Between rows of a store and the words of the domain."""

from __future__ import annotations

import msgspec
from msgspec import UNSET

from filmgate.adapters.ledger.statements import Row, Values
from filmgate.domain.failures import Failure
from filmgate.domain.generation import Generation
from filmgate.domain.limits import OwnLimits
from filmgate.domain.media import Facts, Media, Output, Role
from filmgate.domain.periods import Period
from filmgate.domain.roles import KeyRole
from filmgate.domain.states import Stage, State
from filmgate.domain.task import Task, WorkState
from filmgate.domain.webhooks import WebhookStatus
from filmgate.domain.work import WorkItem, WorkKind
from filmgate.ports.keys import ApiKey, Application
from filmgate.ports.media import StoredMedia
from filmgate.ports.tasks import Change
from filmgate.ports.webhooks import WebhookEvent

_STATES = {state.value: state for state in State}
_STAGES = {stage.value: stage for stage in Stage}
_NO_WORK = WorkState()

_generation = msgspec.json.Decoder(Generation).decode
_work = msgspec.json.Decoder(WorkState).decode
_output = msgspec.json.Decoder(Output).decode
_failure = msgspec.json.Decoder(Failure).decode
_facts = msgspec.json.Decoder(Facts).decode


def json(value: object) -> str:
    """Write a struct or a list as JSON text."""
    return msgspec.json.encode(value).decode()


def task_from(row: Row) -> Task:
    """Read a task from `task_columns`."""
    (
        task_id, application_id, credential_id, user_id, trace_id, video_id, dialect, engine, generation, base_url,
        callback_url, created_at, updated_at, state, stage, fence, attempts, percent, started_at, finished_at,
        deadline_at, cancel_requested, work, output, failure, upstream_id,
    ) = row  # fmt: skip
    return Task(
        task_id, application_id, credential_id, user_id, trace_id, video_id, dialect, engine, _generation(generation),
        base_url, callback_url, created_at, updated_at, _STATES[state], _STAGES[stage], fence, attempts, percent,
        started_at, finished_at, deadline_at, cancel_requested == 1,
        _NO_WORK if work is None else _work(work),
        None if output is None else _output(output),
        None if failure is None else _failure(failure),
        upstream_id,
    )  # fmt: skip


def task_values(task: Task) -> Values:
    """Return the values of `task_columns` by name."""
    return msgspec.structs.asdict(task) | {
        "generation": json(task.generation),
        "work": None if task.work == _NO_WORK else json(task.work),
        "output": None if task.output is None else json(task.output),
        "failure": None if task.failure is None else json(task.failure),
    }


def progress_from(work: str) -> WorkState:
    """Read the state that the work on a task has committed."""
    return _work(work)


def change_values(change: Change) -> Values:
    """Return the values of `change_task` by name; NULL leaves a column as it is."""
    values = {name: None if value is UNSET else value for name, value in msgspec.structs.asdict(change).items()}
    for name in ("work", "output", "failure"):
        values[name] = None if values[name] is None else json(values[name])
    return values


def work_item_from(row: Row) -> WorkItem:
    """Read due work from kind, queue, task, application, time and detail."""
    kind, queue, task_id, application_id, not_before, detail = row
    return WorkItem(WorkKind(kind), queue, task_id, application_id, not_before, detail)


def application_from(row: Row) -> Application:
    """Read an application from its columns."""
    return Application(*row)


def key_from(row: Row) -> ApiKey:
    """Read a key from `key_columns`."""
    key_id, application_id, user_id, name, digest, hint, created_at, revoked_at, role = row
    return ApiKey(key_id, application_id, user_id, name, digest, hint, created_at, revoked_at, KeyRole(role))


def media_from(row: Row) -> StoredMedia:
    """Read a file's row from `media_columns`."""
    token, role, name, key, size, etag, facts, application_id, task_id, created_at = row
    media = Media(token, Role(role), name, key, size, etag, _facts(facts))
    return StoredMedia(media, application_id, task_id, created_at)


def media_values(stored: StoredMedia) -> Values:
    """Return the values of `media_columns` by name."""
    return (
        msgspec.structs.asdict(stored.media)
        | msgspec.structs.asdict(stored)
        | {"facts": json(stored.media.facts)}
    )  # fmt: skip


def own_limits_from(rows: list[Row]) -> OwnLimits:
    """Read the rules that an application has of its own from the rows of `own_limits`."""
    if not rows:
        return OwnLimits()
    tasks, media, size, credits_, period = rows[0]
    return OwnLimits(tasks, media, size, credits_, None if period is None else Period(period))


def webhook_from(row: Row) -> WebhookEvent:
    """Read a webhook from `callback_columns`."""
    task_id, state, application_id, url, status, *rest = row
    return WebhookEvent(task_id, state, application_id, url, WebhookStatus(status), *rest)
