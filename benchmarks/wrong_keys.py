"""What a flood of wrong keys costs those with a right one: latency of a query alone, and during the flood.

    python benchmarks/wrong_keys.py [--flood 1000] [--seconds 5] [--rounds 4] [--json]

A service in a process of its own is asked for one finished task, over one connection, request after request. In every
other round a third process sends so many requests a second with wrong keys, over 32 connections. Each of them is a key
that was never made and has the right checksum, so that it cannot be told from a good one by its looks. Rounds with and
without the flood take turns, so that what else the machine does falls on both. What counts is the ratio,
and the CPU time of the service per wrong key, which is measured while nobody else asks.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from support.process import Process

from filmgate.core.tasks.keys import new_key

CONNECTIONS = 32
ENGINES = {"scripted": {"type": "scripted", "models": ["*"]}}


async def asked(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, path: str, key: str) -> int:
    """Send a query over an open connection and give the status of its answer."""
    writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {key}\r\n\r\n".encode())
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:"))
    await reader.readexactly(length)
    return int(head[9:12])


async def flooding(port: int, path: str, per_second: float) -> None:
    """Send wrong keys until killed, and say each second how many were refused."""
    refused = 0

    async def one(offset: float) -> None:
        nonlocal refused
        connection = await asyncio.open_connection("127.0.0.1", port)
        pace = CONNECTIONS / per_second
        due = time.monotonic() + offset * pace
        while True:
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            due += pace
            assert await asked(*connection, path, new_key()) == 401
            refused += 1

    flood = asyncio.gather(*(one(number / CONNECTIONS) for number in range(CONNECTIONS)))
    while not flood.done():
        await asyncio.sleep(0.2)
        print(refused, flush=True)
    await flood


async def latencies(port: int, path: str, key: str, seconds: float) -> list[float]:
    """Query with the right key for so long, and give how long each query took."""
    connection = await asyncio.open_connection("127.0.0.1", port)
    took = []
    end = time.perf_counter() + seconds
    while (now := time.perf_counter()) < end:
        assert await asked(*connection, path, key) == 200
        took.append(time.perf_counter() - now)
    connection[1].close()
    return took


def called(url: str, key: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    """Send one request and give its answer."""
    data = None if body is None else json.dumps(body).encode()
    with urlopen(Request(url, data, {"Authorization": f"Bearer {key}"}), timeout=60) as answer:
        return dict(json.load(answer))


def cpu_per_wrong_key(service: Process, attack: list[str], seconds: float) -> float:
    """Return the CPU seconds, user and system, that a service spends on a wrong key."""
    with subprocess.Popen(attack, stdout=subprocess.PIPE, text=True) as attacker:
        assert attacker.stdout is not None
        refused, before = int(attacker.stdout.readline()), service.cpu()
        end, now = time.monotonic() + seconds, refused
        while time.monotonic() < end:
            now = int(attacker.stdout.readline())
        after = service.cpu()
        attacker.terminate()
    return (after - before) / (now - refused)


def measure(folder: Path, flood: float, seconds: float, rounds: int) -> dict[str, Any]:
    """Start a service and measure it."""
    env = os.environ | {
        "FILMGATE_DATA": str(folder / "data"),
        "FILMGATE_ENGINES": json.dumps(ENGINES),
        "FILMGATE_QUERY_RATE": "0",
        "FILMGATE_ADMIN_KEY": "",
    }
    serve = [sys.executable, "-m", "filmgate", "serve", "--port", "0"]
    service = subprocess.Popen(serve, env=env, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert service.stdout is not None
        url = next(line.split(" serves ")[1].split()[0] for line in service.stdout if " serves " in line)
        key = (folder / "data" / "first-key").read_text().strip()
        task = called(f"{url}/api/v1/tasks", key, {"prompt": "x [fail]"})["id"]
        called(f"{url}/api/v1/tasks/{task}?wait=30", key)
        port, path = int(url.rpartition(":")[2]), f"/api/v1/tasks/{task}"
        alone: list[float] = []
        flooded: list[float] = []
        sent, lasted = 0, 0.0
        for _ in range(rounds):
            alone += asyncio.run(latencies(port, path, key, seconds))
            attack = [sys.executable, __file__, "--attack", str(port), path, str(flood)]
            with subprocess.Popen(attack, stdout=subprocess.PIPE, text=True) as attacker:
                assert attacker.stdout is not None
                before, begun = int(attacker.stdout.readline()), time.monotonic()
                flooded += asyncio.run(latencies(port, path, key, seconds))
                lasted += time.monotonic() - begun
                attacker.terminate()
                sent += int(attacker.stdout.read().split()[-1]) - before
        cpu = cpu_per_wrong_key(Process(service.pid), [*attack[:-1], "1e9"], seconds)
    finally:
        service.terminate()
        service.wait(30)
    return {
        "wrong_keys_per_second": round(sent / lasted),
        "cpu_us_per_wrong_key": round(cpu * 1e6),
        "queries": [len(alone), len(flooded)],
        **{
            name: {"alone_ms": round(a * 1e3, 3), "flooded_ms": round(b * 1e3, 3), "ratio": round(b / a, 2)}
            for name, a, b in (
                ("median", statistics.median(alone), statistics.median(flooded)),
                ("p99", statistics.quantiles(alone, n=100)[98], statistics.quantiles(flooded, n=100)[98]),
            )
        },
        "load": os.getloadavg()[0],
        "cpus": os.cpu_count(),
        "python": platform.python_version(),
    }


def main() -> None:
    """Run the benchmark."""
    if sys.argv[1:2] == ["--attack"]:
        asyncio.run(flooding(int(sys.argv[2]), sys.argv[3], float(sys.argv[4])))
        return
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--flood", type=float, default=1000)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = measure(Path(folder), options.flood, options.seconds, options.rounds)
    if options.json:
        print(json.dumps(found))
        return
    print(f"{found['wrong_keys_per_second']} wrong keys a second; load {found['load']:.1f} on {found['cpus']} CPUs")
    print(f"{found['cpu_us_per_wrong_key']} us of CPU for each")
    for name in ("median", "p99"):
        told = found[name]
        print(f"{name}: {told['alone_ms']} ms alone, {told['flooded_ms']} ms flooded, ratio {told['ratio']}")


if __name__ == "__main__":
    main()
