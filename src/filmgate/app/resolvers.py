"""Name resolution of the service: tenants' names and those of providers, apart."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence

from filmgate.adapters.outbound.name_servers import NameServers, ask_system
from filmgate.adapters.outbound.resolver import Lookups, Resolver
from filmgate.domain.settings import Settings

_THREADS = 8
"""So many applications may use up their shares before others wait, where each look-up holds a thread."""

_SERVICE = "the service"


class Names:
    """Two resolvers that share nothing: no name of a tenant can delay a provider's."""

    def __init__(self, settings: Settings) -> None:
        self._servers: list[NameServers] = []
        self._tenants = self._resolver(settings)
        self._providers = self._resolver(settings)

    async def resolve(self, host: str, application: str | None) -> Sequence[str]:
        """Return the addresses of a name, on behalf of an application or of the service. Raises Unresolved."""
        if application is None:
            return await self._providers.resolve(host, _SERVICE)
        return await self._tenants.resolve(host, application)

    def of_provider(self, engine: str) -> Callable[[str], Awaitable[Sequence[str]]]:
        """Return what resolves the names of one provider, which has a share of its own."""
        return lambda host: self._providers.resolve(host, f"engine {engine}")

    def lookups(self) -> Mapping[str, Lookups]:
        """Return what the resolvers do, for metrics."""
        return {"tenants": self._tenants.lookups, "providers": self._providers.lookups}

    async def close(self) -> None:
        """Cancel the running look-ups and close the sockets."""
        for resolver in (self._tenants, self._providers):
            await resolver.close()
        for servers in self._servers:
            await servers.close()

    def _resolver(self, settings: Settings) -> Resolver:
        share = settings.max_lookups
        if settings.resolver == "system":
            return Resolver(ask_system, share=share, total=share * _THREADS)
        self._servers.append(NameServers())
        return Resolver(self._servers[-1].ask, share=share)
