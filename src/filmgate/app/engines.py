"""Engines of this process and accounts with providers, made from the admin's tables."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from filmgate.app.keys import new_application
from filmgate.domain.errors import InvalidRequest, Unavailable
from filmgate.domain.settings import LOCAL, EngineSettings
from filmgate.ports.clock import Clock
from filmgate.ports.ledger import Ledger

if TYPE_CHECKING:
    from filmgate.core.providers.account import Account
    from filmgate.ports.engine import Engine
    from filmgate.ports.transport import ProviderClient

Wrap = Callable[["ProviderClient", str], "ProviderClient"]
Resolving = Callable[[str], Callable[[str], Awaitable[Sequence[str]]]]
"""Gives what resolves the names of an engine's provider."""

_NO_HOME = frozenset({"gateway", "openai_videos"})
"""Types that many servers have: which one is meant has to be said."""

_EXAMPLE = "http://127.0.0.1:8000/v1"


def engines_and_accounts(
    table: Mapping[str, EngineSettings], resolving: Resolving, wrap: Wrap = lambda line, _: line
) -> tuple[dict[str, Engine], dict[str, Account]]:
    """Make the engines of this process and the accounts with providers, by name. Raises Unavailable.

    `wrap` is given the line to each provider, and the engine's name.
    """
    engines: dict[str, Engine] = {}
    accounts: dict[str, Account] = {}
    upstreams = upstream_types() if {engine.type for engine in table.values()} - LOCAL else {}
    for name, settings in table.items():
        try:
            if settings.type in LOCAL:
                engines[name] = _engine(name, settings)
            else:
                accounts[name] = _account(name, settings, upstreams[settings.type], resolving, wrap)
        except (ValueError, InvalidRequest) as error:
            raise Unavailable(f'The engine "{name}" is not set up right: {error}') from error
    return engines, accounts


def _engine(name: str, settings: EngineSettings) -> Engine:
    """Make an engine of this process. Raises ValueError for options it does not have."""
    if settings.type == "studio":
        from filmgate.adapters.engines.studio import StudioEngine

        return StudioEngine(name, slots=settings.slots or 1, options=settings.options)
    from filmgate.adapters.engines.scripted import ScriptedEngine

    return ScriptedEngine(name, slots=settings.slots or 32, options=settings.options)


def upstream_types() -> dict[str, Any]:
    """Return what speaks each dialect as a client, by the dialect's name."""
    from filmgate.adapters.dialects.acedata.upstream import AceDataUpstream
    from filmgate.adapters.dialects.agents.upstream import AgentsUpstream
    from filmgate.adapters.dialects.dream_machine.upstream import DreamMachineUpstream
    from filmgate.adapters.dialects.gateway.upstream import GatewayUpstream
    from filmgate.adapters.dialects.openai_videos.upstream import OpenAIVideosUpstream

    return {
        "dream_machine": DreamMachineUpstream,
        "agents": AgentsUpstream,
        "acedata": AceDataUpstream,
        "gateway": GatewayUpstream,
        "openai_videos": OpenAIVideosUpstream,
    }


def _account(name: str, settings: EngineSettings, upstream: Any, resolving: Resolving, wrap: Wrap) -> Account:
    """Make an account with a provider. Raises ValueError for options that cannot be used."""
    from filmgate.adapters.dialects.calling.upstreams import options
    from filmgate.adapters.outbound.provider_client import HttpProviderClient
    from filmgate.core.providers.account import Account, local_state
    from filmgate.domain.accounts import account_settings

    own, rest = account_settings(settings.options)
    options(upstream.OPTIONS, rest)  # a mistyped base_url is that, and not one that is missing
    base = own.base_url or (None if settings.type in _NO_HOME else upstream.ADDRESS)
    if base is None:
        raise ValueError(f'base_url is missing: write where its API is, such as base_url = "{_EXAMPLE}"')
    key = own.key()
    if key is None and upstream.ADDRESS is not None and _host(base) == _host(upstream.ADDRESS):
        raise ValueError(
            f'{_host(base)} wants a key: write key_env = "NAME_OF_A_VARIABLE" or key_file = "FILE", or the base_url of '
            "a server of your own"
        )
    headers = {} if key is None else {"authorization": f"Bearer {key.get_secret_value()}"}
    line = wrap(HttpProviderClient(base, headers, timeout=own.timeout, resolve=resolving(name)), name)
    return Account(name, upstream(line, rest), own, state=local_state(own))


def _host(address: str) -> str:
    return (urlsplit(address).hostname or "").rstrip(".").lower()


def room_of(ledger: Ledger, name: str, settings: EngineSettings, clock: Clock) -> Callable[[], Awaitable[int]] | None:
    """Return what says how many more tasks an account may have at work, where that is limited.

    A task of an unknown outcome counts for as long as one may take: it is held for days, and not at work then.
    """
    slots = settings.slots
    if slots is None:
        return None

    async def room() -> int:
        return slots - await ledger.at_provider(name, since=clock() - settings.deadline)

    return room


def origins(accounts: Iterable[Account]) -> dict[str, str]:
    """Return the origin of each account's provider by the engine's name: scheme, host and port in one spelling."""
    from filmgate.adapters.outbound.addresses import parse

    return {account.name: parse(account.provider.line.base).origin for account in accounts}


async def engines_by_application(ledger: Ledger, accounts: Iterable[Account]) -> dict[str, tuple[str, ...]]:
    """Give, by application id, the engines at which the application's unknown ids are looked up."""
    asked: dict[str, tuple[str, ...]] = {}
    for account in accounts:
        if account.settings.adopt_for is not None:
            application = await ledger.add_application(new_application(account.settings.adopt_for))
            asked[application.id] = (*asked.get(application.id, ()), account.name)
    return asked
