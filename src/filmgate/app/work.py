"""The work behind the service: which queue is worked off by what, and how much of it at a time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from filmgate.adapters.telemetry import Metrics
from filmgate.adapters.telemetry.watching import Watch, Work
from filmgate.app.base import Base
from filmgate.app.engines import room_of
from filmgate.core.callbacks.delivering import Callbacks
from filmgate.core.callbacks.receivers import SLOTS
from filmgate.core.developing import Developing
from filmgate.core.execution import Execution
from filmgate.core.external import ExternalInputs
from filmgate.core.housekeeping import Housekeeping
from filmgate.core.intake import FETCHING_APPLICATIONS
from filmgate.core.making import Making
from filmgate.core.providers.fetching import Fetching
from filmgate.core.providers.following import INGEST, Following
from filmgate.core.providers.inputs import Inputs
from filmgate.core.providers.recalling import Recalling
from filmgate.core.providers.submitting import LOOKUP, Submitting
from filmgate.core.providers.writing import Writing
from filmgate.core.query import Form
from filmgate.core.service import TaskService
from filmgate.core.starting import Starting
from filmgate.ports.dispatch import Lane
from filmgate.ports.ledger import CALLBACK, EXPIRE, FOLLOW, INPUTS, PURGE, RECALL, queue_of

_SUBMIT_SLOTS = 8
_INGEST_SLOTS = 6
_INGEST_SHARE = 4
_RECALL_SLOTS = 4
_FOLLOWED = 100_000
"""Tasks followed at once at one account: each waits as a coroutine, without a slot of anything else."""


def lanes(
    base: Base,
    tasks: TaskService,
    following: Following,
    hooks: Mapping[str, Form],
    announced: frozenset[str],
    metrics: Metrics,
) -> dict[str, Lane]:
    """Give the lanes of all queues. `hooks` write callbacks, by dialect; `announced` dialects hear of the start too."""
    watch = Watch(metrics, base.tracing)
    callbacks = Callbacks(base.ledger, base.fetcher, hooks, base.clock, told=metrics.callback)
    housekeeping = Housekeeping(base.ledger, tasks, base.store, base.clock, base.accounts)
    execution = _execution(base, announced, watch)
    found = {name: Lane(execution.advance, engine.slots) for name, engine in base.engines.items()}
    for name in base.accounts:
        found |= _account_lanes(base, name, execution, watch.following(following.follow))
    fetches = base.settings.max_fetches
    found |= {
        INPUTS: Lane(execution.advance, fetches * FETCHING_APPLICATIONS, share=fetches),
        CALLBACK: Lane(watch.delivering(callbacks.deliver), SLOTS),
        EXPIRE: Lane(housekeeping.expire, 1),
        PURGE: Lane(housekeeping.purge, 1),
    }
    return watch.lanes(found)


def _account_lanes(base: Base, name: str, execution: Execution, follow: Work) -> dict[str, Lane]:
    recalling = Recalling(base.accounts, base.ledger, writing_of(base), base.clock)
    return {
        name: Lane(execution.advance, _SUBMIT_SLOTS, room=room_of(base.ledger, name, base.table[name], base.clock)),
        queue_of(LOOKUP, name): Lane(execution.advance, _SUBMIT_SLOTS),
        queue_of(FOLLOW, name): Lane(follow, _FOLLOWED, lasting=True),
        queue_of(INGEST, name): Lane(execution.advance, _INGEST_SLOTS, share=_INGEST_SHARE),
        queue_of(RECALL, name): Lane(recalling.work, _RECALL_SLOTS),
    }


def writing_of(base: Base) -> Writing:
    """Give what writes submissions to providers."""
    return Writing(base.accounts, base.router, base.settings.public_url)


def _execution(base: Base, announced: frozenset[str], watch: Watch) -> Execution:
    """Put together what takes tasks through their stages."""
    settings = base.settings
    starting = Starting(base.ledger, base.table, announced, base.clock)
    developing = Developing(base.store, base.tools)
    external = ExternalInputs(base.engines, base.accounts, starting, base.store, base.intake)
    making = Making(base.engines, starting, base.ledger, base.store, base.intake, external, developing, base.clock)
    inputs = Inputs(base.ledger, base.store, base.intake, starting, settings.public_url)
    submitting = Submitting(base.accounts, base.router, starting, external, inputs, base.desk, writing_of(base))
    fetching = Fetching(
        base.accounts,
        base.fetcher,
        base.store,
        base.tools,
        developing,
        base.clock,
        max_video=settings.max_video,
        max_image=settings.max_image,
    )
    stages: dict[str, Any] = dict.fromkeys(base.engines, making.stages)
    stages |= dict.fromkeys(base.accounts, submitting.stages | fetching.stages)
    # Those that are the same for all engines, and go on where an engine is not configured any more.
    (common,) = watch.stages({"": external.stages}).values()
    return Execution(base.desk, watch.stages(stages), common, base.store, base.ledger.retention, work=base.work)
