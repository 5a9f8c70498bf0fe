"""Whatever a provider does, a task ends as promised, and is paid for once."""

from __future__ import annotations

import datetime
import time
from typing import Any

import httpx2
import pytest

from tests.providers.conftest import StartGate, account
from tests.providers.hostile import Hostile
from tests.support.clips import play
from tests.support.processes import until


def submit(client: httpx2.Client, prompt: str, **more: Any) -> dict[str, Any]:
    """Submit a task and give it as it was accepted."""
    answer = client.post("/tasks", json={"prompt": prompt, **more})
    assert answer.status_code == 201, answer.text
    return answer.json()


def ended(client: httpx2.Client, task: dict[str, Any], seconds: float = 40) -> dict[str, Any]:
    """Wait for the end of a task."""
    found = client.get(f"/tasks/{task['id']}", params={"wait": seconds}).json()
    assert found["state"] in ("completed", "failed"), found
    return found


def has_file(client: httpx2.Client, task: dict[str, Any]) -> bool:
    """Return whether a completed task's file is ours, whole and playable."""
    assert task["state"] == "completed", task
    assert client.base_url.host in task["video"]["url"]
    seen = play(httpx2.get(task["video"]["url"]).content)
    return (seen.width, seen.height, seen.frames) == (320, 240, 49) and task["video"]["frames"] == 49


@pytest.mark.parametrize(
    "trick",
    ["fine", "busy=2", "words", "nulls", "missing=2", "broken", "drop", "late500", "garbage"],
)
def test_what_passes_is_waited_out(gate: StartGate, provider: Hostile, trick: str):
    """Refusals for a time, unknown words, nulls, two 404s, a broken download and lost answers all end well, once."""
    _, client = gate({"ace": account("acedata", provider.url, exclusive=True)})
    prompt = f"a lake [{trick}]"
    task = ended(client, submit(client, prompt))
    assert has_file(client, task)
    assert provider.accepted[prompt] == 1
    if trick == "busy=2":
        first, second, third = provider.times[prompt]
        assert second - first >= 1
        assert third - second >= 1


@pytest.mark.parametrize(
    ("trick", "code"),
    [
        ("fails", "generation_failed"),
        ("nofile", "output_missing"),
        ("truncated", "output_missing"),
        ("gone", "output_missing"),
        ("400", "rejected_by_provider"),
        ("403", "moderated"),
    ],
)
def test_a_verdict_ends_the_task(gate: StartGate, provider: Hostile, trick: str, code: str):
    """A definite word of the provider's, or a file that nobody can use, ends the task with its reason, once."""
    _, client = gate({"ace": account("acedata", provider.url)})
    prompt = f"a lake [{trick}]"
    task = ended(client, submit(client, prompt))
    assert (task["state"], task["failure"]["code"]) == ("failed", code)
    assert provider.submits[prompt] == 1


def test_a_waiting_task_says_when_its_provider_is_asked_next(gate: StartGate, provider: Hostile):
    """While it is to be submitted, ten minutes off at most, and while it is followed; afterwards it says nothing."""
    engines = {
        "busy": account("acedata", provider.url, models=["busy"]),
        "slow": account("acedata", provider.url, models=["slow"], poll=300, poll_max=600),
    }
    _, client = gate(engines)

    def seconds(task: dict[str, Any]) -> float:
        found = client.get(f"/tasks/{task['id']}").json()["next_attempt_at"]
        return 0.0 if found is None else datetime.datetime.fromisoformat(found).timestamp() - time.time()

    busy, followed = (
        submit(client, "a lake [busy=9] [later=86400]", model="busy"),
        submit(client, "a fox", model="slow"),
    )
    assert 60 < until(lambda: seconds(busy), bool) <= 600
    assert 60 < until(lambda: seconds(followed), bool) <= 300
    listed = {task["id"]: task["next_attempt_at"] for task in client.get("/tasks").json()["tasks"]}
    assert all(listed[task["id"]] for task in (busy, followed))
    assert client.post(f"/tasks/{busy['id']}/cancel").json()["next_attempt_at"] is None
    assert seconds(busy) == 0


def test_what_never_finishes_ends_at_its_deadline(gate: StartGate, provider: Hostile):
    """A provider may take its time, up to the deadline of the engine."""
    _, client = gate({"ace": account("acedata", provider.url, deadline=3)})
    task = ended(client, submit(client, "a lake [never]"))
    assert task["failure"]["code"] == "expired"
    assert provider.accepted["a lake [never]"] == 1


def test_a_task_that_is_missed_without_a_witness_ends_at_its_deadline(gate: StartGate, provider: Hostile):
    """A provider that knows nothing of ours any more may be under repair."""
    _, client = gate({"ace": account("acedata", provider.url, deadline=5)})
    task = ended(client, submit(client, "a lake [missing=1000]"))
    assert task["failure"]["code"] == "expired"
    assert provider.submits["a lake [missing=1000]"] == 1


ODD = [
    *((status, "empty") for status in (204, 302, 407, 408, 409, 418, 423, 425, 430, 499, 500, 501, 503, 504, 529)),
    *((200, body) for body in ("empty", "html", "null", "envelope", "number", "error", "list", "text", "noid")),
    (202, "envelope"),
    (409, "error"),
    (502, "html"),
]


def test_no_odd_answer_to_a_submit_makes_a_second_one(gate: StartGate, provider: Hostile):
    """The provider has accepted every task, and says so in no way: each is held, and was sent once over the wire."""
    engines = {
        f"at-{number}": account(kind, provider.url, models=[f"model-{number}"])
        for number, kind in enumerate(["gateway", "agents"] * len(ODD))
    }
    _, client = gate(engines)
    tasks = [
        submit(client, f"lake {number} [odd={status}] [body={body}]", model=f"model-{number}")
        for number, (status, body) in enumerate([each for each in ODD for _ in range(2)])
    ]
    held = until(lambda: client.get("/admin/unknown").json()["submits"], lambda found: len(found) == len(tasks), 60)
    assert {each["id"] for each in held} == {task["id"] for task in tasks}
    assert set(provider.submits.values()) == {1}
    assert len(provider.tasks) == len(tasks)


@pytest.mark.parametrize("trick", ["500", "503", "drop", "garbage"])
def test_a_submit_nobody_knows_the_outcome_of_is_held(gate: StartGate, provider: Hostile, trick: str):
    """Where the provider cannot be searched the task waits for the operator, and is not sent a second time."""
    _, client = gate({"gw": account("gateway", provider.url, batch=1)})
    prompt = f"a lake [{trick}]"
    task = submit(client, prompt)
    (held,) = until(lambda: client.get("/admin/unknown").json()["submits"], lambda found: len(found) == 1)
    assert held["id"] == task["id"]
    found = client.get(f"/tasks/{task['id']}").json()
    assert (found["state"], found["stage"]) == ("processing", "submit_unknown")
    assert provider.submits[prompt] == 1


def test_an_operator_says_that_it_was_accepted(gate: StartGate, provider: Hostile):
    """With the provider's id the task is followed like any other."""
    _, client = gate({"gw": account("gateway", provider.url, batch=1)})
    task = submit(client, "a lake [drop]")
    until(lambda: client.get("/admin/unknown").json()["submits"], bool)
    (upstream,) = provider.tasks
    url = f"/admin/unknown/{task['id']}"
    assert client.post(url, json={"decision": "accepted"}).status_code == 400
    assert client.post(url, json={"decision": "maybe"}).status_code == 400
    assert client.post(url, json={"decision": "accepted", "upstream_id": upstream}).status_code == 200
    assert has_file(client, ended(client, task))
    assert client.post(url, json={"decision": "fail"}).status_code == 404
    assert provider.submits["a lake [drop]"] == 1


def test_an_operator_is_quicker_than_the_look_up(gate: StartGate, provider: Hostile):
    """A decision stands, whoever was about to look the submit up."""
    _, client = gate({"ace": account("acedata", provider.url)})
    task = submit(client, "a lake [drop]")
    until(lambda: client.get("/admin/unknown").json()["submits"], bool)
    (upstream,) = provider.tasks
    url = f"/admin/unknown/{task['id']}"
    assert client.post(url, json={"decision": "accepted", "upstream_id": upstream}).status_code == 200
    assert has_file(client, ended(client, task))


def test_an_operator_has_it_failed_or_sent_again(gate: StartGate, provider: Hostile):
    """Both decisions are the operator's alone."""
    _, client = gate({"gw": account("gateway", provider.url, batch=1)})
    first, second = submit(client, "one [500]"), submit(client, "two [500]")
    until(lambda: client.get("/admin/unknown").json()["submits"], lambda found: len(found) == 2)
    client.post(f"/admin/unknown/{first['id']}", json={"decision": "fail"})
    assert ended(client, first)["failure"]["code"] == "submit_unknown"
    client.post(f"/admin/unknown/{second['id']}", json={"decision": "submit_again"})
    until(lambda: provider.submits["two [500]"], lambda count: count == 2)


@pytest.mark.parametrize(("policy", "submits"), [("fail", 1), ("submit_again", 2)])
def test_a_policy_decides_where_the_operator_has_set_one(gate: StartGate, provider: Hostile, policy: str, submits: int):
    """`on_unknown` says what becomes of a submit without an outcome."""
    _, client = gate({"gw": account("gateway", provider.url, batch=1, on_unknown=policy)})
    task = submit(client, "a lake [500]")
    until(lambda: provider.submits["a lake [500]"], lambda count: count >= submits)
    if policy == "fail":
        assert ended(client, task)["failure"]["code"] == "submit_unknown"
        assert provider.submits["a lake [500]"] == 1


def test_statuses_that_say_not_accepted_are_believed(gate: StartGate, provider: Hostile):
    """With `not_accepted` an operator vouches that a status means that nothing was taken: it is tried again."""
    provider.down = True
    _, client = gate({"gw": account("gateway", provider.url, batch=1, not_accepted=[503])})
    task = submit(client, "a lake")
    until(lambda: provider.submits["a lake"], lambda count: count >= 1)
    provider.down = False
    assert has_file(client, ended(client, task))
    assert provider.accepted["a lake"] == 1


def test_the_next_engine_takes_over_while_nothing_was_accepted(gate: StartGate, provider: Hostile):
    """An account that cannot be reached, or whose key is refused, is passed over; the breaker remembers it."""
    engines = {
        "dead": account("gateway", "http://127.0.0.1:9", priority=0),
        "ace": account("acedata", provider.url, priority=1),
    }
    _, client = gate(engines)
    task = submit(client, "a lake")

    def look() -> dict[str, dict[str, Any]]:
        return {each["name"]: each for each in client.get("/admin/engines").json()["engines"]}

    status = until(look, lambda found: not found["dead"]["healthy"])
    route = client.post("/admin/route", json={"prompt": "a lake"}).json()
    assert status["ace"]["healthy"]
    assert status["dead"]["retry_in"] > 0
    assert has_file(client, ended(client, task))
    assert route["engine"] == "ace"
    assert [(each["engine"], each["verdict"]) for each in route["candidates"]] == [
        ("ace", "chosen"),
        ("dead", "troubled"),
    ]


def test_no_other_engine_takes_over_once_it_may_be_accepted(gate: StartGate, provider: Hostile):
    """A lost answer is no reason to pay somebody else."""
    engines = {
        "gw": account("gateway", provider.url, batch=1, priority=0),
        "ace": account("acedata", provider.url, priority=1),
    }
    _, client = gate(engines)
    submit(client, "a lake [drop]")
    until(lambda: client.get("/admin/unknown").json()["submits"], bool)
    assert provider.submits["a lake [drop]"] == 1


def test_many_tasks_are_asked_about_at_once(gate: StartGate, provider: Hostile):
    """One follower asks for a batch of ids where the provider has a batch query."""
    _, client = gate({"ace": account("acedata", provider.url, batch=20)})
    tasks = [submit(client, f"lake {number} [words]") for number in range(30)]
    assert all(ended(client, task)["state"] == "completed" for task in tasks)
    assert max(provider.queries) > 5
    assert max(provider.queries) <= 20


def test_a_provider_has_no_more_at_work_than_its_slots(gate: StartGate, provider: Hostile):
    """The rest waits in line here."""
    _, client = gate({"ace": account("acedata", provider.url, slots=2)})
    tasks = [submit(client, f"lake {number} [never]") for number in range(5)]
    until(lambda: sum(provider.accepted.values()), lambda count: count >= 2)

    def in_flight() -> int:
        status = {each["name"]: each for each in client.get("/admin/engines").json()["engines"]}
        return int(status["ace"]["in_flight"])

    # The provider has accepted a task a moment before that is committed here.
    until(in_flight, lambda count: count == 2)
    assert sum(provider.accepted.values()) == 2
    for task in tasks:
        client.post(f"/tasks/{task['id']}/cancel")
        until(lambda: len(provider.tasks), lambda count: count <= 5)
    assert sum(provider.accepted.values()) <= 5


def test_a_killed_service_goes_on_without_a_second_submit(gate: StartGate, provider: Hostile):
    """What was accepted is followed again, and where the answer was lost in the crash it is looked up."""
    running, client = gate({"ace": account("acedata", provider.url, exclusive=True)})
    tasks = [submit(client, f"lake {number} [words]") for number in range(10)]
    until(lambda: len(provider.tasks), lambda count: count == 10)
    running.kill_group()
    running.start()
    with httpx2.Client(base_url=f"{running.url}/api/v1", headers=running.headers, timeout=70) as again:
        assert all(ended(again, task)["state"] == "completed" for task in tasks)
    assert all(provider.accepted[task["prompt"]] == 1 for task in tasks)


def test_no_secret_of_an_account_is_logged_or_shown(gate: StartGate, provider: Hostile):
    """The key is in no answer, no log line and not in the ledger."""
    running, client = gate({"ace": account("acedata", provider.url)})
    ended(client, submit(client, "a lake"))
    shown = client.get("/admin/engines").text + client.get("/engines").text
    stored = b"".join(path.read_bytes() for path in running.data.glob("filmgate.db*"))
    assert "secret of the operator" not in shown + running.log.read_text()
    assert b"secret of the operator" not in stored
