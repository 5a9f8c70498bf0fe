"""Somebody who takes callbacks, and says to each what the test wants."""

from __future__ import annotations

import queue
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import MappingProxyType
from typing import Any, NamedTuple

from tests.support.listening import listening


class Post(NamedTuple):
    """A callback as it came in."""

    path: str
    headers: dict[str, str]
    body: bytes


class Answer(NamedTuple):
    """What is said to one callback, `pause` seconds later. Without a status the connection is cut."""

    status: int | None = 200
    headers: Mapping[str, str] = MappingProxyType({})
    body: bytes = b""
    pause: float = 0.0


HANGS = Answer(None, pause=60)
"""Says nothing until the test is over, or the other side gives up."""


class Receiver:
    """A server on loopback that gives `answers` one after the other, statuses or more, and then says 200."""

    def __init__(self, *answers: int | Answer, port: int = 0) -> None:
        self.posts: queue.Queue[Post] = queue.Queue()
        self.statuses: list[int | Answer] = list(answers)
        self.over = threading.Event()
        self.server = _Server(("127.0.0.1", port), _handler(self))

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.server.server_address[1])

    @property
    def url(self) -> str:
        """Its address, without a slash at the end."""
        return f"http://127.0.0.1:{self.port}"

    def answer(self, post: Post) -> Answer:
        """Return what is said to a callback."""
        del post
        said = self.statuses.pop(0) if self.statuses else 200
        return said if isinstance(said, Answer) else Answer(said)


@contextmanager
def receiver(*answers: int | Answer, port: int = 0) -> Iterator[Receiver]:
    """Take callbacks for a while."""
    with serving(Receiver(*answers, port=port)) as running:
        yield running


@contextmanager
def serving(running: Receiver) -> Iterator[Receiver]:
    """Let a receiver take callbacks for a while."""
    with listening(running.server):
        try:
            yield running
        finally:
            running.over.set()


def free_port() -> int:
    """Return a port at which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


class _Server(ThreadingHTTPServer):
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Log nothing: what happens to connections is what is tested."""


def _handler(receiver: Receiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            post = Post(self.path, {k.lower(): v for k, v in self.headers.items()}, body)
            said = receiver.answer(post)
            receiver.posts.put(post)
            if said.pause:
                receiver.over.wait(said.pause)
            if said.status is None:
                with suppress(OSError):
                    self.connection.shutdown(socket.SHUT_RDWR)
                return
            self.send_response(said.status)
            for name, value in {"Content-Length": str(len(said.body)), **said.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(said.body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            del format, args

    return Handler
