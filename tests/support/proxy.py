"""A connection that breaks at the worst moment: when the work is done and the answer is on its way."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator


class LossyProxy:
    """Passes connections on to a service, and loses the first answers: cut off once the service has begun to answer."""

    def __init__(self, url: str, losses: int = 1) -> None:
        self._port = int(url.rpartition(":")[2])
        self._losses = losses
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.lost = threading.Semaphore(0)
        """Is released with each answer that was lost."""
        self._start(self._accept)

    def lose(self, answers: int) -> None:
        """Lose this many answers from now on."""
        self._losses = answers

    def close(self) -> None:
        """Break all connections."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for each in tuple(self._open):
            _cut(each)
        for thread in tuple(self._threads):
            thread.join(10)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                try:
                    server = socket.create_connection(("127.0.0.1", self._port))
                except ConnectionRefusedError:  # the service is being started again
                    _cut(client)
                    continue
                self._open += [client, server]
                self._start(self._pass, client, server)
                self._start(self._pass, server, client, "answers")

    def _pass(self, source: socket.socket, target: socket.socket, what: str = "requests") -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65_536):
                if what == "answers" and self._losses:
                    self._losses -= 1
                    self.lost.release()
                    break
                target.sendall(data)
        _cut(source)
        _cut(target)

    def _start(self, work: object, *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()


@contextlib.contextmanager
def lossy(url: str, losses: int = 1) -> Iterator[LossyProxy]:
    """Stand before a service for a while."""
    proxy = LossyProxy(url, losses)
    try:
        yield proxy
    finally:
        proxy.close()


def _cut(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()
