"""Running the command line as users do."""

from __future__ import annotations

import os
import pty
import queue
import re
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, NamedTuple

import pytest

from filmgate.adapters.cli import program
from tests.support.service import FILMGATE, RunningService, clean_env

NOWHERE = "http://127.0.0.1:1"
"""Nobody listens there."""


def run(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run a command that needs no service."""
    return subprocess.run(
        [*FILMGATE, *arguments], env=clean_env() | env, capture_output=True, text=True, timeout=60, check=False
    )


class Ended(NamedTuple):
    """How a command ended in this process."""

    returncode: int
    stdout: str
    stderr: str


class Quick:
    """Runs commands in this process, where starting one each would only take time."""

    def __init__(self, capture: pytest.CaptureFixture[str]) -> None:
        self._capture = capture

    def __call__(self, *arguments: str) -> Ended:
        """Run a command."""
        self._capture.readouterr()
        code = program.run(arguments)
        return Ended(code, *self._capture.readouterr())


@contextmanager
def started(service: RunningService, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Start a command against a service; what still runs at the end is killed."""
    process = subprocess.Popen(
        [*FILMGATE, *arguments],
        env=service.env | {"FILMGATE_URL": service.url},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def line_of(stream: IO[str] | None, deadline: float = 30) -> str:
    """Return the next line that a running command writes."""
    assert stream is not None
    heard: queue.Queue[str] = queue.Queue()
    threading.Thread(target=lambda: heard.put(stream.readline()), daemon=True).start()
    return heard.get(timeout=deadline).strip()


def in_terminal(service: RunningService, *arguments: str, answer: str = "") -> tuple[int, str]:
    """Run a command in a terminal of 200 columns; give its exit code and what the terminal showed, without colours."""
    env = service.env | {"FILMGATE_URL": service.url, "TERM": "xterm", "COLUMNS": "200"}
    ours, theirs = pty.openpty()
    try:
        with subprocess.Popen(
            [*FILMGATE, *arguments], env=env, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
        ) as process:
            os.close(theirs)
            os.write(ours, answer.encode())
            shown = b""
            try:
                while chunk := os.read(ours, 4096):
                    shown += chunk
            except OSError:  # the terminal has been closed at the other end
                pass
            code = process.wait(60)
    finally:
        os.close(ours)
    return code, re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", shown.decode())
