"""Somebody else's API on loopback: it keeps what it is asked, and answers what a test has prepared."""

from __future__ import annotations

import json
from contextlib import ExitStack
from email import message_from_bytes
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

from tests.support.listening import listening


class File(NamedTuple):
    """A file in a form."""

    name: str
    type: str
    data: bytes


class Call(NamedTuple):
    """A request as it came in; header names are in lower case."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        assert self.headers["content-type"].startswith("application/json")
        return json.loads(self.body)

    @property
    def form(self) -> dict[str, str | File]:
        """The body as a form with parts: its values and its files."""
        head = f"Content-Type: {self.headers['content-type']}\r\n\r\n".encode()
        message = message_from_bytes(head + self.body)
        assert message.is_multipart()
        parts: dict[str, str | File] = {}
        for part in message.walk():
            data = part.get_payload(decode=True)
            if isinstance(data, bytes):
                name, file = part.get_param("name", header="content-disposition"), part.get_filename()
                value = data.decode() if file is None else File(file, part.get_content_type(), data)
                assert str(name) not in parts, name
                parts[str(name)] = value
        return parts


class Answer(NamedTuple):
    """What is answered: bytes as they are, anything else as JSON."""

    status: int = 200
    body: Any = b""
    headers: dict[str, str] = {}  # noqa: RUF012  a tuple has no mutable attributes

    def __bytes__(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


class Dropped:
    """The request is read, and the connection is closed without an answer."""


class Asked:
    """A server on loopback. `calls` is what it was asked; `prepared` is answered one after the other.

    Once nothing is prepared any more, every answer is a 418.
    """

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.prepared: list[Answer | Dropped] = []
        self._stack = ExitStack()
        self.url = self._stack.enter_context(listening(ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))))

    def answers(self, *prepared: Answer | Dropped) -> None:
        """Prepare the next answers."""
        self.prepared += prepared

    @property
    def call(self) -> Call:
        """The only request that came in."""
        (call,) = self.calls
        return call

    def close(self) -> None:
        """Stop serving."""
        self._stack.close()


def _handler(asked: Asked) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            address = urlsplit(self.path)
            headers = {name.lower(): value for name, value in self.headers.items()}
            assert "transfer-encoding" not in headers, "a request says how long it is"
            body = self.rfile.read(int(headers.get("content-length", "0")))
            asked.calls.append(Call(self.command, address.path, dict(parse_qsl(address.query)), headers, body))
            answer = asked.prepared.pop(0) if asked.prepared else Answer(418, {"message": "Nothing is prepared."})
            if isinstance(answer, Answer):
                self._write(answer)

        do_GET = do_POST = do_DELETE = do_PUT = _answer  # noqa: N815  the names that http.server calls

        def _write(self, answer: Answer) -> None:
            self.send_response(answer.status)
            for name, value in {"Content-Type": "application/json", **answer.headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(bytes(answer))))
            self.end_headers()
            self.wfile.write(bytes(answer))

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            del format, args

    return Handler
