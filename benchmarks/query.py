"""Server CPU per query by id, beside a constant answer of the same server in the same run.

    python benchmarks/query.py [--requests 20000] [--tasks 200] [--json]

A server process (uvicorn as in production) holds a ledger with completed tasks. A client process asks it over
keep-alive connections on loopback. What is printed is the CPU time of the server process per request, user and system,
so that the client's own cost does not count; compare machines by the ratio to the constant answer.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

import uvloop
from support.machine import description
from support.process import Process
from support.server import KEY, answer_requests, listen, port_of, running_service, say

from filmgate.app import open_service
from filmgate.core.tasks.service import SubmitRequest
from filmgate.domain.generation import Generation
from filmgate.domain.settings import EngineSettings, Settings
from filmgate.ports.context import RequestContext

CONNECTIONS = 8
ROUNDS = 3


async def serve(cached: bool, tasks: int, data: Path, pipe: int) -> None:
    """Run the server: completed tasks first, then requests until it is killed."""
    settings = Settings(
        data=data,
        admin_key=KEY,
        answer_cache=64 * 1024 * 1024 if cached else 0,
        engines={"scripted": EngineSettings(type="scripted", models=("*",))},
    )
    async with open_service(settings) as service:
        listener = listen(128)
        base = f"http://127.0.0.1:{port_of(listener)}"
        ids = await completed(service, base, tasks)
        sample: dict[str, bytes] = {}

        async def app(scope: Any, receive: Any, send: Any) -> None:
            if scope["path"] != "/constant":
                await service.asgi(scope, receive, send)
                return
            body = sample["body"]
            headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": body})

        sample["body"] = await body_of(service.asgi, base, ids[0])
        say(pipe, port_of(listener), ids=ids, bytes=len(sample["body"]))
        await answer_requests(app, listener, lifespan="off", server_header=False)


async def completed(service: Any, base: str, count: int) -> list[str]:
    """Fill the ledger through the service itself."""
    caller = await service.access.caller(KEY.encode())
    context = RequestContext(caller, "benchmark", base)
    order = SubmitRequest(Generation("cat dance"), "gateway", b'{"user_prompt":"cat dance"}')
    tasks = [await service.tasks.submit(context, order) for _ in range(count)]
    return [(await service.tasks.wait(context, task.id, 300)).id for task in tasks]


async def body_of(asgi: Any, base: str, task_id: str) -> bytes:
    """Ask once, without a socket."""
    parts = []

    async def send(message: Any) -> None:
        parts.append(message.get("body", b""))

    async def receive() -> Any:
        return {"type": "http.request", "body": b""}

    headers = [(b"host", base.removeprefix("http://").encode()), (b"authorization", f"Bearer {KEY}".encode())]
    scope = {
        "type": "http",
        "method": "GET",
        "scheme": "http",
        "path": f"/luma/generations/{task_id}",
        "query_string": b"",
        "headers": headers,
    }
    await asgi(scope, receive, send)
    return b"".join(parts)


def request(method: str, path: str, port: int, body: bytes = b"") -> bytes:
    """Write one HTTP request."""
    head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {KEY}\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body if body else f"{head}\r\n".encode()


async def load(port: int, requests: list[bytes], count: int) -> None:
    """Send `count` requests over keep-alive connections, each waiting for its answer."""

    async def connection(share: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for number in range(share):
            writer.write(requests[number % len(requests)])
            head = await reader.readuntil(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 200"):
                raise AssertionError(head.decode())
            await reader.readexactly(int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0]))
        writer.close()

    await asyncio.gather(*(connection(count // CONNECTIONS) for _ in range(CONNECTIONS)))


def measure(process: Process, port: int, requests: list[bytes], count: int) -> float:
    """CPU microseconds of the server per request: the best of some rounds, after a warm-up."""
    uvloop.run(load(port, requests, min(count, 2_000)))
    best = float("inf")
    for _ in range(ROUNDS):
        before = process.cpu()
        uvloop.run(load(port, requests, count))
        best = min(best, process.cpu() - before)
    return best / (count // CONNECTIONS * CONNECTIONS) * 1e6


def run(cached: bool, count: int, tasks: int) -> dict[str, float]:
    """Measure one server."""
    with running_service(partial(serve, cached, tasks)) as server:
        port, ids = server.port, server.told["ids"]
        batch = [json.dumps({"ids": ids[:10], "action": "retrieve_batch"}).encode()]
        routes = {
            "constant": [request("GET", "/constant", port)],
            "gateway query": [request("GET", f"/luma/generations/{task_id}", port) for task_id in ids],
            "AceData retrieve": [
                request("POST", "/luma/tasks", port, json.dumps({"id": one, "action": "retrieve"}).encode())
                for one in ids
            ],
            "AceData batch of 10": [request("POST", "/luma/tasks", port, body) for body in batch],
            "framework route": [request("GET", f"/luma/generations/{task_id}?plain=1", port) for task_id in ids],
        }
        return {"bytes": server.told["bytes"]} | {
            name: measure(server.process, port, requests, count) for name, requests in routes.items()
        }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--requests", type=int, default=20_000)
    parser.add_argument("--tasks", type=int, default=200)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    started = time.time()
    results = {}
    for name, cached in (("cached", True), ("not cached", False)):
        print(f"measuring: {name} …", file=sys.stderr)
        results[name] = run(cached, options.requests, options.tasks)
    if options.json:
        print(json.dumps(results))
        return
    print(description())
    size, spent = results["cached"]["bytes"], time.time() - started
    print(f"answer of {size:.0f} bytes, {options.requests} requests a row, {spent:.0f} s in all")
    print(f"{'':<22}{'cached':>18}{'not cached':>18}   server CPU µs per request (ratio to the constant)")
    for name in list(results["cached"])[1:]:
        cells = (f"{result[name]:.1f} ({result[name] / result['constant']:.2f})" for result in results.values())
        print(f"{name:<22}" + "".join(f"{cell:>18}" for cell in cells))


if __name__ == "__main__":
    main()
