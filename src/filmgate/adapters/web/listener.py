"""Accepts connections: a few at a time, each only when there is room for it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from typing import Any, Final

import uvicorn

from filmgate.adapters.web.connections import Connections
from filmgate.domain.errors import Unavailable
from filmgate.domain.retry_after import retry_after_header

log = logging.getLogger(__name__)

_BURST: Final = 16
"""Connections that are accepted before those that are open get their turn."""

_PAUSE: Final = 0.1
"""Seconds before the next try where the system has no descriptor left."""

_SENTENCE: Final = b"Too many connections from your address, or in all. Close some, or try again later.\n"
_REFUSAL: Final = (
    b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: text/plain\r\n%b: %b\r\nconnection: close\r\n"
    b"content-length: %d\r\n\r\n%b" % (*retry_after_header(Unavailable.retry_after or 1), len(_SENTENCE), _SENTENCE)
)


class BoundedServer(uvicorn.Server):
    """Serves the connections of one listening socket, of which it accepts no more than there is room for.

    The event loop's own way accepts all that wait, however many, before it reads from any.
    """

    def __init__(self, config: uvicorn.Config, listener: socket.socket, connections: Connections) -> None:
        super().__init__(config)
        self._listener = listener
        self._connections = connections
        self._opening: set[asyncio.Task[None]] = set()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to accept."""
        del sockets
        await super().startup([])
        self._listener.setblocking(False)  # noqa: FBT003 - the socket's own signature
        self._listen()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept no more, and close open connections."""
        del sockets
        self.loop.remove_reader(self._listener)
        self._listener.close()
        await super().shutdown([])

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The running loop."""
        return asyncio.get_running_loop()

    def _listen(self) -> None:
        if self._listener.fileno() >= 0:
            self.loop.add_reader(self._listener, self._accept)

    def _accept(self) -> None:
        for _ in range(_BURST):
            try:
                connected, address = self._listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                log.warning("no connection can be accepted: %s", error.strerror)
                self.loop.remove_reader(self._listener)
                self.loop.call_later(_PAUSE, self._listen)
                return
            self._admit(connected, str(address[0]))

    def _admit(self, connected: socket.socket, host: str) -> None:
        protocol: Any = self.config.http_protocol_class(
            config=self.config,  # type: ignore[call-arg]
            server_state=self.server_state,
            app_state=self.lifespan.state,
        )
        if not self._connections.admit(protocol, host):
            with connected, contextlib.suppress(OSError):
                connected.setblocking(False)  # noqa: FBT003
                connected.send(_REFUSAL)
            return
        opening = self.loop.create_task(self._open(connected, protocol))
        self._opening.add(opening)
        opening.add_done_callback(self._opening.discard)

    async def _open(self, connected: socket.socket, protocol: Any) -> None:
        try:
            connected.setblocking(False)  # noqa: FBT003
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            await self.loop.connect_accepted_socket(lambda: protocol, connected)
        except OSError:
            self._connections.remove(protocol)
            connected.close()
