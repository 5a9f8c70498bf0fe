"""Somebody who takes callbacks, and says to each what the test wants."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple


class Post(NamedTuple):
    """A callback as it came in."""

    path: str
    headers: dict[str, str]
    body: bytes


class Receiver:
    """A server on loopback that answers with `statuses` one after the other, then with 200."""

    def __init__(self, *statuses: int) -> None:
        self.posts: queue.Queue[Post] = queue.Queue()
        self.statuses = list(statuses)
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))

    @property
    def url(self) -> str:
        """Its address, without a slash at the end."""
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def answer(self) -> int:
        """Give the next status."""
        return self.statuses.pop(0) if self.statuses else 200


@contextmanager
def receiver(*statuses: int) -> Iterator[Receiver]:
    """Take callbacks for a while."""
    running = Receiver(*statuses)
    thread = threading.Thread(target=running.server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield running
    finally:
        running.server.shutdown()
        running.server.server_close()
        thread.join(10)


def _handler(receiver: Receiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.posts.put(Post(self.path, {k.lower(): v for k, v in self.headers.items()}, body))
            self.send_response(receiver.answer())
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            del format, args

    return Handler
