"""What it costs to wait: memory per idle waiter, and how soon completions reach those who wait for them.

    python benchmarks/wait.py [--waiters 9000] [--completions 1000] [--kind wait|prefer|events] [--json]

A server process (uvicorn as in production) holds as many unfinished tasks as there are waiters, one each. A client
process opens a connection for each and asks for its task with `?wait=50`, with `Prefer: wait=50`, or for its events.
When all of them wait, the memory of the server is compared with that before; then some tasks are ended at once, and
each of their waiters notes when it hears of it. The time counts from the moment in which the end of that task was
committed, and, in the second line, from the request that ended them all. The load of the machine is printed, since it
counts.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import sys
import time
import uuid
from functools import partial
from pathlib import Path
from typing import Any

import uvloop
from support.machine import description
from support.server import KEY, Server, answer_requests, ask, listen, port_of, running_service, say, tell

from filmgate.app import open_service
from filmgate.core.query.feed import Feed
from filmgate.core.tasks.service import SubmitRequest
from filmgate.domain.generation import Generation
from filmgate.domain.settings import EngineSettings, Settings
from filmgate.domain.task import Task
from filmgate.ports.context import RequestContext

SPARE = 500
"""Files that each process needs besides its connections."""

_AT_ONCE = 200
_DEADLINE = 45.0
_PATHS = {"wait": "/luma/generations/{}?wait=50", "prefer": "/luma/generations/{}", "events": "/api/v1/tasks/{}/events"}


class Told:
    """When each end was committed, by the id of the task, on the clock that all processes share."""

    def __init__(self) -> None:
        self.at: dict[str, float] = {}
        self._publish = Feed.publish

    def publish(self, feed: Feed, task: Task) -> None:
        """Note the time and pass the news on."""
        if task.final:
            self.at.setdefault(task.id, time.monotonic())
        self._publish(feed, task)


async def serve(count: int, data: Path, pipe: int) -> None:
    """Run the server: unfinished tasks first, then requests until it is killed."""
    told = Told()

    def publish(feed: Feed, task: Task) -> None:
        told.publish(feed, task)

    Feed.publish = publish  # type: ignore[method-assign]
    settings = Settings(
        data=data,
        admin_key=KEY,
        max_unfinished=0,
        max_streams=0,
        engines={"scripted": EngineSettings(type="scripted", models=("*",), slots=1)},
    )
    async with open_service(settings) as service:
        listener = listen(4096)
        caller = await service.access.caller(KEY.encode())
        context = RequestContext(caller, str(uuid.uuid4()), f"http://127.0.0.1:{port_of(listener)}")
        order = SubmitRequest(Generation("[hang]"), "gateway", b'{"user_prompt":"[hang]"}')
        ids = []
        for start in range(0, count, _AT_ONCE):
            some = [service.tasks.submit(context, order) for _ in range(min(_AT_ONCE, count - start))]
            ids += [task.id for task in await asyncio.gather(*some)]

        async def app(scope: Any, receive: Any, send: Any) -> None:
            if not scope["path"].startswith("/benchmark"):
                await service.asgi(scope, receive, send)
                return
            if scope["path"] == "/benchmark/end":
                wanted = int(scope["query_string"])
                await asyncio.gather(*(service.tasks.cancel(context, each) for each in ids[:wanted]))
            await tell(send, told.at)

        say(pipe, port_of(listener), ids=ids)
        await answer_requests(app, listener, lifespan="off")


class Waiter(asyncio.Protocol):
    """One connection; notes when it heard that its task has ended."""

    def __init__(self, request: bytes, kind: str) -> None:
        self.began = asyncio.get_running_loop().create_future()
        self.ended = asyncio.get_running_loop().create_future()
        self.at = 0.0
        self._request = request
        self._streams = kind == "events"
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask; who waits for one answer has begun with the question."""
        transport.write(self._request)  # type: ignore[attr-defined]
        if not self._streams:
            self.began.set_result(None)

    def data_received(self, data: bytes) -> None:
        """Read the answer; a stream has begun with the first event."""
        self._received += data
        if b'"failed"' in data or b"CANCELLED" in data or b"cancelled" in data:
            self.at = time.monotonic()
            if not self.ended.done():
                self.ended.set_result(None)
        elif self._streams and b"event: task" in data and not self.began.done():
            self.began.set_result(None)

    def connection_lost(self, error: Exception | None) -> None:
        """Report to those who wait for this waiter that nothing will come."""
        for future in (self.began, self.ended):
            if not future.done():
                future.set_exception(ConnectionError(str(error or self._received[:200])))
                future.exception()


async def measure(server: Server, completions: int, kind: str) -> dict[str, Any]:
    """Let everybody wait, end some tasks, and give the figures."""
    process, port, ids = server.process, server.port, server.told["ids"]
    loop = asyncio.get_running_loop()
    await ask(port, "/benchmark/told")
    before, start, waiters = process.resident(), time.monotonic(), []
    for first in range(0, len(ids), _AT_ONCE):
        some = [
            (
                await loop.create_connection(
                    lambda each=each: Waiter(request(port, each, kind), kind), "127.0.0.1", port
                )
            )[1]
            for each in ids[first : first + _AT_ONCE]
        ]
        await asyncio.gather(*(waiter.began for waiter in some))
        waiters += some
    await ask(port, "/benchmark/told")
    opened = time.monotonic() - start
    bytes_each = (process.resident() - before) / len(ids)
    asked, cpu = time.monotonic(), process.cpu()
    committed = await ask(port, f"/benchmark/end?{completions}")
    async with asyncio.timeout(_DEADLINE):
        await asyncio.gather(*(waiter.ended for waiter in waiters[:completions]))
    idle = sum(not waiter.ended.done() for waiter in waiters[completions:])
    ends = [(waiter.at, committed[each]) for waiter, each in zip(waiters[:completions], ids, strict=False)]
    return {
        "waiters": len(ids),
        "completions": completions,
        "seconds to open": opened,
        "bytes per waiter": bytes_each,
        "idle afterwards": idle,
        "server CPU ms per completion": (process.cpu() - cpu) / completions * 1000,
        "ms from the commit": quantiles([heard - commit for heard, commit in ends]),
        "ms from the request to end them all": quantiles([heard - asked for heard, _ in ends]),
    }


def request(port: int, task_id: str, kind: str) -> bytes:
    """Write the request of a waiter."""
    path, prefer = _PATHS[kind].format(task_id), "Prefer: wait=50\r\n" if kind == "prefer" else ""
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {KEY}\r\n{prefer}\r\n".encode()


def quantiles(seconds: list[float]) -> dict[str, float]:
    """Return the middle, the 99th percentile and the most, in milliseconds."""
    ordered = sorted(each * 1000 for each in seconds)
    last = len(ordered) - 1
    return {"p50": ordered[last // 2], "p99": ordered[last * 99 // 100], "max": ordered[last]}


def affordable(wanted: int) -> int:
    """Raise this process's limit of open files as far as it goes, and give how many waiters that allows."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    allowed = wanted if most == resource.RLIM_INFINITY else min(wanted, most - SPARE)
    if allowed < wanted:
        print(f"only {allowed} waiters: a process may have {most} open files here", file=sys.stderr)
    return allowed


def run(waiters: int, completions: int, kind: str) -> dict[str, Any]:
    """Measure one server."""
    with running_service(partial(serve, waiters)) as server:
        return uvloop.run(measure(server, completions, kind))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--waiters", type=int, default=9_000)
    parser.add_argument("--completions", type=int, default=1_000)
    parser.add_argument("--kind", choices=tuple(_PATHS), default="wait")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    waiters = affordable(options.waiters)
    load = os.getloadavg()[0]
    result = run(waiters, min(options.completions, waiters), options.kind) | {"load before": load}
    if options.json:
        print(json.dumps(result))
        return
    print(description())
    print(f"load before and after: {load:.1f}, {os.getloadavg()[0]:.1f}")
    print(f"{result['waiters']} waiters ({options.kind}), opened in {result['seconds to open']:.1f} s")
    print(f"{result['bytes per waiter'] / 1024:.1f} KiB of server memory per waiter")
    for name in ("ms from the commit", "ms from the request to end them all"):
        times = ", ".join(f"{key} {value:.0f}" for key, value in result[name].items())
        print(f"{result['completions']} completions, {name}: {times}")
    print(f"{result['server CPU ms per completion']:.2f} ms of server CPU per completion, the commit included")
    print(f"{result['idle afterwards']} still wait")


if __name__ == "__main__":
    main()
