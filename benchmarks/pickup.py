"""How long a new task waits until the embedded dispatcher takes it up, beside the limit of 50 ms.

    python benchmarks/pickup.py [--tasks 200] [--json]

A service in this process gets one task at a time on the scripted engine. Both times are the ledger's own: accepted is
when the task was written, taken up is when its first stage began. The whole path to the finished video is printed too.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
from pathlib import Path

import uvloop
from support.machine import description
from support.server import KEY

from filmgate.app import open_service
from filmgate.core.tasks.service import SubmitRequest
from filmgate.domain.generation import Generation
from filmgate.domain.settings import EngineSettings, Settings
from filmgate.ports.context import RequestContext

LIMIT = 0.050


async def measure(data: Path, count: int) -> tuple[list[float], list[float]]:
    """Return the seconds to the take-up and to the finished video, one of each per task."""
    settings = Settings(data=data, admin_key=KEY, engines={"scripted": EngineSettings(type="scripted", models=("*",))})
    taken, finished = [], []
    async with open_service(settings) as service:
        caller = await service.access.caller(KEY.encode())
        context = RequestContext(caller, "benchmark", "http://127.0.0.1")
        order = SubmitRequest(Generation("cat dance"), "native", b"{}")
        for _ in range(count + 1):
            task = await service.tasks.submit(context, order)
            task = await service.tasks.wait(context, task.id, 60)
            taken.append((task.started_at or 0) - task.created_at)
            finished.append((task.finished_at or 0) - task.created_at)
    return taken[1:], finished[1:]  # the first task has the clip encoded and the helpers started


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tasks", type=int, default=200)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        taken, finished = uvloop.run(measure(Path(folder) / "data", options.tasks))
    found = {
        name: {
            "median_ms": statistics.median(values) * 1e3,
            "p99_ms": statistics.quantiles(values, n=100)[98] * 1e3,
            "max_ms": max(values) * 1e3,
        }
        for name, values in (("taken up", taken), ("finished", finished))
    }
    if options.json:
        print(json.dumps(found))
        return
    print(f"{description()}, {options.tasks} tasks")
    for name, row in found.items():
        cells = "  ".join(f"{key.removesuffix('_ms')} {value:6.1f} ms" for key, value in row.items())
        print(f"{name:<9} {cells}")
    print(f"limit     {LIMIT * 1e3:.0f} ms; the slowest take-up is {max(taken) / LIMIT:.2f} of it")


if __name__ == "__main__":
    main()
