"""Connections to the service of a data folder only: each has to prove itself before anything else is sent over it.

A key that was found in the folder must not be given to whatever else listens on the port. The proof is asked for on
the very connection that is used afterwards, so nobody can take the service's place in between.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import httpcore2
import httpx2
import msgspec

from filmgate.client.errors import WrongService
from filmgate.client.target import Target
from filmgate.domain.identity import FILE, PATH, prove, read_secret

_MOST: Final = 16 * 1024
"""Bytes of an answer to a challenge, at most."""

_SECONDS: Final = {"timeout": {"read": 10.0, "write": 10.0}}
"""How long each step of the proof may take."""

_CUT: Final = (httpcore2.NetworkError, httpcore2.TimeoutException, httpcore2.ProtocolError)


class _Proof(msgspec.Struct):
    proof: str


def transport(target: Target) -> httpx2.HTTPTransport | None:
    """Return what opens connections to a target that has to prove itself; None for any other target."""
    if target.data is None:
        return None
    made = httpx2.HTTPTransport(trust_env=False)
    # The library has no option for it. A test holds that a service which proves nothing gets no key.
    made._pool._network_backend = _Backend(target)
    return made


def async_transport(
    target: Target,
    limits: httpx2.Limits = httpx2.Limits(),  # noqa: B008 - it cannot be changed
) -> httpx2.AsyncHTTPTransport | None:
    """Return the same for asyncio."""
    if target.data is None:
        return None
    made = httpx2.AsyncHTTPTransport(trust_env=False, limits=limits)
    made._pool._network_backend = _AsyncBackend(target)
    return made


class _Backend(httpcore2.NetworkBackend):
    """Opens connections; those to the target are checked."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._sockets = httpcore2.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.NetworkStream:
        """Connect. Raises WrongService, ConnectError, ConnectTimeout."""
        stream = self._sockets.connect_tcp(host, port, timeout, local_address, socket_options)
        if not _is_of(self._target, host, port):
            return stream
        try:
            challenge = _Challenge(self._target, stream.get_extra_info("server_addr"))
            connection = httpcore2.HTTP11Connection(challenge.request.url.origin, stream)
            answer = connection.handle_request(challenge.request)
            body = b""
            for piece in answer.iter_stream():
                body = challenge.joined(body, piece)
            answer.close()
            challenge.check(answer.status, body, usable=connection.is_idle())
        except _CUT as error:
            stream.close()
            raise httpcore2.ConnectError(f"the service did not prove itself ({error})") from error
        except BaseException:
            stream.close()
            raise
        return stream

    def sleep(self, seconds: float) -> None:
        """Pause between two tries of the client."""
        self._sockets.sleep(seconds)


class _AsyncBackend(httpcore2.AsyncNetworkBackend):
    """Opens connections; those to the target are checked."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._sockets = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Connect. Raises WrongService, ConnectError, ConnectTimeout."""
        stream = await self._sockets.connect_tcp(host, port, timeout, local_address, socket_options)
        if not _is_of(self._target, host, port):
            return stream
        try:
            challenge = _Challenge(self._target, stream.get_extra_info("server_addr"))
            connection = httpcore2.AsyncHTTP11Connection(challenge.request.url.origin, stream)
            answer = await connection.handle_async_request(challenge.request)
            body = b""
            async for piece in answer.aiter_stream():
                body = challenge.joined(body, piece)
            await answer.aclose()
            challenge.check(answer.status, body, usable=connection.is_idle())
        except _CUT as error:
            await stream.aclose()
            raise httpcore2.ConnectError(f"the service did not prove itself ({error})") from error
        except BaseException:
            await stream.aclose()
            raise
        return stream

    async def sleep(self, seconds: float) -> None:
        """Pause between two tries of the client."""
        await self._sockets.sleep(seconds)


class _Challenge:
    """A question that only the service of the target's folder can answer, over a connection to an address."""

    def __init__(self, target: Target, address: tuple[Any, ...]) -> None:
        assert target.data is not None, "only a target with a folder has to prove itself"
        self._target = target
        self._data = target.data
        url, nonce = httpx2.URL(target.url), secrets.token_hex(32)
        self._expected = prove(_secret(target, self._data), nonce, str(address[0]), int(address[1]))
        self.request = httpcore2.Request(
            "GET",
            httpcore2.URL(
                scheme=b"http", host=url.raw_host, port=url.port or 80, target=f"{PATH}?challenge={nonce}".encode()
            ),
            headers=[(b"Host", url.netloc)],
            extensions=_SECONDS,
        )

    def joined(self, body: bytes, piece: bytes) -> bytes:
        """Return the body so far. Raises WrongService for one that is too long."""
        if len(body) + len(piece) > _MOST:
            raise _wrong(self._target, self._data)
        return body + piece

    def check(self, status: int, body: bytes, *, usable: bool) -> None:
        """Raise WrongService unless this is the proof, ConnectError where the service is stopping."""
        if status >= 500:
            raise httpcore2.ConnectError(f"it answered {status}")
        try:
            proof = msgspec.json.decode(body, type=_Proof).proof
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise _wrong(self._target, self._data) from error
        if status != 200 or not hmac.compare_digest(proof.encode(), self._expected.encode()):
            raise _wrong(self._target, self._data)
        if not usable:
            raise httpcore2.ConnectError("it closes the connection")


def _is_of(target: Target, host: str, port: int) -> bool:
    url = httpx2.URL(target.url)
    return (host, port) == (url.raw_host.decode("ascii"), url.port or 80)


def _secret(target: Target, data: Path) -> bytes:
    try:
        secret = read_secret((data / FILE).read_text("ascii"))
    except (OSError, UnicodeDecodeError):
        secret = None
    if secret is None:
        raise _wrong(target, data)
    return secret


def _wrong(target: Target, data: Path) -> WrongService:
    return WrongService(
        f"what answers at {target.url} does not prove that it is the service of the data folder {data}: "
        "the folder's key was not sent"
    )
