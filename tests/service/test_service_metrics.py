"""Metrics: every family is documented and counts what it says."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import httpx2
from prometheus_client.parser import text_string_to_metric_families

from tests.docs.pages import code, page, rows
from tests.support.processes import until
from tests.support.provider import account, in_front
from tests.support.service import RunningService

from .conftest import client, ended, submit
from .receiver import free_port, receiver

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def scraped(service: RunningService) -> Samples:
    """Read all samples of a service."""
    text = httpx2.get(f"{service.url}/metrics", headers=service.headers).text
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(samples: Samples, name: str, **labels: str) -> float:
    """Return one sample, 0 if it is not there."""
    return samples.get((name, frozenset(labels.items())), 0.0)


def wait_for(service: RunningService, name: str, wanted: float, **labels: str) -> Samples:
    """Read the samples until one has the wanted value."""
    return until(lambda: scraped(service), lambda samples: value(samples, name, **labels) == wanted, deadline=30)


def test_the_page_lists_the_metrics_there_are(service: RunningService):
    """Families, types and labels in the documentation are those of /metrics."""
    text = httpx2.get(f"{service.url}/metrics", headers=service.headers).text
    types = dict(re.findall(r"^# TYPE (filmgate_\w+) (\w+)$", text, re.MULTILINE))
    listed = {code(row[0])[0]: row for row in rows(page("docs/reference/metrics.md")) if len(row) == 4 and code(row[0])}
    assert {name: row[1] for name, row in listed.items()} == types
    assert "process_resident_memory_bytes" in text
    for name, labels in {key: {label for label, _ in key[1]} - {"le"} for key in scraped(service)}.items():
        family = re.sub(r"_(bucket|count|sum)$", "", name[0])
        if family in listed:
            assert labels == set(code(listed[family][2])), family


def test_ends_stages_and_backlog_are_counted(start_service: Callable[..., RunningService]):
    """Completed, failed and unfinished tasks, their stages, the queue and files: all as they are."""
    service = start_service()
    with client(service) as http:
        done, broken = ended(http, submit(http)), ended(http, submit(http, "[fail]"))
        cancelled = submit(http, "[hang]")
        http.post(f"/api/v1/tasks/{cancelled}/cancel")
        http.post(f"/api/v1/tasks/{cancelled}/cancel")
        submit(http, "[hang]")
        assert (done["state"], broken["state"]) == ("completed", "failed")
    wait_for(service, "filmgate_unfinished_tasks", 1, engine="scripted", state="processing")
    samples = wait_for(service, "filmgate_task_seconds_count", 2, engine="scripted", state="failed")
    assert value(samples, "filmgate_task_seconds_count", engine="scripted", state="completed") == 1
    assert value(samples, "filmgate_tasks_failed_total", engine="scripted", code="cancelled") == 1
    assert value(samples, "filmgate_tasks_failed_total", engine="scripted", code="generation_failed") == 1
    assert value(samples, "filmgate_stage_seconds_count", engine="scripted", stage="ingest") == 1
    assert value(samples, "filmgate_unfinished_tasks", engine="scripted", state="processing") == 1
    assert value(samples, "filmgate_queue_work", queue="scripted", status="taken") == 1
    assert value(samples, "filmgate_media_files") == 3
    assert value(samples, "filmgate_media_bytes") > 1000
    assert value(samples, "filmgate_ledger_up") == 1


def test_callbacks_are_counted(start_service: Callable[..., RunningService]):
    """Delivered, given-up and retried callbacks are told apart, and the backlog is what is still to be delivered."""
    service = start_service()
    with client(service) as http, receiver(200, 410) as told:
        for _ in range(2):
            ended(http, submit(http, callback_url=told.url))
        submit(http, callback_url=f"http://127.0.0.1:{free_port()}")
        for outcome in ("delivered", "failed"):
            wait_for(service, "filmgate_webhook_outcomes_total", 1, outcome=outcome)
        samples = wait_for(service, "filmgate_webhooks_pending", 1, status="retrying")
        wait_for(service, "filmgate_queue_work", 1, queue="callback", status="later")
    assert value(samples, "filmgate_webhook_outcomes_total", outcome="retrying") >= 1


def test_accounts_with_providers_are_watched(start_service: Callable[..., RunningService], tmp_path: Path):
    """Submits by their answer, queries, followed tasks and the breaker are there for each account."""
    provider = start_service()
    with in_front(tmp_path, {"far": account(provider, models=["*"])}) as front, client(front) as http:
        ended(http, submit(http, "x"))  # the provider takes three letters at least
        ended(http, submit(http, "waves"))
        submit(http, "waves [hang]")
        samples = wait_for(front, "filmgate_provider_submits_total", 2, engine="far", answer="accepted")
        assert value(samples, "filmgate_provider_submits_total", engine="far", answer="refused") == 1
        assert value(samples, "filmgate_provider_ready", engine="far") == 1
        assert value(samples, "filmgate_provider_queries_total", engine="far") >= 1
        wait_for(front, "filmgate_provider_followed_tasks", 1, engine="far")
        provider.stop()
        samples = wait_for(front, "filmgate_provider_ready", 0, engine="far")
        assert value(samples, "filmgate_provider_pause_seconds", engine="far") > 0
