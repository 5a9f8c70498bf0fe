"""A service behind another that repeats submits under a key: one task, whatever was lost on the way."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from tests.providers.conftest import FAST
from tests.providers.test_matrix import PATHS
from tests.support.processes import until
from tests.support.proxy import LossyProxy, lossy
from tests.support.service import RunningService, held

ACCOUNTS = {
    **{f"lost-{kind}": kind for kind in PATHS},
    **{f"stuck-{kind}": kind for kind in PATHS},
    **{f"dies-{whose}": "gateway" for whose in ("front", "back")},
    "deleted": "gateway",
}
"""Accounts and what they speak: one for each test, because one that answers nothing is left alone for a while."""

ALL = 1_000_000
"""Answers that are lost until the proxy is told otherwise."""

pytestmark = pytest.mark.xdist_group("keyed chain")


class Chain:
    """A service in front of another, a connection between them that loses answers, and clients of both."""

    def __init__(self, front: RunningService, back: RunningService, proxy: LossyProxy) -> None:
        self.front, self.back, self.proxy = front, back, proxy
        self.http = httpx2.Client(base_url=front.url, headers=front.headers, timeout=60)

    def submit(self, account: str) -> str:
        """Submit a task to an account, with its name as the prompt, and give its id."""
        answer = self.http.post("/api/v1/tasks", json={"prompt": account, "model": account})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def task(self, task_id: str) -> dict[str, Any]:
        """Return a task as the service in front has it."""
        return self.http.get(f"/api/v1/tasks/{task_id}").json()

    def completed(self, task_id: str) -> None:
        """Wait until a task has completed, also if it was not known for a while what became of it."""
        task = until(lambda: self.task(task_id), lambda task: task["state"] in ("completed", "failed"), deadline=90)
        assert task["state"] == "completed", task

    def made(self, prompt: str) -> list[str]:
        """Return what the service behind has accepted with a prompt: read from its ledger, also while that is held."""
        with contextlib.closing(sqlite3.connect(self.back.data / "filmgate.db", timeout=30)) as ledger:
            rows = ledger.execute("SELECT id FROM tasks WHERE instr(CAST(generation AS TEXT), ?)", (prompt,))
            return [str(task_id) for (task_id,) in rows.fetchall()]


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chain]:
    """A service that knows another one as a provider in each dialect, and that this one knows keys."""
    back = RunningService(tmp_path_factory.mktemp("back") / "data").start()
    with lossy(back.url, losses=0) as proxy:
        engines = {
            name: {
                **FAST,
                "timeout": 1,
                "type": kind,
                "base_url": proxy.url + PATHS[kind],
                "key_env": "BACK_KEY",
                "idempotency_keys": True,
                "models": {name: {"name": "ray-2", "credits": 1}},
            }
            for name, kind in ACCOUNTS.items()
        }
        front = RunningService(tmp_path_factory.mktemp("front") / "data", engines=json.dumps(engines))
        front.env["BACK_KEY"] = back.key
        chained = Chain(front.start(), back, proxy)
        yield chained
        chained.http.close()
        for each in (front, back):
            assert each.stop() == 0
            assert "Traceback" not in each.log.read_text(), each.log.read_text()[-8000:]


def repeats(service: RunningService, task_id: str) -> int:
    """Count the repeats of a task's submit that a service has written into its log as not answered with a task."""
    lines = [line for line in service.log.read_text().splitlines() if task_id in line]
    return sum("repeat to" in line for line in lines)


@pytest.mark.parametrize("kind", PATHS)
def test_answers_that_are_lost(chain: Chain, kind: str):
    """The answers to the submit and to its first repeat are lost: the second repeat is given the first one's task."""
    chain.proxy.lose(2)
    task = chain.submit(f"lost-{kind}")
    chain.completed(task)
    assert len(chain.made(f"lost-{kind}")) == 1
    assert repeats(chain.front, task) == 1


@pytest.mark.parametrize("kind", PATHS)
def test_a_repeat_that_comes_before_the_first_is_accepted(chain: Chain, kind: str):
    """The service behind is stuck: 409 to a repeat means wait, and the task is made once when it goes on."""
    with held(chain.back):
        task = chain.submit(f"stuck-{kind}")
        until(lambda: repeats(chain.front, task), bool)
        assert chain.task(task)["stage"] == "submit_unknown"
        assert chain.made(f"stuck-{kind}") == []
    chain.completed(task)
    assert len(chain.made(f"stuck-{kind}")) == 1


@pytest.mark.parametrize("whose", ["front", "back"])
def test_a_crash_between_submit_and_answer(chain: Chain, whose: str):
    """One of the two is killed after the submit was accepted and before an answer came: the task is made once."""
    chain.proxy.lose(ALL)
    task = chain.submit(f"dies-{whose}")
    until(lambda: chain.made(f"dies-{whose}"), bool)
    service: RunningService = getattr(chain, whose)
    service.kill_group()
    chain.proxy.lose(0)
    service.start()
    chain.completed(task)
    assert len(chain.made(f"dies-{whose}")) == 1


def test_what_the_key_belongs_to_is_deleted(chain: Chain):
    """A repeat of a submit whose task was deleted behind is refused, and the task is held: nothing is made again."""
    chain.proxy.lose(ALL)
    task = chain.submit("deleted")
    (upstream,) = until(lambda: chain.made("deleted"), bool)
    with httpx2.Client(base_url=chain.back.url, headers=chain.back.headers) as http:
        http.post(f"/api/v1/tasks/{upstream}/cancel")
        until(lambda: http.delete(f"/api/v1/tasks/{upstream}").status_code, (204).__eq__)
    before = repeats(chain.front, task)
    chain.proxy.lose(0)
    until(lambda: repeats(chain.front, task), lambda count: count > before + 1, deadline=90)
    assert chain.task(task)["stage"] == "submit_unknown"
    assert chain.made("deleted") == []
    chain.http.post(f"/api/v1/tasks/{task}/cancel")
