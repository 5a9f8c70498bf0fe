"""Whatever else may listen on a port of the service: it keeps all that it is sent."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from typing import NamedTuple

Answer = Callable[[bytes], bytes | None]
"""Gives what is sent back for a request; None to hang up."""


class Impostor(NamedTuple):
    """A server at an address, and what it was sent."""

    url: str
    heard: list[bytes]

    @property
    def all(self) -> bytes:
        """Everything that it was sent."""
        return b"".join(self.heard)


def http(body: bytes, status: str = "200 OK", *headers: str) -> bytes:
    """Write an answer."""
    head = "\r\n".join(
        (f"HTTP/1.1 {status}", "Content-Type: application/json", f"Content-Length: {len(body)}", *headers)
    )
    return head.encode() + b"\r\n\r\n" + body


def healthy(request: bytes) -> bytes:
    """Answer everything as a service answers the question whether it is alive."""
    del request
    return http(b'{"status":"ok","version":"9","proof":"%b"}' % (b"0" * 64))


def relay(host: str, port: int) -> Answer:
    """Pass each request on to a real service, and its answer back."""

    def passed(request: bytes) -> bytes | None:
        with socket.create_connection((host, port), timeout=10) as upstream:
            upstream.sendall(request)
            upstream.settimeout(2)
            answer = b""
            with contextlib.suppress(TimeoutError):
                while b"\r\n\r\n" not in answer or not answer.partition(b"\r\n\r\n")[2]:
                    piece = upstream.recv(65_536)
                    if not piece:
                        break
                    answer += piece
            return answer or None

    return passed


@contextlib.contextmanager
def impostor(answer: Answer, host: str = "127.0.0.1", port: int = 0) -> Iterator[Impostor]:
    """Listen for a while and answer every request in the same way."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen()
        shown = f"[{host}]" if ":" in host else host
        found = Impostor(f"http://{shown}:{listener.getsockname()[1]}", [])
        thread = threading.Thread(target=_serve, args=(listener, answer, found.heard))
        thread.start()
        try:
            yield found
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(20)


def _serve(listener: socket.socket, answer: Answer, heard: list[bytes]) -> None:
    with contextlib.suppress(OSError):  # the listener is shut down at the end
        while True:
            connection, _ = listener.accept()
            with connection, contextlib.suppress(OSError):
                connection.settimeout(10)
                while request := connection.recv(65_536):
                    heard.append(request)
                    reply = answer(request)
                    if reply is None:
                        break
                    connection.sendall(reply)
