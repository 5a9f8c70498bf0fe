"""The work behind the service: which queue is worked off by what, and how much of it at a time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from filmgate.adapters.telemetry import Metrics
from filmgate.adapters.telemetry.instrumentation import Watch
from filmgate.app.container import Container
from filmgate.app.engines import room_of
from filmgate.core.media.inputs import FETCHING_APPLICATIONS
from filmgate.core.media.post_processing import PostProcessing
from filmgate.core.providers.cancel import ProviderCancel
from filmgate.core.providers.download import Downloading
from filmgate.core.providers.inputs import InputTranslator
from filmgate.core.providers.request_builder import RequestBuilder
from filmgate.core.providers.submit import ProviderSubmit
from filmgate.core.query.cache import Serializer
from filmgate.core.tasks.expiry import Expiry
from filmgate.core.webhooks.deliver import WebhookSender
from filmgate.core.work.execution import Execution
from filmgate.core.work.external_inputs import ExternalInputs
from filmgate.core.work.local_stages import LocalStages
from filmgate.core.work.start import TaskStart
from filmgate.domain.work import SUBMIT_SLOTS, Queue, queue_of
from filmgate.ports.dispatch import QueueConfig, configure_queue


def queue_configs(
    container: Container, serializers: Mapping[str, Serializer], announced: frozenset[str], metrics: Metrics
) -> dict[str, QueueConfig]:
    """Return the configuration of all queues. `serializers` write webhooks; `announced` dialects hear of the start."""
    adapters = container.adapters
    ledger, accounts, clock = adapters.ledger, adapters.accounts, adapters.clock
    watch = Watch(metrics, adapters.tracing)
    webhooks = WebhookSender(ledger, adapters.fetcher, serializers, clock, told=metrics.count_webhook)
    expiry = Expiry(ledger, container.tasks, adapters.store, clock, accounts)
    execution = _execution(container, announced, watch)
    fetches = adapters.settings.max_fetches
    found = {
        **{name: QueueConfig(execution.advance, engine.slots) for name, engine in adapters.engines.items()},
        Queue.INPUTS: QueueConfig(execution.advance, fetches * FETCHING_APPLICATIONS, share=fetches),
        Queue.WEBHOOK: configure_queue(Queue.WEBHOOK, watch.delivering(webhooks.deliver)),
        Queue.EXPIRE: configure_queue(Queue.EXPIRE, expiry.expire),
        Queue.PURGE: configure_queue(Queue.PURGE, expiry.purge),
    }
    cancel = ProviderCancel(accounts, ledger, _request_builder(container), clock)
    for name in accounts:
        room = room_of(ledger, name, adapters.table[name], clock)
        found[name] = QueueConfig(execution.advance, SUBMIT_SLOTS, room=room)
        for queue, work in {
            Queue.LOOKUP: execution.advance,
            Queue.POLL: watch.polling(container.polling.follow),
            Queue.INGEST: execution.advance,
            Queue.RECALL: cancel.work,
        }.items():
            found[queue_of(queue, name)] = configure_queue(queue, work)
    return watch.queues(found)


def _request_builder(container: Container) -> RequestBuilder:
    """Return what writes submissions to providers."""
    adapters = container.adapters
    return RequestBuilder(adapters.accounts, container.router, adapters.settings.public_url)


def _execution(container: Container, announced: frozenset[str], watch: Watch) -> Execution:
    """Put together what takes tasks through their stages."""
    adapters = container.adapters
    settings, engines, accounts = adapters.settings, adapters.engines, adapters.accounts
    ledger, store, clock = adapters.ledger, adapters.store, adapters.clock
    start = TaskStart(ledger, adapters.table, announced, clock)
    post_processing = PostProcessing(store, adapters.tools)
    external = ExternalInputs(engines, accounts, start, store, container.media_inputs)
    local = LocalStages(engines, start, ledger, store, container.media_inputs, external, post_processing, clock)
    inputs = InputTranslator(ledger, store, container.media_inputs, start, settings.public_url)
    submit = ProviderSubmit(
        accounts, container.router, start, external, inputs, container.work_context, _request_builder(container)
    )
    download = Downloading(
        accounts,
        adapters.fetcher,
        store,
        adapters.tools,
        post_processing,
        clock,
        max_video=settings.max_video,
        max_image=settings.max_image,
    )
    stages: dict[str, Any] = dict.fromkeys(engines, local.stages)
    stages |= dict.fromkeys(accounts, submit.stages | download.stages)
    # Those that are the same for all engines, and go on where an engine is not configured any more.
    (common,) = watch.stages({"": external.stages}).values()
    return Execution(container.work_context, watch.stages(stages), common, store, ledger.retention, work=adapters.work)
