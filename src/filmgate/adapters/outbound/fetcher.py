"""The only way out: checked addresses, bounded answers, no redirect unseen."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

from filmgate import __version__
from filmgate.adapters.outbound.addresses import Address, Ip, as_ip, is_allowed, is_listed, parse, refusal
from filmgate.adapters.outbound.downloads import RESUMES, Download, write_atomically
from filmgate.adapters.outbound.resolver import Unresolved
from filmgate.adapters.outbound.tls import certificate_reason, trust
from filmgate.domain.addresses import redact
from filmgate.domain.errors import InvalidRequest
from filmgate.ports.fetcher import FetchError, Response

if TYPE_CHECKING:
    # Loaded with the first request: its import takes longer than the start of the service should.
    import httpx2

Resolve = Callable[[str, str | None], Awaitable[Sequence[str]]]
"""Gives the addresses of a name, on behalf of an application; None is the service itself. Raises Unresolved."""

_REDIRECTS = 5
_DIALLED = 4
_ANSWER = 64 * 1024
_ANSWER_SECONDS = 1.0
_REDIRECT_STATUS = frozenset({301, 302, 303, 307, 308})
_OWN_HEADERS = frozenset({"host", "user-agent", "accept-encoding", "connection"})


class CheckedFetcher:
    """Implements Fetcher. An address is resolved once, every result is checked, and a checked one is dialled.

    Redirects are followed for downloads only, at most five, each hop checked like the first.
    """

    def __init__(
        self,
        allow_networks: Sequence[str] = (),
        *,
        resolve: Resolve,
        total: float = 60.0,
        connect: float = 5.0,
        idle: float = 15.0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """Take networks such as `10.1.0.0/16` that may be reached although they are not public.

        `total` limits a download, `connect` the time to a connection once the name is resolved, `idle` the silence
        between bytes, in seconds.
        """
        self._networks = [ipaddress.ip_network(network) for network in allow_networks]
        self._total = total
        self._connect = connect
        self._idle = idle
        self._resolve = resolve
        self._tls = tls
        self._opening = asyncio.Lock()
        self._transport: httpx2.AsyncHTTPTransport | None = None

    def check(self, url: str) -> None:
        """Raise InvalidRequest if the address can be seen to be unusable without asking a name server."""
        self._check(url)

    async def download(
        self,
        url: str,
        target: Path,
        *,
        max_bytes: int,
        application: str | None,
        headers: Mapping[str, str] | None = None,
        trusted: str | None = None,
    ) -> None:
        """Write what the address serves to `target`, whole or not at all. Raises FetchError.

        After a break it goes on, at most five times, as long as each answer brings something. `headers` go to the
        origin of the address; `trusted` is an origin that may be reached although it is private. A redirect to
        another origin ends both.
        """
        with write_atomically(target) as file:
            async with _deadline(self._total, url):
                download = Download(url, file, max_bytes)
                for _ in range(RESUMES):
                    try:
                        if await self._follow(download, headers or {}, trusted, application):
                            return
                    except FetchError as error:
                        if not download.goes_on(error):
                            raise
                if not await self._follow(download, headers or {}, trusted, application):
                    raise FetchError(f"{redact(url)} does not serve the rest of what it began.", retryable=True)

    async def post(
        self, url: str, body: bytes, headers: dict[str, str], *, timeout: float, application: str | None
    ) -> Response:
        """POST once, following no redirect. `timeout` is the whole exchange, in seconds. Raises FetchError.

        Once the status is there, a body that never ends or breaks off changes nothing: what came of it is given.
        """
        address = self._usable(url)
        async with _deadline(timeout, url), self._exchange("POST", address, body, headers, application) as answer:
            return Response(answer.status_code, dict(answer.headers), await _beginning(answer))

    async def close(self) -> None:
        """Close the connections."""
        transport, self._transport = self._transport, None
        if transport:
            await transport.aclose()

    async def _follow(
        self, download: Download, headers: Mapping[str, str], trusted: str | None, application: str | None
    ) -> bool:
        """Follow redirects to the file, and take it; gives what the download makes of it."""
        url, home = download.url, self._usable(download.url, trusted).origin
        for _ in range(_REDIRECTS + 1):
            if self._usable(url, trusted).origin != home:
                # What another origin sends us to is its choice, even if it sends us back.
                headers, trusted = {}, None
            address = self._usable(url, trusted)
            sent = dict(headers) | download.headers()
            async with self._exchange("GET", address, b"", sent, application, trusted) as answer:
                if answer.status_code not in _REDIRECT_STATUS:
                    return await download.take(answer)
                url = _next_hop(url, answer.headers.get("location"))
        raise FetchError(f"{redact(download.url)} redirects more than {_REDIRECTS} times.", retryable=False)

    @contextlib.asynccontextmanager
    async def _exchange(
        self,
        method: str,
        address: Address,
        body: bytes,
        headers: dict[str, str],
        application: str | None,
        trusted: str | None = None,
    ) -> AsyncIterator[httpx2.Response]:
        """Send a request to a checked address of the host; gives the answer, its body unread."""
        ips = await self._lookup(address, trusted, application)
        await self._open_transport()
        with _translate_errors(address):
            guarded = not _is_origin(address, trusted)
            answer = await self._dial(method, address, ips, body, headers, guarded=guarded)
            try:
                yield answer
            finally:
                await answer.aclose()

    async def _dial(
        self, method: str, address: Address, ips: Sequence[Ip], body: bytes, headers: dict[str, str], *, guarded: bool
    ) -> httpx2.Response:
        """Try the addresses in turn until one takes the connection."""
        import httpx2

        for ip in ips[:-1]:
            with contextlib.suppress(httpx2.ConnectError, httpx2.ConnectTimeout):
                return await self._send(method, address, ip, body, headers, guarded=guarded)
        return await self._send(method, address, ips[-1], body, headers, guarded=guarded)

    async def _send(
        self, method: str, address: Address, ip: Ip, body: bytes, headers: dict[str, str], *, guarded: bool
    ) -> httpx2.Response:
        """Send the request to one address. `guarded`: not if the connection turns out to lead to this machine."""
        import httpx2

        host = f"[{ip}]" if ip.version == 6 else str(ip)
        request = httpx2.Request(
            method,
            f"{address.scheme}://{host}:{address.port}{address.target}",
            headers=_headers(address, headers),
            content=body or None,
            extensions={
                "timeout": {"connect": self._connect, "read": self._idle, "write": self._idle, "pool": self._connect},
                # The certificate is verified for the name that was asked for, not for the address dialled.
                "sni_hostname": address.host,
            },
        )
        if guarded and not is_listed(ip, self._networks):
            request.extensions["trace"] = _elsewhere
        transport = await self._open_transport()
        answer = await transport.handle_async_request(request)
        answer.request = request
        return answer

    async def _open_transport(self) -> httpx2.AsyncHTTPTransport:
        async with self._opening:
            if self._transport is None:
                self._transport = await asyncio.to_thread(_open_transport, self._tls)
            return self._transport

    async def _lookup(self, address: Address, trusted: str | None, application: str | None) -> list[Ip]:
        """Resolve a host, once, and check every address it has, unless it is trusted. Raises FetchError."""
        if address.ip:
            return [address.ip]
        try:
            found = await self._resolve(address.host, application)
        except Unresolved as error:
            raise FetchError(error.message, retryable=error.retryable) from error
        ips = [ip for ip in map(as_ip, dict.fromkeys(found)) if ip]
        if not ips:
            raise FetchError(f"The name {address.host} has no address.", retryable=True)
        if _is_origin(address, trusted):
            return ips[:_DIALLED]
        allowed = [ip for ip in ips if is_allowed(ip, self._networks)]
        # A name that is public and private at once is an attack, unless it is one of the admin's own.
        if len(allowed) < len(ips) and not any(is_listed(ip, self._networks) for ip in allowed):
            raise FetchError(refusal(address.host, ips), retryable=False)
        return allowed[:_DIALLED]

    def _check(self, url: str, trusted: str | None = None) -> Address:
        address = parse(url)
        ip = as_ip("127.0.0.1") if _is_localhost(address.host) else address.ip
        if ip and not is_allowed(ip, self._networks) and not _is_origin(address, trusted):
            raise InvalidRequest(refusal(address.host, [ip]))
        return address

    def _usable(self, url: str, trusted: str | None = None) -> Address:
        try:
            return self._check(url, trusted)
        except InvalidRequest as error:
            raise FetchError(error.message, retryable=False) from error


async def _beginning(answer: httpx2.Response) -> bytes:
    """Read the first bytes of a body, up to the limit."""
    import httpx2

    received = bytearray()
    with contextlib.suppress(TimeoutError, httpx2.HTTPError):
        async with asyncio.timeout(_ANSWER_SECONDS):
            async for piece in answer.aiter_raw():
                received += piece
                if len(received) >= _ANSWER:
                    break
    return bytes(received[:_ANSWER])


def _open_transport(tls: ssl.SSLContext | None) -> httpx2.AsyncHTTPTransport:
    """Open the transport: below the client there are no cookies, proxies, redirects or stored credentials.

    Connections are not kept: two names on one address must not share one that was verified for one of them.
    """
    import httpx2

    limits = httpx2.Limits(max_connections=None, max_keepalive_connections=0)
    return httpx2.AsyncHTTPTransport(verify=tls or trust(), trust_env=False, limits=limits)


async def _elsewhere(event: str, info: Mapping[str, Any]) -> None:
    """Break off a connection that leads to this machine: the address has become ours since it was checked."""
    if event == "connection.connect_tcp.complete":
        stream = info["return_value"]
        ours, theirs = stream.get_extra_info("client_addr"), stream.get_extra_info("server_addr")
        if ours and theirs and ours[0] == theirs[0]:
            await stream.aclose()
            raise FetchError(refusal(theirs[0], []), retryable=False)


def _is_origin(address: Address, origin: str | None) -> bool:
    return origin is not None and address.origin == parse(origin).origin


def _is_localhost(host: str) -> bool:
    return host == "localhost" or host.endswith(".localhost")


def _headers(address: Address, headers: dict[str, str]) -> dict[str, str]:
    """Add the headers of every request; bodies come uncompressed, since a compressed one could be a bomb.

    Firewalls and some servers refuse a request without `Accept`.
    """
    own = {
        "accept": "*/*",
        "host": address.authority,
        "user-agent": f"filmgate/{__version__}",
        "accept-encoding": "identity",
        "connection": "close",
    }
    return own | {name.lower(): value for name, value in headers.items() if name.lower() not in _OWN_HEADERS}


def _next_hop(url: str, location: str | None) -> str:
    """Return the address a redirect leads to. Raises FetchError."""
    if not location:
        raise FetchError(f"{redact(url)} redirects to nowhere.", retryable=False)
    try:
        # Servers write spaces as they are; clients encode them.
        following = urljoin(url, location.strip(" ").replace(" ", "%20"))
    except ValueError as error:
        raise FetchError(f"{redact(url)} redirects to an unreadable address.", retryable=False) from error
    if url.lower().startswith("https:") and following.lower().startswith("http:"):
        raise FetchError(f"{redact(url)} redirects from https to http, which is refused.", retryable=False)
    return following


@contextlib.asynccontextmanager
async def _deadline(seconds: float, url: str) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError as error:
        raise FetchError(f"{redact(url)} did not answer within {seconds:g} seconds.", retryable=True) from error


@contextlib.contextmanager
def _translate_errors(address: Address) -> Iterator[None]:
    """Translate network errors into our own words; the library's could quote secrets from the address."""
    import httpx2

    place = f"{address.scheme}://{address.authority}"
    try:
        yield
    except httpx2.ConnectTimeout as error:
        raise FetchError(f"{place} could not be reached in time.", retryable=True) from error
    except httpx2.ConnectError as error:
        raise FetchError(f"{place} could not be reached{certificate_reason(error)}.", retryable=True) from error
    except httpx2.TimeoutException as error:
        raise FetchError(f"{place} fell silent.", retryable=True) from error
    except httpx2.LocalProtocolError as error:
        raise FetchError("The request has a header that cannot be sent.", retryable=False) from error
    except httpx2.HTTPError as error:
        raise FetchError(f"{place} broke off its answer.", retryable=True) from error
