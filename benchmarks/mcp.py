"""`luma_get_task` over MCP, beside a constant tool that the official SDK serves, in the same run.

    python benchmarks/mcp.py [--seconds 2] [--rounds 3] [--tasks 200] [--json]

Two server processes (uvicorn as in production), one after the other: a Filmgate service whose ledger holds completed
tasks, and a server made with the SDK as its documentation recommends for production (stateless streamable HTTP with
JSON answers) that has one tool. The tool does nothing but give the result of a `luma_get_task` call, made beforehand.
Both are asked over keep-alive connections on loopback, as clients of both eras of the protocol do. What is printed is
the CPU time of the server process per call, user and system, and calls per second of wall time, which the client's own
work on the same cores limits too. Compare by the ratio.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import uvloop
from query import CONNECTIONS, completed
from support.machine import description
from support.server import KEY, Server, answer_requests, listen, port_of, running, running_service, say

# This file's name is the SDK's too: from here on `import mcp` has to find that.
sys.path.remove(str(Path(__file__).parent))

from mcp.server.mcpserver import MCPServer
from mcp_types import CallToolResult

VERSION = "2026-07-28"
ERAS = ("handshake", VERSION)


class Cost(NamedTuple):
    """What calls cost: CPU microseconds of the server each, and how many were answered in a second."""

    micros: float
    rate: float


async def serve(app: Any, pipe: int, lifespan: str, **told: Any) -> None:
    """Serve an application, and say on which port."""
    listener = listen(128)
    say(pipe, port_of(listener), **told)
    await answer_requests(app, listener, lifespan=lifespan, server_header=False, log_level="critical")


async def serve_filmgate(cached: bool, tasks: int, data: Path, pipe: int) -> None:
    """Run a service with completed tasks."""
    from filmgate.app import open_service
    from filmgate.domain.settings import EngineSettings, Settings

    settings = Settings(
        data=data,
        admin_key=KEY,
        answer_cache=64 * 1024 * 1024 if cached else 0,
        engines={"scripted": EngineSettings(type="scripted", models=("*",))},
    )
    async with open_service(settings) as service:
        ids = await completed(service, "http://127.0.0.1", tasks)
        await serve(service.asgi, pipe, "off", ids=ids)


async def serve_sdk(result: dict[str, Any], pipe: int) -> None:
    """Run the SDK's server with a constant tool."""
    constant = CallToolResult.model_validate(result)
    server = MCPServer("constant", log_level="CRITICAL")

    @server.tool()
    def luma_get_task(task_id: str) -> CallToolResult:
        """Return the same result whatever the task."""
        del task_id
        return constant

    await serve(server.streamable_http_app(stateless_http=True, json_response=True), pipe, "on")


def call(era: str, port: int, task_id: str) -> bytes:
    """Write the HTTP request of a call as a client of an era of the protocol sends it."""
    params: dict[str, Any] = {"name": "luma_get_task", "arguments": {"task_id": task_id}}
    headers = {
        "Host": f"127.0.0.1:{port}",
        "Authorization": f"Bearer {KEY}",
        "Accept": "application/json, text/event-stream",
        "Content-Type": "application/json",
        "Mcp-Protocol-Version": "2025-11-25",
    }
    if era == VERSION:
        params["_meta"] = {
            "io.modelcontextprotocol/protocolVersion": VERSION,
            "io.modelcontextprotocol/clientInfo": {"name": "benchmark", "version": "1"},
            "io.modelcontextprotocol/clientCapabilities": {},
        }
        headers |= {"Mcp-Protocol-Version": VERSION, "Mcp-Method": "tools/call", "Mcp-Name": "luma_get_task"}
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}).encode()
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"POST /mcp HTTP/1.1\r\n{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


async def load(port: int, requests: list[bytes], seconds: float) -> int:
    """Call over keep-alive connections for so long, each waiting for its answer; give the number of calls."""
    end = time.monotonic() + seconds

    async def connection() -> int:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        number = 0
        while time.monotonic() < end:
            writer.write(requests[number % len(requests)])
            checked(await answer(reader), deep=number == 0)
            number += 1
        writer.close()
        return number

    return sum(await asyncio.gather(*(connection() for _ in range(CONNECTIONS))))


async def answer(reader: asyncio.StreamReader) -> bytes:
    """Read one HTTP answer. Raises AssertionError for anything but a 200."""
    head = await reader.readuntil(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200"):
        raise AssertionError(head.decode())
    return await reader.readexactly(int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0]))


def checked(body: bytes, *, deep: bool) -> bytes:
    """See that an answer is the result of a good call."""
    assert b"video_url" in body
    if deep:
        assert json.loads(body)["result"]["structuredContent"]["state"] == "completed"
    return body


def measure(server: Server, requests: list[bytes], seconds: float, rounds: int) -> Cost:
    """Return the best of some rounds, after a warm-up."""
    process, port = server.process, server.port
    uvloop.run(load(port, requests, min(seconds, 0.5)))
    best = Cost(float("inf"), 0.0)
    for _ in range(rounds):
        before, start = process.cpu(), time.monotonic()
        count = uvloop.run(load(port, requests, seconds))
        spent = time.monotonic() - start
        cost = Cost((process.cpu() - before) / count * 1e6, count / spent)
        best = Cost(min(best.micros, cost.micros), max(best.rate, cost.rate))
    return best


def filmgate(options: argparse.Namespace, cached: bool) -> dict[str, Any]:
    """Measure a service; give the costs by era, and a sample of its results."""
    with running_service(partial(serve_filmgate, cached, options.tasks)) as server:
        port, ids = server.port, server.told["ids"]
        sample = uvloop.run(once(port, call(ERAS[0], port, ids[0])))
        return {"sample": sample} | {
            era: measure(server, [call(era, port, one) for one in ids], options.seconds, options.rounds) for era in ERAS
        }


def sdk(options: argparse.Namespace, sample: bytes) -> dict[str, Any]:
    """Measure the SDK's server, whose tool gives this result."""
    with running(partial(serve_sdk, json.loads(sample)["result"])) as server:
        requests = {era: [call(era, server.port, "any")] for era in ERAS}
        return {era: measure(server, requests[era], options.seconds, options.rounds) for era in ERAS}


async def once(port: int, request: bytes) -> bytes:
    """Call once."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    body = checked(await answer(reader), deep=True)
    writer.close()
    return body


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=2.0, help="how long each round takes")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--tasks", type=int, default=200)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    print("measuring: Filmgate …", file=sys.stderr)
    cached = filmgate(options, cached=True)
    fresh = filmgate(options, cached=False)
    print("measuring: the SDK …", file=sys.stderr)
    rows = {"SDK, constant tool": sdk(options, cached["sample"]), "luma_get_task": cached, "  not cached": fresh}
    results = {name: {era: row[era]._asdict() for era in ERAS} for name, row in rows.items()}
    if options.json:
        print(json.dumps(results))
        return
    print(description())
    print(
        f"answer of {len(cached['sample'])} bytes, {CONNECTIONS} connections, best of {options.rounds} rounds of "
        f"{options.seconds:g} s"
    )
    print(f"{'client of':<20}" + "".join(f"{era:>32}" for era in ERAS))
    print(f"{'':<20}" + f"{'CPU µs':>12}{'calls/s':>12}{'ratio':>8}" * 2)
    for name, row in rows.items():
        cells = ""
        for era in ERAS:
            ratio = rows["SDK, constant tool"][era].micros / row[era].micros
            cells += f"{row[era].micros:>12.1f}{row[era].rate:>12,.0f}{ratio:>8.2f}"
        print(f"{name:<20}{cells}")
    print("ratio: server CPU per call of the SDK's constant tool to this one")


if __name__ == "__main__":
    main()
