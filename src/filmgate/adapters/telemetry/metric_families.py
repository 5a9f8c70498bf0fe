"""The families of metrics that say how things stand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric

from filmgate.core.providers.account import Account
from filmgate.domain.states import Stage, State
from filmgate.ports.figures import Backlog, UnfinishedWork

Rows = Iterable[tuple[tuple[str, ...], float]]


def gauge(name: str, text: str, labels: tuple[str, ...], rows: Rows) -> Metric:
    """Make a gauge of its labels' values and the value of each."""
    family = GaugeMetricFamily(name, text, labels=labels)
    for values, value in rows:
        family.add_metric(values, value)
    return family


def counter(name: str, text: str, labels: tuple[str, ...], rows: Rows) -> Metric:
    """Make a counter in the same way; `_total` is added to its name."""
    family = CounterMetricFamily(name, text, labels=labels)
    for values, value in rows:
        family.add_metric(values, value)
    return family


def static_families(
    requests: Iterable[tuple[tuple[str, int], int]], version: str, free: int, *, ledger: bool
) -> Iterable[Metric]:
    """Return what can be said even when the ledger cannot be read."""
    yield InfoMetricFamily("filmgate_build", "The version that runs.", value={"version": version})
    yield gauge("filmgate_ledger_up", "Whether the ledger could be read.", (), [((), ledger)])
    yield gauge("filmgate_free_bytes", "Room on the disk of the data folder.", (), [((), free)])
    answered = (((dialect, str(status)), count) for (dialect, status), count in requests)
    yield counter("filmgate_requests", "Answered requests.", ("dialect", "status"), answered)


def accounts_families(accounts: Mapping[str, Account]) -> Iterable[Metric]:
    """Return the metrics of provider accounts."""
    each = [((name,), account) for name, account in accounts.items()]
    yield gauge(
        "filmgate_provider_ready", "Whether the account is given new tasks: 0 while its breaker is open.", ("engine",),
        [(name, account.trouble is None) for name, account in each],
    )  # fmt: skip
    yield gauge(
        "filmgate_provider_pause_seconds", "Time until the account is given new tasks again.", ("engine",),
        [(name, account.wait) for name, account in each],
    )  # fmt: skip
    yield gauge(
        "filmgate_provider_followed_tasks", "Tasks that wait for news of the provider.", ("engine",),
        [(name, account.followed) for name, account in each],
    )  # fmt: skip
    yield counter(
        "filmgate_provider_queries", "Requests that asked the provider about tasks.", ("engine",),
        [(name, account.requests) for name, account in each],
    )  # fmt: skip
    yield counter(
        "filmgate_provider_submits", "Submits to the provider by what came of them.", ("engine", "answer"),
        [((*name, answer), count) for name, account in each for answer, count in list(account.answers.items())],
    )  # fmt: skip
    yield counter(
        "filmgate_unknown_outcomes", "Tasks held since nobody knew whether the provider accepted them.", ("engine",),
        [(name, account.unknown) for name, account in each],
    )  # fmt: skip


def lookups_families(lookups: Mapping[str, tuple[int, int, int, int]]) -> Iterable[Metric]:
    """Return the metrics of name resolution, by the owner of the names."""
    each = [((name,), counts) for name, counts in lookups.items()]
    yield gauge(
        "filmgate_name_lookups_running", "Look-ups of names that are under way.", ("names",),
        [(name, running) for name, (running, *_) in each],
    )  # fmt: skip
    yield counter(
        "filmgate_name_lookups", "Look-ups of names by what came of them.", ("names", "outcome"),
        [
            ((*name, outcome), count)
            for name, (_, found, failed, refused) in each
            for outcome, count in (("found", found), ("failed", failed), ("refused", refused))
        ],
    )  # fmt: skip


def standing_families(
    standing: UnfinishedWork, engines: Iterable[str], now: float, media: tuple[int, int] | None
) -> Iterable[Metric]:
    """Return how everything stands that is in the ledger; `media` are the number of files and their bytes, if known."""
    yield from _tasks(standing, engines)
    yield gauge(
        "filmgate_queue_work", "Work of a queue: due and not taken, due later, taken.", ("queue", "status"),
        [((each.queue, status), getattr(each, status)) for each in standing.backlogs for status in _STATUSES],
    )  # fmt: skip
    yield gauge(
        "filmgate_queue_oldest_seconds", "For how long the oldest work that is due has been due.", ("queue",),
        [((each.queue,), _age(each, now)) for each in standing.backlogs],
    )  # fmt: skip
    yield gauge(
        "filmgate_webhooks_pending", "Webhooks to be delivered, never tried or to be tried again.", ("status",),
        [(("new",), standing.new_webhooks), (("retrying",), standing.retried_webhooks)],
    )  # fmt: skip
    yield gauge("filmgate_ledger_bytes", "Size of the ledger's file.", (), [((), standing.bytes)])
    if media is not None:
        yield gauge("filmgate_media_files", "Stored files that have links.", (), [((), media[0])])
        yield gauge("filmgate_media_bytes", "Their bytes.", (), [((), media[1])])


_STATUSES = ("due", "later", "taken")


def _tasks(standing: UnfinishedWork, engines: Iterable[str]) -> Iterable[Metric]:
    tasks = Counter({(engine, state): 0 for engine in engines for state in (State.PENDING, State.PROCESSING)})
    unknown = Counter(dict.fromkeys(engines, 0))
    for (engine, state, stage), count in standing.tasks.items():
        tasks[engine, state] += count
        unknown[engine] += count if stage is Stage.SUBMIT_UNKNOWN else 0
    yield gauge("filmgate_unfinished_tasks", "Unfinished tasks.", ("engine", "state"), tasks.items())
    yield gauge(
        "filmgate_unknown_submits", "Tasks of which nobody knows whether the provider accepted them.", ("engine",),
        [((engine,), count) for engine, count in unknown.items()],
    )  # fmt: skip


def _age(backlog: Backlog, now: float) -> float:
    return 0.0 if backlog.oldest is None else max(0.0, now - backlog.oldest)
