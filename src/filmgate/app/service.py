"""A whole service on a data folder."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, NamedTuple

from filmgate import __version__
from filmgate.app.ledger import open_ledger
from filmgate.domain.settings import Settings

if TYPE_CHECKING:
    from filmgate.adapters.dispatch.embedded import EmbeddedDispatcher
    from filmgate.adapters.telemetry.spans import App
    from filmgate.core.tasks.access import AccessControl
    from filmgate.core.tasks.events import Events
    from filmgate.core.tasks.service import TaskService


class Service(NamedTuple):
    """A running service: the application that serves requests, and the parts that tests and shutdown work with."""

    asgi: App
    tasks: TaskService
    events: Events
    access: AccessControl
    dispatcher: EmbeddedDispatcher
    first_key: str | None


@contextlib.asynccontextmanager
async def open_service(settings: Settings) -> AsyncIterator[Service]:
    """Put a service together and run its work; on leaving, running work gets `grace` seconds to finish."""
    from filmgate.adapters.telemetry import Metrics
    from filmgate.adapters.telemetry.spans import trace_app
    from filmgate.adapters.web.metrics import RequestCounter
    from filmgate.app.container import create_adapters, create_container
    from filmgate.app.web import all_dialects, announcing, web_app, webhook_serializers
    from filmgate.app.work import queue_configs

    async with contextlib.AsyncExitStack() as stack:
        adapters = create_adapters(stack, settings, await stack.enter_async_context(open_ledger(settings)))
        container = await create_container(adapters)
        dialects = all_dialects()
        requests = RequestCounter()
        metrics = Metrics(
            requests.items,
            adapters.ledger.figures,
            adapters.table,
            adapters.accounts,
            settings.data,
            __version__,
            adapters.clock,
            lookups=adapters.names.lookups,
        )
        await metrics.start()
        app = web_app(container, dialects, requests, metrics)
        stack.push_async_callback(app.close)
        for account in adapters.accounts.values():
            account.start()
        stack.push_async_callback(container.garbage_collector.close)
        stack.push_async_callback(adapters.dispatcher.stop, settings.grace)
        earlier = await container.garbage_collector.earlier()
        serializers = webhook_serializers(dialects)
        await adapters.dispatcher.start(queue_configs(container, serializers, announcing(dialects), metrics))
        container.garbage_collector.start(earlier)
        yield Service(
            app if adapters.tracing is None else trace_app(app, app.dialect_as_sent, adapters.tracing),
            container.tasks,
            container.events,
            container.access,
            adapters.dispatcher,
            container.first_key,
        )
