"""What everything else is built on."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path

    from filmgate.adapters.telemetry import Tracing
    from filmgate.app.resolvers import Names
    from filmgate.core.media.inputs import MediaInputs
    from filmgate.core.media.links import Links
    from filmgate.core.providers.account import Account
    from filmgate.core.providers.routing import Router
    from filmgate.core.query.feed import Feed
    from filmgate.core.work.attempt import WorkContext
    from filmgate.domain.settings import EngineSettings, Settings
    from filmgate.ports.clock import Clock
    from filmgate.ports.dispatch import Dispatcher
    from filmgate.ports.engine import Engine
    from filmgate.ports.fetcher import Fetcher
    from filmgate.ports.ledger import Ledger
    from filmgate.ports.media import MediaStore, MediaTools


class Container(NamedTuple):
    """The settings, the adapters behind the ports, and what the core shares. `work` is for files in progress."""

    settings: Settings
    table: dict[str, EngineSettings]
    engines: dict[str, Engine]
    accounts: dict[str, Account]
    ledger: Ledger
    store: MediaStore
    tools: MediaTools
    fetcher: Fetcher
    names: Names
    dispatcher: Dispatcher
    feed: Feed
    links: Links
    media_inputs: MediaInputs
    work_context: WorkContext
    router: Router
    clock: Clock
    work: Path
    tracing: Tracing | None
