"""The parts of a service, from the bottom up: settings, the adapters behind the ports, the core."""

from __future__ import annotations

import contextlib
import shutil
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from filmgate.adapters.decode import SandboxedTools
from filmgate.adapters.dispatch.embedded import EmbeddedDispatcher
from filmgate.adapters.outbound.fetcher import CheckedFetcher
from filmgate.adapters.store import LocalStore
from filmgate.adapters.telemetry import Tracing, tracing_wanted
from filmgate.adapters.telemetry.spans import TracedFetcher, TracedProviderClient, trace_ledger
from filmgate.app.engines import engines_and_accounts, engines_by_application, origins
from filmgate.app.folder import MEDIA
from filmgate.app.keys import admin_key, first_start
from filmgate.app.reach import is_address_of_this_machine
from filmgate.app.resolvers import Names
from filmgate.core.admin import AdminService
from filmgate.core.media.announcements import LocalAnnouncements
from filmgate.core.media.inputs import MediaInputs
from filmgate.core.media.links import Links
from filmgate.core.media.uploads import Uploads
from filmgate.core.providers.importer import Importer
from filmgate.core.providers.poll import Polling
from filmgate.core.providers.routing import Router
from filmgate.core.query.cache import Query
from filmgate.core.query.feed import Feed
from filmgate.core.tasks.access import AccessControl, Action, Buckets
from filmgate.core.tasks.events import Events
from filmgate.core.tasks.flights import LocalFlights
from filmgate.core.tasks.idempotency import Idempotency
from filmgate.core.tasks.service import TaskService
from filmgate.core.tasks.usage import UsageService
from filmgate.core.webhooks.service import WebhookService
from filmgate.core.work.attempt import WorkContext
from filmgate.core.work.external_inputs import needed_references
from filmgate.core.work.garbage_collection import GarbageCollector
from filmgate.domain.settings import EngineSettings, Settings
from filmgate.modes import folder_mode

if TYPE_CHECKING:
    from filmgate.core.providers.account import Account
    from filmgate.ports.clock import Clock
    from filmgate.ports.engine import Engine
    from filmgate.ports.fetcher import Fetcher
    from filmgate.ports.ledger import Ledger
    from filmgate.ports.media import MediaStore, MediaTools

_DOWNLOAD_SECONDS = 300.0


class Adapters(NamedTuple):
    """The settings, and the adapters behind the ports. `work` is for files in progress."""

    settings: Settings
    table: dict[str, EngineSettings]
    engines: dict[str, Engine]
    accounts: dict[str, Account]
    ledger: Ledger
    store: MediaStore
    tools: MediaTools
    fetcher: Fetcher
    names: Names
    dispatcher: EmbeddedDispatcher
    clock: Clock
    work: Path
    tracing: Tracing | None


class Container(NamedTuple):
    """The services of the core, and the adapters below them."""

    adapters: Adapters
    access: AccessControl
    admin: AdminService
    events: Events
    garbage_collector: GarbageCollector
    idempotency: Idempotency
    importer: Importer
    links: Links
    media_inputs: MediaInputs
    polling: Polling
    query: Query
    router: Router
    tasks: TaskService
    uploads: Uploads
    usage: UsageService
    webhooks: WebhookService
    work_context: WorkContext
    first_key: str | None


def create_adapters(stack: contextlib.AsyncExitStack, settings: Settings, ledger: Ledger) -> Adapters:
    """Create the adapters, to be closed with the stack. Raises Unavailable for engines that are not set up right."""
    clock, work = time.time, _empty_folder(settings.data / "work")
    table, tracing, names = settings.engine_table(), _tracing(stack), Names(settings)
    engines, accounts = engines_and_accounts(
        table,
        names.of_provider,
        lambda line, engine: line if tracing is None else TracedProviderClient(line, engine, tracing),
    )
    store = LocalStore(settings.data / MEDIA)
    tools = SandboxedTools(max_video_pixels=settings.max_video_megapixels * 1_000_000)
    checked = CheckedFetcher(settings.allow_networks, resolve=names.resolve, total=_DOWNLOAD_SECONDS)
    fetcher: Fetcher = checked if tracing is None else TracedFetcher(checked, tracing)
    closing: list[Any] = [names, tools, fetcher, *engines.values(), *accounts.values()]
    for each in closing:
        stack.push_async_callback(each.close)
    ledger = ledger if tracing is None else trace_ledger(ledger, tracing)
    dispatcher = EmbeddedDispatcher(ledger, clock)
    return Adapters(
        settings, table, engines, accounts, ledger, store, tools, fetcher, names, dispatcher, clock, work, tracing
    )


async def create_container(adapters: Adapters) -> Container:
    """Create the services of the core. The first start of a data folder makes its first key."""
    settings, table, engines, accounts = adapters.settings, adapters.table, adapters.engines, adapters.accounts
    ledger, store, dispatcher, clock = adapters.ledger, adapters.store, adapters.dispatcher, adapters.clock
    await ledger.set_origins(origins(accounts.values()), clock())
    feed = Feed()
    links = Links(settings.public_url, settings.allowed_hosts, settings.host, is_address_of_this_machine)
    media_inputs = MediaInputs(
        ledger,
        store,
        adapters.tools,
        adapters.fetcher,
        links,
        clock,
        work=adapters.work,
        max_image=settings.max_image,
        max_video=settings.max_video,
        max_fetches=settings.max_fetches,
        fetch_seconds=settings.fetch_seconds,
    )
    work_context = WorkContext(ledger, feed, dispatcher, clock)
    router = Router(
        ledger, table, engines, accounts, default_engine=settings.fallback, default_model=settings.default_model
    )
    asked_for = await engines_by_application(ledger, accounts.values())
    importer = Importer(accounts, table, ledger, dispatcher, clock, asked_for=asked_for)
    missing = importer.for_query if importer.is_wanted else None
    polling = Polling(accounts, work_context)
    query = Query(
        ledger,
        cache_bytes=settings.answer_cache,
        max_batch=settings.max_batch,
        missing=missing,
        upcoming=polling.upcoming,
    )
    tasks = TaskService(
        ledger,
        store,
        media_inputs,
        query,
        feed,
        dispatcher,
        router,
        table,
        max_unfinished=settings.max_unfinished,
        inputs=partial(needed_references, accounts),
        max_small_body=settings.max_small_body,
        missing=missing,
        clock=clock,
    )
    owner, first_key = await first_start(ledger, settings)
    return Container(
        adapters=adapters,
        access=AccessControl(
            ledger,
            rates={Action.SUBMIT: Buckets(settings.submit_rate), Action.QUERY: Buckets(settings.query_rate)},
            admin=admin_key(settings, owner),
        ),
        admin=AdminService(work_context, router, table, engines, accounts),
        events=Events(tasks, ledger, feed, max_streams=settings.max_streams),
        garbage_collector=GarbageCollector(ledger, store, query, feed, dispatcher, clock, every=settings.collect_every),
        idempotency=Idempotency(
            tasks, ledger, LocalFlights(), clock, key_seconds=settings.keep_idempotency_hours * 3_600.0
        ),
        importer=importer,
        links=links,
        media_inputs=media_inputs,
        polling=polling,
        query=query,
        router=router,
        tasks=tasks,
        uploads=Uploads(ledger, store, media_inputs, LocalAnnouncements(), clock, max_bytes=settings.max_body),
        usage=UsageService(ledger, clock),
        webhooks=WebhookService(ledger, dispatcher, clock),
        work_context=work_context,
        first_key=first_key,
    )


def _tracing(stack: contextlib.AsyncExitStack) -> Tracing | None:
    """Load what makes spans, if the environment wants any. Raises Unavailable if it is not installed."""
    if not tracing_wanted():
        return None
    tracing = Tracing()
    stack.push_async_callback(tracing.close)
    return tracing


def _empty_folder(path: Path) -> Path:
    """Return an empty folder for work in progress: what an earlier process left there is no use to anybody."""
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True, mode=folder_mode())
    return path
