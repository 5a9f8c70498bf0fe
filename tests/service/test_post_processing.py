"""The processes that decode files die: it counts as a crash of the engine, and what was paid for is not forgotten."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.providers.conftest import FAST
from tests.providers.recorder import Recorder, recorder
from tests.service.conftest import client, ended, submit
from tests.support.processes import until
from tests.support.service import ENGINES, RunningService
from tests.support.sites import Decoders

_DECODED = json.dumps({"scripted": {**ENGINES["scripted"], "decode": True}})
_DEATHS = ("does not start", "is killed", "crashes")


class Frail:
    """A service whose decoders may die."""

    def __init__(self, folder: Path, **options: str) -> None:
        self.running = RunningService(folder / "data", **{"engines": _DECODED, **options})
        self.decoders = Decoders(self.running, folder)

    def row(self, task_id: str) -> tuple[int, str | None, dict[str, Any]]:
        """Read what the ledger has of a task: its crashes, its provider's id, its work."""
        with closing(sqlite3.connect(self.running.data / "filmgate.db")) as ledger:
            query = "SELECT attempts, upstream_id, work FROM tasks WHERE id = ?"
            attempts, upstream, work = ledger.execute(query, (task_id,)).fetchone()
        return attempts, upstream, json.loads(work)

    def log(self) -> str:
        """Read what the service has logged."""
        return self.running.log.read_text()


@pytest.fixture
def frail(tmp_path: Path) -> Iterator[Callable[..., Frail]]:
    """Start services whose decoders may die."""
    started: list[Frail] = []

    def start(**options: str) -> Frail:
        started.append(Frail(tmp_path, **options))
        started[-1].running.start()
        return started[-1]

    yield start
    for each in started:
        assert each.running.stop() == 0


@pytest.mark.parametrize("how", _DEATHS)
def test_post_processing_that_dies_three_times_ends_the_task(frail: Callable[..., Frail], how: str):
    """Here the engine is in the same process. The next task completes as soon as decoders live again."""
    service = frail()
    service.decoders.die(how)
    with client(service.running) as http:
        task = ended(http, submit(http))
        assert (task["state"], task["failure"]["code"]) == ("failed", "engine_crashed")
        assert "crashed 3 times over this task" in task["failure"]["message"]
        assert service.row(task["id"])[0] == 3
        service.decoders.live()
        if how == "does not start":
            assert ended(http, submit(http))["state"] == "completed"
    assert "Traceback" not in service.log()


def test_the_count_outlives_the_service(frail: Callable[..., Frail]):
    """Who is killed after the first crash goes on counting at the second."""
    service = frail()
    service.decoders.die("does not start")
    with client(service.running) as http:
        task = submit(http)
        until(lambda: service.row(task)[0], bool)
        service.running.kill_group()
        service.running.start()
        assert ended(http, task)["failure"]["code"] == "engine_crashed"
    assert [service.log().count(f"{number} of 3") for number in (1, 2, 3)] == [1, 1, 1]


def test_fewer_deaths_are_forgiven(frail: Callable[..., Frail]):
    """After one crash the file is taken up where it was: the engine does not make it again."""
    service = frail()
    service.decoders.die("does not start")
    with client(service.running) as http:
        task = submit(http)
        until(lambda: service.row(task)[0], bool)
        made = service.row(task)[2]["product"]
        service.decoders.live()
        assert ended(http, task)["state"] == "completed"
    assert (service.row(task)[0], service.row(task)[2]["product"]) == (1, made)


@pytest.fixture
def provider() -> Iterator[Recorder]:
    """A provider that writes down what it is sent."""
    with recorder() as running:
        yield running


@pytest.mark.parametrize("how", _DEATHS)
def test_what_was_paid_for_is_not_forgotten(frail: Callable[..., Frail], provider: Recorder, how: str):
    """The task of a provider ends, is submitted once, and the ledger keeps its id and links; the provider keeps its."""
    table = {"paid": {"type": "dream_machine", "base_url": provider.url, "models": ["*"], **FAST}}
    service = frail(engines=json.dumps(table))
    service.decoders.die(how)
    with client(service.running) as http:
        task = ended(http, submit(http, "one to pay for [done]"))
    assert (task["state"], task["failure"]["code"]) == ("failed", "engine_crashed")
    upstream = provider.id_of("one to pay for")
    _, known, work = service.row(task["id"])
    assert (known, upstream in work["links"]["video"]) == (upstream, True)
    assert (len(provider.submits), provider.discarded(upstream)) == (1, 0)
    assert f"generation {upstream} of paid" in service.log()
    assert "Traceback" not in service.log()


@pytest.mark.parametrize("how", ["does not start", "is killed"])
def test_an_upload_that_cannot_be_decoded_now_is_not_called_bad(frail: Callable[..., Frail], how: str):
    """A caller is told to come back, since nobody knows whether its picture is good."""
    service = frail()
    service.decoders.die(how)
    pixel = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"
    with client(service.running) as http:
        answer = http.post("/api/v1/tasks", json={"prompt": "x", "start": {"image": pixel}})
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "unavailable"), answer.text
    assert "retry-after" in answer.headers
