"""A proxy before a service as there are many: now and then it is overloaded, or loses an answer on its way."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
from collections.abc import Iterator, Mapping
from http.client import HTTPConnection, HTTPResponse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple

from tests.support.listening import listening

_ONE_HOP = frozenset(
    ("connection", "expect", "http2-settings", "keep-alive", "proxy-connection", "te", "transfer-encoding", "upgrade")
)
"""Headers that are not passed on, in either direction."""


class Mishap(NamedTuple):
    """What happens to one request: a status that the proxy answers itself, or `lost`.

    A lost answer is cut off when the service has given it, before the first byte.
    """

    method: str
    path: str
    """A pattern that the whole path matches."""
    what: int | str


class Unreliable:
    """Each mishap happens once, to the first request that it is for; `requests` are all that came."""

    def __init__(self, service: str, mishaps: tuple[Mishap, ...], headers: Mapping[str, str]) -> None:
        self.service = service
        self.headers = dict(headers)
        self.coming = list(mishaps)
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        self.url = ""
        self._lock = threading.Lock()

    def next(self, method: str, path: str) -> Mishap | None:
        """Return what happens to a request."""
        with self._lock:
            for each in self.coming:
                if each.method == method and re.fullmatch(each.path, path.partition("?")[0]):
                    self.coming.remove(each)
                    return each
        return None


@contextlib.contextmanager
def unreliable(service: str, *mishaps: Mishap, headers: Mapping[str, str] | None = None) -> Iterator[Unreliable]:
    """Stand before a service for a while, until all has happened; `headers` are added to every request."""
    proxy = Unreliable(service, mishaps, headers or {})
    with listening(ThreadingHTTPServer(("127.0.0.1", 0), _handler(proxy))) as proxy.url:
        yield proxy
    assert not proxy.coming, f"has not happened: {proxy.coming}"


def _handler(proxy: Unreliable) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 60

        def handle(self) -> None:
            with contextlib.suppress(ConnectionError):  # the client has gone between two requests
                super().handle()

        def do_GET(self) -> None:
            mishap = proxy.next(self.command, self.path)
            with contextlib.suppress(OSError):  # the client has gone
                body = self._body()
                proxy.requests.append((self.command, self.path, dict(self.headers)))
                if mishap is not None and isinstance(mishap.what, int):
                    self._refuse(mishap.what)
                else:
                    self._pass(body, lost=mishap is not None)

        do_POST = do_DELETE = do_OPTIONS = do_GET  # noqa: N815

        def _body(self) -> bytes:
            if "chunked" not in self.headers.get("Transfer-Encoding", ""):
                return self.rfile.read(int(self.headers.get("Content-Length", "0")))
            body = b""
            while size := int(self.rfile.readline().partition(b";")[0], 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return body

        def _refuse(self, status: int) -> None:
            page = b"<html><body>The server is busy.</body></html>"
            self.send_response(status)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(page)))
            self.send_header("Retry-After", "1")
            self.end_headers()
            self.wfile.write(page)

        def _pass(self, body: bytes, *, lost: bool) -> None:
            unsent = _ONE_HOP | {"content-length"}
            headers = {name: value for name, value in self.headers.items() if name.lower() not in unsent}
            connection = HTTPConnection(proxy.service.rpartition("/")[2], timeout=60)
            with contextlib.closing(connection):
                connection.request(self.command, self.path, body or None, headers | proxy.headers)
                with connection.getresponse() as answer:
                    if lost:
                        answer.read()
                        self.close_connection = True
                        self.connection.shutdown(socket.SHUT_RDWR)
                    else:
                        self._answer(answer)

        def _answer(self, answer: HTTPResponse) -> None:
            # Streams are passed on as they come: what is said in between must not wait for the end.
            streamed = answer.length is None and answer.status not in (204, 304)
            self.send_response_only(answer.status, answer.reason)
            for name, value in answer.getheaders():
                if name.lower() not in _ONE_HOP:
                    self.send_header(name, value)
            if streamed:
                self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            while piece := answer.read1(65_536):
                self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece) if streamed else piece)
            if streamed:
                self.wfile.write(b"0\r\n\r\n")

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            del format, args

    return Handler
