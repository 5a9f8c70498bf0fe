"""Opening the ledger, and a whole service on it."""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from filmgate import __version__
from filmgate.adapters.ledger.sqlite import SqliteLedger
from filmgate.app.keys import admin_key, first_start
from filmgate.domain.errors import NotFound, Unavailable
from filmgate.domain.settings import Settings
from filmgate.modes import folder_mode, restrict
from filmgate.ports.ledger import Ledger

if TYPE_CHECKING:
    from filmgate.adapters.dispatch.embedded import EmbeddedDispatcher
    from filmgate.adapters.telemetry import Tracing
    from filmgate.adapters.telemetry.spans import App
    from filmgate.adapters.web.app import WebApp
    from filmgate.app.container import Container
    from filmgate.app.engines import Wrap
    from filmgate.app.resolvers import Names
    from filmgate.core.tasks.access import AccessControl
    from filmgate.core.tasks.events import Events
    from filmgate.core.tasks.service import TaskService
    from filmgate.ports.fetcher import Fetcher

LEDGER = "filmgate.db"
"""The ledger in the data folder."""

MEDIA = "media"
"""The folder of stored files in the data folder."""

_DOWNLOAD_SECONDS = 300.0


class Service(NamedTuple):
    """A running service: what serves requests, the door to the ledger, the streams, and what takes the due work."""

    asgi: App
    tasks: TaskService
    events: Events
    access: AccessControl
    dispatcher: EmbeddedDispatcher
    first_key: str | None


@contextlib.asynccontextmanager
async def open_ledger(settings: Settings) -> AsyncIterator[Ledger]:
    """Open the ledger of a data folder, which is made if there is none. Raises Unavailable."""
    if settings.database is not None:
        raise Unavailable("Only the embedded ledger is there yet: leave FILMGATE_DATABASE empty.")
    restrict(group=settings.group_access)
    try:
        settings.data.mkdir(parents=True, exist_ok=True, mode=folder_mode())
    except OSError as error:
        raise Unavailable(f"The data folder {settings.data} cannot be made: {error.strerror}") from error
    async with _open_ledger(settings) as ledger:
        yield ledger


@contextlib.asynccontextmanager
async def open_existing_ledger(settings: Settings) -> AsyncIterator[Ledger]:
    """Open the ledger that a data folder has; the service may be running. Raises Unavailable, NotFound without one.

    A mistyped folder must not become a new ledger with keys that no service knows.
    """
    if settings.database is not None:
        raise Unavailable("Only the embedded ledger is there yet: leave FILMGATE_DATABASE empty.")
    try:
        size = (settings.data / LEDGER).stat().st_size
    except OSError:
        size = 0
    if not size:
        raise NotFound(f"There is no ledger in {settings.data}: `filmgate serve` makes one in its data folder.")
    async with _open_ledger(settings) as ledger:
        yield ledger


@contextlib.asynccontextmanager
async def _open_ledger(settings: Settings) -> AsyncIterator[Ledger]:
    ledger = SqliteLedger(settings.data / LEDGER, settings.limits())
    await ledger.open()
    try:
        yield ledger
    finally:
        await ledger.close()


@contextlib.asynccontextmanager
async def open_service(settings: Settings) -> AsyncIterator[Service]:
    """Put a service together and run its work; on leaving, running work gets `grace` seconds to finish."""
    from filmgate.adapters.telemetry import Metrics
    from filmgate.adapters.web.metrics import RequestCounter
    from filmgate.app.engines import engines_by_application, origins
    from filmgate.app.web import all_dialects, application, webhook_serializers
    from filmgate.app.work import queue_configs
    from filmgate.core.admin import AdminService
    from filmgate.core.providers.importer import Importer
    from filmgate.core.providers.poll import Polling
    from filmgate.core.query.cache import Query
    from filmgate.core.tasks.access import AccessControl
    from filmgate.core.tasks.events import Events
    from filmgate.core.tasks.service import TaskService
    from filmgate.core.work.external_inputs import needed_references
    from filmgate.core.work.garbage_collection import GarbageCollector

    async with contextlib.AsyncExitStack() as stack:
        dispatcher, base = await _base(stack, settings, await stack.enter_async_context(open_ledger(settings)))
        ledger = base.ledger
        await ledger.set_origins(origins(base.accounts.values()), base.clock())
        importer = Importer(
            base.accounts,
            base.table,
            ledger,
            dispatcher,
            base.clock,
            asked_for=await engines_by_application(ledger, base.accounts.values()),
        )
        missing = importer.for_query if importer.is_wanted else None
        polling = Polling(base.accounts, base.work_context)
        query = Query(
            ledger,
            cache_bytes=settings.answer_cache,
            max_batch=settings.max_batch,
            missing=missing,
            upcoming=polling.upcoming,
        )
        tasks = TaskService(
            ledger,
            base.store,
            base.media_inputs,
            query,
            base.feed,
            dispatcher,
            base.router,
            base.table,
            max_unfinished=settings.max_unfinished,
            inputs=partial(needed_references, base.accounts),
            max_small_body=settings.max_small_body,
            missing=missing,
            clock=base.clock,
        )
        owner, first_key = await first_start(ledger, settings)
        access = AccessControl(
            ledger,
            submit_rate=settings.submit_rate,
            query_rate=settings.query_rate,
            admin=admin_key(settings, owner),
        )
        admin = AdminService(base.work_context, base.router, base.table, base.engines, base.accounts)
        dialects = all_dialects()
        events = Events(tasks, ledger, base.feed, max_streams=settings.max_streams)
        requests = RequestCounter()
        metrics = Metrics(
            requests.items,
            ledger.figures,
            base.table,
            base.accounts,
            settings.data,
            __version__,
            base.clock,
            lookups=base.names.lookups,
        )
        await metrics.start()
        asgi = application(base, dialects, access, query, tasks, events, admin, importer, polling, requests, metrics)
        stack.push_async_callback(asgi.close)
        for account in base.accounts.values():
            account.start()
        garbage_collector = GarbageCollector(
            ledger, base.store, query, base.feed, dispatcher, base.clock, every=settings.collect_every
        )
        stack.push_async_callback(garbage_collector.close)
        announced = frozenset(dialect.name for dialect in dialects if dialect.announces)
        stack.push_async_callback(dispatcher.stop, settings.grace)
        earlier = await garbage_collector.earlier()
        await dispatcher.start(queue_configs(base, tasks, polling, webhook_serializers(dialects), announced, metrics))
        garbage_collector.start(earlier)
        yield Service(_with_app_tracing(asgi, base.tracing), tasks, events, access, dispatcher, first_key)


async def _base(
    stack: contextlib.AsyncExitStack, settings: Settings, ledger: Ledger
) -> tuple[EmbeddedDispatcher, Container]:
    """Make the adapters, to be closed with the stack, and what the core shares."""
    from filmgate.adapters.decode import SandboxedTools
    from filmgate.adapters.dispatch.embedded import EmbeddedDispatcher
    from filmgate.adapters.store import LocalStore
    from filmgate.app.container import Container
    from filmgate.app.engines import engines_and_accounts
    from filmgate.app.reach import is_address_of_this_machine
    from filmgate.app.resolvers import Names
    from filmgate.core.media.inputs import MediaInputs
    from filmgate.core.media.links import Links
    from filmgate.core.providers.routing import Router
    from filmgate.core.query.feed import Feed
    from filmgate.core.work.attempt import WorkContext

    clock, work = time.time, _empty_folder(settings.data / "work")
    table = settings.engine_table()
    tracing = _tracing(stack)
    names = Names(settings)
    engines, accounts = engines_and_accounts(table, names.of_provider, _wrap(tracing))
    store = LocalStore(settings.data / MEDIA)
    tools = SandboxedTools(max_video_pixels=settings.max_video_megapixels * 1_000_000)
    fetcher = _fetcher(settings, names, tracing)
    parts: list[Any] = [names, tools, fetcher, *engines.values(), *accounts.values()]
    for part in parts:
        stack.push_async_callback(part.close)
    ledger = _with_tracing(ledger, tracing)
    feed, dispatcher = Feed(), EmbeddedDispatcher(ledger, clock)
    links = Links(settings.public_url, settings.allowed_hosts, settings.host, is_address_of_this_machine)
    media_inputs = MediaInputs(
        ledger,
        store,
        tools,
        fetcher,
        links,
        clock,
        work=work,
        max_image=settings.max_image,
        max_video=settings.max_video,
        max_fetches=settings.max_fetches,
        fetch_seconds=settings.fetch_seconds,
    )
    return dispatcher, Container(
        settings=settings,
        table=table,
        engines=engines,
        accounts=accounts,
        ledger=ledger,
        store=store,
        tools=tools,
        fetcher=fetcher,
        names=names,
        dispatcher=dispatcher,
        feed=feed,
        links=links,
        media_inputs=media_inputs,
        work_context=WorkContext(ledger, feed, dispatcher, clock),
        router=Router(
            ledger,
            table,
            engines,
            accounts,
            default_engine=settings.fallback,
            default_model=settings.default_model,
        ),
        clock=clock,
        work=work,
        tracing=tracing,
    )


def _tracing(stack: contextlib.AsyncExitStack) -> Tracing | None:
    """Load what makes spans, if the environment wants any. Raises Unavailable if it is not installed."""
    from filmgate.adapters.telemetry import Tracing, tracing_wanted

    if not tracing_wanted():
        return None
    tracing = Tracing()
    stack.push_async_callback(tracing.close)
    return tracing


def _with_tracing(ledger: Ledger, tracing: Tracing | None) -> Ledger:
    from filmgate.adapters.telemetry.spans import trace_ledger

    return ledger if tracing is None else trace_ledger(ledger, tracing)


def _wrap(tracing: Tracing | None) -> Wrap:
    from filmgate.adapters.telemetry.spans import TracedProviderClient

    return lambda line, engine: line if tracing is None else TracedProviderClient(line, engine, tracing)


def _fetcher(settings: Settings, names: Names, tracing: Tracing | None) -> Fetcher:
    from filmgate.adapters.outbound.fetcher import CheckedFetcher
    from filmgate.adapters.telemetry.spans import TracedFetcher

    fetcher = CheckedFetcher(settings.allow_networks, resolve=names.resolve, total=_DOWNLOAD_SECONDS)
    return fetcher if tracing is None else TracedFetcher(fetcher, tracing)


def _with_app_tracing(app: WebApp, tracing: Tracing | None) -> App:
    from filmgate.adapters.telemetry.spans import trace_app

    return app if tracing is None else trace_app(app, app.dialect_as_sent, tracing)


def _empty_folder(path: Path) -> Path:
    """Return an empty folder for work in progress: what an earlier process left there is no use to anybody."""
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True, mode=folder_mode())
    return path
