"""Who is asked for the addresses of a name: the name servers directly, or the system's own resolver."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from filmgate.adapters.outbound.resolver import Unresolved

_CONFIGURATION = (Path("/etc/resolv.conf"), Path("/etc/nsswitch.conf"))
_TRY_SECONDS = 1.0
_TRIES = 3
_CHANNEL_SECONDS = 300.0
_CHANNEL_NAMES = 1_000


class NameServers:
    """Asks the name servers of `resolv.conf` through c-ares, without a thread per name.

    `/etc/hosts`, search domains, `ndots` and truncated answers are c-ares' work; so is its cache, which keeps answers
    as long as they allow. It has no bound of its own and does not see every change of `resolv.conf` (a symbolic link,
    a bind mount), so a new channel is opened after a change, after five minutes and after a thousand names.
    """

    def __init__(
        self,
        configuration: Sequence[Path] = _CONFIGURATION,
        *,
        clock: Callable[[], float] = time.monotonic,
        **options: Any,
    ) -> None:
        """Take the files whose change is a reason to begin anew, and options of c-ares, such as `servers`."""
        self._configuration, self._clock, self._options = configuration, clock, options
        self._channel: _Channel | None = None

    async def ask(self, host: str) -> list[str]:
        """Return the addresses of a name, those that can be reached first. Raises Unresolved."""
        from aiodns.error import DNSError
        from pycares import AresError

        try:
            channel = self._open_channel()
            found = await channel.ask(host)
        except (DNSError, AresError) as error:
            raise _failure(host, error.args[0] if error.args else None) from error
        return found

    async def close(self) -> None:
        """Close the sockets; look-ups under way fail."""
        channel, self._channel = self._channel, None
        if channel is not None:
            await channel.close()

    def _open_channel(self) -> _Channel:
        """Return a channel that knows the present configuration."""
        seen = tuple(map(_version, self._configuration))
        old = self._channel
        if old is not None:
            if old.seen == seen and old.names < _CHANNEL_NAMES and self._clock() < old.until:
                return old
            old.retired = True
        self._channel = _Channel(self._options, seen, self._clock() + _CHANNEL_SECONDS)
        return self._channel


class _Channel:
    """A channel of c-ares; once it is retired it closes with the last look-up."""

    def __init__(self, options: dict[str, Any], seen: object, until: float) -> None:
        import aiodns

        # A look-up cannot be called off, so it must end by itself soon after its asker's patience.
        self._resolver = aiodns.DNSResolver(timeout=_TRY_SECONDS, tries=_TRIES, **options)
        self._running = 0
        self.seen, self.until = seen, until
        self.names = 0
        self.retired = False

    async def ask(self, host: str) -> list[str]:
        self.names += 1
        self._running += 1
        try:
            found = await self._resolver.getaddrinfo(host, type=socket.SOCK_STREAM)
        finally:
            self._running -= 1
            if self.retired and not self._running:
                await self.close()
        return [node.addr[0].decode() for node in found.nodes]

    async def close(self) -> None:
        await self._resolver.close()


def _version(path: Path) -> tuple[int, int, int] | None:
    """Return what tells one version of a file from the next; a link is followed."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns, status.st_size


def _failure(host: str, code: int | None) -> Unresolved:
    """Put an error of c-ares into a sentence."""
    from pycares import errno

    if code in (errno.ARES_ENOTFOUND, errno.ARES_EBADNAME):
        return Unresolved(f"The name {host} does not exist.", retryable=False)
    if code == errno.ARES_ENODATA:
        return Unresolved(f"The name {host} has no address.", retryable=True)
    if code == errno.ARES_ETIMEOUT:
        return Unresolved(f"The name {host} could not be resolved in time.", retryable=True)
    return Unresolved(f"The name {host} could not be resolved.", retryable=True)


async def ask_system(host: str) -> list[str]:
    """Return what the system's own resolver finds, with its plugins (NSS). Raises Unresolved.

    It blocks for as long as it likes, so every name gets a thread of its own. Whoever calls this bounds their number.
    The threads do not keep the process from ending.
    """
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[list[str]] = loop.create_future()

    def settle(found: list[str] | Unresolved) -> None:
        if answer.done():
            return
        if isinstance(found, Unresolved):
            answer.set_exception(found)
        else:
            answer.set_result(found)

    def look_up() -> None:
        found = _system(host)
        with contextlib.suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(settle, found)

    threading.Thread(target=look_up, name="look-up", daemon=True).start()
    return await answer


def _system(host: str) -> list[str] | Unresolved:
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        if error.errno == socket.EAI_NONAME:
            return Unresolved(f"The name {host} does not exist.", retryable=False)
        return Unresolved(f"The name {host} could not be resolved.", retryable=True)
    except (OSError, UnicodeError):
        return Unresolved(f"The name {host} could not be resolved.", retryable=True)
    return [str(place[0]) for *_, place in found]
