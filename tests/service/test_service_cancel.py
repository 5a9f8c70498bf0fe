"""A cancel reaches whoever makes the task, every dialect tells of it, and what comes too late does not count."""

from __future__ import annotations

import time
from collections.abc import Iterator

import httpx2
import pytest

from tests.providers.recorder import Recorder, recorder
from tests.support.processes import until
from tests.support.service import RunningService

from .apis import READS
from .conftest import client, engines, submit

pytestmark = pytest.mark.xdist_group("cancel")

WORDS = {
    "native": ("failed", "cancelled"),
    "gateway": ("failed", "cancelled by its owner"),
    "gateway-v2": ("failed", "cancelled by its owner"),
    "acedata": ("failed", "cancelled by its owner"),
    "dream_machine": ("failed", "cancelled by its owner"),
    "agents": ("failed", "cancelled by its owner"),
    "openai_videos": ("failed", "cancelled by its owner"),
}
"""What each dialect has for a task that its owner has cancelled: its word for the state, and the reason."""


@pytest.fixture(scope="module")
def provider() -> Iterator[Recorder]:
    """A provider that works on everything for ever."""
    with recorder() as running:
        yield running


@pytest.fixture(scope="module")
def service(provider: Recorder, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """A service with one slot at each kind of engine."""
    table = engines(
        scripted={"type": "scripted", "models": ["*"], "slots": 1},
        studio={"type": "studio", "models": ["studio"], "slots": 1},
        far={"type": "dream_machine", "models": ["far"], "slots": 1, "base_url": provider.url},
    )
    running = RunningService(tmp_path_factory.mktemp("cancel") / "data", engines=table).start()
    yield running
    assert running.stop() == 0
    assert "Traceback" not in running.log.read_text()


@pytest.fixture
def http(service: RunningService) -> Iterator[httpx2.Client]:
    """A client of that service."""
    with client(service) as opened:
        yield opened


def reaches(http: httpx2.Client, task_id: str, stage: str) -> None:
    """Wait until the engine has a task."""
    until(lambda: http.get(f"/api/v1/tasks/{task_id}").json()["stage"], stage.__eq__, 60)


def cancel(http: httpx2.Client, task_id: str) -> None:
    """End a task."""
    answer = http.post(f"/api/v1/tasks/{task_id}/cancel").json()
    assert (answer["state"], answer["failure"]["code"]) == ("failed", "cancelled")


@pytest.mark.parametrize("model", ["scripted", "studio"])
def test_an_engine_stops_within_a_second(http: httpx2.Client, model: str):
    """Its only slot is free again for the next in line."""
    long = {"model": model, "duration": 10, "resolution": "1080p"}
    running = submit(http, "[hang] ocean waves", **long)
    reaches(http, running, "follow")
    until(lambda: http.get(f"/api/v1/tasks/{running}").json()["progress"] > 0 or model == "scripted", bool, 90)
    following = submit(http, "[hang] more waves", **long)
    cancel(http, running)
    start = time.monotonic()
    until(lambda: http.get(f"/api/v1/tasks/{following}").json()["state"], "processing".__eq__)
    took = time.monotonic() - start
    cancel(http, following)
    assert took < 1


def test_a_provider_is_told_within_a_second(http: httpx2.Client, provider: Recorder):
    """The provider forgets the task before the owner has put the kettle on."""
    task = submit(http, "[far away]", model="far")
    reaches(http, task, "follow")
    upstream = provider.id_of("[far away]")
    cancel(http, task)
    start = time.monotonic()
    until(lambda: provider.discarded(upstream), bool)
    assert time.monotonic() - start < 1


def test_what_comes_too_late_is_discarded_and_noted(http: httpx2.Client, service: RunningService, provider: Recorder):
    """The provider's answer to a submit finds its task ended: it changes nothing, and the log says so."""
    provider.answering.clear()
    try:
        task = submit(http, "[too late]", model="far")
        reaches(http, task, "submitting")
        cancel(http, task)
        ended = http.get(f"/api/v1/tasks/{task}").json()
    finally:
        provider.answering.set()
    late = f"task {task} was ended or taken over meanwhile: what came of attempt 1, at submitting, is discarded"
    until(service.log.read_text, lambda log: late in log)
    assert http.get(f"/api/v1/tasks/{task}").json() == ended


@pytest.mark.parametrize("name", READS)
def test_every_dialect_tells_of_it_and_knows_nothing_after_a_delete(http: httpx2.Client, name: str):
    """Cancelled is a failure with its reason; deleted is 404, like what never was."""
    task = submit(http, "[hang] for all to see")
    cancel(http, task)
    answer = READS[name](task).send(http)
    assert answer.status_code == 200
    assert [word for word in WORDS[name] if word not in answer.text.lower()] == [], answer.text
    assert http.delete(f"/api/v1/tasks/{task}").status_code == 204
    assert READS[name](task).send(http).status_code == 404
