"""Outgoing requests reach public addresses only, and what comes back is bounded."""

from __future__ import annotations

import asyncio
import gzip
import os
import shutil
import socket
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from filmgate import __version__
from filmgate.adapters.http.addresses import as_ip, is_allowed, is_public, parse
from filmgate.adapters.http.fetcher import CheckedFetcher, redacted
from filmgate.domain.errors import InvalidRequest
from filmgate.ports.fetcher import FetchError

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux answers on all of 127.0.0.0/8")

_HOME = "127.0.0.2"
_FORBIDDEN = "127.0.0.1"
_ALLOWED = ("127.0.0.2/32",)
Answer = Callable[[str, dict[str, str], bytes, asyncio.StreamWriter], Awaitable[None]]


class Site:
    """A real HTTP server on a loopback address; remembers the requests it got."""

    def __init__(self, answer: Answer, host: str) -> None:
        self.requests: list[tuple[str, dict[str, str], bytes]] = []
        self.connections = 0
        self.host = host
        self.port = 0
        self._answer = answer

    def url(self, path: str = "/") -> str:
        """Give the address of a path."""
        return f"http://{self.host}:{self.port}{path}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request and hang up."""
        self.connections += 1
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:-2])}
            body = await reader.readexactly(int(headers.get("content-length", 0)))
            self.requests.append((head[0], headers, body))
            await self._answer(head[0].split()[1], headers, body, writer)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # what the client does to the connection is what is tested
        finally:
            writer.close()


@asynccontextmanager
async def site(answer: Answer, host: str = _HOME, tls: ssl.SSLContext | None = None) -> AsyncIterator[Site]:
    """Run a server for the length of a test."""
    place = Site(answer, host)
    running: set[asyncio.Task[None]] = set()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        running.add(task)
        await place.serve(reader, writer)
        running.discard(task)

    server = await asyncio.start_server(accept, host, 0, ssl=tls)
    place.port = server.sockets[0].getsockname()[1]
    try:
        yield place
    finally:
        server.close()
        for task in list(running):
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


def says(body: bytes, *, status: str = "200 OK", **headers: str) -> Answer:
    """Answer every request with these bytes."""
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    if "content_length" not in headers:
        lines.append(f"content-length: {len(body)}")
    head = "\r\n".join([f"HTTP/1.1 {status}", *lines, "", ""]).encode()

    async def answer(path: str, headers: dict[str, str], body_sent: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(head + body)

    return answer


def sends_to(location: str, status: str = "302 Found") -> Answer:
    """Answer every request with a redirect."""
    return says(b"", status=status, location=location)


def resolver(*answers: Sequence[str]) -> tuple[Callable[[str, int], Awaitable[Sequence[str]]], list[str]]:
    """Give a resolver that answers differently each time, and the list of names it was asked for."""
    asked: list[str] = []

    async def resolve(host: str, port: int) -> Sequence[str]:
        asked.append(host)
        return answers[min(len(asked), len(answers)) - 1]

    return resolve, asked


@pytest.fixture
async def fetcher() -> AsyncIterator[CheckedFetcher]:
    """Give a fetcher that may reach one loopback address."""
    fetcher = CheckedFetcher(_ALLOWED, total=10, connect=2, idle=2)
    yield fetcher
    await fetcher.close()


async def refused(fetcher: CheckedFetcher, url: str, folder: Path, *, max_bytes: int = 1000) -> FetchError:
    """Download in vain; nothing may be left in the folder."""
    with pytest.raises(FetchError) as caught:
        await fetcher.download(url, folder / "target", max_bytes=max_bytes)
    assert list(folder.glob("*")) == list(folder.glob(".*")) == []  # noqa: ASYNC240
    return caught.value


HOSTILE = [
    # loopback in all its spellings
    "http://127.0.0.1/",
    "http://127.1/",
    "http://127.0.1/",
    "http://2130706433/",
    "http://017700000001/",
    "http://0x7f000001/",
    "http://0x7f.1/",
    "http://0X7F.0.0.1/",
    "http://0177.0.0.1/",
    "http://127.0.0.1./",
    "http://127.255.255.254:8080/",
    "http://localhost/",
    "http://LOCALHOST./",
    "http://api.localhost/",
    "http://[::1]/",
    "http://[0:0:0:0:0:0:0:1]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:7f00:1]/",
    "http://[::127.0.0.1]/",
    "http://①②⑦.⓪.⓪.①/",
    "http://127。0。0。1/",
    # nowhere and everywhere
    "http://0/",
    "http://0.0.0.0/",
    "http://[::]/",
    "http://255.255.255.255/",
    "http://224.0.0.1/",
    "http://[ff02::1]/",
    "http://240.0.0.1/",
    # private networks and those of providers
    "http://10.0.0.1/",
    "http://172.16.0.1/",
    "http://172.31.255.255/",
    "http://192.168.1.1/",
    "http://0xc0a80101/",
    "http://100.64.0.1/",
    "http://169.254.169.254/latest/meta-data/",
    "http://[::ffff:169.254.169.254]/",
    "http://2852039166/",
    "http://0xa9fea9fe/",
    "http://192.0.0.192/",
    "http://198.18.0.1/",
    "http://192.0.2.1/",
    "http://192.88.99.1/",
    "http://[fe80::1]/",
    "http://[fe80::1%25eth0]/",
    "http://[fec0::1]/",
    "http://[fc00::1]/",
    "http://[fd00:ec2::254]/",
    "http://[2001:db8::1]/",
    "http://[3fff::1]/",
    "http://[100::1]/",
    "http://[5f00::1]/",
    # private addresses inside public ones
    "http://[2002:7f00:1::]/",
    "http://[2002:a9fe:a9fe::1]/",
    "http://[2001:0:7f00:1::1]/",
    "http://[64:ff9b::7f00:1]/",
    "http://[64:ff9b::169.254.169.254]/",
    "http://[64:ff9b:1::a00:1]/",
    "http://[2606:4700::5efe:a00:1]/",
    # other schemes
    "file:///etc/passwd",
    "ftp://example.com/a",
    "gopher://example.com/",
    "dict://example.com:11211/",
    "data:image/png;base64,AAAA",
    "javascript:alert(1)",
    "unix:///run/docker.sock",
    "//example.com/a",
    "example.com",
    "",
    # what two readers read in two ways
    "http://user@example.com/",
    "http://user:secret@example.com/",
    "http://example.com@127.0.0.1/",
    "http://@example.com/",
    "http://example.com\\@127.0.0.1/",
    "http://127.0.0.1\\.example.com/",
    "http://exam ple.com/",
    "http://example.com/\r\nHost: internal",
    "http://example.com\t/",
    " http://example.com/",
    "http://example.com/\x00",
    "http://example.com:0/",
    "http://example.com:65536/",
    "http://example.com:/",
    "http://example.com:80a/",
    "http://[::1/",
    "http://[v1.fe80::a]/",
    "http://[127.0.0.1]/",
    "http://999.1.1.1/",
    "http://1.2.3.4.5/",
    "http://0x/",
    "http://8.8.8.8.0x8/",
    "http:///path",
    "http://.example.com/",
    "http://example..com/",
    "http://-example.com/",
    "http://exa%6dple.com/",
    "http://example.com" + "a" * 9000,
]


@pytest.mark.parametrize("url", HOSTILE)
async def test_hostile_addresses(tmp_path: Path, url: str):
    """No request is made to an address that is private, misleading or not HTTP; no name server is asked either."""
    resolve, asked = resolver(["93.184.215.14"])
    fetcher = CheckedFetcher(resolve=resolve)
    with pytest.raises(InvalidRequest) as caught:
        fetcher.check(url)
    assert caught.value.field is None
    assert caught.value.message.endswith(".")
    assert not (await refused(fetcher, url, tmp_path)).retryable
    with pytest.raises(FetchError):
        await fetcher.post(url, b"{}", {}, timeout=2)
    assert asked == []
    await fetcher.close()


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com",
        "https://example.com/a/b.png?x=1#part",
        "HTTPS://EXAMPLE.com:8443/",
        "http://8.8.8.8/",
        "http://[2606:4700:4700::1111]:8080/",
        "http://[64:ff9b::808:808]/",
        "http://bücher.example/ä?ö",
        "http://xn--bcher-kva.example/",
        "http://a_b.example.com./",
        "http://example.com:1/",
        "http://example.com:65535/",
    ],
)
def test_public_addresses_pass(url: str):
    """Ordinary addresses of the internet are not refused by their looks."""
    CheckedFetcher().check(url)


@pytest.mark.parametrize(
    ("ip", "public"),
    [
        *(("8.8.8.8", True), ("1.1.1.1", True), ("172.32.0.1", True), ("100.128.0.1", True), ("2606:4700::1", True)),
        *(("2a00:1450:4001::1", True), ("::ffff:8.8.8.8", True), ("2002:808:808::1", True)),
        *(("64:ff9b::808:808", True), ("100.127.255.255", False), ("192.0.0.9", False), ("203.0.113.7", False)),
        *(("::8.8.8.8", False), ("2001:10::1", False), ("4000::1", False), ("fe80::1%1", False)),
        *(("::ffff:10.0.0.1", False), ("2606:4700:0:0:200:5efe:808:808", True)),
    ],
)
def test_is_public(ip: str, public: bool):
    """An address is public if it is of the internet and hides none that is not."""
    parsed = as_ip(ip)
    assert parsed
    assert is_public(parsed) is public


def test_operators_networks():
    """A network that an operator allows is reachable, also in its mapped form, and nothing next to it."""
    networks = CheckedFetcher(["10.1.0.0/16", "fd00::/8"])._networks
    for ip, expected in (("10.1.2.3", True), ("::ffff:10.1.2.3", True), ("fd12::1", True), ("10.2.0.1", False)):
        assert is_allowed(as_ip(ip), networks) is expected
    with pytest.raises(ValueError, match=r"10\.1\.0\.1/16"):
        CheckedFetcher(["10.1.0.1/16"])


def test_parse_gives_one_spelling():
    """Host, port and target are what will be dialled and sent."""
    address = parse("HTTPS://BÜCHER.example.:443/ä b".replace(" ", "%20") + "?q=ö#part")
    assert address.scheme == "https"
    assert (address.host, address.port) == ("xn--bcher-kva.example", 443)
    assert address.target == "/%C3%A4%20b?q=%C3%B6"
    assert address.authority == "xn--bcher-kva.example"
    assert parse("http://[2606:4700::1]:8080").authority == "[2606:4700::1]:8080"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://user:secret@example.com:8443/a?token=secret#secret", "https://example.com:8443/a"),
        ("http://[::1]:80/x?secret", "http://[::1]:80/x"),
        ("http://example.com/a\nb", "http://example.com/ab"),
        ("http://example.com:secret/", "(an unreadable address)"),
        ("secret", "(an unreadable address)"),
    ],
)
def test_redacted(url: str, shown: str):
    """What is shown of an address has no user info, query or fragment."""
    assert redacted(url) == shown


async def test_download(fetcher: CheckedFetcher, tmp_path: Path):
    """The body arrives whole, asked for in plain words."""
    data = os.urandom(1_000_000)
    async with site(says(data)) as place:
        await fetcher.download(place.url("/a/b.png?x=1"), tmp_path / "target", max_bytes=1_000_000)
    assert (tmp_path / "target").read_bytes() == data
    [(line, headers, _)] = place.requests
    assert line == "GET /a/b.png?x=1 HTTP/1.1"
    assert headers["host"] == f"{_HOME}:{place.port}"
    assert headers["user-agent"] == f"filmgate/{__version__}"
    assert headers["accept-encoding"] == "identity"
    assert not {"cookie", "authorization", "referer"} & set(headers)


async def test_name_is_resolved_once_and_the_checked_address_dialled(tmp_path: Path):
    """A name server that changes its answer after the check changes nothing."""
    resolve, asked = resolver([_HOME], [_FORBIDDEN])
    fetcher = CheckedFetcher(_ALLOWED, resolve=resolve)
    async with site(says(b"right")) as right:
        await fetcher.download(f"http://rebind.example:{right.port}/", tmp_path / "a", max_bytes=100)
    assert (tmp_path / "a").read_bytes() == b"right"
    assert asked == ["rebind.example"]
    assert right.requests[0][1]["host"] == f"rebind.example:{right.port}"
    await fetcher.close()


@pytest.mark.parametrize(
    "answers",
    [
        ["127.0.0.1"],
        ["93.184.215.14", "127.0.0.1"],
        ["10.0.0.1", "93.184.215.14"],
        ["::1"],
        ["::ffff:169.254.169.254"],
        ["fe80::1%eth0"],
        ["64:ff9b::a00:1"],
    ],
)
async def test_names_that_lead_inside(tmp_path: Path, answers: list[str]):
    """One private address among those of a name refuses the name."""
    resolve, asked = resolver(answers)
    fetcher = CheckedFetcher(resolve=resolve)
    error = await refused(fetcher, "http://mixed.example/?secret", tmp_path)
    assert error.message == "The name mixed.example leads into a network that is not public."
    assert not error.retryable
    assert asked == ["mixed.example"]
    await fetcher.close()


async def test_operators_name_with_other_addresses(tmp_path: Path):
    """Of a name in an operator's network, only the allowed addresses are dialled."""
    resolve, _ = resolver([_FORBIDDEN, "::1", _HOME])
    fetcher = CheckedFetcher(_ALLOWED, resolve=resolve)
    async with site(says(b"right")) as place:
        await fetcher.download(f"http://store.internal:{place.port}/", tmp_path / "a", max_bytes=100)
    assert place.connections == 1
    await fetcher.close()


async def test_next_address_is_tried(tmp_path: Path):
    """A name whose first address does not answer is reached at its second."""
    resolve, _ = resolver(["127.0.0.3", _HOME])
    fetcher = CheckedFetcher(["127.0.0.2/31"], resolve=resolve)
    async with site(says(b"right")) as place:
        await fetcher.download(f"http://two.example:{place.port}/", tmp_path / "a", max_bytes=100)
    assert (tmp_path / "a").read_bytes() == b"right"
    await fetcher.close()


async def test_unknown_names(tmp_path: Path):
    """A name that does not exist is a definite answer; a name server in trouble is not."""
    for code, retryable in ((socket.EAI_NONAME, False), (socket.EAI_AGAIN, True)):

        async def resolve(host: str, port: int, code: int = code) -> Sequence[str]:
            raise socket.gaierror(code, "no")

        fetcher = CheckedFetcher(resolve=resolve)
        assert (await refused(fetcher, "http://nowhere.example/", tmp_path)).retryable is retryable
    assert (await refused(CheckedFetcher(resolve=resolver([])[0]), "http://empty.example/", tmp_path)).retryable


async def test_silent_name_server(tmp_path: Path):
    """A name server that does not answer is given up on."""

    async def resolve(host: str, port: int) -> Sequence[str]:
        await asyncio.Event().wait()
        return []

    error = await refused(CheckedFetcher(connect=0.1, resolve=resolve), "http://slow.example/", tmp_path)
    assert error.retryable


async def test_redirects_are_followed(fetcher: CheckedFetcher, tmp_path: Path):
    """Up to five redirects lead to the file, relative ones, too."""

    async def answer(path: str, headers: dict[str, str], body: bytes, writer: asyncio.StreamWriter) -> None:
        step = int(path.removeprefix("/"))
        await (sends_to(f"/{step + 1}") if step < 5 else says(b"there"))(path, headers, body, writer)

    async with site(answer) as place:
        await fetcher.download(place.url("/0"), tmp_path / "a", max_bytes=100)
        assert (tmp_path / "a").read_bytes() == b"there"
        (tmp_path / "a").unlink()
        place.requests.clear()
        error = await refused(fetcher, place.url("/-1"), tmp_path)
    assert "redirects" in error.message
    assert not error.retryable
    assert len(place.requests) == 6


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"])
async def test_redirect_inside_is_refused(fetcher: CheckedFetcher, tmp_path: Path, status: str):
    """An allowed server cannot send us to a forbidden one, which gets no connection at all."""
    async with site(says(b"secret"), _FORBIDDEN) as inside, site(sends_to(inside.url(), status)) as place:
        error = await refused(fetcher, place.url(), tmp_path)
    assert "not public" in error.message
    assert inside.connections == 0


@pytest.mark.parametrize(
    "location",
    [
        "file:///etc/passwd",
        "ftp://127.0.0.2/",
        "//127.0.0.1/",
        "http://2130706433/",
        "http://u:p@127.0.0.2/",
        "http://[",
    ],
)
async def test_hostile_redirects(fetcher: CheckedFetcher, tmp_path: Path, location: str):
    """Every hop is checked like the first."""
    async with site(sends_to(location)) as place:
        error = await refused(fetcher, place.url(), tmp_path)
    assert not error.retryable
    assert len(place.requests) == 1


async def test_redirect_to_a_name_is_resolved_and_checked(tmp_path: Path):
    """A redirect to a name that leads inside is refused."""
    resolve, asked = resolver([_FORBIDDEN])
    fetcher = CheckedFetcher(_ALLOWED, resolve=resolve)
    async with site(sends_to("http://inside.example/")) as place:
        await refused(fetcher, place.url(), tmp_path)
    assert asked == ["inside.example"]
    await fetcher.close()


async def test_redirect_to_nowhere(fetcher: CheckedFetcher, tmp_path: Path):
    """A redirect without an address is an error."""
    async with site(says(b"", status="302 Found")) as place:
        assert "nowhere" in (await refused(fetcher, place.url(), tmp_path)).message


@pytest.mark.parametrize(
    ("status", "retryable"),
    [
        *(("404 Not Found", False), ("403 Forbidden", False), ("204 No Content", False), ("206 Partial", False)),
        *(("429 Too Many", True), ("500 Oops", True), ("503 Busy", True), ("304 Not Modified", False)),
    ],
)
async def test_other_answers(fetcher: CheckedFetcher, tmp_path: Path, status: str, retryable: bool):
    """Only 200 is a file; troubles that pass are told from definite answers."""
    async with site(says(b"", status=status)) as place:
        error = await refused(fetcher, place.url("/a?secret"), tmp_path)
    assert error.message == f"{place.url('/a')} answered {status[:3]}."
    assert error.retryable is retryable


async def test_announced_size_is_checked_first(fetcher: CheckedFetcher, tmp_path: Path):
    """A body that announces too many bytes is not read."""
    async with site(says(b"x", content_length="10000000000")) as place:
        error = await refused(fetcher, place.url(), tmp_path)
    assert "more than the 1000 bytes" in error.message
    assert not error.retryable


async def test_unannounced_size_is_checked_too(fetcher: CheckedFetcher, tmp_path: Path):
    """A body without end is stopped at the limit."""

    async def endless(path: str, headers: dict[str, str], body: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        while True:
            writer.write(b"400\r\n" + bytes(1024) + b"\r\n")
            await writer.drain()

    async with site(endless) as place:
        assert "more than the 1000 bytes" in (await refused(fetcher, place.url(), tmp_path)).message


async def test_exactly_the_limit(fetcher: CheckedFetcher, tmp_path: Path):
    """The limit itself can be used; one byte more cannot."""
    async with site(says(bytes(1000))) as place:
        await fetcher.download(place.url(), tmp_path / "a", max_bytes=1000)
        (tmp_path / "a").unlink()
        await refused(fetcher, place.url(), tmp_path, max_bytes=999)


async def test_compressed_bodies_are_refused(fetcher: CheckedFetcher, tmp_path: Path):
    """A body that would grow when unpacked is not accepted."""
    async with site(says(gzip.compress(bytes(100_000)), content_encoding="gzip")) as place:
        assert "compressed" in (await refused(fetcher, place.url(), tmp_path)).message


async def test_slow_bodies(tmp_path: Path):
    """Neither silence nor a trickle keeps us longer than the limits."""

    async def trickle(path: str, headers: dict[str, str], body: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n")
        while path == "/trickle":
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.02)
        await writer.drain()
        await asyncio.Event().wait()

    async with site(trickle) as place:
        fetcher = CheckedFetcher(_ALLOWED, total=0.5, idle=5)
        trickled = await refused(fetcher, place.url("/trickle?secret"), tmp_path)
        await fetcher.close()
        fetcher = CheckedFetcher(_ALLOWED, total=20, idle=0.2)
        silent = await refused(fetcher, place.url("/silence?secret"), tmp_path)
        await fetcher.close()
    assert trickled.message == f"{place.url('/trickle')} did not answer within 0.5 seconds."
    assert silent.message == f"{place.url('')} fell silent."
    assert trickled.retryable
    assert silent.retryable


async def test_broken_answers(fetcher: CheckedFetcher, tmp_path: Path):
    """A body that ends early is no file; neither is an empty one, nor what is not HTTP."""
    async with site(says(b"half", content_length="8")) as place:
        assert (await refused(fetcher, place.url(), tmp_path)).retryable
    async with site(says(b"")) as place:
        assert "empty" in (await refused(fetcher, place.url(), tmp_path)).message

    async def nonsense(path: str, headers: dict[str, str], body: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example ESMTP\r\n\r\n")

    async with site(nonsense) as place:
        assert (
            await refused(fetcher, place.url("/?secret"), tmp_path)
        ).message == f"{place.url('')} broke off its answer."


async def test_nobody_there(fetcher: CheckedFetcher, tmp_path: Path):
    """A port without a server can be tried again later."""
    async with site(says(b"")) as place:
        pass
    error = await refused(fetcher, place.url("/a?secret"), tmp_path)
    assert error.message == f"{place.url('')} could not be reached."
    assert error.retryable


async def test_failed_download_keeps_what_was_there(fetcher: CheckedFetcher, tmp_path: Path):
    """The target changes only when all of it is there."""
    target = tmp_path / "target"
    target.write_bytes(b"old")
    async with site(says(b"half", content_length="8")) as place:
        with pytest.raises(FetchError):
            await fetcher.download(place.url(), target, max_bytes=1000)
    assert target.read_bytes() == b"old"


async def test_post(fetcher: CheckedFetcher):
    """A post is sent once, with the caller's headers but our name, and the answer is given back as it is."""
    sent = {"Content-Type": "application/json", "X-Signature": "abc", "Host": "evil", "User-Agent": "other"}
    async with site(says(b'{"ok":1}', status="202 Accepted", x_request="7")) as place:
        response = await fetcher.post(place.url("/hook?x=1"), b'{"id":1}', sent, timeout=5)
    assert (response.status, response.body, response.headers["x-request"]) == (202, b'{"ok":1}', "7")
    [(line, headers, body)] = place.requests
    assert (line, body) == ("POST /hook?x=1 HTTP/1.1", b'{"id":1}')
    assert (headers["content-type"], headers["x-signature"]) == ("application/json", "abc")
    assert (headers["host"], headers["user-agent"]) == (f"{_HOME}:{place.port}", f"filmgate/{__version__}")


@pytest.mark.parametrize("status", ["302 Found", "307 Temporary", "404 Not Found", "500 Oops"])
async def test_post_gives_every_status_and_follows_nothing(fetcher: CheckedFetcher, status: str):
    """Redirects and errors are the caller's to judge."""
    async with site(says(b"no", status=status, location="/elsewhere")) as place:
        assert (await fetcher.post(place.url(), b"{}", {}, timeout=5)).status == int(status[:3])
    assert len(place.requests) == 1


async def test_post_cuts_long_answers(fetcher: CheckedFetcher):
    """At most 64 KiB of an answer are kept."""
    async with site(says(bytes(1_000_000))) as place:
        assert len((await fetcher.post(place.url(), b"{}", {}, timeout=5)).body) == 64 * 1024


async def test_post_in_time_or_not_at_all(fetcher: CheckedFetcher):
    """The time limit is for the whole exchange."""

    async def silence(path: str, headers: dict[str, str], body: bytes, writer: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    async with site(silence) as place:
        with pytest.raises(FetchError, match=r"within 0\.2 seconds") as caught:
            await fetcher.post(place.url("/?secret"), b"{}", {}, timeout=0.2)
    assert caught.value.retryable
    assert "secret" not in caught.value.message


async def test_header_injection(fetcher: CheckedFetcher):
    """A header with a line break is not sent."""
    async with site(says(b"")) as place:
        with pytest.raises(FetchError, match="header"):
            await fetcher.post(place.url(), b"{}", {"X-A": "1\r\nX-B: 2"}, timeout=5)
    assert place.requests == []


async def test_environment_is_ignored(fetcher: CheckedFetcher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Proxies and stored credentials of the environment play no part."""
    async with site(says(b"proxy"), _FORBIDDEN) as proxy, site(says(b"right", set_cookie="a=b")) as place:
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url())
        monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
        (tmp_path / "netrc").write_text(f"machine {_HOME} login a password b\n")
        for _ in range(2):
            await fetcher.download(place.url(), tmp_path / "target", max_bytes=100)
    assert proxy.connections == 0
    assert not any({"authorization", "cookie"} & set(headers) for _, headers, _ in place.requests)


async def test_closed_fetcher_opens_again(fetcher: CheckedFetcher, tmp_path: Path):
    """Closing twice or before use does no harm."""
    await fetcher.close()
    async with site(says(b"right")) as place:
        await fetcher.download(place.url(), tmp_path / "target", max_bytes=100)
    await fetcher.close()
    await fetcher.close()


@pytest.fixture
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a certificate for `film.example`, signed by itself."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("there is no openssl command to make a certificate with")
    folder = tmp_path_factory.mktemp("tls")
    command = [openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-days", "2", "-subj", "/CN=film.example", "-addext", "subjectAltName=DNS:film.example"]
    command += ["-keyout", str(folder / "pem"), "-out", str(folder / "cert")]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    (folder / "pem").write_bytes((folder / "pem").read_bytes() + (folder / "cert").read_bytes())
    return folder / "pem"


async def test_certificates_are_verified_for_the_name(certificate: Path, tmp_path: Path):
    """The address is dialled, but the certificate must be the name's: another name on the same server is refused."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate)
    trusting = ssl.create_default_context(cafile=str(certificate))
    resolve, _ = resolver([_HOME])
    fetcher = CheckedFetcher(_ALLOWED, resolve=resolve, tls=trusting)
    strict = CheckedFetcher(_ALLOWED, resolve=resolve)
    async with site(says(b"right"), tls=server) as place:
        await fetcher.download(f"https://film.example:{place.port}/", tmp_path / "a", max_bytes=100)
        assert (tmp_path / "a").read_bytes() == b"right"
        (tmp_path / "a").unlink()
        for client, host in ((fetcher, "other.example"), (fetcher, _HOME), (strict, "film.example")):
            error = await refused(client, f"https://{host}:{place.port}/", tmp_path)
            assert "certificate was refused" in error.message
    assert len(place.requests) == 1
    await fetcher.close()
    await strict.close()


async def test_redirect_from_https_to_http_is_refused(certificate: Path, tmp_path: Path):
    """What began in secret does not go on in the open."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate)
    fetcher = CheckedFetcher(
        _ALLOWED, resolve=resolver([_HOME])[0], tls=ssl.create_default_context(cafile=str(certificate))
    )
    async with site(says(b"open")) as plain, site(sends_to(plain.url()), tls=server) as place:
        error = await refused(fetcher, f"https://film.example:{place.port}/", tmp_path)
    assert "from https to http" in error.message
    assert plain.connections == 0
    await fetcher.close()


def test_start_is_not_slowed_down():
    """The HTTP library is loaded with the first request, not with the module."""
    code = "import sys, filmgate.adapters.http.fetcher\nsys.exit('httpx2' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0
