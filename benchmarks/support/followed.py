"""Tasks that a provider is at work on, and the service that follows them, in a process of its own."""

from __future__ import annotations

import asyncio
import json
import os
import random
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filmgate.app import DEFAULT_APPLICATION, open_ledger
from filmgate.domain.generation import Generation
from filmgate.domain.settings import Settings
from filmgate.domain.states import Stage, State
from filmgate.domain.task import SubmitAttempt, Task, WorkState
from filmgate.domain.work import Queue, WorkItem, WorkKind, queue_of
from filmgate.ports.keys import Application
from filmgate.ports.tasks import RawRequest
from support.process import Process
from support.provider import PROMPT
from support.server import KEY

ENGINE = "provider"
_DEADLINE = 1800
_GROUP = 500


@contextmanager
def serving(data: Path, account: dict[str, Any]) -> Iterator[Process]:
    """Run the service with one account; it serves when this begins. The helpers that handle media do not count."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("FILMGATE_")}
    env = own | {
        "FILMGATE_DATA": str(data),
        "FILMGATE_ADMIN_KEY": KEY,
        "FILMGATE_ENGINES": json.dumps({ENGINE: account | {"models": ["*"]}}),
        "FILMGATE_GRACE": "1",
    }
    with (data / "log").open("w") as log:
        command = [sys.executable, "-m", "filmgate", "serve", "--port", "0"]
        process = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=log, text=True, cwd=data)
    try:
        assert process.stdout is not None, "it is a pipe"
        if not any(" serves " in line for line in process.stdout):
            raise AssertionError((data / "log").read_text())
        yield Process(process.pid)
    finally:
        process.terminate()
        process.communicate(timeout=30)


async def write(data: Path, count: int, age: float) -> tuple[Application, list[str]]:
    """Write tasks up to `age` seconds old, followed until the service stopped; their ids are the provider's."""
    ids = [str(uuid.uuid4()) for _ in range(count)]
    now, queue = time.time(), queue_of(Queue.POLL, ENGINE)
    async with open_ledger(Settings(data=data)) as ledger:
        owner = await ledger.add_application(
            Application(str(uuid.uuid4()), DEFAULT_APPLICATION, str(uuid.uuid4()), now)
        )

        async def put(task_id: str) -> None:
            due = (
                WorkItem(WorkKind.POLL, queue, task_id, owner.id, now),
                WorkItem(WorkKind.EXPIRE, Queue.EXPIRE, task_id, owner.id, now + _DEADLINE),
            )
            body = json.dumps({"prompt": PROMPT}).encode()
            await ledger.submit(
                _accepted(task_id, owner, now - random.uniform(0, age)), RawRequest("native", body), due
            )

        for start in range(0, count, _GROUP):
            await asyncio.gather(*(put(task_id) for task_id in ids[start : start + _GROUP]))
        while await ledger.claim(queue, "embedded", now, 60.0, _GROUP):
            pass
    return owner, ids


def _accepted(task_id: str, owner: Application, since: float) -> Task:
    """Return a task as it is when a provider has accepted it."""
    return Task(
        task_id,
        owner.id,
        credential_id="benchmark",
        user_id=owner.user_id,
        trace_id=task_id,
        video_id=str(uuid.uuid4()),
        dialect="native",
        engine=ENGINE,
        generation=Generation(PROMPT),
        base_url="http://127.0.0.1",
        callback_url=None,
        created_at=since,
        updated_at=since,
        state=State.PROCESSING,
        stage=Stage.POLL,
        started_at=since,
        deadline_at=since + _DEADLINE,
        work=WorkState(asked=SubmitAttempt(uuid.uuid4().hex, since)),
        upstream_id=task_id,
    )
