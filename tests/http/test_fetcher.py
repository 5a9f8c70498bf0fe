"""Outgoing requests: what is sent, and which answers are files."""

from __future__ import annotations

import asyncio
import gzip
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.http.sites import ALLOWED, FORBIDDEN, HOME, no_names, refused, says, site

from filmgate import __version__
from filmgate.adapters.outbound.fetcher import CheckedFetcher
from filmgate.ports.fetcher import FetchError

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux answers on all of 127.0.0.0/8")


async def test_download(fetcher: CheckedFetcher, tmp_path: Path):
    """The body arrives whole, asked for in plain words."""
    data = os.urandom(1_000_000)
    async with site(says(data)) as place:
        await fetcher.download(place.url("/a/b.png?x=1"), tmp_path / "target", max_bytes=1_000_000, application="a")
    assert (tmp_path / "target").read_bytes() == data
    [(line, headers, _)] = place.requests
    assert line == "GET /a/b.png?x=1 HTTP/1.1"
    assert headers["host"] == f"{HOME}:{place.port}"
    assert headers["user-agent"] == f"filmgate/{__version__}"
    assert headers["accept-encoding"] == "identity"
    assert headers["accept"] == "*/*"
    assert not {"cookie", "authorization", "referer"} & set(headers)


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
        await fetcher.download(place.url(), tmp_path / "a", max_bytes=1000, application="a")
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
        fetcher = CheckedFetcher(ALLOWED, resolve=no_names, total=0.5, idle=5)
        trickled = await refused(fetcher, place.url("/trickle?secret"), tmp_path)
        await fetcher.close()
        fetcher = CheckedFetcher(ALLOWED, resolve=no_names, total=20, idle=0.2)
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
            await fetcher.download(place.url(), target, max_bytes=1000, application="a")
    assert target.read_bytes() == b"old"


async def test_environment_is_ignored(fetcher: CheckedFetcher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Proxies and stored credentials of the environment play no part."""
    async with site(says(b"proxy"), FORBIDDEN) as proxy, site(says(b"right", set_cookie="a=b")) as place:
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url())
        monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
        (tmp_path / "netrc").write_text(f"machine {HOME} login a password b\n")
        for _ in range(2):
            await fetcher.download(place.url(), tmp_path / "target", max_bytes=100, application="a")
    assert proxy.connections == 0
    assert not any({"authorization", "cookie"} & set(headers) for _, headers, _ in place.requests)


async def test_closed_fetcher_opens_again(fetcher: CheckedFetcher, tmp_path: Path):
    """Closing twice or before use does no harm."""
    await fetcher.close()
    async with site(says(b"right")) as place:
        await fetcher.download(place.url(), tmp_path / "target", max_bytes=100, application="a")
    await fetcher.close()
    await fetcher.close()


def test_start_is_not_slowed_down():
    """The HTTP library is loaded with the first request, not with the module."""
    code = "import sys, filmgate.adapters.outbound.fetcher\nsys.exit('httpx2' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0
