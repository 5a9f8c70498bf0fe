"""Every client dialect from every provider: the owner sees no difference but the picture."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.providers.clients import CLIENTS, Client
from tests.service.apis import READS
from tests.support.clips import play
from tests.support.processes import until
from tests.support.service import RunningService

PATHS = {
    "dream_machine": "/dream-machine/v1",
    "agents": "/agents/v1",
    "acedata": "",
    "gateway": "",
    "openai_videos": "/v1",
}
"""Where a second Filmgate serves the dialect of each provider."""

DISCARDING = ("dream_machine", "openai_videos")
"""Dialects in which a provider can be told that a task is not wanted any more."""

STEPS = ("create", "image", "extend", "failure", "cancel")
PAGE = Path(__file__).parents[2] / "docs/reference/providers.md"


class Pair:
    """A service in front of another, and clients of both."""

    def __init__(self, front: RunningService, back: RunningService) -> None:
        self.http = httpx2.Client(base_url=front.url, headers=front.headers, timeout=70)
        self.back = httpx2.Client(base_url=back.url, headers=back.headers, timeout=70)

    def task(self, task_id: str) -> dict[str, Any]:
        """Return a task as the service in front has it."""
        return self.http.get(f"/api/v1/tasks/{task_id}").json()

    def ended(self, task_id: str) -> dict[str, Any]:
        """Wait for the end of a task."""
        return until(lambda: self.task(task_id), lambda task: task["state"] in ("completed", "failed"), deadline=90)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """A service whose models are made by five providers, all of them a second Filmgate."""
    back = RunningService(tmp_path_factory.mktemp("back") / "data").start()
    engines = {
        name: {
            "type": name,
            "base_url": back.url + path,
            "key_env": "BACK_KEY",
            "models": {f"by-{name}": {"name": "ray-2", "credits": 1}},
            "poll": 0.5,
            "poll_max": 1,
        }
        for name, path in PATHS.items()
    }
    front = RunningService(tmp_path_factory.mktemp("front") / "data", engines=json.dumps(engines))
    front.env["BACK_KEY"] = back.key
    front.start()
    served = Pair(front, back)
    yield served
    served.http.close()
    served.back.close()
    assert front.stop() == 0
    assert back.stop() == 0
    assert "Traceback" not in front.log.read_text(), front.log.read_text()[-8000:]


def submitted(answer: httpx2.Response, key: str) -> dict[str, Any]:
    """Return what a submit was answered with, and the task's id under `id`."""
    assert answer.status_code in (200, 201, 202), answer.text
    made = answer.json()
    return made | {"id": made[key]}


def words(pair: Pair, task_id: str) -> dict[str, str]:
    """Return what a task's answer says in every dialect, as text."""
    return {name: read(task_id).send(pair.http).text for name, read in READS.items()}


def check_file(pair: Pair, task_id: str, frames: int) -> None:
    """Look at a completed task: its true size, and its own file and stills in every dialect."""
    task = pair.ended(task_id)
    assert task["state"] == "completed", task
    assert (task["video"]["width"], task["video"]["height"], task["video"]["frames"]) == (1360, 752, frames)
    seen = play(httpx2.get(task["video"]["url"]).content)
    assert (seen.width, seen.height, seen.frames) == (1360, 752, frames)
    for still in ("thumbnail", "last_frame"):
        assert httpx2.get(task[still]).headers["content-type"] == "image/jpeg"
    for name, answer in words(pair, task_id).items():
        assert '"completed"' in answer, (name, answer)
        assert str(pair.back.base_url) not in answer, (name, answer)


def check_failure(pair: Pair, task_id: str) -> None:
    """Look at a failed task: the provider's reason, in every dialect."""
    task = pair.ended(task_id)
    assert (task["state"], task["failure"]["message"]) == ("failed", "Not today."), task
    for name, answer in words(pair, task_id).items():
        assert "Not today." in answer, (name, answer)


def check_cancel(pair: Pair, client: Client, provider: str, task_id: str, prompt: str) -> None:
    """End a task that the provider works on; where it can be told, it stops as well."""

    def at_back() -> list[dict[str, Any]]:
        tasks = pair.back.get("/api/v1/tasks", params={"limit": 100}).json()["tasks"]
        return [task for task in tasks if task["prompt"] == prompt]

    until(at_back, bool)
    until(lambda: pair.task(task_id).get("stage"), lambda stage: stage == "follow")
    assert client.cancel(pair.http, task_id).status_code in (200, 204)
    ended = pair.http.get(f"/api/v1/tasks/{task_id}")
    assert ended.status_code == 404 or ended.json()["failure"]["code"] == "cancelled"
    if provider in DISCARDING:
        until(at_back, lambda found: not found)


@pytest.mark.parametrize("name", CLIENTS)
def test_a_client_is_served_from_every_provider(pair: Pair, name: str, capsys: pytest.CaptureFixture[str]):
    """Create, image to video, extend, a failure and a cancel have the same results whoever makes the video."""
    client = CLIENTS[name]
    passed: dict[str, list[str]] = {}
    started: dict[str, dict[str, dict[str, Any]]] = {}
    for provider in PATHS:
        model, mark = f"by-{provider}", f"{name} by {provider}"
        asked = {
            "create": client.create(pair.http, f"a lake, {mark}", model),
            "image": client.image(pair.http, f"from a picture, {mark}", model),
            "failure": client.create(pair.http, f"a cat [fail=moderated: Not today.], {mark}", model),
            "cancel": client.create(pair.http, f"for ever [hang], {mark}", model),
        }
        started[provider] = {step: submitted(answer, client.key) for step, answer in asked.items()}
    for provider, tasks in started.items():
        steps = passed[provider] = []
        check_cancel(pair, client, provider, tasks["cancel"]["id"], f"for ever [hang], {name} by {provider}")
        steps.append("cancel")
        check_file(pair, tasks["create"]["id"], 121)
        steps.append("create")
        check_file(pair, tasks["image"]["id"], 121)
        steps.append("image")
        check_failure(pair, tasks["failure"]["id"])
        steps.append("failure")
        more = client.extend(pair.http, "and on", f"by-{provider}", tasks["create"])
        check_file(pair, submitted(more, client.key)["id"], 242)
        steps.append("extend")
    cells = [f"{len(passed[provider])} of {len(STEPS)}" for provider in PATHS]
    row = f"| {name} | {' | '.join(cells)} |"
    with capsys.disabled():
        print(f"\n{row}")
    assert row in PAGE.read_text("utf-8")


def test_the_table_in_the_docs_has_no_other_rows():
    """What the page says of clients and providers is what these tests have shown."""
    table = re.search(r"<!-- matrix -->\n(.*?)<!-- /matrix -->", PAGE.read_text("utf-8"), re.DOTALL)
    assert table is not None
    head, _, *rows = table[1].strip().splitlines()
    assert [cell.strip() for cell in head.strip("|").split("|")][1:] == list(PATHS)
    assert [row.split("|")[1].strip() for row in rows] == list(CLIENTS)
