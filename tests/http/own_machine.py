"""Cases of addresses that a machine has itself, on a machine of its own: `python -m tests.http.own_machine CASE`."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable
from ipaddress import ip_address
from pathlib import Path
from unittest import mock

from tests.http.machine import play_here
from tests.http.sites import no_names, refused, resolver, says, sends_to, site

from filmgate.adapters.outbound import addresses
from filmgate.adapters.outbound.fetcher import CheckedFetcher
from filmgate.adapters.outbound.own_addresses import is_own
from filmgate.domain.errors import InvalidRequest
from filmgate.ports.fetcher import FetchError

OWN = "9.9.9.9"
OWN6 = "2620:fe::fe"
ELSEWHERE = ("8.8.8.8", "9.9.9.10", "2620:fe::9")


def ip(command: str) -> None:
    """Change the addresses of this machine."""
    subprocess.run(["ip", *command.split()], check=True)


def give(*own: str) -> None:
    """Return addresses to an interface."""
    for each in own:
        # Without `nodad` an address of version 6 may be tentative for a moment, and then it is nobody's yet.
        ip(f"addr add {each} dev lo{' nodad' if ':' in each else ''}")


def bind_anything() -> None:
    """Let sockets be bound to addresses that this machine does not have, as load balancers want it."""
    for family in ("ipv4", "ipv6"):
        Path(f"/proc/sys/net/{family}/ip_nonlocal_bind").write_text("1")


async def interfaces() -> None:
    """Every address of an interface is this machine's, and no other: second ones of a network too, old and new."""
    assert not is_own(ip_address(OWN))
    give(f"{OWN}/32", f"{OWN6}/128", "9.8.7.1/24", "9.8.7.2/24")
    for each in (OWN, OWN6, "9.8.7.1", "9.8.7.2"):
        assert is_own(ip_address(each)), each
    for each in ELSEWHERE:
        assert not is_own(ip_address(each)), each
    ip(f"addr del {OWN}/32 dev lo")
    assert not is_own(ip_address(OWN))


async def routed_here() -> None:
    """A range that is routed to this machine is its own, though no interface has it."""
    ip("route add local 9.7.0.0/16 dev lo")
    assert is_own(ip_address("9.7.6.5"))
    assert not is_own(ip_address("9.6.6.5"))


async def bound_to_anything() -> None:
    """Where sockets may be bound to addresses of others, those are still others'."""
    bind_anything()
    give("9.8.7.1/24", "9.8.7.2/24", f"{OWN6}/128")
    for each in ("9.8.7.1", "9.8.7.2", OWN6):
        assert is_own(ip_address(each)), each
    for each in ELSEWHERE:
        assert not is_own(ip_address(each)), each


async def refused_before_a_name_is_asked() -> None:
    """An own address is refused when it is checked, in every form, with what to do about it, and allowed by that."""
    fetcher = CheckedFetcher(resolve=no_names)
    urls = (OWN, f"[::ffff:{OWN}]", f"[64:ff9b::{OWN}]", "[2002:909:909::1]", f"[{OWN6}]", "⑨.9.9.9")
    for host in urls:
        fetcher.check(f"http://{host}/x")
    give(f"{OWN}/32", f"{OWN6}/128")
    for host in urls:
        try:
            fetcher.check(f"http://{host}/x")
        except InvalidRequest as error:
            assert "to this machine itself" in error.message, error.message
            assert "FILMGATE_ALLOW_NETWORKS" in error.message, error.message
        else:
            raise AssertionError(host)
    CheckedFetcher([f"{OWN}/32", f"{OWN6}/128"], resolve=no_names).check(f"http://{OWN}/x")


async def not_reached_by_names() -> None:
    """Neither a name, alone or among others, nor a redirect leads to an own address; a trusted origin does."""
    give(f"{OWN}/32", f"{OWN6}/128")
    folder = Path(tempfile.mkdtemp())
    async with site(says(b"inside"), host="0.0.0.0") as inside:
        for found in ([OWN], ["8.8.8.8", OWN], [OWN6, "8.8.8.8"], [f"::ffff:{OWN}"]):
            fetcher = CheckedFetcher(resolve=resolver(found)[0])
            error = await refused(fetcher, f"http://a.test:{inside.port}/", folder)
            assert "to this machine itself: a.test" in error.message
            assert not error.retryable
        async with site(sends_to(f"http://{OWN}:{inside.port}/")) as place:
            fetcher = CheckedFetcher(["127.0.0.0/8"], resolve=no_names)
            assert "to this machine itself" in (await refused(fetcher, place.url(), folder)).message
            await fetcher.close()
        assert not inside.connections
        url = f"http://{OWN}:{inside.port}"
        trusting = CheckedFetcher(resolve=no_names)
        await trusting.download(f"{url}/x", folder / "a", max_bytes=10, application=None, trusted=url)
        assert (folder / "a").read_bytes() == b"inside"
        await trusting.close()


async def own_since_the_check() -> None:
    """An address that has become ours after the check gets a connection, and no request."""
    give(f"{OWN}/32")
    async with site(says(b"inside"), host="0.0.0.0") as inside:
        fetcher = CheckedFetcher(resolve=resolver([OWN])[0])
        with mock.patch.object(addresses, "is_own", return_value=False):
            for host in ("a.test", OWN):
                try:
                    await fetcher.post(f"http://{host}:{inside.port}/", b"{}", {}, timeout=5, application="a")
                except FetchError as error:
                    assert "to this machine itself" in error.message, error.message
                else:
                    raise AssertionError(host)
        await fetcher.close()
        assert not inside.requests


CASES: tuple[Callable[[], Awaitable[None]], ...] = (
    interfaces,
    routed_here,
    bound_to_anything,
    refused_before_a_name_is_asked,
    not_reached_by_names,
    own_since_the_check,
)

if __name__ == "__main__":
    play_here(CASES, sys.argv[1])
