"""The operator's own provider may be private, and its key goes nowhere else."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.http.sites import ALLOWED, FORBIDDEN, HOME, no_names, refused, resolver, says, sends_to, site

from filmgate.adapters.outbound.fetcher import CheckedFetcher

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux answers on all of 127.0.0.0/8")

_KEY = {"Authorization": "Bearer secret", "Range": "bytes=5-", "Host": "evil"}


@pytest.fixture
async def strict() -> AsyncIterator[CheckedFetcher]:
    """Return a fetcher that may reach public addresses only."""
    fetcher = CheckedFetcher(resolve=no_names, total=10, connect=2, idle=2)
    yield fetcher
    await fetcher.close()


async def test_trusted_origin_is_reached_with_its_key(strict: CheckedFetcher, tmp_path: Path):
    """What the operator configured is reached although it is private, through redirects of its own, too."""

    async def answer(path: str, headers: dict[str, str], body: bytes, writer: asyncio.StreamWriter) -> None:
        await (sends_to("/file") if path == "/" else says(b"film"))(path, headers, body, writer)

    async with site(answer) as place:
        await strict.download(
            place.url(),
            tmp_path / "a",
            max_bytes=10,
            application=None,
            headers=_KEY,
            trusted=f"http://{place.host}:{place.port}",
        )
    assert (tmp_path / "a").read_bytes() == b"film"
    assert [headers["authorization"] for _, headers, _ in place.requests] == ["Bearer secret"] * 2
    assert place.requests[0][1]["host"] == f"{HOME}:{place.port}"


async def test_trusted_name(tmp_path: Path):
    """The operator's own name may lead inside, also to several addresses."""
    fetcher = CheckedFetcher(resolve=resolver([HOME, "10.255.255.1"])[0])
    async with site(says(b"film")) as place:
        url = f"http://gpu-box:{place.port}/x"
        await fetcher.download(
            url, tmp_path / "a", max_bytes=10, application="a", trusted=f"http://GPU-box:{place.port}"
        )
        (tmp_path / "a").unlink()
        for trusted in (None, "http://gpu-box", f"https://gpu-box:{place.port}", f"http://other:{place.port}"):
            await refused(fetcher, url, tmp_path, trusted=trusted)
    assert len(place.requests) == 1
    await fetcher.close()


async def test_only_that_origin_is_trusted(strict: CheckedFetcher, tmp_path: Path):
    """Another port of the same host, or another host, is as forbidden as ever; so are redirects there."""
    async with site(says(b"inside"), FORBIDDEN) as inside, site(sends_to(inside.url())) as place:
        trusted = f"http://{place.host}:{place.port}"
        for url in (place.url(), inside.url(), f"http://{HOME}:{inside.port}/"):
            assert "not public" in (await refused(strict, url, tmp_path, trusted=trusted, headers=_KEY)).message
    assert inside.connections == 0


async def test_key_stays_with_its_origin(fetcher: CheckedFetcher, tmp_path: Path):
    """A redirect to another origin goes there without the key, and comes back without it."""

    async def back(path: str, headers: dict[str, str], body: bytes, writer: asyncio.StreamWriter) -> None:
        await sends_to(place.url("/file"))(path, headers, body, writer)

    async def answer(path: str, headers: dict[str, str], body: bytes, writer: asyncio.StreamWriter) -> None:
        await (sends_to(other.url()) if path == "/" else says(b"film"))(path, headers, body, writer)

    async with site(back) as other, site(answer) as place:
        await fetcher.download(place.url(), tmp_path / "a", max_bytes=10, application="a", headers=_KEY)
    assert ["authorization" in headers for _, headers, _ in place.requests] == [True, False]
    assert ["authorization" in headers for _, headers, _ in other.requests] == [False]


async def test_nobody_else_leads_to_the_trusted_origin(tmp_path: Path):
    """A public server cannot send us to the operator's private one."""
    fetcher = CheckedFetcher(ALLOWED, resolve=no_names)
    async with site(says(b"inside"), FORBIDDEN) as inside, site(sends_to(inside.url())) as place:
        error = await refused(fetcher, place.url(), tmp_path, trusted=f"http://{FORBIDDEN}:{inside.port}")
    assert "not public" in error.message
    assert inside.connections == 0
    await fetcher.close()
