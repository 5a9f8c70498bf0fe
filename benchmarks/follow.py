"""What it costs to follow 10,000 tasks at a provider, and how soon the end of one is known.

    python benchmarks/follow.py [--tasks 10000] [--ends 300] [--files 60] [--window 40] [--json]

A provider in a process of its own keeps the tasks and answers questions about them, in batches of 50 (AceData) or one
by one (Dream Machine). The tasks are written to a data folder as the ledger has them once a provider has accepted them,
submitted over the last ten minutes; then `filmgate serve` is started on it. In a first window CPU and requests are
counted, while some tasks fail at known moments; in a second, some are completed, with one small file each.
CPU and memory are those of the service's own process, CPU as user and system time. The limits are what any client
needs that asks about each task every `poll_max` seconds, and the CPU of the same requests in a loop: sent over the
service's own line to providers, and written to bare sockets.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import random
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import uvloop
from support.provider import PROMPT, RunningProvider, provider

from filmgate.adapters.http.line import HttpLine
from filmgate.app import DEFAULT_APPLICATION, open_ledger
from filmgate.domain.generation import Generation
from filmgate.domain.settings import Settings
from filmgate.domain.states import Stage, State
from filmgate.domain.task import Asked, Progress, Task
from filmgate.ports.ledger import EXPIRE, FOLLOW, Application, Due, Echo, queue_of

ENGINE = "provider"
POLL, POLL_MAX, BATCH = 5, 30, 50
AGE = 600
"""Seconds: the oldest of the tasks was submitted so long ago."""

PATIENCE = 90
"""Seconds in which everything must have happened."""

LOOP_REQUESTS = 600
APPLICATION = Application(str(uuid.uuid4()), DEFAULT_APPLICATION, str(uuid.uuid4()), 0.0)


class Dialect(NamedTuple):
    """A dialect as it is asked: how many tasks at once, and the request about some."""

    type: str
    batch: int

    def request(self, ids: list[str]) -> tuple[str, str, Any]:
        """Give method, path and JSON."""
        if self.batch == 1:
            return "GET", f"/generations/{ids[0]}", None
        return "POST", "/luma/tasks", {"ids": ids, "action": "retrieve_batch"}


DIALECTS = (Dialect("acedata", BATCH), Dialect("dream_machine", 1))


class Service:
    """`filmgate serve` on a data folder, from outside."""

    def __init__(self, data: Path, process: subprocess.Popen[str]) -> None:
        self.data = data
        self.pid = process.pid

    def cpu(self) -> float:
        """Seconds of CPU so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def resident(self) -> int:
        """Bytes of memory."""
        (line,) = (line for line in Path(f"/proc/{self.pid}/status").read_text().splitlines() if "VmRSS" in line)
        return int(line.split()[1]) * 1024


@contextmanager
def serving(data: Path, dialect: Dialect, url: str) -> Iterator[Service]:
    """Run the service with one account, as a user would set it; it serves when this begins."""
    engine = {"type": dialect.type, "models": ["*"], "base_url": url, "poll": POLL, "poll_max": POLL_MAX}
    env = {name: value for name, value in os.environ.items() if not name.startswith("FILMGATE_")} | {
        "FILMGATE_DATA": str(data),
        "FILMGATE_API_KEY": "benchmark-key-of-no-value",
        "FILMGATE_ENGINES": json.dumps({ENGINE: engine}),
        "FILMGATE_GRACE": "1",
    }
    with (data / "log").open("w") as log:
        command = [sys.executable, "-m", "filmgate", "serve", "--port", "0"]
        process = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=log, text=True, cwd=data)
    try:
        assert process.stdout is not None, "it is a pipe"
        if not any(" serves " in line for line in process.stdout):
            raise AssertionError((data / "log").read_text())
        yield Service(data, process)
    finally:
        process.terminate()
        process.communicate(timeout=30)


async def write(data: Path, count: int) -> list[str]:
    """Write tasks that were followed when the service stopped; their ids are the provider's own."""
    ids = [str(uuid.uuid4()) for _ in range(count)]
    now, queue = time.time(), queue_of(FOLLOW, ENGINE)
    async with open_ledger(Settings(data=data)) as ledger:
        owner = await ledger.add_application(Application(str(uuid.uuid4()), DEFAULT_APPLICATION, str(uuid.uuid4()), now))

        async def put(task_id: str) -> None:
            task = at_provider(task_id, owner, now - random.uniform(0, AGE))
            due = (
                Due(FOLLOW, queue, task_id, owner.id, now),
                Due(EXPIRE, EXPIRE, task_id, owner.id, now + DEADLINE),
            )
            await ledger.submit(task, Echo("native", json.dumps({"prompt": PROMPT}).encode()), due)

        for start in range(0, count, GROUP):
            await asyncio.gather(*(put(task_id) for task_id in ids[start : start + GROUP]))
        while await ledger.claim(queue, "the process before", now, math.inf, GROUP):
            pass
    return ids


def at_provider(task_id: str, owner: Application, since: float) -> Task:
    """Give a task as it is when a provider has accepted it."""
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
        stage=Stage.FOLLOW,
        started_at=since,
        deadline_at=since + DEADLINE,
        work=Progress(asked=Asked(uuid.uuid4().hex, since)),
        upstream_id=task_id,
    )


async def until(true: Callable[[], Awaitable[bool]], what: str) -> float:
    """Wait for something, and give the seconds that it took."""
    began = time.monotonic()
    while not await true():
        if time.monotonic() > began + PATIENCE:
            raise AssertionError(f"not within {PATIENCE} s: {what}")
        await asyncio.sleep(0.05)
    return time.monotonic() - began


def spread(ids: list[str], outcome: str, seconds: float) -> dict[str, tuple[float, str]]:
    """Have tasks end evenly over a time that begins now."""
    now = time.time()
    return {task_id: (now + seconds * number / len(ids), outcome) for number, task_id in enumerate(ids)}


async def empty(folder: Path, dialect: Dialect) -> int:
    """Give the memory of the service that follows a single task, so that all it needs is loaded."""
    await write(folder, 1)
    with provider() as asked, serving(folder, dialect, asked.url) as service:

        async def answered() -> bool:
            return bool(asked.notes()["questions"])

        await until(answered, "the first question")
        await asyncio.sleep(1)
        return service.resident()


async def full(folder: Path, dialect: Dialect, options: argparse.Namespace) -> dict[str, Any]:
    """Follow all tasks, and measure."""
    began = time.monotonic()
    ids = await write(folder, options.tasks)
    found: dict[str, Any] = {"written_s": time.monotonic() - began}
    failing, completing = ids[: options.ends], ids[options.ends : options.ends + options.files]
    with provider() as asked:
        began = time.monotonic()
        with serving(folder, dialect, asked.url) as service:
            async with open_ledger(Settings(data=folder)) as ledger:
                found["started_s"] = time.monotonic() - began

                async def taken_up() -> bool:
                    # What is claimed without end is not due any more.
                    return await ledger.next_due(queue_of(FOLLOW, ENGINE)) is None

                async def all_asked() -> bool:
                    return bool(asked.notes()["asked"] == options.tasks)

                found["taken_up_s"] = await until(taken_up, "all tasks are taken up")
                found["taken_up_cpu_s"] = service.cpu()
                found["all_asked_s"] = found["taken_up_s"] + await until(all_asked, "each task is asked about")
                ends = spread(failing, "failed", options.window)
                asked.end(ends)
                found |= await window(service, asked, options.window)
                found["resident"] = service.resident()
                ends |= spread(completing, "completed", FILES_WINDOW)
                asked.end(ends)

                async def all_ended() -> bool:
                    tasks = await ledger.get_many(owner, [*ends])
                    return all(task.final for task in tasks)

                (owner,) = {key.application_id for key in await ledger.keys()} or {""}
                found["ended_s"] = await until(all_ended, "all ends are known")
                notes = asked.notes()
        found |= lags(notes)
        found["loops"] = {name: await loop(asked.url, ids, dialect) for name, loop in LOOPS.items()}
    return found
