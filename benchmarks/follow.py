"""What it costs to follow 10,000 tasks at a provider, and how soon the end of one is known.

    python benchmarks/follow.py [--tasks 10000] [--window 30] [--ends 300] [--files 60] [--latency 0]

A provider in a process of its own keeps the tasks and answers questions about them, in batches of 50 (AceData) or one
by one (Dream Machine). The tasks stand in the ledger as they do when a service has stopped that followed them; then
`filmgate serve` is started on them. In a first window CPU and requests are counted, while some tasks fail at known
moments; in a second one some are completed, with a small file each.

The limits are what any client needs that asks about each task every `poll_max` seconds, and the CPU of the same
requests in a loop in the same run: sent over the service's own line, and written to sockets as they are.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import uvloop
from support.followed import ENGINE, serving, write
from support.machine import description
from support.process import Process

from filmgate.adapters.outbound.provider_client import HttpProviderClient
from filmgate.app import open_ledger
from filmgate.domain.settings import Settings
from filmgate.domain.work import Queue, queue_of
from filmgate.ports.ledger import Ledger
from support.provider import RunningProvider, provider

POLL, POLL_MAX = 5, 30
AGE = 600
"""Seconds: the oldest of the tasks was submitted so long ago."""

FILES_WINDOW = 10.0
PATIENCE = 90.0
"""Seconds in which everything that is waited for must happen."""

LINES = 8
LOOP_REQUESTS = 800

Found = dict[str, Any]


class Dialect(NamedTuple):
    """A dialect of providers, and how many tasks it asks about at once."""

    type: str
    batch: int

    def account(self, url: str) -> Found:
        """Return the account's table."""
        return {"type": self.type, "base_url": url, "poll": POLL, "poll_max": POLL_MAX}

    def request(self, ids: list[str]) -> tuple[str, str, Any]:
        """Return method, path and JSON of a question."""
        if self.batch == 1:
            return "GET", f"/generations/{ids[0]}", None
        return "POST", "/luma/tasks", {"ids": ids, "action": "retrieve_batch"}

    def requests(self, ids: list[str]) -> list[tuple[str, str, Any]]:
        """Return as many requests as a loop sends."""
        parts = [ids[start : start + self.batch] for start in range(0, len(ids), self.batch)]
        return [self.request(parts[number % len(parts)]) for number in range(LOOP_REQUESTS)]


DIALECTS = (Dialect("acedata", 50), Dialect("dream_machine", 1))


async def until(true: Callable[[], Awaitable[bool]]) -> float:
    """Wait until something is true, and give the seconds that it took."""
    began = time.monotonic()
    async with asyncio.timeout(PATIENCE):
        while not await true():  # noqa: ASYNC110 - no event of this process tells it
            await asyncio.sleep(0.05)
    return time.monotonic() - began


def empty(folder: Path, dialect: Dialect, latency: float) -> int:
    """Return the memory of the service that follows a single task: all that it needs is loaded then."""
    uvloop.run(write(folder, 1, age=0))
    with provider(latency) as asked, serving(folder, dialect.account(asked.url)) as service:

        async def answered() -> bool:
            return bool(asked.notes()["questions"])

        uvloop.run(until(answered))
        time.sleep(1)
        return service.resident()


def full(folder: Path, dialect: Dialect, options: argparse.Namespace) -> Found:
    """Follow all tasks and measure."""
    owner, ids = uvloop.run(write(folder, options.tasks, age=AGE))
    requests = dialect.requests(ids)
    with provider(options.latency) as asked:
        began = time.monotonic()
        with serving(folder, dialect.account(asked.url)) as service:
            found = {"serves_s": time.monotonic() - began}
            found |= uvloop.run(follow(service, asked, folder, owner.id, ids, options))
        found["line_cpu_s"] = uvloop.run(line_loop(asked.url, requests)) / LOOP_REQUESTS
        found["socket_cpu_s"] = uvloop.run(socket_loop(asked.url, requests)) / LOOP_REQUESTS
    return found


async def follow(
    service: Process, asked: RunningProvider, folder: Path, owner: str, ids: list[str], options: argparse.Namespace
) -> Found:
    """Wait until the service is at it, then have tasks end."""
    failing, completing = ids[: options.ends], ids[options.ends : options.ends + options.files]
    async with open_ledger(Settings(data=folder)) as ledger:
        began, found = time.time(), await start(service, ledger)
        ends = evenly(failing, "failed", options.window)
        asked.end(ends)
        found |= await window(service, asked, options.window)
        ends |= evenly(completing, "completed", FILES_WINDOW)
        asked.end(ends)

        async def ended() -> bool:
            return all(task.final for task in await ledger.get_many(owner, [*ends]))

        await until(ended)
        here = {task.id: task.finished_at for task in await ledger.get_many(owner, [*ends])}
    notes = asked.notes()
    found["all_asked_s"] = notes["newest"] - began
    found["lags_s"] = {
        "failed: its provider said so": lags(ends, failing, notes["told"]),
        "failed: ended here": lags(ends, failing, here),
        "completed: its provider said so": lags(ends, completing, notes["told"]),
        "completed: its file is asked for": lags(ends, completing, notes["fetched"]),
        "completed: ended here": lags(ends, completing, here),
    }
    return found


async def start(service: Process, ledger: Ledger) -> Found:
    """Wait until the service has taken up every task."""

    async def taken_up() -> bool:
        # What is claimed without end is not due any more.
        return await ledger.next_work(queue_of(Queue.POLL, ENGINE)) is None

    return {"taken_up_s": await until(taken_up), "taken_up_cpu_s": service.cpu()}


async def window(service: Process, asked: RunningProvider, seconds: float) -> Found:
    """Count for a while."""
    before, cpu, began = asked.notes(), service.cpu(), time.monotonic()
    await asyncio.sleep(seconds)
    after, spent, lasted = asked.notes(), service.cpu() - cpu, time.monotonic() - began
    return {
        "requests": after["requests"] - before["requests"],
        "questions": after["questions"] - before["questions"],
        "cpu_s": spent,
        "seconds": lasted,
        "resident": service.resident(),
    }


def evenly(ids: list[str], outcome: str, seconds: float) -> dict[str, tuple[float, str]]:
    """Let tasks end evenly over a time that begins now."""
    now = time.time()
    return {task_id: (now + seconds * number / len(ids), outcome) for number, task_id in enumerate(ids)}


def lags(ends: dict[str, tuple[float, str]], ids: list[str], moments: dict[str, Any]) -> Found:
    """Return the seconds from the tasks' ends to these moments."""
    values = sorted(moments[task_id] - ends[task_id][0] for task_id in ids)
    return {"median": statistics.median(values), "p99": values[int(len(values) * 0.99)], "worst": values[-1]}


async def line_loop(url: str, requests: list[tuple[str, str, Any]]) -> float:
    """Return the CPU seconds of the requests over the line that the service uses, so many at once as it sends."""
    line = HttpProviderClient(url, {})

    async def share(number: int) -> None:
        for method, path, body in requests[number::LINES]:
            await line.call(method, path, json=body, fresh=False)

    await line.call(*requests[0][:2], json=requests[0][2], fresh=False)
    began = time.process_time()
    await asyncio.gather(*(share(number) for number in range(LINES)))
    spent = time.process_time() - began
    await line.close()
    return spent


async def socket_loop(url: str, requests: list[tuple[str, str, Any]]) -> float:
    """Return the CPU seconds of the requests on bare sockets; answers are read but not understood."""
    host = urlsplit(url)
    written = []
    for method, path, body in requests:
        content = b"" if body is None else json.dumps(body).encode()
        head = f"{method} {path} HTTP/1.1\r\nHost: {host.netloc}\r\nContent-Length: {len(content)}\r\n\r\n"
        written.append(head.encode() + content)

    async def share(number: int) -> None:
        reader, writer = await asyncio.open_connection(host.hostname, host.port, limit=2**20)
        for request in written[number::LINES]:
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0]))
        writer.close()

    began = time.process_time()
    await asyncio.gather(*(share(number) for number in range(LINES)))
    return time.process_time() - began


def run(dialect: Dialect, options: argparse.Namespace) -> Found:
    """Measure one provider."""
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as other:
        alone = empty(Path(other), dialect, options.latency)
        load = os.getloadavg()[0]
        found = full(Path(folder), dialect, options)
    count, asked, spent = options.tasks, found["questions"], found["cpu_s"]
    return found | {
        "load_before": load,
        "alone": alone,
        "requests_per_s": found["requests"] / found["seconds"],
        "fewest_per_s": count / dialect.batch / POLL_MAX,
        "questions_per_request": asked / found["requests"],
        "requests_per_poll": found["requests"] / asked * count,
        "fewest_per_poll": count / dialect.batch,
        "cpu_per_s": spent / found["seconds"],
        "cpu_per_1000": spent / asked * 1000,
        "line_cpu_per_1000": found["line_cpu_s"] / dialect.batch * 1000,
        "socket_cpu_per_1000": found["socket_cpu_s"] / dialect.batch * 1000,
        "bytes_per_task": (found["resident"] - alone) / count,
    }


ROWS = (
    ("requests per second", "requests_per_s", 1, ".1f"),
    ("  the fewest possible", "fewest_per_s", 1, ".1f"),
    ("tasks in a request", "questions_per_request", 1, ".1f"),
    ("requests per poll of all", "requests_per_poll", 1, ",.0f"),
    ("  the fewest possible", "fewest_per_poll", 1, ",.0f"),
    ("CPU ms per second", "cpu_per_s", 1e3, ".1f"),
    ("CPU ms per 1,000 questions", "cpu_per_1000", 1e3, ".0f"),
    ("  the same over the line alone", "line_cpu_per_1000", 1e3, ".0f"),
    ("  the same on bare sockets", "socket_cpu_per_1000", 1e3, ".0f"),
    ("memory following one task, MiB", "alone", 2**-20, ".1f"),
    ("memory following all, MiB", "resident", 2**-20, ".1f"),
    ("bytes per followed task", "bytes_per_task", 1, ",.0f"),
    ("start until it serves, s", "serves_s", 1, ".2f"),
    ("until all are taken up, s", "taken_up_s", 1, ".2f"),
    ("until each was asked about, s", "all_asked_s", 1, ".1f"),
    ("load of the machine before", "load_before", 1, ".2f"),
)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tasks", type=int, default=10_000)
    parser.add_argument("--window", type=float, default=30.0)
    parser.add_argument("--ends", type=int, default=300)
    parser.add_argument("--files", type=int, default=60)
    parser.add_argument("--latency", type=float, default=0.0, help="seconds that an answer of the provider takes")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    began, results = time.monotonic(), {}
    for dialect in DIALECTS:
        print(f"measuring: {dialect.type} …", file=sys.stderr)
        results[dialect.type] = run(dialect, options)
    if options.json:
        print(json.dumps(results))
        return
    print(description())
    print(f"{options.tasks:,} tasks, poll {POLL} s, poll_max {POLL_MAX} s, {time.monotonic() - began:.0f} s in all")
    columns = [f"{dialect.type} ({dialect.batch} a request)" for dialect in DIALECTS]
    print(f"{'':<34}" + "".join(f"{column:>28}" for column in columns))
    for title, name, scale, form in ROWS:
        print(f"{title:<34}" + "".join(f"{format(result[name] * scale, form):>28}" for result in results.values()))
    print("seconds after its end at the provider: median, 99 %, worst")
    fewest = " ".join(f"{POLL_MAX * part:7.2f}" for part in (0.5, 0.99, 1))
    print(f"{'  the least, asked every poll_max':<34}" + "".join(f"{fewest:>28}" for _ in results))
    for title in next(iter(results.values()))["lags_s"]:
        cells = (" ".join(f"{value:7.2f}" for value in found["lags_s"][title].values()) for found in results.values())
        print(f"{title:<34}" + "".join(f"{cell:>28}" for cell in cells))


if __name__ == "__main__":
    main()
