"""A machine whose /etc and network are the test's own: namespaces that end with the process.

Run as a program it plays one case in them: `python -m tests.http.machine CASE`.
"""

from __future__ import annotations

import asyncio
import functools
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from tests.support.nameserver import SILENT, Answer, NameServer, name_server

from filmgate.adapters.outbound.name_servers import NameServers
from filmgate.adapters.outbound.resolver import Unresolved

ETC = Path("/etc")
RESOLV, HOSTS = ETC / "resolv.conf", ETC / "hosts"
SEARCH = "search default.svc.cluster.local svc.cluster.local cluster.local"


def machine_of_its_own(module: str) -> list[str]:
    """Return the command that runs a module there; skips the test where that is not allowed."""
    if not _allowed():
        pytest.skip("namespaces need root here, or a system that allows them to users")
    return ["unshare", "--map-root-user", "--mount", "--net", sys.executable, "-m", module]


@functools.cache
def _allowed() -> bool:
    command = shutil.which("unshare")
    if command is None:
        return False
    check = [command, "--map-root-user", "--mount", "--net", "sh", "-c", "ip link set lo up && mount -t tmpfs etc /etc"]
    return subprocess.run(check, capture_output=True, check=False).returncode == 0


def play_here(cases: Sequence[Callable[[], Awaitable[None]]], name: str) -> None:
    """Play one of the cases on this machine, which is the test's own."""
    set_up()
    case = next(case for case in cases if case.__name__ == name)

    async def play() -> None:
        await case()

    asyncio.run(play())


async def played(module: str, case: str) -> tuple[int | None, str]:
    """Play a case of a module on a machine of its own; return the exit status and what it wrote."""
    command = [*machine_of_its_own(module), case]
    process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)
    _, errors = await process.communicate()
    return process.returncode, errors.decode()


def set_up() -> None:
    """Return this machine an /etc with no more than certificates, and a network of loopback alone."""
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["mount", "-t", "tmpfs", "etc", folder], check=True)
        if (ETC / "ssl").is_dir():
            shutil.copytree(ETC / "ssl", Path(folder, "ssl"), symlinks=True)
        subprocess.run(["mount", "--bind", folder, "/etc"], check=True)
        subprocess.run(["umount", folder], check=True)
    HOSTS.write_text("127.0.0.1 localhost\n")
    (ETC / "nsswitch.conf").write_text("hosts: files dns\n")


def configure(server: NameServer, more: str = "", path: Path = RESOLV) -> None:
    """Write a `resolv.conf` that names the server, in place of an earlier one."""
    fresh = path.with_suffix(".new")
    fresh.write_text(f"nameserver [127.0.0.1]:{server.port}\noptions ndots:5\n{more}\n")
    fresh.replace(path)


@asynccontextmanager
async def asking(known: dict[str, Answer], more: str = "") -> AsyncIterator[tuple[NameServers, NameServer]]:
    """Ask the one name server that the machine's configuration names."""
    async with name_server(known) as server:
        configure(server, more)
        names = NameServers()
        yield names, server
        await names.close()


async def search_domains() -> None:
    """With ndots:5 a name is looked for in the search domains first, as in a Kubernetes pod, then as it is."""
    inside: dict[str, Answer] = {"gpu.default.svc.cluster.local": ["10.1.2.3"], "api.example.test": ["203.0.113.7"]}
    async with asking(inside, SEARCH) as (names, server):
        assert await names.ask("gpu") == ["10.1.2.3"]
        assert await names.ask("gpu.default.svc.cluster.local") == ["10.1.2.3"]
        assert await names.ask("api.example.test") == ["203.0.113.7"]
        assert server.asked["api.example.test.cluster.local"] == 1
        await unresolved(names, "gpu2", "does not exist")


async def hosts() -> None:
    """Names of /etc/hosts are found there, also those that were written a moment ago, before any server is asked."""
    async with asking({"box.test": ["203.0.113.7"]}) as (names, server):
        HOSTS.write_text("127.0.0.1 localhost\n10.0.0.5 box.test box\n2001:db8::5 box.test\n")
        assert sorted(await names.ask("box.test")) == ["10.0.0.5", "2001:db8::5"]
        assert "10.0.0.5" in await names.ask("box")
        assert not server.asked
        HOSTS.write_text("10.0.0.6 box.test\n")
        # Two versions of the same second look alike to the library.
        os.utime(HOSTS, (HOSTS.stat().st_mtime + 2, HOSTS.stat().st_mtime + 2))
        assert await names.ask("box.test") == ["10.0.0.6"]


async def changed() -> None:
    """A new `resolv.conf` holds for the next name: replaced, written in place, or behind a link."""
    async with name_server({"a.test": SILENT}) as old, asking({"a.test": ["203.0.113.2"]}) as (names, new):
        for change in (_replaced, _in_place, _behind_a_link):
            change(old)
            await unresolved(names, "a.test", "in time")
            change(new)
            assert await names.ask("a.test") == ["203.0.113.2"], change.__name__


def _replaced(server: NameServer) -> None:
    configure(server)


def _in_place(server: NameServer) -> None:
    RESOLV.write_text(f"nameserver [127.0.0.1]:{server.port}\n")


def _behind_a_link(server: NameServer) -> None:
    target = ETC / "stub-resolv.conf"
    configure(server, path=target)
    RESOLV.unlink()
    RESOLV.symlink_to(target)


async def no_ipv6() -> None:
    """Where IPv6 leads nowhere, the addresses that can be reached come first."""
    known: dict[str, Answer] = {"both.test": [*(f"2001:db8::{n}" for n in range(1, 9)), "127.0.0.7"]}
    async with asking(known) as (names, _):
        found = await names.ask("both.test")
        assert (found[0], len(found)) == ("127.0.0.7", 9)


async def no_name_server() -> None:
    """Without a configuration, or with a port that nobody listens at, a name cannot be resolved for now."""
    names = NameServers()
    await unresolved(names, "a.test", "could not be resolved")
    RESOLV.write_text("nameserver 127.0.0.1\n")
    await unresolved(names, "a.test", "could not be resolved")
    await names.close()


async def unresolved(names: NameServers, name: str, words: str) -> None:
    """Ask in vain."""
    try:
        found = await names.ask(name)
    except Unresolved as error:
        assert words in error.message, error.message
    else:
        raise AssertionError(f"{name} has {found}")


CASES: tuple[Callable[[], Awaitable[None]], ...] = (search_domains, hosts, changed, no_ipv6, no_name_server)


if __name__ == "__main__":
    play_here(CASES, sys.argv[1])
