"""Names are resolved once, and every address and every certificate of them is checked."""

from __future__ import annotations

import ssl
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from tests.http.sites import ALLOWED, FORBIDDEN, HOME, refused, resolver, says, sends_to, site

from filmgate.adapters.outbound.fetcher import CheckedFetcher
from filmgate.adapters.outbound.resolver import Unresolved
from filmgate.ports.fetcher import FetchError

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux answers on all of 127.0.0.0/8")


async def test_name_is_resolved_once_and_the_checked_address_dialled(tmp_path: Path):
    """A name server that changes its answer after the check changes nothing."""
    resolve, asked = resolver([HOME], [FORBIDDEN])
    fetcher = CheckedFetcher(ALLOWED, resolve=resolve)
    async with site(says(b"right")) as right:
        await fetcher.download(f"http://rebind.example:{right.port}/", tmp_path / "a", max_bytes=100, application="a")
    assert (tmp_path / "a").read_bytes() == b"right"
    assert asked == ["rebind.example"]
    assert right.requests[0][1]["host"] == f"rebind.example:{right.port}"
    await fetcher.close()


async def test_a_name_is_checked_anew_for_every_request(tmp_path: Path):
    """A name that was good for the first request leads inside at a redirect, a resumed download or a next callback."""
    resolve, _ = resolver([HOME], [FORBIDDEN], [HOME], ["169.254.169.254"])
    fetcher = CheckedFetcher(ALLOWED, resolve=resolve)
    async with site(sends_to("/again")) as place, site(says(b"inside"), host=FORBIDDEN) as inside:
        error = await refused(fetcher, f"http://rebind.example:{place.port}/", tmp_path)
        assert "not public" in error.message
        assert (
            await fetcher.post(f"http://rebind.example:{place.port}/", b"", {}, timeout=5, application="a")
        ).status == 302
        with pytest.raises(FetchError, match="not public"):
            await fetcher.post(f"http://rebind.example:{place.port}/", b"", {}, timeout=5, application="a")
    assert (len(place.requests), inside.connections) == (2, 0)
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
        ["168.63.129.16"],
        ["100.100.100.200"],
        ["fd00:ec2::254"],
        ["93.184.215.14", "2002:a9fe:a9fe::1"],
        ["0.0.0.0"],
        ["224.0.0.1"],
    ],
)
async def test_names_that_lead_inside(tmp_path: Path, answers: list[str]):
    """One private address among those of a name refuses the name, for downloads and callbacks."""
    resolve, asked = resolver(answers)
    fetcher = CheckedFetcher(resolve=resolve)
    error = await refused(fetcher, "http://mixed.example/?secret", tmp_path)
    assert error.message == (
        "The address leads into a network that is not public: mixed.example. "
        "An admin can allow it with FILMGATE_ALLOW_NETWORKS."
    )
    assert not error.retryable
    with pytest.raises(FetchError, match="not public"):
        await fetcher.post("http://mixed.example/", b"{}", {}, timeout=2, application="a")
    assert asked == ["mixed.example"] * 2
    await fetcher.close()


async def test_operators_name_with_other_addresses(tmp_path: Path):
    """Of a name in an operator's network, only the allowed addresses are dialled."""
    resolve, _ = resolver([FORBIDDEN, "::1", HOME])
    fetcher = CheckedFetcher(ALLOWED, resolve=resolve)
    async with site(says(b"right")) as place:
        await fetcher.download(f"http://store.internal:{place.port}/", tmp_path / "a", max_bytes=100, application="a")
    assert place.connections == 1
    await fetcher.close()


async def test_next_address_is_tried(tmp_path: Path):
    """A name whose first address does not answer is reached at its second."""
    resolve, _ = resolver(["127.0.0.3", HOME])
    fetcher = CheckedFetcher(["127.0.0.2/31"], resolve=resolve)
    async with site(says(b"right")) as place:
        await fetcher.download(f"http://two.example:{place.port}/", tmp_path / "a", max_bytes=100, application="a")
    assert (tmp_path / "a").read_bytes() == b"right"
    await fetcher.close()


@pytest.mark.parametrize("retryable", [True, False])
async def test_names_without_an_address(tmp_path: Path, retryable: bool):
    """What the resolver says of a name is said of the download, for the application that asked."""

    async def resolve(host: str, application: str | None) -> Sequence[str]:
        raise Unresolved(f"The name {host} is odd for {application}.", retryable=retryable)

    error = await refused(CheckedFetcher(resolve=resolve), "http://odd.example/", tmp_path)
    assert (error.message, error.retryable) == ("The name odd.example is odd for a.", retryable)


async def test_certificates_are_verified_for_the_name(
    server_tls: ssl.SSLContext, trusting: ssl.SSLContext, tmp_path: Path
):
    """The address is dialled, but the certificate must be the name's: another name on the same server is refused."""
    resolve, _ = resolver([HOME])
    fetcher = CheckedFetcher(ALLOWED, resolve=resolve, tls=trusting)
    strict = CheckedFetcher(ALLOWED, resolve=resolve)
    async with site(says(b"right"), tls=server_tls) as place:
        await fetcher.download(f"https://film.example:{place.port}/", tmp_path / "a", max_bytes=100, application="a")
        assert (tmp_path / "a").read_bytes() == b"right"
        (tmp_path / "a").unlink()
        for client, host in ((fetcher, "other.example"), (fetcher, HOME), (strict, "film.example")):
            error = await refused(client, f"https://{host}:{place.port}/", tmp_path)
            assert "certificate was refused" in error.message
    assert len(place.requests) == 1
    await fetcher.close()
    await strict.close()
