"""Engines that work in a child process: one persistent worker per slot, spoken to in lines of JSON.

The parent's half is `WorkerProcess` and `WorkerPool`; the child's half is `serve`. The child lives exactly as long as
its parent: the kernel kills it when the parent dies, and it ends by itself when its standard input reaches the end.

To the child    {"job": number, "order": {...}}  {"cancel": number}
From the child  {"job": number, "event": "progress", "percent": n}
                {"job": number, "event": "done", "result": {...}}
                {"job": number, "event": "failed", "code": "...", "message": "..."}
                {"job": number, "event": "cancelled"}
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import queue
import signal
import sys
import threading
import time
import traceback
from asyncio.subprocess import PIPE
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from filmgate.adapters.process import ChildProcess, close_inherited, die_with
from filmgate.domain.errors import EngineCrashed, EngineFailed, of_the_disk
from filmgate.domain.failures import Failure, FailureCode
from filmgate.ports.engine import Report

MAX_LINE = 4 << 20
"""Bytes of one event, at most."""

BROKEN = 70
"""Exit status of a worker that cannot go on, such as one that ran out of memory."""

_SIGN_OF_LIFE = 1.0
"""Seconds after which a worker says how far it is, although it is no further."""


class WorkerProcess:
    """One worker, started with the first job, used again for the next, replaced when it died. One job at a time."""

    def __init__(self, module: str, *, name: str, grace: float = 2.0, stall: float | None = None) -> None:
        """Take the module to run, the name for the log, and two times in seconds.

        `grace` is what a cancelled job has to stop by itself; a worker that says nothing for `stall` hangs.
        """
        self._module = module
        self._stall = stall
        self._grace = grace
        self._log = logging.getLogger(f"filmgate.engine.{name}")
        self._process: ChildProcess | None = None
        self._number = 0

    @property
    def pid(self) -> int | None:
        """The process id of the running worker, None when there is none."""
        return self._process.pid if self._process else None

    async def run(self, order: Mapping[str, Any], report: Report) -> dict[str, Any]:
        """Run one job and return its result. Cancelling stops the work and leaves the worker usable.

        Raises EngineFailed with the worker's verdict, EngineCrashed when the worker died or spoke nonsense.
        """
        process = await self._living_worker()
        self._number += 1
        number = self._number
        try:
            await _send(process, {"job": number, "order": order})
            return await self._follow(process, number, report)
        except EngineFailed:
            raise
        except EngineCrashed:
            await self._kill()
            raise
        except BaseException:
            await self._stop(process, number)
            raise

    async def close(self) -> None:
        """End the worker: by the end of its input, by force after the grace time."""
        process, self._process = self._process, None
        if process is not None and not await process.end(self._grace):
            self._log.warning("worker %d did not end in time", process.pid)

    async def _living_worker(self) -> ChildProcess:
        """Return the living worker, starting one if need be."""
        if self._process is not None and self._process.returncode is not None:
            await self._kill()
        if self._process is None:
            command = (sys.executable, "-m", self._module, str(os.getpid()))
            self._process = await ChildProcess.start(
                command, relay=self._log_line, stdin=PIPE, stdout=PIPE, limit=MAX_LINE
            )
        return self._process

    async def _follow(self, process: ChildProcess, number: int, report: Report) -> dict[str, Any]:
        while True:
            event = await self._next_event(process)
            if event.get("job") != number:
                continue  # the tail of an earlier job
            match event:
                case {"event": "progress", "percent": int(percent)}:
                    report(percent)
                case {"event": "done", "result": dict(result)}:
                    return result
                case {"event": "failed", "code": str(code), "message": str(message)}:
                    raise EngineFailed(Failure(code, message))
                case _:
                    raise EngineCrashed(f"The worker sent an unexpected event: {event.get('event')!r}.")

    async def _next_event(self, process: ChildProcess) -> dict[str, Any]:
        """Return the worker's next event. Raises EngineCrashed if none comes in time."""
        try:
            async with asyncio.timeout(self._stall):
                return await _event(process)
        except TimeoutError as error:
            raise EngineCrashed(f"The worker process hangs: it said nothing for {self._stall:g} s.") from error

    async def _stop(self, process: ChildProcess, number: int) -> None:
        """Ask the worker to drop the job, and kill it when it does not answer within the grace time."""
        try:
            async with asyncio.timeout(self._grace):
                await _send(process, {"cancel": number})
                while not await _has_ended(process, number):
                    pass
        except (TimeoutError, EngineCrashed):
            await self._kill()
        except BaseException:
            process.kill_now()
            raise

    async def _kill(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            await process.kill()

    def _log_line(self, line: bytes) -> None:
        """Copy a line of the worker's standard error into the log."""
        self._log.warning("worker: %s", line.decode(errors="replace"))


class WorkerPool:
    """As many workers as an engine has slots; each job takes a free one, the last used first."""

    def __init__(self, module: str, *, name: str, slots: int, grace: float = 2.0, stall: float | None = None) -> None:
        """Take what `WorkerProcess` takes, and the number of workers."""
        self.workers = [WorkerProcess(module, name=name, grace=grace, stall=stall) for _ in range(slots)]
        self._free: asyncio.LifoQueue[WorkerProcess] = asyncio.LifoQueue()
        for worker in reversed(self.workers):
            self._free.put_nowait(worker)

    async def run(self, order: Mapping[str, Any], report: Report) -> dict[str, Any]:
        """Wait for a free worker and run the job on it, see `WorkerProcess.run`."""
        worker = await self._free.get()
        try:
            return await worker.run(order, report)
        finally:
            self._free.put_nowait(worker)

    async def close(self) -> None:
        """End all workers."""
        await asyncio.gather(*(worker.close() for worker in self.workers))


async def _send(process: ChildProcess, message: Mapping[str, Any]) -> None:
    try:
        process.stdin.write(json.dumps(message).encode() + b"\n")
        await process.stdin.drain()
    except (OSError, RuntimeError) as error:  # uvloop answers a closed pipe with RuntimeError
        raise EngineCrashed("The worker process is gone.") from error


async def _event(process: ChildProcess) -> dict[str, Any]:
    try:
        line = await process.stdout.readline()
        event = json.loads(line) if line else None
    except ValueError as error:
        raise EngineCrashed("The worker process sent something that is no event.") from error
    if not isinstance(event, dict):
        raise EngineCrashed(f"The worker process ended in the middle of the work ({await _ending(process)}).")
    return event


async def _has_ended(process: ChildProcess, number: int) -> bool:
    event = await _event(process)
    return event.get("job") == number and event.get("event") != "progress"


async def _ending(process: ChildProcess) -> str:
    """Return how the process ended. It closed its output, so it is dead or will be: help it along."""
    try:
        async with asyncio.timeout(1):
            status = await process.wait()
    except TimeoutError:
        return "its output closed"
    return f"signal {-status}" if status < 0 else f"exit status {status}"


# ---- the child's half ------------------------------------------------------------------------------------------------


class JobCancelled(Exception):
    """The owner does not want this job any more."""


class JobFailed(Exception):
    """The job cannot be done; carries the verdict for the owner."""

    def __init__(self, message: str, code: str = FailureCode.GENERATION_FAILED) -> None:
        """Take a sentence for people and a code for programs."""
        super().__init__(message)
        self.message = message
        self.code = str(code)


class WorkerBroken(Exception):
    """This process cannot go on; another one may succeed."""


Handler = Callable[[dict[str, Any], Report], dict[str, Any]]
"""Does one order and returns the result. Calls the report often: it raises JobCancelled when the job is cancelled."""


def serve(prepare: Callable[[], Handler]) -> NoReturn:
    """Work off jobs from standard input until it ends. `prepare` does the slow imports and gives the handler."""
    die_with(int(sys.argv[1]), status=0)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends its workers in order
    close_inherited()
    channel = _WorkerChannel()
    channel.listen()
    handler = prepare()
    while True:
        number, order = channel.next()
        channel.answer(number, _attempt(handler, order, channel.reporter(number)))


class _WorkerChannel:
    """The child's end of the pipes. A thread watches the input: its end is noticed in the middle of the work."""

    def __init__(self) -> None:
        self._jobs: queue.SimpleQueue[tuple[int, dict[str, Any]]] = queue.SimpleQueue()
        self._cancelled = 0
        # Libraries that print must not speak on the line to the parent: standard output becomes standard error.
        self._output = os.dup(1)
        os.dup2(2, 1)

    def listen(self) -> None:
        threading.Thread(target=self._read, name="parent", daemon=True).start()

    def next(self) -> tuple[int, dict[str, Any]]:
        return self._jobs.get()

    def answer(self, number: int, event: dict[str, Any]) -> None:
        data = json.dumps({"job": number} | event).encode() + b"\n"
        while data:
            data = data[os.write(self._output, data) :]

    def reporter(self, number: int) -> Report:
        last, said = -1, 0.0

        def report(percent: int) -> None:
            nonlocal last, said
            if self._cancelled >= number:
                raise JobCancelled
            # Also without progress a word now and then: whoever says nothing is taken to hang.
            if percent > last or time.monotonic() > said + _SIGN_OF_LIFE:
                last, said = max(last, percent), time.monotonic()
                self.answer(number, {"event": "progress", "percent": last})

        return report

    def _read(self) -> None:
        for line in sys.stdin.buffer:
            message = json.loads(line)
            if "cancel" in message:
                self._cancelled = message["cancel"]
            else:
                self._jobs.put((message["job"], message["order"]))
        os._exit(0)


def _attempt(handler: Handler, order: dict[str, Any], report: Report) -> dict[str, Any]:
    """Do one order and give its last event; end the process when it is beyond repair."""
    try:
        report(0)
        return {"event": "done", "result": handler(order, report)}
    except JobCancelled:
        return {"event": "cancelled"}
    except JobFailed as failed:
        return {"event": "failed", "code": failed.code, "message": failed.message}
    except (MemoryError, WorkerBroken, BrokenPipeError):
        _give_up()
    except Exception as error:  # noqa: BLE001 # whatever a job runs into ends the job, not the worker
        if of_the_disk(error) is not None:
            _give_up()
        traceback.print_exc()
        message = f"The clip could not be made: {type(error).__name__}."
        return {"event": "failed", "code": str(FailureCode.GENERATION_FAILED), "message": message}


def _give_up() -> NoReturn:
    """End the process over the error at hand: that is no verdict on the job."""
    traceback.print_exc()
    sys.stderr.flush()
    os._exit(BROKEN)
