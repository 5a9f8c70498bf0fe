"""Durable submits per second: what waits is committed as a group, against one commit for each request.

    python benchmarks/submit.py [--seconds 4] [--clients 1,16,128] [--delay-ms 1.5] [--json]

Each row is a server process (uvicorn as in production) and a client process that keeps so many connections busy with
`POST /luma/generations`; each answer stands for a task that is on disk. The same server runs with the writer's groups
and with groups of one, on the disk as it is and on one whose every sync takes longer by `--delay-ms`: a VFS of SQLite
between the ledger and the system. The last row calls the service without HTTP. What the disk allows is printed first:
appending 4 KiB and syncing, over and over, in one file.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import apsw
import uvloop
from support.machine import description
from support.server import KEY, answer_requests, ask, listen, port_of, running_service, say, tell

from filmgate.adapters.ledger.sqlite.writer import Writer
from filmgate.app import open_service
from filmgate.core.tasks.service import SubmitRequest
from filmgate.domain.generation import Generation
from filmgate.domain.settings import EngineSettings, Settings
from filmgate.ports.context import RequestContext

BODY = b'{"user_prompt":"A paper boat on a river [hang]"}'
WARM_SECONDS = 0.5
SYSTEM = apsw.vfs_names()[0]


class SlowFile(apsw.VFSFile):
    """A file whose every sync takes longer."""

    def __init__(self, name: Any, flags: list[int], delay: float) -> None:
        super().__init__(SYSTEM, name, flags)
        self._delay = delay

    def xSync(self, flags: int) -> None:  # noqa: N802 # SQLite's name
        """Sync, and wait as a slower disk would have one wait."""
        super().xSync(flags)
        time.sleep(self._delay)


class SlowDisk(apsw.VFS):
    """A file system like the given one, with slower syncs; whoever opens a database gets it."""

    def __init__(self, delay: float) -> None:
        self._delay = delay
        super().__init__("slow", base=SYSTEM, makedefault=True)

    def xOpen(self, name: Any, flags: list[int]) -> SlowFile:  # noqa: N802 # SQLite's name
        """Open a file."""
        return SlowFile(name, flags, self._delay)


class Groups:
    """Counts commits, and has each hold one operation where asked."""

    def __init__(self, alone: bool) -> None:
        self.commits = 0
        self.operations = 0
        self._commit = Writer._commit
        if alone:
            Writer._next_group = _next_alone  # type: ignore[method-assign]

    def committing(self) -> Callable[[Writer, list[Any]], list[Any]]:
        """Return the writer's method, counted."""

        def commit(writer: Writer, group: list[Any]) -> list[Any]:
            self.commits += 1
            self.operations += len(group)
            return self._commit(writer, group)

        return commit


def _next_alone(writer: Writer) -> tuple[list[Any], bool]:
    job = writer._inbox.get()
    return ([], False) if job is None else ([job], True)


async def serve(alone: bool, delay: float, data: Path, pipe: int) -> None:
    """Run the server until it is killed."""
    disk = SlowDisk(delay) if delay else None
    groups = Groups(alone)
    Writer._commit = groups.committing()  # type: ignore[method-assign]
    settings = Settings(
        data=data,
        admin_key=KEY,
        max_unfinished=0,
        engines={"scripted": EngineSettings(type="scripted", models=("*",), slots=1)},
    )
    async with open_service(settings) as service:
        listener = listen(1024)
        port = port_of(listener)
        context = RequestContext(
            await service.access.caller(KEY.encode()), str(uuid.uuid4()), f"http://127.0.0.1:{port}"
        )

        async def app(scope: Any, receive: Any, send: Any) -> None:
            if not scope["path"].startswith("/benchmark"):
                await service.asgi(scope, receive, send)
                return
            told: dict[str, Any] = {"commits": groups.commits, "operations": groups.operations}
            if scope["path"] == "/benchmark/calls":
                clients, seconds = json.loads(scope["query_string"].decode().replace("%22", '"'))
                order = SubmitRequest(Generation("A paper boat on a river [hang]"), "gateway", BODY)
                told["times"] = await calls(lambda: service.tasks.submit(context, order), clients, seconds)
            await tell(send, told)

        say(pipe, port)
        await answer_requests(app, listener, lifespan="off")
    del disk


async def calls(submit: Callable[[], Any], clients: int, seconds: float) -> list[float]:
    """Let so many callers submit one after the other; give what each submit took, in seconds."""
    times: list[float] = []
    until = time.monotonic() + seconds

    async def caller() -> None:
        while (start := time.monotonic()) < until:
            await submit()
            times.append(time.monotonic() - start)

    await asyncio.gather(*(caller() for _ in range(clients)))
    return times


async def over_http(port: int, clients: int, seconds: float) -> list[float]:
    """Let so many connections submit; give what each submit took."""
    lines = [await asyncio.open_connection("127.0.0.1", port) for _ in range(clients)]
    head = f"POST /luma/generations HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {KEY}\r\n"
    request = f"{head}Content-Type: application/json\r\nContent-Length: {len(BODY)}\r\n\r\n".encode() + BODY

    async def submit() -> None:
        reader, writer = lines.pop()
        writer.write(request)
        answer = await reader.readuntil(b"\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 200"), answer
        length = answer.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
        await reader.readexactly(int(length))
        lines.append((reader, writer))

    await calls(submit, clients, WARM_SECONDS)
    times = await calls(submit, clients, seconds)
    for _, writer in lines:
        writer.close()
    return times


async def measure(port: int, clients: int, seconds: float, http: bool) -> dict[str, float]:
    """Return the figures of one row."""
    before = await ask(port, "/benchmark/told")
    start = time.monotonic()
    if http:
        times = await over_http(port, clients, seconds)
        after = await ask(port, "/benchmark/told")
    else:
        after = await ask(port, f"/benchmark/calls?[{clients},{seconds}]")
        times = after["times"]
    took = time.monotonic() - start - (WARM_SECONDS if http else 0)
    times.sort()
    after = await ask(port, "/benchmark/told")
    return {
        "submits per second": len(times) / took,
        "ms p50": times[len(times) // 2] * 1000,
        "ms p99": times[len(times) * 99 // 100] * 1000,
        "in a commit": (after["operations"] - before["operations"]) / max(1, after["commits"] - before["commits"]),
    }


def syncs(seconds: float = 1.0) -> float:
    """Return how often a second the disk of temporary files can be appended to and synced."""
    with tempfile.NamedTemporaryFile() as file:
        count, start = 0, time.monotonic()
        while time.monotonic() < start + seconds:
            file.write(b"x" * 4096)
            file.flush()
            os.fdatasync(file.fileno())
            count += 1
        return count / (time.monotonic() - start)


def rows(options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Measure and give row after row."""
    for delay in (0.0, options.delay_ms / 1000):
        for http, clients in [*((True, each) for each in options.clients), (False, options.clients[-1])]:
            row: dict[str, Any] = {"delay": delay, "http": http, "clients": clients}
            for name, alone in (("groups", False), ("one each", True)):
                print(f"{delay * 1000:g} ms, {clients} clients, {name}  ", end="\r", file=sys.stderr)
                with running_service(partial(serve, alone, delay)) as server:
                    row[name] = uvloop.run(measure(server.port, clients, options.seconds, http))
            row["ratio"] = row["groups"]["submits per second"] / row["one each"]["submits per second"]
            yield row


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--clients", type=lambda text: [int(each) for each in text.split(",")], default=[1, 16, 128])
    parser.add_argument("--delay-ms", type=float, default=1.5)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    load, limit = os.getloadavg()[0], syncs()
    if options.json:
        print(json.dumps({"load before": load, "syncs per second": limit, "rows": list(rows(options))}))
        return
    print(description())
    print(f"load before: {load:.1f}; the disk syncs {limit:,.0f} times a second")
    print(
        "each sync + | clients    | groups: submits/s, ms p50, p99, in a commit | one each: submits/s, p50, p99 | ratio"
    )
    for row in rows(options):
        many, one = row["groups"], row["one each"]
        print(
            f"{row['delay'] * 1000:8g} ms | {row['clients']:4} {'HTTP ' if row['http'] else 'calls'} |"
            f" {many['submits per second']:17,.0f} {many['ms p50']:8.1f} {many['ms p99']:6.1f}"
            f" {many['in a commit']:9.1f} |"
            f" {one['submits per second']:14,.0f} {one['ms p50']:8.1f} {one['ms p99']:6.1f} | {row['ratio']:5.1f}"
        )


if __name__ == "__main__":
    main()
