"""A server on loopback in a process of its own, and the benchmark's own part of it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import tempfile
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import uvicorn
import uvloop

from support.process import Process

KEY = "benchmark-key-of-no-value"


class Server(NamedTuple):
    """A server as the process that started it sees it; `told` is all that it said of itself, its port included."""

    process: Process
    port: int
    told: dict[str, Any]


@contextmanager
def running(serve: Callable[[int], Coroutine[Any, Any, None]]) -> Iterator[Server]:
    """Run a server until this ends; it gets the pipe on which it says its port, and this begins when it has."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(read)
        uvloop.run(serve(write))
        os._exit(0)
    os.close(write)
    try:
        with os.fdopen(read) as pipe:
            told = json.load(pipe)
        yield Server(Process(pid), told["port"], told)
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


@contextmanager
def running_service(serve: Callable[[Path, int], Coroutine[Any, Any, None]]) -> Iterator[Server]:
    """Run a server with a data folder that is removed afterwards."""
    with tempfile.TemporaryDirectory() as folder, running(lambda pipe: serve(Path(folder) / "data", pipe)) as server:
        yield server


def listen(backlog: int) -> socket.socket:
    """Take connections on a free port of loopback; so many may wait to be accepted."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    listener.listen(backlog)
    return listener


def port_of(listener: socket.socket) -> int:
    """Return the port of a listener."""
    port: int = listener.getsockname()[1]
    return port


def say(pipe: int, port: int, **more: Any) -> None:
    """Print to the process that started this one where it listens, and what else it has to know."""
    with os.fdopen(pipe, "w") as file:
        json.dump({"port": port, **more}, file)


async def answer_requests(app: Any, listener: socket.socket, **more: Any) -> None:
    """Answer until the process is killed, with uvicorn as in production and with more options of it."""
    config = uvicorn.Config(app, loop="uvloop", http="httptools", ws="none", log_config=None, access_log=False, **more)
    await uvicorn.Server(config).serve([listener])


async def ask(port: int, path: str) -> dict[str, Any]:
    """Ask the benchmark's own part of a server."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n".encode())
    told: dict[str, Any] = json.loads((await reader.read()).partition(b"\r\n\r\n")[2])
    writer.close()
    return told


async def tell(send: Any, told: dict[str, Any]) -> None:
    """Answer a question to the benchmark's own part."""
    body = json.dumps(told).encode()
    headers = [(b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})
