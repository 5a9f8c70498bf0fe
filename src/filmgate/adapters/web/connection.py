"""Connections: how long the head of a request may take, how large it may be, what becomes of what nobody reads.

Offers of another protocol (`Upgrade: h2c`, `Upgrade: websocket`) are ignored, and the request is served as it is. A
client that begins with HTTP/2 is refused in HTTP/2.

The server has no limits of its own on these. Without them anybody could hold connections by sending or reading a byte
now and then, or have a head of any size gathered in memory.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from filmgate.adapters.web.bodies import APPLICATION
from filmgate.adapters.web.connections import Connections, ConnectionState
from filmgate.adapters.web.headers import HANDSHAKE, RESERVED

MAX_HEAD: Final = 64 * 1024
"""Bytes of a head, at most, and of what is neither head nor body: sizes of chunks, trailers."""

_FRAMING: Final = 16
"""Bytes that may be spent on the framing of one byte of a body."""

_REASON: Final = b"This server speaks HTTP/1.1 only. Use HTTP/1.1, or let HTTP/2 be offered as an upgrade."
_SETTINGS: Final = bytes((0, 0, 0, 4, 0, 0, 0, 0, 0))
_GOAWAY: Final = bytes((0, 0, 8 + len(_REASON), 7, 0, 0, 0, 0, 0)) + bytes((0, 0, 0, 0, 0, 0, 0, 13)) + _REASON
"""No stream was taken, HTTP_1_1_REQUIRED (RFC 9113, 6.8 and 7)."""

_LINGER: Final = 2.0
"""Seconds in which a client may read why it was refused."""


class PatientProtocol(HttpToolsProtocol):
    """Serves one connection. A head may take `head_seconds`; 0 is no limit.

    As long is waited for the rest of a body after the answer to it: the connection can be used on if it comes.
    `read_seconds` is what a client may take to read a piece of an answer, of which those of files have 256 KiB.
    `kept` counts it among the others; it is told what the connection is doing.
    """

    head_seconds = 20.0
    read_seconds = 60.0
    kept = Connections(0)
    reserved = False

    _timer: asyncio.TimerHandle | None = None
    _unread: asyncio.TimerHandle | None = None
    _answered: RequestResponseCycle | None = None
    _before_body, _begun = True, False
    _beside_body = 0
    _handshake = False
    _known = False
    _refused = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for the first head."""
        super().connection_made(transport)
        self.kept.move(self, ConnectionState.UNKNOWN)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting, notify the request that is being answered, and drop the requests behind it."""
        self.kept.remove(self)
        self._stop_waiting()
        self._is_read()
        self.pipeline.clear()
        if self._answered is not None:
            # The server tells the newest request only, which need not be this one.
            self._answered.disconnected = True
            self._answered.message_event.set()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """Wait for the client to read."""
        super().pause_writing()
        if self.read_seconds and self._unread is None:
            # Closed in good order it would stay until all is read.
            self._unread = self.loop.call_later(self.read_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        """Go on."""
        self._is_read()
        super().resume_writing()

    def data_received(self, data: bytes) -> None:
        """Take received bytes, and refuse too many."""
        if self._refused:
            return
        self._beside_body += len(data)
        self._unset_keepalive_if_required()
        try:
            self._parse(memoryview(data))
        except httptools.HttpParserError:
            if self.parser.get_method() == b"PRI" and self.parser.get_http_version() == "2.0":
                self._refuse_http2()
                return
            self.logger.warning("Invalid HTTP request received.")
            self.send_400_response("Invalid HTTP request received.")
            return
        if self.transport.is_closing():
            return
        if self._beside_body > MAX_HEAD:
            self._refuse(b"431 Request Header Fields Too Large")
        elif self._before_body and self._timer is None and (self.cycle is None or self.cycle.response_complete):
            self._wait()

    def on_message_begin(self) -> None:
        """Begin a head."""
        super().on_message_begin()
        self._begun = True

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header. Trailers of a body are dropped: by then the request has been judged by its headers."""
        if self._before_body:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Go on to the body, unless another protocol is offered: then this head is read once more, without it."""
        if self.parser.should_upgrade():
            return
        if [name for name, _ in self.headers].count(b"host") > 1:
            raise ValueError("a proxy may have gone by either")
        if self._handshake:
            self.scope["state"][HANDSHAKE] = True
        if self.reserved:
            self.scope["state"][RESERVED] = True
        self.kept.move(self, ConnectionState.BUSY)
        self._before_body = False
        self._beside_body = 0
        self._stop_waiting()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Take a part of the body."""
        self._beside_body = max(0, self._beside_body - _FRAMING * len(body))
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Expect the next head."""
        if self.parser.should_upgrade():
            return
        self._before_body, self._begun = True, False
        self._beside_body = 0
        self._stop_waiting()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Wait for the rest of a request that is not whole by now: its body, which nobody reads, or the next head."""
        super().on_response_complete()
        self._known = self._known or APPLICATION in self.scope["state"]
        if self.cycle.response_complete:
            self.kept.move(self, ConnectionState.KNOWN if self._known else ConnectionState.UNKNOWN)
        if self._begun and self.cycle.response_complete:
            self._wait()

    def cut_off(self) -> None:
        """Close the connection at once."""
        self.transport.abort()

    def descriptor(self) -> int:
        """Return the descriptor of the socket, -1 if it is closed."""
        found = self.transport.get_extra_info("socket")
        return -1 if found is None else int(found.fileno())

    def _parse(self, data: memoryview) -> None:
        """Read requests. Behind a head that offers another protocol the parser stops, and would drop the body."""
        while True:
            try:
                self.parser.feed_data(data)
            except httptools.HttpParserUpgrade as offer:
                method, version = self.parser.get_method(), self.parser.get_http_version()
                if method == b"CONNECT":
                    raise httptools.HttpParserError("tunnels are not served") from None
                data = data[offer.args[0] :]
                self._read_again(b"%b %b HTTP/%b" % (method, self.url, version.encode()))
            else:
                return

    def _read_again(self, line: bytes) -> None:
        """Read the head that was just read once more, without its offer, as the one that the body belongs to."""
        names = {name for name, _ in self.headers}
        self._handshake = line.startswith(b"GET ") and b"sec-websocket-key" in names
        kept = [b"%b: %b\r\n" % header for header in self.headers if header[0] != b"upgrade"]
        # A parser of its own: the old one takes what follows for the other protocol, or for behind the last request.
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
        self.parser.feed_data(b"%b\r\n%b\r\n" % (line, b"".join(kept)))
        self._handshake = False

    def _wait(self) -> None:
        if self.head_seconds and self._timer is None:
            self._timer = self.loop.call_later(self.head_seconds, self._give_up)

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._answered = cycle
        super()._start_asgi_task(cycle, app)

    def _is_read(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    def _give_up(self) -> None:
        """Close the connection, with an answer that names the reason if a head has begun."""
        self._timer = None
        if self._before_body and self._begun:
            self._refuse(b"408 Request Timeout")
        else:
            self.transport.close()

    def _refuse_http2(self) -> None:
        """Refuse a client that speaks HTTP/2 without asking, in its own words.

        A connection that is closed while the client still sends is reset, and the client reads nothing.
        """
        self._refused = True
        self._stop_waiting()
        self.transport.write(_SETTINGS + _GOAWAY)
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self._timer = self.loop.call_later(_LINGER, self.transport.abort)

    def _refuse(self, status: bytes) -> None:
        if self.cycle is None or self.cycle.response_complete:
            self.transport.write(b"HTTP/1.1 %b\r\ncontent-length: 0\r\nconnection: close\r\n\r\n" % status)
        self.transport.close()


def patient(head_seconds: float, read_seconds: float, kept: Connections) -> type[PatientProtocol]:
    """Return the protocol with time limits and counted connections."""
    limits = {"head_seconds": head_seconds, "read_seconds": read_seconds, "kept": kept}
    return type("PatientProtocol", (PatientProtocol,), limits)
