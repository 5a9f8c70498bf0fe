"""What a ledger of a million tasks costs beside one of ten thousand: look-ups, lists, claims, the start.

    python benchmarks/scale.py [--tasks 10000,1000000] [--folder DIR] [--json]

Each ledger is a file in the real schema, filled by SQL and removed afterwards: 1 KB a task, two files each, a callback
for every second one, 1,000 unfinished ones. One application has nine tenths of it. Times are medians of many calls, in
milliseconds, beside the smallest ledger's; a list is also asked for while four others read lists of another application
all the time.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import uvloop
from support.machine import description

from filmgate.adapters.ledger.sqlite import SqliteLedger
from filmgate.adapters.ledger.sqlite.connection import connect
from filmgate.domain.states import State
from filmgate.ports.keys import Application
from filmgate.ports.tasks import TaskFilter
from filmgate.ports.webhooks import WebhookFilter

MANY, FEW = Application("app-a", "alpha", "user-a", 1.0), Application("app-b", "beta", "user-b", 2.0)

_FILL = """
WITH RECURSIVE upto (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM upto WHERE n < :count)
INSERT INTO numbers SELECT n FROM upto;
INSERT INTO tasks (
    id, application_id, credential_id, user_id, trace_id, video_id, dialect, engine, generation, base_url, callback_url,
    created_at, updated_at, state, stage, fence, attempts, percent, started_at, finished_at, cancel_requested, output
)
SELECT
    printf('0193%08x-7000-8000-000000000000', n), iif(n % 10, 'app-a', 'app-b'), 'key', iif(n % 7, 'user-a', 'user-c'),
    'trace-' || n, 'video-' || n, 'native', 'studio', :generation, 'http://127.0.0.1', NULL, n, n,
    iif(n > :count - 1000, 'pending', iif(n % 50, 'completed', 'failed')), iif(n > :count - 1000, 'submit', 'done'),
    1, 1, 100, n, n, 0, NULL
FROM numbers;
INSERT INTO requests SELECT printf('0193%08x-7000-8000-000000000000', n), 'native', :body FROM numbers;
INSERT INTO media SELECT 'video-' || n, 'video', 'video.mp4', 'v/' || n, 900000, '"x"', '{"type":"video/mp4"}',
    iif(n % 10, 'app-a', 'app-b'), printf('0193%08x-7000-8000-000000000000', n), n FROM numbers;
INSERT INTO media SELECT 'still-' || n, 'thumbnail', 'thumbnail.webp', 's/' || n, 9000, '"x"', '{"type":"image/webp"}',
    iif(n % 10, 'app-a', 'app-b'), printf('0193%08x-7000-8000-000000000000', n), n FROM numbers;
INSERT INTO callbacks SELECT printf('0193%08x-7000-8000-000000000000', n), 'completed', iif(n % 10, 'app-a', 'app-b'),
    'delivered', n, n, 1, NULL, n, 200, NULL FROM numbers WHERE n % 2;
INSERT INTO changes (task_id, application_id)
SELECT printf('0193%08x-7000-8000-000000000000', n), iif(n % 10, 'app-a', 'app-b') FROM numbers;
INSERT INTO due (kind, queue, task_id, application_id, not_before, detail)
SELECT 'advance', 'studio', printf('0193%08x-7000-8000-000000000000', n), iif(n % 10, 'app-a', 'app-b'), 0, ''
FROM numbers WHERE n > :count - 1000;
"""


def fill(path: Path, count: int) -> None:
    """Put so many tasks into a new ledger."""
    connection = connect(path, writes=True)
    connection.execute("PRAGMA synchronous = off; CREATE TEMP TABLE numbers (n INTEGER PRIMARY KEY)").fetchall()
    generation = json.dumps({"prompt": "a lighthouse at dusk, " * 20})
    values = {"count": count, "generation": generation, "body": generation.encode()}
    connection.execute("BEGIN").fetchall()
    for statement in _FILL.split(";\n"):
        if statement.strip():
            named = {name: value for name, value in values.items() if f":{name}" in statement}
            connection.execute(statement, named).fetchall()
    connection.execute("COMMIT; PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    connection.close()


async def timed(calls: int, call: Callable[[int], Awaitable[object]]) -> float:
    """Return the median milliseconds of a call, of those that a second and a number allow."""
    taken: list[float] = []
    end = time.perf_counter() + 3
    while len(taken) < calls and (len(taken) < 3 or time.perf_counter() < end):
        start = time.perf_counter()
        await call(len(taken))
        taken.append((time.perf_counter() - start) * 1e3)
    return statistics.median(taken)


async def measure(path: Path, count: int) -> dict[str, float]:
    """Measure one ledger."""
    found: dict[str, float] = {}
    start = time.perf_counter()
    ledger = SqliteLedger(path)
    await ledger.open()
    found["open"] = (time.perf_counter() - start) * 1e3

    def task_id(number: int) -> str:
        return f"0193{number * 7919 % count + 1:08x}-7000-8000-000000000000"

    counted = {"counted": True} if "counted" in TaskFilter.__struct_fields__ else {}
    lists = {
        "list": TaskFilter(),
        "list, counted": TaskFilter(**counted),
        "list of a state": TaskFilter(states=(State.FAILED,)),
        "list of two states": TaskFilter(states=(State.FAILED, State.PENDING)),
        "list of a state nobody has": TaskFilter(states=(State.PROCESSING,)),
        "list of a user": TaskFilter(user_id="user-c"),
        "list of a user nobody is": TaskFilter(user_id="nobody"),
        "list of an hour": TaskFilter(created_min=count / 2, created_max=count / 2 + 3_600),
        "list behind a task": TaskFilter(after=(count / 2, "x")),
        "list far down": TaskFilter(offset=count // 2),
    }
    found["get"] = await timed(2_000, lambda n: ledger.get(MANY.id, task_id(n)))
    found["batch of 50"] = await timed(500, lambda n: ledger.get_many(MANY.id, [task_id(n + i) for i in range(50)]))
    for name, wanted in lists.items():
        found[name] = await timed(200, lambda _, wanted=wanted: ledger.find(MANY.id, wanted))  # type: ignore[misc]
    found["callbacks"] = await timed(200, lambda _: ledger.webhooks.find(MANY.id, WebhookFilter()))
    found["usage"] = await timed(50, lambda _: ledger.accounts.usage(MANY.id, "0001-01-01", "9999-12-31"))
    found["claim"] = await timed(300, lambda _: ledger.claim("studio", "w", 1e9, 2e9))

    async def flood() -> None:
        while True:
            await ledger.find(MANY.id, lists["list of a state nobody has"])

    found["another's list"] = await timed(200, lambda _: ledger.find(FEW.id, lists["list"]))
    floods = [asyncio.create_task(flood()) for _ in range(4)]
    await asyncio.sleep(0.2)
    found["another's list in a flood"] = await timed(200, lambda _: ledger.find(FEW.id, lists["list"]))
    for each in floods:
        each.cancel()
    await asyncio.gather(*floods, return_exceptions=True)
    await ledger.close()
    return found


async def measured(folder: Path, count: int) -> dict[str, float]:
    """Make a ledger, measure it, and remove it."""
    with tempfile.TemporaryDirectory(dir=folder) as data:
        path = Path(data) / "filmgate.db"
        ledger = SqliteLedger(path)
        await ledger.open()
        for each in (MANY, FEW):
            await ledger.add_application(each)
        await ledger.close()
        fill(path, count)
        found = await measure(path, count)
        return {"MB": path.stat().st_size / 1e6} | found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tasks", default="10000,1000000")
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    counts = [int(count) for count in options.tasks.split(",")]
    found = {count: uvloop.run(measured(options.folder, count)) for count in counts}
    if options.json:
        print(json.dumps(found))
        return
    print(description())
    print(f"{'ms':<28}" + "".join(f"{count:>14,}" for count in counts) + "   the last ÷ the first")
    first, last = found[counts[0]], found[counts[-1]]
    for name, value in first.items():
        row = "".join(f"{found[count][name]:14.3f}" for count in counts)
        print(f"{name:<28}{row}   {last[name] / value:.1f}")


if __name__ == "__main__":
    main()
