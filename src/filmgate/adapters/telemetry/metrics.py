"""All metrics of the service, in the Prometheus text format.

What happens in this process is counted as it happens; how things stand is read from the ledger when somebody asks, at
most once in a few seconds and at a bounded cost. `docs/reference/metrics.md` lists every family.
"""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import Metric

from filmgate.adapters.telemetry.metric_families import (
    accounts_families,
    lookups_families,
    standing_families,
    static_families,
)
from filmgate.core.providers.account import Account
from filmgate.domain.errors import FilmgateError
from filmgate.domain.failures import FailureCode
from filmgate.ports.clock import Clock
from filmgate.ports.figures import Figures, TaskEnd, UnfinishedWork
from filmgate.ports.webhooks import DeliveryOutcome

Requests = Callable[[], Iterable[tuple[tuple[str, int], int]]]
"""Gives how many requests were answered, by (dialect, status)."""

Lookups = tuple[int, int, int, int]
"""Look-ups of names: under way now; found, failed and refused so far."""

_FRESH_SECONDS = 2.0
_CHANGES = 10_000
"""So many changes are looked at per reading; what is behind them is counted by the next one."""

_FILES = 20_000
_SECONDS = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600)


class Metrics:
    """Counts what happens, reads how things stand, and writes both down."""

    def __init__(
        self,
        requests: Requests,
        figures: Figures,
        engines: Iterable[str],
        accounts: Mapping[str, Account],
        data: Path,
        version: str,
        clock: Clock = time.time,
        *,
        lookups: Callable[[], Mapping[str, Lookups]] = dict,
    ) -> None:
        """Take where requests and look-ups of names are counted, the ledger's figures, and the data folder."""
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self._requests, self._figures, self._engines = requests, figures, tuple(engines)
        self._accounts, self._data, self._version, self._clock = accounts, data, version, clock
        self._lookups = lookups
        self._registry = registry = CollectorRegistry(auto_describe=False)
        self._stages = _histogram(registry, "filmgate_stage_seconds", "Time of one stage of a task.", "engine", "stage")
        self._waits = _histogram(registry, "filmgate_task_wait_seconds", "Time in line before the start.", "engine")
        self._tasks = _histogram(registry, "filmgate_task_seconds", "Time from submit to end.", "engine", "state")
        self._failures = Counter("filmgate_tasks_failed", "Failed tasks.", ["engine", "code"], registry=registry)
        self._outcomes = Counter("filmgate_webhook_outcomes", "Handled webhooks.", ["outcome"], registry=registry)
        ProcessCollector(registry=registry)
        registry.register(self)
        self._reading = asyncio.Lock()
        self._read_at = -_FRESH_SECONDS
        self._standing: UnfinishedWork | None = None
        self._seen: int | None = None
        self._media = _Sweep(figures)

    async def start(self) -> None:
        """Count the ends of tasks from now on."""
        self._seen = await self._figures.last_change()

    def stage(self, engine: str, stage: str, seconds: float) -> None:
        """Count a stage that has come to an end, whichever."""
        self._stages.labels(engine, stage).observe(seconds)

    def count_webhook(self, outcome: DeliveryOutcome) -> None:
        """Count what became of a webhook; one that will be tried again is `retrying`."""
        self._outcomes.labels("retrying" if outcome.again is not None else outcome.status).inc()

    async def exposition(self) -> bytes:
        """Write all metrics, without those of the ledger where it cannot be read."""
        async with self._reading:
            if time.monotonic() - self._read_at >= _FRESH_SECONDS:
                await self._read()
                self._read_at = time.monotonic()
            return generate_latest(self._registry)

    def collect(self) -> Iterable[Metric]:
        """Return the families that are computed on each scrape."""
        free = shutil.disk_usage(self._data).free
        yield from static_families(self._requests(), self._version, free, ledger=self._standing is not None)
        yield from accounts_families(self._accounts)
        yield from lookups_families(self._lookups())
        if self._standing is not None:
            yield from standing_families(self._standing, self._engines, self._clock(), self._media.total)

    async def _read(self) -> None:
        self._standing = None
        try:
            if self._seen is not None:
                ends, self._seen = await self._figures.list_ended(self._seen, _CHANGES)
                for each in ends:
                    self._end(each)
            await self._media.go_on()
            self._standing = await self._figures.standing(self._clock())
        except FilmgateError:
            return

    def _end(self, ended: TaskEnd) -> None:
        self._tasks.labels(ended.engine, ended.state).observe(max(0.0, ended.took))
        if ended.waited is not None:
            self._waits.labels(ended.engine).observe(max(0.0, ended.waited))
        if ended.code is not None:
            known = ended.code in FailureCode.__members__.values()
            self._failures.labels(ended.engine, ended.code if known else "other").inc()


class _Sweep:
    """Adds up the stored files some thousands at a time; the total is that of the last time it got to their end."""

    def __init__(self, figures: Figures) -> None:
        self._figures = figures
        self._place = self._files = self._bytes = 0
        self.total: tuple[int, int] | None = None

    async def go_on(self) -> None:
        """Add up some more."""
        held = await self._figures.sum_held(self._place, _FILES)
        self._files, self._bytes = self._files + held.files, self._bytes + held.bytes
        if held.last is not None:
            self._place = held.last
            return
        self.total = self._files, self._bytes
        self._place = self._files = self._bytes = 0


def _histogram(registry: CollectorRegistry, name: str, text: str, *labels: str) -> Histogram:
    return Histogram(name, text, labels, buckets=_SECONDS, registry=registry)
