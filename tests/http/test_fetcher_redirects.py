"""Redirects are followed to files, and lead nowhere inside."""

from __future__ import annotations

import asyncio
import ssl
import sys
from pathlib import Path

import pytest
from tests.http.sites import ALLOWED, FORBIDDEN, HOME, refused, resolver, says, sends_to, site

from filmgate.adapters.outbound.fetcher import CheckedFetcher

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux answers on all of 127.0.0.0/8")


async def test_redirects_are_followed(fetcher: CheckedFetcher, tmp_path: Path):
    """Up to five redirects lead to the file, relative ones, too."""

    async def answer(path: str, headers: dict[str, str], body: bytes, writer: asyncio.StreamWriter) -> None:
        step = int(path.removeprefix("/"))
        await (sends_to(f"/{step + 1}") if step < 5 else says(b"there"))(path, headers, body, writer)

    async with site(answer) as place:
        await fetcher.download(place.url("/0"), tmp_path / "a", max_bytes=100, application="a")
        assert (tmp_path / "a").read_bytes() == b"there"
        (tmp_path / "a").unlink()
        place.requests.clear()
        error = await refused(fetcher, place.url("/-1"), tmp_path)
    assert "redirects" in error.message
    assert not error.retryable
    assert len(place.requests) == 6


@pytest.mark.parametrize("location", ["/my photo.png", " /my photo.png ", "my%20photo.png", "/a/../my photo.png"])
async def test_a_redirect_with_spaces(fetcher: CheckedFetcher, tmp_path: Path, location: str):
    """Servers that write the name of a file as it is are understood as by browsers."""

    async def answer(path: str, headers: dict[str, str], body: bytes, writer: asyncio.StreamWriter) -> None:
        await (sends_to(location) if path == "/r" else says(path.encode()))(path, headers, body, writer)

    async with site(answer) as place:
        await fetcher.download(place.url("/r"), tmp_path / "a", max_bytes=100, application="a")
    assert (tmp_path / "a").read_bytes() == b"/my%20photo.png"


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"])
async def test_redirect_inside_is_refused(fetcher: CheckedFetcher, tmp_path: Path, status: str):
    """An allowed server cannot send us to a forbidden one, which gets no connection at all."""
    async with site(says(b"secret"), FORBIDDEN) as inside, site(sends_to(inside.url(), status)) as place:
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
    resolve, asked = resolver([FORBIDDEN])
    fetcher = CheckedFetcher(ALLOWED, resolve=resolve)
    async with site(sends_to("http://inside.example/")) as place:
        await refused(fetcher, place.url(), tmp_path)
    assert asked == ["inside.example"]
    await fetcher.close()


async def test_redirect_to_nowhere(fetcher: CheckedFetcher, tmp_path: Path):
    """A redirect without an address is an error."""
    async with site(says(b"", status="302 Found")) as place:
        assert "nowhere" in (await refused(fetcher, place.url(), tmp_path)).message


async def test_redirect_from_https_to_http_is_refused(
    server_tls: ssl.SSLContext, trusting: ssl.SSLContext, tmp_path: Path
):
    """What began in secret does not go on in the open."""
    fetcher = CheckedFetcher(ALLOWED, resolve=resolver([HOME])[0], tls=trusting)
    async with site(says(b"open")) as plain, site(sends_to(plain.url()), tls=server_tls) as place:
        error = await refused(fetcher, f"https://film.example:{place.port}/", tmp_path)
    assert "from https to http" in error.message
    assert plain.connections == 0
    await fetcher.close()
