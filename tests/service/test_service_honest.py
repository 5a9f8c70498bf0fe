"""A service says of every task what is not as it was asked for, and with strict terms refuses it beforehand."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import pytest

from tests.support.service import RunningService

from .apis import BATCHES, READS, SUBMITS, Request, form_for, form_of
from .conftest import client, ended

ENGINES = {
    "drafts": {"type": "scripted", "models": ["*"], "preview": True},
    "narrow": {
        "type": "openai_videos",
        "base_url": "http://127.0.0.1:9/v1",
        "models": ["narrow", "both"],
        "sizes": ["1280x720"],
        "seconds": [4, 8],
    },
    "wide": {"type": "scripted", "models": ["both"], "priority": 1},
}
"""Clips that are said to be previews; a provider, which does not answer, with few sizes; another for the same model."""

INEXACT: dict[str, dict[str, Any]] = {
    "native": {"duration": 5, "enhance": True},
    "gateway": {"expand_prompt": True},
    "gateway-v2": {"expand_prompt": True},
    "acedata": {"enhancement": True},
    "dream_machine": {"seed": 7},
    "agents": {"output_format": "png"},
    "openai_videos": {"seconds": "99"},
}
"""Something in each dialect that the scripted engine does not do as it is asked to."""


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """A service whose engines do not do all that is asked."""
    data = tmp_path_factory.mktemp("honest") / "data"
    running = RunningService(data, engines=json.dumps(ENGINES)).start()
    yield running
    running.stop()


@pytest.fixture
def http(honest: RunningService) -> Iterator[httpx2.Client]:
    """A client of that service."""
    with client(honest) as http:
        yield http


def inexact(name: str, **more: Any) -> Request:
    """Return a request with something that is not done as asked."""
    method, path, body = SUBMITS[name]
    return Request(method, path, body | INEXACT[name] | more)


def total(http: httpx2.Client) -> int:
    """Return how many tasks there are."""
    return int(http.get("/api/v1/tasks?limit=1").json()["total"])


def remarks(answer: Any) -> Iterator[dict[str, Any]]:
    """Yield every object in an answer that says what was changed."""
    if isinstance(answer, dict):
        if answer.get("adjustments"):
            yield answer
        for value in answer.values():
            yield from remarks(value)
    if isinstance(answer, list):
        for value in answer:
            yield from remarks(value)


@pytest.mark.xdist_group("honest")
@pytest.mark.parametrize("name", [name for name in SUBMITS if name != "gateway-v2"])
def test_every_answer_says_so(honest: RunningService, http: httpx2.Client, name: str) -> None:
    """The answer to a request, each query of one or many, before and after the end, the command line and MCP."""
    submitted = inexact(name).send(http)
    assert submitted.is_success, submitted.text
    found = submitted.json()
    task_id = found.get("task_id") or found["id"]
    [change] = next(remarks(found))["adjustments"]
    assert change["asked"] != change["used"]
    assert change["reason"]
    ended(http, task_id)
    for read in READS.values():
        for _ in range(2):  # the second answer is a kept one
            told = next(remarks(read(task_id).send(http).json()))
            assert told["preview"] is True
            assert (told["adjustments"][0]["asked"], told["adjustments"][0]["used"]) == (
                change["asked"],
                change["used"],
            )
    for batch, items in BATCHES.values():
        assert next(remarks(items(batch([task_id]).send(http).json())))["preview"] is True
    shown = honest.run("get", task_id)
    assert "\npreview     " in shown.stdout
    assert f" was asked for, {'nothing' if change['used'] is None else change['used']} is used: " in shown.stdout
    assert "preview, changed" in honest.run("list").stdout
    call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call",
            "params": {"name": "luma_get_task", "arguments": {"task_id": task_id}}}  # fmt: skip
    mcp = http.post("/mcp", json=call, headers={"Accept": "application/json, text/event-stream"})
    assert '"preview":true' in mcp.text
    assert '"adjustments":[{' in mcp.text


@pytest.mark.xdist_group("honest")
def test_a_completed_preview_lists_the_words_it_ignored(honest: RunningService, http: httpx2.Client) -> None:
    """As they were written, and harmless in a terminal."""
    made = http.post(
        "/api/v1/tasks", json={"prompt": "A Zebra \x1b[31mnear [bold]the[/bold] sea", "duration": 1}
    ).json()
    task = ended(http, made["id"])
    assert task["ignored_words"] == ["Zebra", "31mnear", "bold", "sea"]
    shown = honest.run("wait", made["id"]).stdout
    assert "ignored     Zebra 31mnear bold sea\n" in shown
    assert json.loads(honest.run("get", made["id"], "--json").stdout)["ignored_words"] == task["ignored_words"]


HOW: dict[str, Callable[[httpx2.Client, str], httpx2.Response]] = {
    "body": lambda http, name: inexact(name, strict=True).send(http),
    "header": lambda http, name: inexact(name).send(http, headers={"X-Filmgate-Strict": "true"}),
    "parameter": lambda http, name: inexact(name).send(http, "?strict=true"),
}


@pytest.mark.xdist_group("honest")
@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("name", SUBMITS)
def test_a_strict_request_is_refused_before_it_is_accepted(http: httpx2.Client, name: str, how: str) -> None:
    """In the form of its dialect, whichever way it says so; nothing is accepted. Without the change it is accepted."""
    before = total(http)
    refused = HOW[how](http, name)
    assert refused.status_code == 400, refused.text
    assert form_of(refused) == form_for(name)
    assert "strict" in refused.text
    assert total(http) == before
    method, path, body = SUBMITS[name]
    assert Request(method, path, body | {"strict": True}).send(http).is_success


@pytest.mark.xdist_group("honest")
def test_a_refusal_says_what_is_possible(http: httpx2.Client) -> None:
    """Which value, what would become of it, and which values there are."""
    refused = inexact("openai_videos", strict=True).send(http).json()["error"]
    assert refused["param"] == "seconds"
    assert "seconds: 99 would become 10; a video has 1 to 10 whole seconds." in refused["message"]
    refused = http.post("/api/v1/tasks", json={"prompt": "x", "model": "narrow", "duration": 5, "strict": True})
    assert "duration: 5 would become 8; it can be 4, 8 seconds." in refused.json()["error"]["message"]


@pytest.mark.xdist_group("honest")
def test_a_strict_request_goes_to_who_makes_it_as_asked(http: httpx2.Client) -> None:
    """An engine that would change a value is passed over, however it ranks; a default may be changed."""
    wanted = {"prompt": "x", "model": "both", "duration": 5}
    first = http.post("/api/v1/tasks", json=wanted).json()
    assert first["engine"] == "narrow"
    assert first["adjustments"][0] | {"reason": 0} == {"field": "duration", "asked": 5, "used": 8, "reason": 0}
    strict = http.post("/api/v1/tasks", json=wanted | {"strict": True}).json()
    assert (strict["engine"], strict["adjustments"]) == ("wide", [])
    usual = http.post("/api/v1/tasks", json={"prompt": "x", "model": "narrow", "strict": True}).json()
    assert usual["engine"] == "narrow"
    # The provider does not answer: the first task goes on to the other engine, which makes it as asked.
    moved = ended(http, first["id"])
    assert (moved["engine"], moved["adjustments"], moved["state"]) == ("wide", [], "completed")


@pytest.mark.xdist_group("honest")
def test_a_strict_request_is_another_request(http: httpx2.Client) -> None:
    """Under one Idempotency-Key the same body, once strict by its header, is not taken for a repetition."""
    headers = {"Idempotency-Key": "one-key-for-two"}
    request = SUBMITS["native"]
    assert request.send(http, headers=headers).status_code == 201
    again = request.send(http, headers=headers | {"X-Filmgate-Strict": "1"})
    assert again.status_code == 422
    assert request.send(http, headers=headers).status_code == 201


@pytest.mark.xdist_group("honest")
def test_strict_is_true_or_false(http: httpx2.Client) -> None:
    """Any other word is an error, not a no."""
    for answer in (
        SUBMITS["native"].send(http, "?strict=maybe"),
        SUBMITS["native"].send(http, headers={"X-Filmgate-Strict": "maybe"}),
        inexact("native", strict="maybe").send(http),
    ):
        assert answer.status_code == 400
        assert "must be true or false" in answer.text


@pytest.mark.xdist_group("honest")
def test_the_command_line_is_strict_if_asked_to(honest: RunningService) -> None:
    """`--strict` ends with the code of wrong usage and the reason."""
    done = honest.run("generate", "x", "--model", "narrow", "--duration", "5", "--strict")
    assert (done.returncode, done.stdout) == (2, "")
    assert "it can be 4, 8 seconds" in done.stderr


@pytest.mark.xdist_group("honest")
def test_what_cannot_be_made_at_all_is_refused_strictly(http: httpx2.Client) -> None:
    """A task that would be accepted to fail is refused."""
    body = {"prompt": "a cat", "duration": "99s"}
    assert http.post("/dream-machine/v1/generations", json=body).status_code == 201
    assert http.post("/dream-machine/v1/generations", json=body | {"strict": True}).status_code == 400
