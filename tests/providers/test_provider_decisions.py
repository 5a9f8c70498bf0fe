"""What operators and policies decide about submits of an unknown outcome."""

from __future__ import annotations

import pytest

from tests.providers.conftest import StartGate, account
from tests.providers.hostile import Hostile
from tests.providers.test_hostile import ended, has_file, submit
from tests.support.processes import until


def test_an_id_of_the_provider_belongs_to_one_task(gate: StartGate, provider: Hostile):
    """An operator who mistakes one task for another is told, and can still decide."""
    _, client = gate({"gw": account("gateway", provider.url, batch=1)})
    first, second = submit(client, "one [drop]"), submit(client, "two [drop]")
    until(lambda: client.get("/admin/unknown").json()["submits"], lambda found: len(found) == 2)
    one, two = sorted(provider.tasks.values(), key=lambda task: str(task.request))
    url = f"/admin/unknown/{second['id']}"
    accepted = {"decision": "accepted", "upstream_id": one.id}
    assert client.post(f"/admin/unknown/{first['id']}", json=accepted).status_code == 200
    taken = client.post(url, json=accepted)
    assert (taken.status_code, taken.json()["error"]["code"]) == (409, "conflict")
    assert client.post(url, json={"decision": "accepted", "upstream_id": two.id}).status_code == 200
    assert has_file(client, ended(client, first))
    assert has_file(client, ended(client, second))
    assert (provider.submits["one [drop]"], provider.submits["two [drop]"]) == (1, 1)


def test_a_policy_sends_a_submit_once_more_and_no_oftener(gate: StartGate, provider: Hostile):
    """A provider that never tells is paid twice at most, as the operator has allowed."""
    _, client = gate({"gw": account("gateway", provider.url, batch=1, on_unknown="submit_again")})
    task = submit(client, "a lake [drop]")
    until(lambda: provider.accepted["a lake [drop]"], lambda count: count == 2)
    with pytest.raises(AssertionError, match="not within"):
        until(lambda: provider.accepted["a lake [drop]"], lambda count: count > 2, deadline=6)
    assert client.get(f"/tasks/{task['id']}").json()["stage"] == "submit_unknown"


@pytest.mark.parametrize("kind", ["gateway", "acedata"])
def test_of_two_tasks_that_a_provider_calls_alike_one_is_held(gate: StartGate, provider: Hostile, kind: str):
    """The first keeps the id, whichever table asked; the other is of an unknown outcome, and nothing breaks."""
    table = account(kind, provider.url, batch=1)
    running, client = gate({"one": table | {"models": ["one"]}, "two": table | {"models": ["two"]}})
    first = submit(client, "first [id=upstream_1]", model="one")
    assert has_file(client, ended(client, first))
    second = submit(client, "second [id=upstream_1]", model="two")
    held = until(lambda: client.get("/admin/unknown").json()["submits"], bool)
    assert [each["id"] for each in held] == [second["id"]]
    assert client.get(f"/tasks/{second['id']}").json()["state"] == "processing"
    assert client.delete(f"/tasks/{first['id']}").status_code == 204
    taken = client.post(f"/admin/unknown/{second['id']}", json={"decision": "accepted", "upstream_id": "upstream_1"})
    assert taken.status_code == 409
    assert "another task upstream_1" in taken.json()["error"]["message"]
    assert provider.submits["second [id=upstream_1]"] == 1
    assert "Traceback" not in running.log.read_text()
