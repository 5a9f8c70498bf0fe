"""Owners who end tasks, and services that die, in every stage of a task at a provider."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from tests.providers.conftest import FAST
from tests.providers.recorder import Recorder, recorder
from tests.support.processes import until
from tests.support.service import RunningService

pytestmark = pytest.mark.xdist_group("provider endings")

FORGETTING = ("dream_machine", "openai_videos")


class Front:
    """A service in front of a recorder, and a client of it."""

    def __init__(self, running: RunningService, provider: Recorder, http: httpx2.Client) -> None:
        self.running = running
        self.provider = provider
        self.http = http

    def submit(self, model: str, prompt: str) -> str:
        """Submit a task and give its id."""
        answer = self.http.post("/api/v1/tasks", json={"prompt": prompt, "model": model})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def task(self, task_id: str) -> dict[str, Any]:
        """Return a task as it is."""
        return self.http.get(f"/api/v1/tasks/{task_id}").json()

    def reaches(self, task_id: str, stage: str) -> None:
        """Wait until a task is in a stage."""
        until(lambda: self.task(task_id), lambda task: task["stage"] == stage)

    def sent(self, prompt: str) -> int:
        """Count the submits of a prompt."""
        return sum(prompt.encode() in each.body for each in self.provider.submits)

    def upstream(self, prompt: str) -> str:
        """Wait for a submit of a prompt, and give the id that the provider has for it."""
        until(lambda: self.sent(prompt), bool)
        return self.provider.id_of(prompt)

    def cancel(self, task_id: str) -> None:
        """End a task."""
        answer = self.http.post(f"/api/v1/tasks/{task_id}/cancel")
        assert answer.json()["failure"]["code"] == "cancelled"

    def delete(self, task_id: str) -> None:
        """Remove a task."""
        assert self.http.delete(f"/api/v1/tasks/{task_id}").status_code == 204


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    """A service whose models are made by a recorder, and that has a public address: its submits carry a mark."""
    with recorder() as provider:
        engines: dict[str, dict[str, Any]] = {
            kind: {"type": kind, "base_url": provider.url, "models": [kind], **FAST}
            for kind in ("dream_machine", "openai_videos", "acedata", "gateway")
        }
        engines["gateway"]["batch"] = 1
        engines["slow"] = {**engines["gateway"], "models": ["slow"], "submit_rate": 1}
        engines["keyed"] = {**engines["gateway"], "models": ["keyed"], "idempotency_keys": True, "timeout": 0.5}
        options = {"engines": json.dumps(engines), "public_url": "https://gate.example"}
        running = RunningService(tmp_path_factory.mktemp("front") / "data", **options).start()
        with httpx2.Client(base_url=running.url, headers=running.headers, timeout=60) as http:
            yield Front(running, provider, http)
        assert running.stop() == 0
        assert "Traceback" not in running.log.read_text(), running.log.read_text()[-8000:]


@pytest.mark.parametrize("kind", FORGETTING)
def test_a_submit_that_is_being_answered_is_taken_back(front: Front, kind: str):
    """Its owner cancels it twice and then deletes it; the provider's answer is awaited all the same."""
    prompt = f"cancelled in the middle of it by {kind}"
    front.provider.answering.clear()
    try:
        task = front.submit(kind, prompt)
        upstream = front.upstream(prompt)
        front.cancel(task)
        front.cancel(task)
        front.delete(task)
    finally:
        front.provider.answering.set()
    until(lambda: front.provider.discarded(upstream), bool)
    assert (front.sent(prompt), front.provider.queries(upstream)) == (1, 0)


@pytest.mark.parametrize("how", ["cancelled", "deleted"])
def test_a_submit_that_was_ended_is_taken_back_after_a_crash(front: Front, how: str):
    """The service is killed while it waits for the answer: it finds out what became of the submit, and ends it."""
    prompt = f"{how}, and then the lights went out"
    front.provider.answering.clear()
    try:
        task = front.submit("dream_machine", prompt)
        upstream = front.upstream(prompt)
        if how == "cancelled":
            front.cancel(task)
        else:
            front.delete(task)
        front.running.kill_group()
    finally:
        front.provider.answering.set()
    front.running.start()
    until(lambda: front.provider.discarded(upstream), bool)
    assert front.sent(prompt) == 1


def test_who_cannot_forget_is_not_asked_to(front: Front):
    """The task has ended for its owner; the provider goes on for nobody, and is not asked about it."""
    prompt = "cancelled in vain"
    front.provider.answering.clear()
    try:
        task = front.submit("acedata", prompt)
        upstream = front.upstream(prompt)
        front.cancel(task)
    finally:
        front.provider.answering.set()
    other = front.submit("acedata", "the next one [done]")
    until(lambda: front.task(other)["state"], lambda state: state == "completed")
    assert front.task(task)["failure"]["code"] == "cancelled"
    assert (front.sent(prompt), front.provider.discarded(upstream)) == (1, 0)


@pytest.mark.parametrize("kind", FORGETTING)
def test_the_delete_of_a_finished_task_is_passed_on(front: Front, kind: str):
    """What its owner wants to be gone is gone at the provider too."""
    prompt = f"deleted afterwards at {kind} [done]"
    task = front.submit(kind, prompt)
    upstream = front.upstream(prompt)
    until(lambda: front.task(task)["state"], lambda state: state == "completed")
    assert front.provider.discarded(upstream) == 0
    front.delete(task)
    until(lambda: front.provider.discarded(upstream), bool)


def test_a_recall_survives_a_restart_and_a_provider_that_is_down(front: Front):
    """It is tried again until the provider has heard it, whoever dies meanwhile, and then no more."""
    prompt = "cancelled while nobody is there"
    task = front.submit("dream_machine", prompt)
    upstream = front.upstream(prompt)
    front.reaches(task, "follow")
    front.provider.down = True
    try:
        front.cancel(task)
        until(lambda: front.provider.discarded(upstream), bool)
        front.running.kill_group()
    finally:
        front.provider.down = False
    before = front.provider.discarded(upstream)
    front.running.start()
    until(lambda: front.provider.discarded(upstream), lambda count: count > before)
    other = front.submit("dream_machine", "afterwards [done]")
    until(lambda: front.task(other)["state"], lambda state: state == "completed")
    assert front.provider.discarded(upstream) == before + 1


def test_who_waits_for_a_turn_has_asked_for_nothing(front: Front):
    """Where submits are spaced, a task that is ended while it waits is never sent; one that is cut off is not lost."""
    first, cut_off, ended = (f"{each} in line" for each in ("first", "cut off", "ended"))
    front.submit("slow", first)
    front.upstream(first)
    waiting, unwanted = front.submit("slow", cut_off), front.submit("slow", ended)
    for task in (waiting, unwanted):
        until(lambda task=task: front.task(task)["state"], lambda state: state == "processing")
    front.cancel(unwanted)
    assert front.task(waiting)["stage"] == "submit"
    front.running.kill_group()
    front.running.start()
    front.upstream(cut_off)
    front.reaches(waiting, "follow")
    assert [front.sent(each) for each in (first, cut_off, ended)] == [1, 1, 0]


def test_a_submit_is_repeated_under_its_key_where_the_provider_knows_keys(front: Front):
    """Without an answer it is sent again, under the same key, until there is one; the provider makes one task of it."""
    prompt = "asked until it is answered [done]"
    front.provider.answering.clear()
    try:
        task = front.submit("keyed", prompt)
        until(lambda: front.sent(prompt), lambda count: count >= 2)
    finally:
        front.provider.answering.set()
    until(lambda: front.task(task)["state"], lambda state: state == "completed")
    keys = {each.headers["idempotency-key"] for each in front.provider.submits if prompt.encode() in each.body}
    assert len(keys) == 1


@pytest.mark.parametrize("how", ["killed", "stopped"])
def test_a_service_that_goes_in_the_middle_comes_back_to_a_good_end(front: Front, how: str):
    """While it submits, while it follows and while it fetches: nothing is lost, and nothing is submitted twice."""
    fetched, followed, submitted = (f"{how} while it was {each}" for each in ("fetched", "followed", "submitted"))
    provider = front.provider
    provider.serving.clear()
    tasks = [front.submit("acedata", f"{fetched} [done]")]
    front.reaches(tasks[0], "ingest")
    tasks.append(front.submit("acedata", followed))
    front.reaches(tasks[1], "follow")
    provider.answering.clear()
    try:
        tasks.append(front.submit("acedata", f"{submitted} [done]"))
        front.upstream(submitted)
        if how == "killed":
            front.running.kill_group()
        else:
            assert front.running.stop() == 0
    finally:
        provider.answering.set()
        provider.serving.set()
    provider.finish()
    front.running.start()
    for task in tasks:
        until(lambda task=task: front.task(task)["state"], lambda state: state == "completed", 60)
    assert [front.sent(each) for each in (fetched, followed, submitted)] == [1, 1, 1]
    assert [front.task(task)["stage"] for task in tasks] == ["done"] * 3
