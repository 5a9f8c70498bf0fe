"""Workers in child processes: used again, cancelled, killed, orphaned."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path

import pytest
import uvloop

from filmgate.adapters.engines.worker import WorkerPool, WorkerProcess
from filmgate.domain.errors import EngineCrashed, EngineFailed

TOY = """
import os, sys, threading
from filmgate.adapters.engines.worker import JobFailed, WorkerBroken, serve

def handle(order, report):
    match order["do"]:
        case "count":
            for percent in range(0, 100, 10):
                report(percent)
            return {"pid": os.getpid()}
        case "fail":
            raise JobFailed("That is not possible.", "impossible")
        case "bug":
            raise ZeroDivisionError("in a job")
        case "break":
            raise WorkerBroken("the context is lost")
        case "print":
            print("chatter", flush=True)
            return {}
        case "descriptors":
            return {"open": [int(fd) for fd in os.listdir("/proc/self/fd")]}
        case "nonsense":
            os.write(3, b"not json\\n")
            threading.Event().wait()
        case "work":
            report(1)
            while True:
                report(2)
        case "deaf":
            report(1)
            threading.Event().wait()
        case "meet":
            open(order["mine"], "w").close()
            while not os.path.exists(order["other"]):
                report(1)
            return {}

serve(lambda: handle)
"""


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a module that a child process can run as a worker."""
    (tmp_path / "toy_worker.py").write_text(TOY)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    return "toy_worker"


@pytest.fixture
async def worker(toy: str) -> AsyncIterator[WorkerProcess]:
    """A worker that is ended after the test."""
    worker = WorkerProcess(toy, name="toy", grace=5)
    yield worker
    await worker.close()


def ignore(percent: int) -> None:
    """Take a progress nobody asks for."""


def gone(pid: int) -> bool:
    """Whether a process is no more, or only a name that nobody has collected yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return True


def wait_until(condition: Callable[[], bool], seconds: float = 20) -> None:
    """Wait for something to become true, under a deadline."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


async def started(worker: WorkerProcess, do: str) -> asyncio.Task[dict[str, object]]:
    """Begin a job and return when the worker has reported that it is at it."""
    at_work = asyncio.Event()
    task = asyncio.create_task(worker.run({"do": do}, lambda percent: at_work.set() if percent else None))
    await asyncio.wait_for(at_work.wait(), 20)
    return task


async def cancelled(task: asyncio.Task[dict[str, object]]) -> None:
    """Cancel a job and wait for its end."""
    task.cancel()
    with suppress(asyncio.CancelledError):
        await asyncio.wait_for(task, 20)
    assert task.cancelled()


async def test_one_process_does_many_jobs(worker: WorkerProcess) -> None:
    """The process is started by the first job and does the next ones, too."""
    assert worker.pid is None
    first = await worker.run({"do": "count"}, ignore)
    assert first["pid"] == worker.pid
    assert await worker.run({"do": "count"}, ignore) == first


async def test_progress_rises(worker: WorkerProcess) -> None:
    """Percents arrive in order, each once."""
    seen: list[int] = []
    await worker.run({"do": "count"}, seen.append)
    assert seen == list(range(0, 100, 10))


async def test_verdict_reaches_the_caller(worker: WorkerProcess) -> None:
    """A job that cannot be done says so, and the worker does the next one."""
    with pytest.raises(EngineFailed) as caught:
        await worker.run({"do": "fail"}, ignore)
    assert caught.value.failure.code == "impossible"
    assert caught.value.failure.message == "That is not possible."
    pid = worker.pid
    assert (await worker.run({"do": "count"}, ignore))["pid"] == pid


async def test_bug_in_a_job_is_a_failure_without_traceback(
    worker: WorkerProcess, caplog: pytest.LogCaptureFixture
) -> None:
    """The owner reads a sentence; the traceback is in the log."""
    with pytest.raises(EngineFailed) as caught:
        await worker.run({"do": "bug"}, ignore)
    assert caught.value.failure.code == "generation_failed"
    assert "Traceback" not in caught.value.message
    await worker.close()
    assert "ZeroDivisionError: in a job" in caplog.text


async def test_broken_worker_is_replaced(worker: WorkerProcess) -> None:
    """A worker that cannot go on ends, which is a crash, and the next job gets a new one."""
    with pytest.raises(EngineCrashed, match="exit status 70"):
        await worker.run({"do": "break"}, ignore)
    assert (await worker.run({"do": "count"}, ignore))["pid"] == worker.pid


async def test_prints_do_not_disturb_the_conversation(worker: WorkerProcess, caplog: pytest.LogCaptureFixture) -> None:
    """What a library prints goes to the log."""
    assert await worker.run({"do": "print"}, ignore) == {}
    await worker.close()
    assert "chatter" in caplog.text


async def test_only_the_pipes_are_inherited(worker: WorkerProcess, tmp_path: Path) -> None:
    """Descriptors of the service, such as its sockets and locks, are not open in the worker."""
    with (tmp_path / "lock").open("w") as lock:
        high = os.dup2(lock.fileno(), 200, inheritable=True)
        try:
            assert high not in (await worker.run({"do": "descriptors"}, ignore))["open"]
        finally:
            os.close(high)


async def test_cancelled_job_leaves_the_worker_usable(worker: WorkerProcess) -> None:
    """A job that reports stops at the next report, and the same process does the next job."""
    task = await started(worker, "work")
    pid = worker.pid
    await cancelled(task)
    assert (await worker.run({"do": "count"}, ignore))["pid"] == pid


async def test_deaf_job_is_killed_when_cancelled(toy: str) -> None:
    """A job that does not stop within the grace time is killed with its process, and the slot is usable again."""
    worker = WorkerProcess(toy, name="toy", grace=0.2)
    task = await started(worker, "deaf")
    pid = worker.pid
    assert pid is not None
    await cancelled(task)
    assert gone(pid)
    assert (await worker.run({"do": "count"}, ignore))["pid"] != pid
    await worker.close()


async def test_silent_worker_hangs(toy: str) -> None:
    """One that says nothing for too long is killed, which is a crash; one that is only slow is left alone."""
    worker = WorkerProcess(toy, name="toy", stall=8)
    slow = await started(worker, "work")
    assert await asyncio.wait({slow}, timeout=10) == (set(), {slow})
    await cancelled(slow)
    deaf = await started(worker, "deaf")
    pid = worker.pid
    assert pid is not None
    with pytest.raises(EngineCrashed, match="hangs"):
        await deaf
    assert gone(pid)
    assert (await worker.run({"do": "count"}, ignore))["pid"] != pid
    await worker.close()


async def test_killed_worker_is_a_crash(worker: WorkerProcess) -> None:
    """Death in the middle of the work is told apart from a verdict, and the next job works."""
    task = await started(worker, "work")
    assert worker.pid is not None
    os.kill(worker.pid, signal.SIGKILL)
    with pytest.raises(EngineCrashed, match="signal 9"):
        await asyncio.wait_for(task, 20)
    assert await worker.run({"do": "count"}, ignore) == {"pid": worker.pid}


async def test_worker_killed_between_jobs_is_replaced(worker: WorkerProcess) -> None:
    """Death while idle costs nobody anything, or one crash at most."""
    pid = (await worker.run({"do": "count"}, ignore))["pid"]
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: gone(pid))
    with suppress(EngineCrashed):
        await worker.run({"do": "count"}, ignore)
    assert (await worker.run({"do": "count"}, ignore))["pid"] != pid


async def test_nonsense_is_a_crash(worker: WorkerProcess) -> None:
    """A worker that does not keep to the protocol is ended."""
    task = asyncio.create_task(worker.run({"do": "nonsense"}, ignore))
    with pytest.raises(EngineCrashed, match="no event"):
        await asyncio.wait_for(task, 20)
    assert worker.pid is None


async def test_pool_runs_as_many_jobs_as_it_has_slots(toy: str, tmp_path: Path) -> None:
    """Two jobs that wait for each other both end, so they ran at the same time."""
    pool = WorkerPool(toy, name="toy", slots=2)
    one, two = str(tmp_path / "one"), str(tmp_path / "two")
    jobs = ({"do": "meet", "mine": one, "other": two}, {"do": "meet", "mine": two, "other": one})
    await asyncio.wait_for(asyncio.gather(*(pool.run(job, ignore) for job in jobs)), 20)
    pids = [worker.pid for worker in pool.workers]
    await pool.close()
    assert all(pid is not None and gone(pid) for pid in pids)


@pytest.mark.parametrize("do", ["work", "deaf"])
def test_worker_dies_with_its_parent(toy: str, do: str) -> None:
    """Kill the service outright in the middle of a job: the worker is gone within a moment."""
    program = (
        "import asyncio\n"
        "from filmgate.adapters.engines.worker import WorkerProcess\n"
        f"worker = WorkerProcess({toy!r}, name='toy')\n"
        f"asyncio.run(worker.run({{'do': {do!r}}}, lambda percent: print(worker.pid, flush=True)))\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert not gone(child)
        parent.kill()
        wait_until(lambda: gone(child))


@pytest.mark.parametrize("do", ["work", "deaf"])
def test_worker_ends_when_its_input_ends(toy: str, do: str) -> None:
    """Even in the middle of a job, the end of the pipe from the parent ends the worker."""
    command = [sys.executable, "-m", toy, str(os.getpid())]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdin is not None and child.stdout is not None  # noqa: PT018
        child.stdin.write(json.dumps({"job": 1, "order": {"do": do}}).encode() + b"\n")
        child.stdin.flush()
        assert json.loads(child.stdout.readline())["event"] == "progress"
        child.stdin.close()
        assert child.wait(20) == 0


def test_worker_whose_parent_died_early_ends_at_once(toy: str) -> None:
    """A child that comes to life under another parent than the one that started it does not stay."""
    command = [sys.executable, "-m", toy, "999999999"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as child:
        assert child.wait(20) == 0


def test_the_same_holds_on_uvloop(toy: str) -> None:
    """The service runs on uvloop, whose child processes are its own: work, cancel, crash and close behave the same."""

    async def scenario() -> None:
        worker = WorkerProcess(toy, name="toy", grace=5)
        try:
            await cancelled(await started(worker, "work"))
            pid = (await worker.run({"do": "count"}, ignore))["pid"]
            task = await started(worker, "work")
            os.kill(pid, signal.SIGKILL)
            with pytest.raises(EngineCrashed):
                await asyncio.wait_for(task, 20)
            pid = (await worker.run({"do": "count"}, ignore))["pid"]
            assert high not in (await worker.run({"do": "descriptors"}, ignore))["open"]
        finally:
            await worker.close()
        assert gone(pid)

    high = os.dup2(2, 200, inheritable=True)
    try:
        uvloop.run(scenario())
    finally:
        os.close(high)
