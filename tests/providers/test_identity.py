"""What a submit without an answer has become: only a mark says it, a resemblance holds the task and does no more."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import httpx2
import pytest

from tests.providers.conftest import FAST
from tests.providers.recorder import Recorder, recorder
from tests.support.processes import until
from tests.support.service import RunningService

pytestmark = pytest.mark.xdist_group("identity")

TABLES: dict[str, dict[str, Any]] = {
    "one": {},
    "two": {},
    "alone": {"exclusive": True},
    "late": {"deadline": 10},
    "short": {"unknown_days": 1e-5},
    "blind": {"type": "gateway", "batch": 1, "deadline": 10},
}
"""Tables of the same account, each for the model of its name."""


class Front:
    """A service with several tables for one account, and a client of it."""

    def __init__(self, running: RunningService, provider: Recorder) -> None:
        self.running = running
        self.provider = provider
        self.http = httpx2.Client(base_url=running.url, headers=running.headers, timeout=60)

    def submit(self, model: str, prompt: str) -> str:
        """Submit a task and give its id."""
        answer = self.http.post("/api/v1/tasks", json={"prompt": prompt, "model": model})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def cut(self, model: str, prompt: str) -> str:
        """Submit a task whose submit the provider never gets, and give its id when nobody knows its outcome."""
        self.provider.deaf = True
        try:
            task = self.submit(model, prompt)
            until(lambda: self.unknown(task), bool)
        finally:
            self.provider.deaf = False
        return task

    def task(self, task_id: str) -> dict[str, Any]:
        """Return a task as it is."""
        return dict(self.http.get(f"/api/v1/tasks/{task_id}").json())

    def unknown(self, task_id: str) -> dict[str, Any]:
        """Return what admins are shown of a task of an unknown outcome; nothing if it is none."""
        found = self.http.get("/api/v1/admin/unknown").json()["submits"]
        return next((dict(each) for each in found if each["id"] == task_id), {})

    def candidates(self, task_id: str) -> list[str]:
        """Return the ids of what resembles a task."""
        return [each["id"] for each in self.unknown(task_id).get("candidates", [])]

    def decide(self, task_id: str, upstream_id: str) -> httpx2.Response:
        """Report that the provider has accepted a task under an id."""
        body = {"decision": "accepted", "upstream_id": upstream_id}
        return self.http.post(f"/api/v1/admin/unknown/{task_id}", json=body)

    def ends(self, task_id: str) -> dict[str, Any]:
        """Wait for the end of a task."""
        return until(lambda: self.task(task_id), lambda task: task["state"] in ("completed", "failed"), 60)


@pytest.fixture(scope="module")
def provider() -> Iterator[Recorder]:
    """One account that several services and people use."""
    with recorder() as running:
        yield running


def front(provider: Recorder, factory: pytest.TempPathFactory, **options: str) -> Iterator[Front]:
    """Run a service with all tables."""
    standard = {"type": "dream_machine", "base_url": provider.url, **FAST, "timeout": 1}
    engines = {name: {**standard, "models": [name], **more} for name, more in TABLES.items()}
    running = RunningService(factory.mktemp("front") / "data", engines=json.dumps(engines), **options).start()
    opened = Front(running, provider)
    yield opened
    opened.http.close()
    assert running.stop() == 0
    assert "Traceback" not in running.log.read_text(), running.log.read_text()[-8000:]


@pytest.fixture(scope="module")
def bare(provider: Recorder, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    """A service without a public address: its submits carry no mark."""
    yield from front(provider, tmp_path_factory)


@pytest.fixture(scope="module")
def marked(provider: Recorder, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    """Another service, whose submits carry a mark."""
    yield from front(provider, tmp_path_factory, public_url="https://gate.example")


def somebodys(provider: Recorder, prompt: str, **more: Any) -> str:
    """Let somebody else who uses the account make something."""
    body = {"prompt": prompt, "generation_type": "video", **more}
    return str(httpx2.post(f"{provider.url}/generations/video", json=body).json()["id"])


def test_another_services_generation_is_not_deleted(bare: Front, provider: Recorder):
    """Its prompt and time are those of a submit that was cut, whose owner gives up: the search finds no mark."""
    prompt = "two services, and one gives up"
    theirs = somebodys(provider, prompt)
    for how in ("cancel", "delete"):
        task = bare.cut("one" if how == "cancel" else "alone", prompt)
        if how == "cancel":
            assert bare.http.post(f"/api/v1/tasks/{task}/cancel").json()["failure"]["code"] == "cancelled"
        else:
            # Of an exclusive account it would be deleted, were there not the other submit of the same prompt.
            assert bare.http.delete(f"/api/v1/tasks/{task}").status_code == 204
        before = provider.lists
        until(lambda before=before: provider.lists, lambda count, before=before: count >= before + 2, 60)
    assert provider.discarded(theirs) == 0


def test_a_resemblance_is_shown_and_decided_about(bare: Front, provider: Recorder):
    """The task is held, with the candidate's id; an admin may take it for one task, and for no other."""
    prompt = "a resemblance [done]"
    theirs = somebodys(provider, prompt)
    first, second = bare.cut("one", prompt), bare.cut("two", prompt)
    for task in (first, second):
        assert until(lambda task=task: bare.candidates(task), bool) == [theirs]
        assert bare.task(task)["state"] == "processing"
    assert bare.decide(first, theirs).status_code == 200
    assert bare.ends(first)["state"] == "completed"
    assert bare.candidates(second) == []
    taken = bare.decide(second, theirs)
    assert (taken.status_code, taken.json()["error"]["code"]) == (409, "conflict")
    assert bare.http.delete(f"/api/v1/tasks/{first}").status_code == 204
    assert bare.decide(second, theirs).status_code == 409
    adopted = bare.http.post("/api/v1/admin/import", json={"engine": "two", "ids": [theirs]})
    assert adopted.status_code == 409
    assert bare.task(second)["state"] == "processing"


def test_a_foreign_mark_is_no_candidate(bare: Front, marked: Front, provider: Recorder):
    """Not even of an exclusive account; the service whose mark it is finds it, and takes back no other."""
    prompt = "a foreign mark"
    provider.answering.clear()
    try:
        theirs = marked.submit("one", prompt)
        (ours,) = until(lambda: [each for each in [*provider.made] if prompt in str(provider.made[each])], bool)
        until(lambda: marked.task(theirs)["stage"], lambda stage: stage == "submit_unknown")
    finally:
        provider.answering.set()
    task = bare.cut("alone", prompt)
    like = somebodys(provider, prompt, callback_url="https://gate.example/hooks/one/somebody")
    unmarked = somebodys(provider, f"{prompt}, of another prompt")
    until(lambda: bare.unknown(task), lambda shown: shown["lookups"] >= 2, 60)
    assert bare.candidates(task) == []
    until(lambda: marked.task(theirs)["stage"], lambda stage: stage == "follow", 60)
    marked.http.post(f"/api/v1/tasks/{theirs}/cancel")
    until(lambda: provider.discarded(ours), bool)
    assert (provider.discarded(like), provider.discarded(unmarked)) == (0, 0)


def test_an_exclusive_account_has_one_candidate_or_none(bare: Front, provider: Recorder):
    """One is the task's; of two, and of none, nobody can tell, and the task is held."""
    one, both, none = (f"{how} for the exclusive account [done]" for how in ("one", "two", "none"))
    somebodys(provider, one)
    two = {somebodys(provider, both), somebodys(provider, both)}
    tasks = {prompt: bare.cut("alone", prompt) for prompt in (one, both, none)}
    assert bare.ends(tasks[one])["state"] == "completed"
    until(lambda: bare.candidates(tasks[both]), lambda found: {*found} == two)
    until(lambda: bare.unknown(tasks[none]), lambda shown: shown["lookups"] >= 2, 60)
    assert bare.candidates(tasks[none]) == []
    for prompt in (both, none):
        assert bare.task(tasks[prompt])["state"] == "processing"


def test_an_unknown_outcome_outlives_the_engines_deadline(bare: Front, provider: Recorder):
    """It is held for days, also over a crash; when it is decided it has the engine's time again."""
    held = [bare.cut(model, f"held at {model} [done]") for model in ("late", "blind")]
    provider.deaf = True
    try:
        ended = bare.ends(bare.submit("short", "held for a moment"))
    finally:
        provider.deaf = False
    assert ended["failure"]["code"] == "submit_unknown"
    bare.running.kill_group()
    bare.running.start()
    until(lambda: bare.unknown(held[0]), lambda shown: shown["age"] > 11)
    for task in held:
        shown = bare.unknown(task)
        times = [datetime.fromisoformat(shown[name]) for name in ("submitted_at", "ends_at")]
        assert abs((times[1] - times[0]).total_seconds() - 7 * 86_400) < 1
        assert bare.task(task)["state"] == "processing"
        theirs = somebodys(provider, f"made for {task} [done]")
        assert bare.decide(task, theirs).status_code == 200
        assert bare.ends(task)["state"] == "completed"


def test_unknown_outcomes_are_counted(bare: Front):
    """How many there are now, and how many there were since the start, by engine."""
    before = counted(bare)
    task = bare.cut("two", "to be counted")
    after = counted(bare)
    assert (after[0] - before[0], after[1] - before[1]) == (1, 1)
    bare.http.post(f"/api/v1/admin/unknown/{task}", json={"decision": "fail"})
    assert bare.ends(task)["failure"]["code"] == "submit_unknown"
    until(lambda: counted(bare), lambda now: now == (before[0], before[1] + 1))


def counted(front: Front) -> tuple[float, float]:
    """Return the gauge and the counter of engine two, once they are fresh."""
    text = until(
        lambda: front.http.get("/metrics").text,
        lambda text: f'filmgate_unknown_submits{{engine="two"}} {_shown(front)}' in text,
    )
    values = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    names = ("filmgate_unknown_submits", "filmgate_unknown_outcomes_total")
    now, total = (float(values[f'{name}{{engine="two"}}']) for name in names)
    return now, total


def _shown(front: Front) -> float:
    listed = front.http.get("/api/v1/admin/unknown").json()["submits"]
    return float(sum(each["engine"] == "two" for each in listed))
