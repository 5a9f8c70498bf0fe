"""What is counted, in the Prometheus text format."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from filmgate.domain.states import State


class Requests:
    """Counts requests by dialect and status: one addition to a dictionary, so that the query lane can afford it."""

    def __init__(self) -> None:
        self._counts: defaultdict[tuple[str, int], int] = defaultdict(int)

    def count(self, dialect: str, status: int) -> None:
        """Count one answered request."""
        self._counts[dialect, status] += 1

    def items(self) -> list[tuple[tuple[str, int], int]]:
        """Give the counts so far."""
        return list(self._counts.items())


class _Snapshot:
    """One scrape's view of everything."""

    def __init__(self, requests: Requests, tasks: Mapping[tuple[str, State], int]) -> None:
        self._requests = requests
        self._tasks = tasks

    def collect(self) -> Iterable[Metric]:
        """Give the metric families."""
        requests = CounterMetricFamily("filmgate_requests", "Answered requests.", labels=["dialect", "status"])
        for (dialect, status), count in self._requests.items():
            requests.add_metric([dialect, str(status)], count)
        yield requests
        tasks = GaugeMetricFamily("filmgate_unfinished_tasks", "Unfinished tasks.", labels=["engine", "state"])
        for (engine, state), count in self._tasks.items():
            tasks.add_metric([engine, state], count)
        yield tasks


def exposition(requests: Requests, tasks: Mapping[tuple[str, State], int]) -> bytes:
    """Write all metrics."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Snapshot(requests, tasks))
    return generate_latest(registry)
