"""Somebody else's server: it serves files and takes callbacks."""

from __future__ import annotations

import json
import queue
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.support.listening import listening


class Listener:
    """A server on loopback. `files` are served by their path, `posts` are what came in: path, headers, JSON."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.posts: queue.Queue[tuple[str, dict[str, str], Any]] = queue.Queue()
        self._stack = ExitStack()
        self.url = self._stack.enter_context(listening(ThreadingHTTPServer(("127.0.0.1", 0), self._handler())))

    def post(self, path: str, timeout: float = 30) -> tuple[dict[str, str], Any]:
        """Wait for the next post to a path; give its headers and its JSON."""
        came, headers, body = self.posts.get(timeout=timeout)
        assert came == path
        return headers, body

    def close(self) -> None:
        """Stop serving."""
        self._stack.close()

    def _handler(listener) -> type[BaseHTTPRequestHandler]:  # noqa: N805
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                data = listener.files.get(self.path)
                self.send_response(404 if data is None else 200)
                self.send_header("Content-Length", str(len(data or b"")))
                self.end_headers()
                self.wfile.write(data or b"")

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                listener.posts.put((self.path, {k.lower(): v for k, v in self.headers.items()}, json.loads(body)))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                del format, args

        return Handler
