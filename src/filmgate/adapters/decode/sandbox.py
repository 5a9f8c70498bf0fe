"""The service's side of the helper process: a private folder and a child for every foreign file."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import itertools
import logging
import os
import shutil
import signal
import socket
import stat
import sys
import uuid
from asyncio.subprocess import DEVNULL
from collections.abc import AsyncIterator, Coroutine
from pathlib import Path
from typing import Any

import msgspec

from filmgate.adapters.decode.messages import (
    NO_ROOM,
    OUTCOME,
    SOURCE,
    ChildExited,
    ChildLimits,
    SandboxJob,
    SandboxLayer,
    SandboxOperation,
    SandboxResult,
    StopChild,
)
from filmgate.adapters.process import ChildProcess
from filmgate.domain.errors import DecoderCrashed, DecoderLost, InvalidMedia, Unavailable
from filmgate.domain.media import Facts

# What a child is given of our environment: how to find Python and its libraries, and nothing that could be a secret.
_PASSED_ON = ("PATH", "PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "LD_LIBRARY_PATH", "LANG", "LC_ALL", "TZ")
_OUTCOME_BYTES = 64 * 1024
_GRACE = 10.0
# A second try at once tells one unlucky process from a file or a system that lets none live. Who kills all that there
# is kills the service before the second one has ended.
_TRIES = 2
_log = logging.getLogger(__name__)


class Sandbox:
    """Runs operations on foreign files, each alone in a child process. The helper starts with the first of them."""

    def __init__(self) -> None:
        """Start nothing yet."""
        self._helper: _Helper | None = None
        self._closed = False
        self.missing: list[SandboxLayer] = []
        """The layers that the system did not offer to the last child."""
        self._starting = asyncio.Lock()
        self._numbers = itertools.count(1)

    @contextlib.asynccontextmanager
    async def perform(
        self, operation: SandboxOperation, source: Path, beside: Path, limits: ChildLimits
    ) -> AsyncIterator[tuple[Path, list[Facts]]]:
        """Run an operation on a file; gives the folder with its results, which is removed on leaving, and the facts.

        The folder is made in the folder `beside`. Raises DecoderCrashed if the decoder died over the file, another
        InvalidMedia if the file cannot be used, DecoderLost if no decoder stays alive, FileNotFoundError, Unavailable.
        """
        box = _private_folder(beside)
        try:
            await _to_the_end(asyncio.to_thread(_pack, source, box))
            ended = await self._run(SandboxJob(next(self._numbers), operation, str(box), limits))
            outcome = await asyncio.to_thread(_unpack, box, ended, limits)
            self._note(outcome.missing)
            yield box, _facts(outcome)
        finally:
            await _to_the_end(asyncio.to_thread(_throw_away, box))

    async def close(self) -> None:
        """End the helper and its children, for good."""
        async with self._starting:
            self._closed = True
            await self._drop()

    def _note(self, missing: list[SandboxLayer]) -> None:
        if missing and missing != self.missing:
            _log.warning(
                "external files are decoded without %s; `filmgate doctor --sandbox` says what to do", ", ".join(missing)
            )
        self.missing = missing

    async def _run(self, job: SandboxJob) -> ChildExited:
        for _ in range(_TRIES):
            try:
                helper = await self._running()
                ended = await helper.run(job)
            except OSError as error:
                # It cannot be started, or was killed from outside, as by the system when memory is short.
                _log.warning("the process that opens external files ended unexpectedly: %s", error)
            else:
                if ended.status != -signal.SIGKILL or ended.late:
                    return ended
                _log.warning("the process that decoded an external file was killed")
        raise DecoderLost

    async def _running(self) -> _Helper:
        async with self._starting:
            if self._closed:
                raise Unavailable("Pictures and videos cannot be opened now: the service is stopping.")
            if self._helper is None or not self._helper.alive:
                await self._drop()
                self._helper = await _Helper.start()
            return self._helper

    async def _drop(self) -> None:
        helper, self._helper = self._helper, None
        if helper:
            await helper.close()


class _Helper:
    """A running helper process and the socket to it."""

    def __init__(self, process: ChildProcess, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._process = process
        self._writer = writer
        self._waiting: dict[int, asyncio.Future[ChildExited]] = {}
        self._listener = asyncio.create_task(self._listen(reader))

    @classmethod
    async def start(cls) -> _Helper:
        ours, theirs = socket.socketpair()
        with theirs:
            process = await _spawn(theirs.fileno())
        reader, writer = await asyncio.open_connection(sock=ours)
        return cls(process, reader, writer)

    @property
    def alive(self) -> bool:
        return not self._listener.done()

    async def run(self, job: SandboxJob) -> ChildExited:
        """Run a job to the end of its child. Raises ConnectionError if the helper ends first."""
        if not self.alive:
            raise ConnectionResetError("the helper has ended")
        ended = asyncio.get_running_loop().create_future()
        self._waiting[job.number] = ended
        try:
            self._send(job)
            return await asyncio.wait_for(asyncio.shield(ended), job.limits.wall + _GRACE)
        except TimeoutError:
            # The helper kills late children itself; one that does not is broken.
            self._process.kill_now()
            raise ConnectionResetError("the helper does not answer") from None
        except asyncio.CancelledError:
            # The child must be gone before its folder goes.
            self._send(StopChild(job.number))
            await _to_the_end(asyncio.wait([ended], timeout=_GRACE))
            raise
        finally:
            del self._waiting[job.number]
            if ended.done() and not ended.cancelled():
                ended.exception()

    async def close(self) -> None:
        self._writer.close()
        with contextlib.suppress(ConnectionError):
            await self._writer.wait_closed()
        await self._process.end(_GRACE)
        await self._listener

    def _send(self, order: SandboxJob | StopChild) -> None:
        self._writer.write(msgspec.json.encode(order) + b"\n")

    async def _listen(self, reader: asyncio.StreamReader) -> None:
        try:
            while line := await reader.readline():
                ended = msgspec.json.decode(line, type=ChildExited)
                future = self._waiting.get(ended.number)
                if future and not future.done():
                    future.set_result(ended)
        except ConnectionError:
            _log.debug("the connection to the helper broke", exc_info=True)
        finally:
            for future in self._waiting.values():
                if not future.done():
                    future.set_exception(ConnectionResetError("the helper has ended"))


def regular_file(path: Path) -> Path:
    """Return the path back if a child left a file of its own there, and no link to somewhere else."""
    if not stat.S_ISREG(path.lstat().st_mode):
        raise InvalidMedia("The file attacks its decoder and was refused.")
    return path


async def _spawn(descriptor: int) -> ChildProcess:
    """Start the helper with its end of the socket. Raises OSError."""
    return await ChildProcess.start(
        [sys.executable, "-P", "-m", "filmgate.adapters.decode.zygote", str(descriptor), str(os.getpid())],
        stdin=DEVNULL,
        stdout=DEVNULL,
        pass_fds=(descriptor,),
        env=_environment(),
        # A session of its own keeps the terminal's Ctrl-C from it: it ends with us, after our last file.
        start_new_session=True,
    )


def _environment() -> dict[str, str]:
    passed_on = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    # A second thread in the helper would make its forks unsafe.
    return passed_on | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}


def _private_folder(beside: Path) -> Path:
    """Name a folder in full, as the helper may be somewhere else."""
    return beside.absolute() / f".decode-{uuid.uuid4().hex}"


def _pack(source: Path, box: Path) -> None:
    """Make a private folder that holds the file and nothing else."""
    box.mkdir(mode=0o700)
    target = box / SOURCE
    if source.stat().st_uid != os.geteuid():
        # The child has no more rights than any process of ours, also where we are root.
        shutil.copyfile(source, target)
        return
    try:
        os.link(source, target)
    except OSError as error:
        if error.errno not in (errno.EXDEV, errno.EPERM, errno.EMLINK, errno.ENOTSUP, errno.EACCES):
            raise
        shutil.copyfile(source, target)


def _throw_away(box: Path) -> None:
    if box.exists():
        shutil.rmtree(box)


def _unpack(box: Path, ended: ChildExited, limits: ChildLimits) -> SandboxResult:
    if ended.late or ended.status == -signal.SIGXCPU:
        raise InvalidMedia(f"The file takes longer to decode than the {limits.wall} seconds that are allowed.")
    if ended.status == NO_ROOM:
        raise Unavailable("The disk cannot be written now: there is no room for what is decoded.")
    if ended.status != 0:
        raise DecoderCrashed
    with regular_file(box / OUTCOME).open("rb") as file:
        return msgspec.json.decode(file.read(_OUTCOME_BYTES), type=SandboxResult)


def _facts(outcome: SandboxResult) -> list[Facts]:
    if outcome.trace:
        _log.error("a decoder failed in an unexpected way: %s", outcome.trace)
        error = DecoderCrashed("The file is damaged: it cannot be decoded.")
        error.add_note(outcome.trace.strip().splitlines()[-1])
        raise error
    if outcome.error:
        raise InvalidMedia(outcome.error)
    return outcome.facts


async def _to_the_end(work: Coroutine[Any, Any, object]) -> None:
    """Wait for work that must not be left half done, even when cancelled; the cancellation follows it."""
    task = asyncio.ensure_future(work)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise
