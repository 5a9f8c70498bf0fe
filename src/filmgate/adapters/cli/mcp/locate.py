"""Where the service is that answers an agent.

It is the one that was named; else the one that `filmgate serve` with the same settings is, if it runs; else one that
another agent runs on the data folder; else one of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import httpx2
import msgspec

from filmgate.adapters.cli.configuration import settings
from filmgate.adapters.cli.errors import CommandExit
from filmgate.adapters.cli.mcp.child_service import ChildService
from filmgate.client import WrongService
from filmgate.client.identity import async_transport
from filmgate.client.target import Target, find

if TYPE_CHECKING:
    from filmgate.domain.settings import Settings

_PROBE_SECONDS = 5.0


class _Health(msgspec.Struct):
    status: str
    version: str


class ServiceLocator:
    """Finds the service when it is first needed, and again when one that belongs to an agent has gone.

    One that was named, or that is run with `filmgate serve`, is never replaced by another: it may be restarting,
    and needs its data folder.
    """

    def __init__(self, url: str | None, key: str | None, data: Path | None) -> None:
        """Take what the command was given. Raises InvalidInput."""
        self._key = key
        self._data = data
        self._fixed = None if url is None else find(url, key, data)
        self._embedded: ChildService | None = None
        self._read: Settings | None = None
        self._finding: asyncio.Future[Target] | None = None

    @property
    def _chosen(self) -> Settings:
        """The settings, read when they are first needed. Raises Stop."""
        self._read = self._read or settings(data=self._data)
        return self._read

    async def find(self) -> Target:
        """Return the service, starting one where there is none. Raises Stop.

        Several callers may wait at once; cancelling one does not affect the others.
        """
        if self._fixed is not None:
            return self._fixed
        if self._finding is None or (self._finding.done() and self._finding.exception() is not None):
            self._finding = asyncio.ensure_future(self._find())
        return await asyncio.shield(self._finding)

    def lost(self, target: Target) -> None:
        """Take note that nobody answers there."""
        finding = self._finding
        if finding is not None and finding.done() and finding.exception() is None and finding.result() is target:
            self._finding = None

    async def settle(self) -> None:
        """Wait until it is known where the service is, or that there is none."""
        with contextlib.suppress(CommandExit):
            await self.find()

    async def close(self) -> None:
        """End the service that was started here."""
        if self._finding is not None:
            self._finding.cancel()
            await asyncio.wait([self._finding])
        if self._embedded is not None:
            await self._embedded.stop()

    async def _find(self) -> Target:
        chosen = self._chosen
        usual = _address(chosen)
        if usual is not None and await self._is_own(usual):
            target = self._of_folder(usual)
            if self._embedded is None:
                self._fixed = target
            return target
        self._embedded = self._embedded or ChildService(chosen.data)
        address = await self._find_shared(self._embedded)
        if address is None:
            address = await self._start(self._embedded)
        else:
            _say(f"another agent's service at {address} answers, with data in {chosen.data}")
        return self._of_folder(address)

    def _of_folder(self, address: str) -> Target:
        """Return the service of the data folder at an address, where it has to prove that it is that one."""
        own = self._chosen.admin_key
        key = self._key or os.environ.get("FILMGATE_API_KEY") or (own and own.get_secret_value().strip()) or None
        return find(address, key, self._chosen.data)._replace(data=self._chosen.data)

    async def _is_own(self, address: str) -> bool:
        """Return whether the service of the data folder answers at an address."""
        target = self._of_folder(address)
        async with httpx2.AsyncClient(transport=async_transport(target), timeout=_PROBE_SECONDS) as http:
            try:
                response = await http.get(f"{address}/healthz")
                msgspec.json.decode(response.content, type=_Health)
            except WrongService as error:
                _say(f"{error.message}; name it with --url if it is meant")
                return False
            except (httpx2.HTTPError, msgspec.MsgspecError):
                return False
            return response.is_success

    async def _find_shared(self, embedded: ChildService) -> str | None:
        """Return the address of the service that another agent runs on the data folder."""
        address = embedded.announced_address()
        return address if address is not None and await self._is_own(address) else None

    async def _start(self, embedded: ChildService) -> str:
        try:
            address = await embedded.start()
        except CommandExit as stop:
            # Agents start together: another one's service may be just about to answer.
            shared = await embedded.wait_for_address() if stop.told["code"] == "in_use" else None
            if shared is None:
                raise
            _say(f"it is another agent's and answers at {shared}")
            return shared
        _say(f"no service was found: one of its own runs at {address} until stdin ends, with data in {embedded.data}")
        return address


def _address(chosen: Settings) -> str | None:
    """Return the address at which `filmgate serve` listens with these settings; None where that is up to chance."""
    if not chosen.port:
        return None
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(chosen.host.strip("[]"), chosen.host.strip("[]"))  # noqa: S104
    return f"http://{f'[{host}]' if ':' in host else host}:{chosen.port}"


def _say(sentence: str) -> None:
    print(f"filmgate mcp: {sentence}", file=sys.stderr, flush=True)
