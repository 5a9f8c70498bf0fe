"""Tasks, work and files to put into a ledger."""

from __future__ import annotations

from itertools import count
from typing import Any
from uuid import uuid4

from filmgate.domain.failures import Failure
from filmgate.domain.generation import Generation
from filmgate.domain.media import Facts, Media, Output, Role
from filmgate.domain.task import Task
from filmgate.domain.work import WorkItem, WorkKind
from filmgate.ports.keys import ApiKey, Application
from filmgate.ports.ledger import Ledger
from filmgate.ports.media import StoredMedia
from filmgate.ports.tasks import RawRequest

A = Application("app-a", "alpha", "user-a", 1.0)
B = Application("app-b", "beta", "user-b", 2.0)
ENGINE = "studio"
NOW = 1_000.0
CANCELLED = Failure("cancelled", "The owner cancelled the task.")
ECHO = RawRequest("gateway", b'{"prompt":"a lighthouse"}')

_seconds = count(1)


def task(application: Application = A, **fields: Any) -> Task:
    """Return a new task, created a second after the one before."""
    created = float(next(_seconds))
    values: dict[str, Any] = {
        "id": str(uuid4()),
        "application_id": application.id,
        "credential_id": "key",
        "user_id": application.user_id,
        "trace_id": str(uuid4()),
        "video_id": str(uuid4()),
        "dialect": "gateway",
        "engine": ENGINE,
        "generation": Generation("a lighthouse at dusk \N{WAVE DASH} \0"),
        "base_url": "http://127.0.0.1:8484",
        "callback_url": None,
        "created_at": created,
        "updated_at": created,
    }
    return Task(**values | fields)


def advance(of: Task, not_before: float = 0.0) -> WorkItem:
    """Return the next stage of a task as due work."""
    return WorkItem(WorkKind.ADVANCE, of.engine, of.id, of.application_id, not_before)


def media(of: Task | None = None, role: Role = Role.THUMBNAIL, application: Application = A) -> StoredMedia:
    """Return the row of a file, of a task or of an upload."""
    token = uuid4().hex
    file = Media(token, role, "file.webp", f"files/{token}", 10, "0" * 64, Facts("image/webp", 16, 9))
    return StoredMedia(file, application.id if of is None else of.application_id, of and of.id, 5.0)


def output() -> Output:
    """Return the files of a completed task."""
    return Output(media().media, video=media(role=Role.VIDEO).media, last_frame=media().media)


def key(application: Application = A, created_at: float = 1.0) -> ApiKey:
    """Return a key that is good."""
    return ApiKey(str(uuid4()), application.id, application.user_id, "laptop", uuid4().bytes * 2, "x9f2", created_at)


async def submitted(ledger: Ledger, application: Application = A, *, not_before: float = 0.0, **fields: Any) -> Task:
    """Submit a new task whose first stage is due."""
    accepted = task(application, **fields)
    await ledger.submit(accepted, ECHO, [advance(accepted, not_before)])
    return accepted
