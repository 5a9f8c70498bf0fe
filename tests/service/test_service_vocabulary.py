"""One vocabulary: a task made in any dialect is found, with its right state and files, in every other."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx2
import jsonschema
import pytest

from tests.support.processes import until
from tests.support.service import RunningService

from .apis import READS, SUBMITS, Request
from .conftest import client

STATES = ("pending", "processing", "completed", "failed")
ONE_SLOT = json.dumps({"scripted": {"type": "scripted", "models": ["*"], "slots": 1}})

WORDS: dict[str, tuple[str, ...]] = {
    "native": STATES,
    "gateway": STATES,
    "gateway-v2": STATES,
    "acedata": STATES,
    "dream_machine": ("queued", "dreaming", "completed", "failed"),
    "agents": ("queued", "processing", "completed", "failed"),
    "openai_videos": ("queued", "in_progress", "completed", "failed"),
}
"""What each dialect calls the four states."""

ROUTES = {
    "native": ("/api/v1/tasks/{task_id}", "get"),
    "gateway": ("/luma/generations/{task_id}", "get"),
    "gateway-v2": ("/luma/v2/generations/{task_id}", "get"),
    "acedata": ("/luma/tasks", "post"),
    "dream_machine": ("/dream-machine/v1/generations/{generation_id}", "get"),
    "agents": ("/agents/v1/generations/{generation_id}", "get"),
    "openai_videos": ("/v1/videos/{video_id}", "get"),
}
"""Where the published description has the answer of each query."""


@pytest.mark.xdist_group("vocabulary")
@pytest.mark.parametrize("maker", [name for name in SUBMITS if name != "gateway-v2"])
def test_every_dialect_tells_the_same_story(one_slot: RunningService, maker: str) -> None:
    """In each state, a task has the right word in every dialect, and an answer that its published schema allows."""
    with client(one_slot) as http:
        described = http.get("/openapi.json").json()
        tasks = {
            "completed": _settled(http, _made(http, maker, "a cat"), "completed"),
            "failed": _settled(http, _made(http, maker, "a cat [fail=moderated: No cats.]"), "failed"),
            "processing": _settled(http, _made(http, maker, "a cat [hang]"), "processing"),
            "pending": _made(http, maker, "a cat in line"),
        }
        for state, task_id in tasks.items():
            answers = {name: _answer(http, read(task_id)) for name, read in READS.items()}
            for name, answer in answers.items():
                assert _word(name, answer) == WORDS[name][STATES.index(state)], (name, state)
                _conforms(described, name, answer)
            files = {name: _video(name, answer) for name, answer in answers.items() if name != "openai_videos"}
            assert len(set(files.values())) == 1, files
            assert (files["native"] is not None) is (state == "completed")
        for state in ("processing", "pending"):
            http.post(f"/api/v1/tasks/{tasks[state]}/cancel")


@pytest.fixture(scope="module")
def one_slot(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A service that works on one task at a time, so that the next one waits in line."""
    running = RunningService(tmp_path_factory.mktemp("vocabulary") / "data", engines=ONE_SLOT).start()
    yield running
    running.stop()


def _made(http: httpx2.Client, maker: str, prompt: str) -> str:
    request = SUBMITS[maker]
    body = {
        name: prompt if isinstance(value, str) and value == "x [fail]" else value
        for name, value in request.json.items()
    }
    answer = http.request(request.method, request.path, json=body)
    assert answer.status_code in (200, 201), answer.text
    told = answer.json()
    return str(told.get("task_id") or told["id"])


def _settled(http: httpx2.Client, task_id: str, state: str) -> str:
    until(lambda: http.get(f"/api/v1/tasks/{task_id}").json()["state"], lambda now: now == state)
    return task_id


def _answer(http: httpx2.Client, request: Request) -> Any:
    answer = request.send(http)
    assert answer.status_code == 200, answer.text
    return answer.json()


def _word(name: str, answer: Any) -> str:
    told = answer["data"][0] if name == "gateway-v2" else answer
    return str(told["status"] if name == "openai_videos" else told["state"])


def _video(name: str, answer: Any) -> str | None:
    ways: dict[str, Callable[[], str | None]] = {
        "native": lambda: (answer["video"] or {}).get("url"),
        "gateway": lambda: (answer["video"] or {}).get("url"),
        "gateway-v2": lambda: (answer["data"][0]["video"] or {}).get("url"),
        "acedata": lambda: answer["response"].get("video_url"),
        "dream_machine": lambda: (answer["assets"] or {}).get("video"),
        "agents": lambda: answer["output"][0]["url"] if answer["output"] else None,
    }
    return ways[name]()


def _conforms(described: dict[str, Any], name: str, answer: Any) -> None:
    path, method = ROUTES[name]
    schema = described["paths"][path][method]["responses"]["200"]["content"]["application/json"]["schema"]
    jsonschema.validate(answer, schema | {"components": described["components"]})
