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
from filmgate.core.providers.poll import Polling
from filmgate.core.providers.request_builder import RequestBuilder
from filmgate.core.providers.submit import ProviderSubmit
from filmgate.core.query.cache import Serializer
from filmgate.core.tasks.expiry import Expiry
from filmgate.core.tasks.service import TaskService
from filmgate.core.webhooks.deliver import WebhookSender
from filmgate.core.work.execution import Execution
from filmgate.core.work.external_inputs import ExternalInputs
from filmgate.core.work.local_stages import LocalStages
from filmgate.core.work.start import TaskStart
from filmgate.domain.work import SUBMIT_SLOTS, Queue, queue_of
from filmgate.ports.dispatch import QueueConfig, configure_queue


def queue_configs(
    base: Container,
    tasks: TaskService,
    polling: Polling,
    serializers: Mapping[str, Serializer],
    announced: frozenset[str],
    metrics: Metrics,
) -> dict[str, QueueConfig]:
    """Return the configuration of all queues. `serializers` write webhooks; `announced` dialects hear of the start."""
    watch = Watch(metrics, base.tracing)
    webhooks = WebhookSender(base.ledger, base.fetcher, serializers, base.clock, told=metrics.count_webhook)
    expiry = Expiry(base.ledger, tasks, base.store, base.clock, base.accounts)
    execution = _execution(base, announced, watch)
    fetches = base.settings.max_fetches
    found = {
        **{name: QueueConfig(execution.advance, engine.slots) for name, engine in base.engines.items()},
        Queue.INPUTS: QueueConfig(execution.advance, fetches * FETCHING_APPLICATIONS, share=fetches),
        Queue.WEBHOOK: configure_queue(Queue.WEBHOOK, watch.delivering(webhooks.deliver)),
        Queue.EXPIRE: configure_queue(Queue.EXPIRE, expiry.expire),
        Queue.PURGE: configure_queue(Queue.PURGE, expiry.purge),
    }
    cancel = ProviderCancel(base.accounts, base.ledger, request_builder(base), base.clock)
    for name in base.accounts:
        room = room_of(base.ledger, name, base.table[name], base.clock)
        found[name] = QueueConfig(execution.advance, SUBMIT_SLOTS, room=room)
        for queue, work in {
            Queue.LOOKUP: execution.advance,
            Queue.POLL: watch.polling(polling.follow),
            Queue.INGEST: execution.advance,
            Queue.RECALL: cancel.work,
        }.items():
            found[queue_of(queue, name)] = configure_queue(queue, work)
    return watch.queues(found)


def request_builder(base: Container) -> RequestBuilder:
    """Return what writes submissions to providers."""
    return RequestBuilder(base.accounts, base.router, base.settings.public_url)


def _execution(base: Container, announced: frozenset[str], watch: Watch) -> Execution:
    """Put together what takes tasks through their stages."""
    settings = base.settings
    start = TaskStart(base.ledger, base.table, announced, base.clock)
    post_processing = PostProcessing(base.store, base.tools)
    external = ExternalInputs(base.engines, base.accounts, start, base.store, base.media_inputs)
    local = LocalStages(
        base.engines, start, base.ledger, base.store, base.media_inputs, external, post_processing, base.clock
    )
    inputs = InputTranslator(base.ledger, base.store, base.media_inputs, start, settings.public_url)
    submit = ProviderSubmit(
        base.accounts, base.router, start, external, inputs, base.work_context, request_builder(base)
    )
    download = Downloading(
        base.accounts,
        base.fetcher,
        base.store,
        base.tools,
        post_processing,
        base.clock,
        max_video=settings.max_video,
        max_image=settings.max_image,
    )
    stages: dict[str, Any] = dict.fromkeys(base.engines, local.stages)
    stages |= dict.fromkeys(base.accounts, submit.stages | download.stages)
    # Those that are the same for all engines, and go on where an engine is not configured any more.
    (common,) = watch.stages({"": external.stages}).values()
    return Execution(base.work_context, watch.stages(stages), common, base.store, base.ledger.retention, work=base.work)
