"""Posts are sent once, and their answers are bounded."""

from __future__ import annotations

import asyncio
import sys

import pytest
from tests.http.sites import HOME, says, site

from filmgate import __version__
from filmgate.adapters.outbound.fetcher import CheckedFetcher
from filmgate.ports.fetcher import FetchError

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux answers on all of 127.0.0.0/8")


async def test_post(fetcher: CheckedFetcher):
    """A post is sent once, with the caller's headers but our name, and the answer is given back as it is."""
    sent = {"Content-Type": "application/json", "X-Signature": "abc", "Host": "evil", "User-Agent": "other"}
    async with site(says(b'{"ok":1}', status="202 Accepted", x_request="7")) as place:
        response = await fetcher.post(place.url("/hook?x=1"), b'{"id":1}', sent, timeout=5, application="a")
    assert (response.status, response.body, response.headers["x-request"]) == (202, b'{"ok":1}', "7")
    [(line, headers, body)] = place.requests
    assert (line, body) == ("POST /hook?x=1 HTTP/1.1", b'{"id":1}')
    assert (headers["content-type"], headers["x-signature"]) == ("application/json", "abc")
    assert (headers["host"], headers["user-agent"]) == (f"{HOME}:{place.port}", f"filmgate/{__version__}")


@pytest.mark.parametrize("status", ["302 Found", "307 Temporary", "404 Not Found", "500 Oops"])
async def test_post_gives_every_status_and_follows_nothing(fetcher: CheckedFetcher, status: str):
    """Redirects and errors are the caller's to judge."""
    async with site(says(b"no", status=status, location="/elsewhere")) as place:
        assert (await fetcher.post(place.url(), b"{}", {}, timeout=5, application="a")).status == int(status[:3])
    assert len(place.requests) == 1


async def test_post_cuts_long_answers(fetcher: CheckedFetcher):
    """At most 64 KiB of an answer are kept."""
    async with site(says(bytes(1_000_000))) as place:
        assert len((await fetcher.post(place.url(), b"{}", {}, timeout=5, application="a")).body) == 64 * 1024


async def test_post_in_time_or_not_at_all(fetcher: CheckedFetcher):
    """The time limit is for the whole exchange."""

    async def silence(path: str, headers: dict[str, str], body: bytes, writer: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    async with site(silence) as place:
        with pytest.raises(FetchError, match=r"within 0\.2 seconds") as caught:
            await fetcher.post(place.url("/?secret"), b"{}", {}, timeout=0.2, application="a")
    assert caught.value.retryable
    assert "secret" not in caught.value.message


async def test_header_injection(fetcher: CheckedFetcher):
    """A header with a line break is not sent."""
    async with site(says(b"")) as place:
        with pytest.raises(FetchError, match="header"):
            await fetcher.post(place.url(), b"{}", {"X-A": "1\r\nX-B: 2"}, timeout=5, application="a")
    assert place.requests == []
