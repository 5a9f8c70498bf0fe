"""The line to a provider: one base address of the admin's own, one key, and certainty about what was sent."""

from __future__ import annotations

import asyncio
import contextlib
import re
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

import msgspec

from filmgate import __version__
from filmgate.adapters.outbound.addresses import parse
from filmgate.adapters.outbound.resolver import Unresolved
from filmgate.adapters.outbound.tls import cause, certificate_reason, trust
from filmgate.domain.errors import InvalidRequest
from filmgate.ports.transport import FormPart, ProviderClientError, Reply

if TYPE_CHECKING:
    # Loaded with the first request: its import takes longer than the start of the service should.
    import httpx2

_ANSWER = 8 * 1024 * 1024
_SHORTEST_SECRET = 6
_KEPT = 15.0
_READ_ONLY = frozenset({"GET", "HEAD"})
_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_VALUE = re.compile(r"[\x21-\x7e]+(?:[ \t]+[\x21-\x7e]+)*")

Resolve = Callable[[str], Awaitable[Sequence[str]]]
"""Gives the addresses of a name. Raises Unresolved."""

_Form = list[tuple[str, tuple[str | None, Any, str | None]]]


class HttpProviderClient:
    """Implements ProviderClient over HTTP/1.1. The base address may be private; the environment plays no part."""

    def __init__(
        self,
        base: str,
        headers: Mapping[str, str],
        *,
        timeout: float = 60.0,
        connect: float = 10.0,
        max_answer: int = _ANSWER,
        tls: ssl.SSLContext | None = None,
        resolve: Resolve | None = None,
    ) -> None:
        """Take a base address and the headers with the key, which goes to the origin of that address only.

        `timeout` is the whole exchange in seconds, `connect` the part of it in which the connection must be there,
        `max_answer` bytes of a body. Without `resolve` the event loop resolves names. Raises InvalidRequest for an
        address, ValueError for a header that cannot be used; neither message contains a secret.
        """
        self._origin = parse(base)
        if "?" in base or "#" in base:
            raise InvalidRequest("The base address must not have a query or a fragment.")
        self._base = base.rstrip("/")
        self._place = self._origin.origin
        self._headers = _usable(headers)
        secrets = (value.rpartition(" ")[2].encode() for value in self._headers.values())
        self._secrets = [secret for secret in secrets if len(secret) >= _SHORTEST_SECRET]
        self._timeout = timeout
        self._connect = connect
        self._max_answer = max_answer
        self._tls = tls
        self._resolve = resolve
        self._opening = asyncio.Lock()
        self._transports: tuple[httpx2.AsyncHTTPTransport, httpx2.AsyncHTTPTransport] | None = None

    def __repr__(self) -> str:
        return f"HttpProviderClient({self._base!r})"

    @property
    def base(self) -> str:
        """The base address, without a slash at the end."""
        return self._base

    async def call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str | int | float] | None = None,
        json: Any = None,
        form: Sequence[FormPart] | None = None,
        headers: Mapping[str, str] | None = None,
        fresh: bool | None = None,
    ) -> Reply:
        """Send one request to a path below the base address, and give the answer. Raises ProviderClientError."""
        url = self._url(path, query)
        own = _check_headers(headers or {})
        body = None if json is None else msgspec.json.encode(json)
        alone = fresh if fresh is not None else method.upper() not in _READ_ONLY
        sending = _Sending()
        kept, single = await self._ready()
        with self._translate_errors(sending), _files(form or ()) as parts:
            async with asyncio.timeout(self._timeout):
                request = self._request(method, url, own, body, parts, alone=alone, sending=sending)
                async with _exchange(single if alone else kept, request) as answer:
                    return Reply(answer.status_code, dict(answer.headers), await self._read(answer))

    def address(self, link: str) -> tuple[str, Mapping[str, str]]:
        """Return the full address of a link from an answer, and the headers a download of it needs.

        A relative link is below the base address, also with a slash in front; one that names the path of the base
        address itself is not put below it once more.
        """
        url = self._full(link)
        try:
            ours = parse(url).origin == self._place
        except InvalidRequest:
            ours = False
        return url, dict(self._headers) if ours else {}

    async def close(self) -> None:
        """Close the connections."""
        transports, self._transports = self._transports, None
        for transport in transports or ():
            await transport.aclose()

    def _full(self, link: str) -> str:
        try:
            parts = urlsplit(link)
        except ValueError:
            return link
        if parts.scheme:
            return link
        if parts.netloc:
            return f"{self._origin.scheme}:{link}"
        root = urlsplit(self._base).path
        if root and link.startswith(f"{root}/"):
            return f"{self._place}{link}"
        return f"{self._base}/{link.lstrip('/')}"

    def _url(self, path: str, query: Mapping[str, str | int | float] | None) -> str:
        """Return the address of a path, which never leads out of the base address. Raises ProviderClientError."""
        if {".", ".."} & set(path.partition("?")[0].split("/")):
            raise ProviderClientError("The path of the request leads out of the base address.", sent=False)
        try:
            address = parse(f"{self._base}/{path.lstrip('/')}")
        except InvalidRequest as error:
            raise ProviderClientError(error.message, sent=False) from error
        joint = "&" if "?" in address.target else "?"
        return f"{self._place}{address.target}" + (joint + urlencode(query) if query else "")

    def _request(
        self,
        method: str,
        url: str,
        headers: dict[str, str],
        body: bytes | None,
        form: _Form,
        *,
        alone: bool,
        sending: _Sending,
    ) -> httpx2.Request:
        import httpx2

        own = {"user-agent": f"filmgate/{__version__}", "accept": "application/json", "accept-encoding": "identity"}
        if body is not None:
            own["content-type"] = "application/json"
        return httpx2.Request(
            method,
            url,
            headers=own | headers | self._headers | ({"connection": "close"} if alone else {}),
            content=body,
            files=form or None,
            extensions={"timeout": {"connect": self._connect, "pool": self._connect}, "trace": sending.note},
        )

    async def _read(self, answer: httpx2.Response) -> bytes:
        received = bytearray()
        async for piece in answer.aiter_bytes():
            received += piece
            if len(received) > self._max_answer:
                raise ProviderClientError(f"{self._place} answered with more than {self._max_answer} bytes.", sent=True)
        return self._without_key(bytes(received))

    def _without_key(self, body: bytes) -> bytes:
        """Redact our key where a provider repeats it: its errors are shown and logged."""
        for secret in self._secrets:
            body = body.replace(secret, b"(the key)")
        return body

    async def _ready(self) -> tuple[httpx2.AsyncHTTPTransport, httpx2.AsyncHTTPTransport]:
        async with self._opening:
            if self._transports is None:
                self._transports = await asyncio.to_thread(_open_transports, self._tls, self._resolve)
            return self._transports

    @contextlib.contextmanager
    def _translate_errors(self, sending: _Sending) -> Iterator[None]:
        """Translate network errors into our own words; the library's could quote secrets."""
        import httpx2

        try:
            yield
        except TimeoutError as error:
            message = f"{self._place} did not answer within {self._timeout:g} seconds."
            raise ProviderClientError(message, sent=sending.begun) from error
        except (httpx2.HTTPError, OSError) as error:
            raise ProviderClientError(self._sentence(error), sent=sending.begun) from error

    def _sentence(self, error: Exception) -> str:
        import httpx2

        if isinstance(error, httpx2.PoolTimeout):
            return f"Too many requests to {self._place} are waiting for an answer."
        if isinstance(error, httpx2.ConnectTimeout):
            return f"{self._place} could not be reached in time."
        if isinstance(error, httpx2.ConnectError):
            if (unresolved := cause(error, Unresolved)) is not None:
                return unresolved.message
            return f"{self._place} could not be reached{certificate_reason(error)}."
        if isinstance(error, httpx2.HTTPError):
            return f"{self._place} broke off the exchange."
        return "A file of the request could not be read."


class _Sending:
    """Whether the first byte of a request may have left: before that, a failure is certain to have had no effect."""

    def __init__(self) -> None:
        self.begun = False
        self._connection: Any = None

    async def note(self, event: str, info: Mapping[str, Any]) -> None:
        """Take an event of the connection."""
        if event == "http11.send_request_headers.started":
            self.begun = True
        elif event == "connection.connect_tcp.complete":
            self._connection = info["return_value"]
        elif event == "connection.start_tls.failed":
            # The library forgets a connection whose handshake is cancelled, as our time limit does.
            await self._connection.aclose()


def _open_transports(
    tls: ssl.SSLContext | None, resolve: Resolve | None
) -> tuple[httpx2.AsyncHTTPTransport, httpx2.AsyncHTTPTransport]:
    """Open two transports: one that keeps its connections, and one with a connection per request.

    A kept connection may be closed by its server just when a request is written to it, and then nobody knows whether
    the request was seen. That is no harm to a query, but it must not happen to a submit.
    """
    import httpx2

    kept = httpx2.Limits(max_connections=48, max_keepalive_connections=32, keepalive_expiry=_KEPT)
    authorities = tls or trust()
    single = httpx2.Limits(max_connections=32, max_keepalive_connections=0)
    return _open(authorities, kept, resolve), _open(authorities, single, resolve)


def _open(authorities: ssl.SSLContext, limits: httpx2.Limits, resolve: Resolve | None) -> httpx2.AsyncHTTPTransport:
    import httpx2

    transport = httpx2.AsyncHTTPTransport(verify=authorities, trust_env=False, limits=limits)
    if resolve is not None:
        from filmgate.adapters.outbound.dialer import ResolvingBackend

        # The library has no option for it. A test holds that names are resolved our way.
        transport._pool._network_backend = ResolvingBackend(resolve)
    return transport


@contextlib.asynccontextmanager
async def _exchange(transport: httpx2.AsyncHTTPTransport, request: httpx2.Request) -> AsyncIterator[httpx2.Response]:
    import httpx2

    try:
        answer = await transport.handle_async_request(request)
    except AttributeError as error:
        # The library looks at the socket of a connection, which is gone if it was cut in the moment it was made.
        raise httpx2.ConnectError("The connection was cut when it was made.", request=request) from error
    answer.request = request
    try:
        yield answer
    finally:
        await answer.aclose()


@contextlib.contextmanager
def _files(form: Sequence[FormPart]) -> Iterator[_Form]:
    """Open the files of a form for as long as it is sent."""
    with contextlib.ExitStack() as open_files:
        yield [
            (part.name, (part.value.name, open_files.enter_context(part.value.open("rb")), part.type))
            if isinstance(part.value, Path)
            else (part.name, (None, part.value, part.type))
            for part in form
        ]


def _check_headers(headers: Mapping[str, str]) -> dict[str, str]:
    try:
        return _usable(headers)
    except ValueError as error:
        raise ProviderClientError(str(error), sent=False) from error


def _usable(headers: Mapping[str, str]) -> dict[str, str]:
    """Return headers in lower case. Raises ValueError, naming the header but not its value."""
    for name, value in headers.items():
        if not _NAME.fullmatch(name) or not _VALUE.fullmatch(value):
            shown = name if name.isprintable() else "one"
            raise ValueError(f"The header {shown} cannot be sent: it has characters that are not allowed, or none.")
    return {name.lower(): value for name, value in headers.items()}
