"""Make the data folder and the backup that tests/ledger/test_earlier_data.py opens, with an earlier Filmgate.

    git worktree add --detach /tmp/earlier COMMIT
    PYTHONPATH=/tmp/earlier/src python scripts/earlier_data.py tests/fixtures/earlier.tar.xz

The service of that commit makes a short clip in each dialect, fails, cancels and leaves tasks unfinished, is backed up
while it works, and is killed. What lies on its disk then is packed, with the ids and the states of the tasks.
"""

from __future__ import annotations

import json
import sys
import tarfile
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx2

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.service.apis import SUBMITS
from tests.support.earlier import ENGINES
from tests.support.service import RunningService

_DEADLINE = 120.0


def main() -> None:
    """Write the archive that the first argument names."""
    target = Path(sys.argv[1]).absolute()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        service = RunningService(folder / "data", engines=json.dumps(ENGINES)).start()
        try:
            with httpx2.Client(base_url=service.url, headers=service.headers, timeout=60) as http:
                tasks = _fill(http)
                done = service.run("backup", str(folder / "backup"), "--json")
                assert done.returncode == 0, done.stderr
        finally:
            service.kill_group()
        (folder / "tasks.json").write_text(json.dumps({"key": service.key, "tasks": tasks}, indent=1))
        with tarfile.open(target, "w:xz") as archive:
            for part in ("tasks.json", "data", "backup"):
                archive.add(folder / part, part, filter=_leave_out)


def _fill(http: httpx2.Client) -> dict[str, str]:
    """Make tasks in every state, and return the state in which each is left by its id."""
    tasks = {_submit(http, dialect, "a cat"): "completed" for dialect in SUBMITS}
    tasks[_submit(http, "native", "a cat [fail=moderated: No cats.]")] = "failed"
    for task_id, state in tasks.items():
        _reach(http, task_id, state)
    # There is one slot: this one is under way, and the others wait for it.
    working = _submit(http, "native", "a cat [delay=20]")
    _reach(http, working, "processing")
    tasks[working] = "processing"
    tasks |= {_submit(http, dialect, "a cat in line"): "pending" for dialect in ("native", "dream_machine")}
    cancelled = _submit(http, "native", "a cat nobody wants")
    http.post(f"/api/v1/tasks/{cancelled}/cancel").raise_for_status()
    tasks[cancelled] = "failed"
    return tasks


def _submit(http: httpx2.Client, dialect: str, prompt: str) -> str:
    request = SUBMITS[dialect]
    words = {name: prompt if value == "x [fail]" else value for name, value in request.json.items()}
    answer = http.request(request.method, request.path, json=words)
    answer.raise_for_status()
    told: dict[str, Any] = answer.json()
    return str(told.get("task_id") or told["id"])


def _reach(http: httpx2.Client, task_id: str, state: str) -> None:
    deadline = time.monotonic() + _DEADLINE
    while http.get(f"/api/v1/tasks/{task_id}").json()["state"] != state:
        assert time.monotonic() < deadline, f"{task_id} is not {state}"
        time.sleep(0.1)


def _leave_out(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
    """Leave out what the next start makes anew."""
    if entry.name == "data/work" or entry.name.endswith("-shm"):
        return None
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    return entry


if __name__ == "__main__":
    main()
