"""Tasks that a provider made before Filmgate knew of them are taken over under their own ids."""

from __future__ import annotations

import json
import socket
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import pytest

from tests.providers.conftest import FAST, StartGate, account
from tests.providers.recorder import Recorder, recorder
from tests.providers.test_matrix import PATHS
from tests.service.apis import BATCHES, READS, UNKNOWN, untraced
from tests.service.conftest import client, new_key
from tests.support.clips import play
from tests.support.processes import until
from tests.support.service import RunningService

pytestmark = pytest.mark.xdist_group("adopting")

ADMIN_KEY = "the admin key of the environment"


class Pair:
    """A service in front of another that is each of its providers; the client in front has an operator's key."""

    def __init__(self, front: RunningService, back: RunningService, recorder: Recorder) -> None:
        self.running = front
        self.recorder = recorder
        self.front = client(front)
        self.back = client(back)
        self.back_url = back.url

    def made_before(self, prompt: str) -> str:
        """Let the provider accept a short task that the service in front knows nothing of."""
        body = {"prompt": prompt, "duration": 1, "resolution": "540p", "aspect_ratio": "1:1"}
        return str(self.back.post("/api/v1/tasks", json=body).json()["id"])

    def recorded(self) -> str:
        """Let the recorder begin a task that the service in front knows nothing of."""
        return str(httpx2.post(f"{self.recorder.url}/luma/videos", json={"prompt": "a lake"}).json()["id"])

    def import_tasks(self, engine: str, *ids: str) -> httpx2.Response:
        """Import tasks of a provider."""
        return self.front.post("/api/v1/admin/import", json={"engine": engine, "ids": ids})

    def adopted(self, engine: str, *ids: str) -> None:
        """Import tasks, all of them."""
        answer = self.import_tasks(engine, *ids)
        assert answer.status_code == 200, answer.text
        assert [task["id"] for task in answer.json()["tasks"]] == [*ids]
        assert answer.json()["failed"] == []

    def ended(self, task_id: str) -> dict[str, Any]:
        """Wait for the end of a task."""
        found = self.front.get(f"/api/v1/tasks/{task_id}", params={"wait": "50"}, timeout=60).json()
        assert found["state"] in ("completed", "failed"), found
        return dict(found)


@pytest.fixture(scope="module")
def provider() -> Iterator[Recorder]:
    """A provider that is asked for what queries of the default application do not find."""
    with recorder() as running:
        yield running


@pytest.fixture(scope="module")
def pair(provider: Recorder, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """A service that can be reached from elsewhere, with an admin key of its own."""
    back = RunningService(tmp_path_factory.mktemp("back") / "data").start()
    engines = {
        name: {"type": name, "base_url": back.url + path, "key_env": "BACK_KEY", **FAST} for name, path in PATHS.items()
    }
    engines["recorder"] = {"type": "acedata", "base_url": provider.url, "adopt_for": "default", **FAST}
    options = {"engines": json.dumps(engines), "host": "0.0.0.0", "admin_key": ADMIN_KEY, "default_engine": "studio"}
    front = RunningService(tmp_path_factory.mktemp("front") / "data", **options)
    front.env["BACK_KEY"] = back.key
    served = Pair(front.start(), back, provider)
    yield served
    served.front.close()
    served.back.close()
    assert front.stop() == 0
    assert back.stop() == 0
    assert "Traceback" not in front.log.read_text(), front.log.read_text()[-8000:]


@pytest.mark.parametrize("engine", PATHS)
def test_what_was_made_before_is_found_in_every_dialect(pair: Pair, engine: str):
    """A finished task is found under its old id, with a file of ours and its true size, whoever is the provider."""
    old = pair.made_before(f"a lake, {engine}")
    until(lambda: pair.back.get(f"/api/v1/tasks/{old}").json()["state"], lambda state: state == "completed")
    pair.adopted(engine, old)
    task = pair.ended(old)
    assert task["state"] == "completed", task
    seen = play(httpx2.get(task["video"]["url"]).content)
    assert (seen.width, seen.height, seen.frames) == (720, 720, 25)
    assert (task["video"]["width"], task["video"]["height"], task["video"]["frames"]) == (720, 720, 25)
    assert task["prompt"] in (f"a lake, {engine}", "")
    for name, read in READS.items():
        answer = read(old).send(pair.front)
        assert answer.status_code == 200, (name, answer.text)
        assert old in answer.text
        assert '"completed"' in answer.text, (name, answer.text)
        assert pair.back_url not in answer.text, (name, answer.text)


@pytest.mark.parametrize("engine", PATHS)
def test_what_is_still_at_work_and_what_has_failed_can_be_taken_over_too(pair: Pair, engine: str):
    """One is followed to its end, the other ends at once with the provider's reason."""
    running = pair.made_before("for a while [delay=2]")
    failed = pair.made_before("a cat [fail=moderated: Not today.]")
    pair.adopted(engine, running, failed)
    assert pair.ended(failed)["failure"]["message"] == "Not today."
    for read in READS.values():
        assert "Not today." in read(failed).send(pair.front).text
    assert pair.ended(running)["video"]["frames"] == 25


def test_a_task_that_is_here_already_is_given_as_it_is(pair: Pair):
    """It is neither fetched again nor followed twice; its owner may even name it twice at once."""
    old = pair.made_before("a lake")
    pair.adopted("acedata", old)
    first = pair.ended(old)
    answer = pair.import_tasks("acedata", old, old).json()
    assert [task["video"]["url"] for task in answer["tasks"]] == [first["video"]["url"]]


def test_two_who_adopt_at_once_have_one_task(pair: Pair):
    """Whoever comes second is given it, or told that it is there; nobody breaks."""
    old = pair.made_before("a lake [delay=1]")
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: pair.import_tasks("gateway", old).status_code, range(8)))
    assert 200 in answers
    assert set(answers) <= {200, 409}
    assert pair.ended(old)["state"] == "completed"


def test_an_id_that_the_provider_does_not_know_is_not_found(pair: Pair):
    """Of several ids the good ones are taken over, and each of the others is named with the reason."""
    answer = pair.import_tasks("dream_machine", UNKNOWN)
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")
    old = pair.made_before("a lake")
    answer = pair.import_tasks("dream_machine", UNKNOWN, old)
    assert answer.status_code == 200
    assert [task["id"] for task in answer.json()["tasks"]] == [old]
    assert [(each["id"], each["code"]) for each in answer.json()["failed"]] == [(UNKNOWN, "not_found")]


@pytest.mark.parametrize(
    ("engine", "ids"),
    [
        ("acedata", []),
        ("acedata", ["short"]),
        ("acedata", ["../../../etc/passwd"]),
        ("acedata", ["a b c d e f g"]),
        ("acedata", ["x" * 129]),
        ("acedata", [7]),
    ],
)
def test_what_cannot_be_a_task_of_a_provider_is_refused(pair: Pair, engine: str, ids: list[Any]):
    """Nothing is asked of anybody."""
    answer = pair.front.post("/api/v1/admin/import", json={"engine": engine, "ids": ids})
    assert answer.status_code == 400, answer.text


@pytest.mark.parametrize("engine", ["studio", "nobody"])
def test_an_engine_that_is_no_provider_has_nothing_to_take_over(pair: Pair, engine: str):
    """The error says which there are."""
    answer = pair.import_tasks(engine, UNKNOWN)
    assert answer.status_code == 404
    assert "dream_machine, agents" in answer.json()["error"]["message"]


def test_a_task_of_another_application_stays_theirs(pair: Pair):
    """Whoever adopts it as well is told of a conflict, and of nothing else; their queries find nothing."""
    prompt = "what only one of them may know"
    old = pair.made_before(prompt)
    with client(pair.running, new_key(pair.running, "others")) as others:
        pair.adopted("acedata", old)
        pair.ended(old)
        for read in READS.values():
            assert untraced(read(old).send(others)) == untraced(read(UNKNOWN).send(others))
    ours = pair.front.post("/api/v1/tasks", json={"prompt": prompt, "duration": 1, "resolution": "540p"}).json()["id"]
    for engine in ("acedata", "gateway"):
        answer = pair.import_tasks(engine, ours)
        assert answer.status_code == 200
        assert answer.json()["tasks"][0]["engine"] == "studio"


def test_only_operators_act_and_see(pair: Pair):
    """Where the service can be reached from elsewhere, an ordinary key is not enough."""
    with client(pair.running, new_key(pair.running, "tenant")) as tenant:
        asked = {
            "engines": tenant.get("/api/v1/admin/engines"),
            "unknown": tenant.get("/api/v1/admin/unknown"),
            "route": tenant.post("/api/v1/admin/route", json={"prompt": "x"}),
            "decide": tenant.post(f"/api/v1/admin/unknown/{UNKNOWN}", json={"decision": "fail"}),
            "import": tenant.post("/api/v1/admin/import", json={"engine": "acedata", "ids": [UNKNOWN]}),
        }
        for name, answer in asked.items():
            assert (answer.status_code, answer.json()["error"]["code"]) == (403, "forbidden"), name
    with client(pair.running, "no key at all") as nobody:
        assert nobody.get("/api/v1/admin/engines").status_code == 401
    assert pair.front.get("/api/v1/admin/engines").status_code == 200


def asked(pair: Pair, *keys: str) -> dict[str, int]:
    """Count what the recorder was asked about ids so far."""
    return {each: pair.recorder.queries(each) for each in keys}


def test_a_query_for_an_unknown_id_adopts_in_every_dialect(pair: Pair):
    """Each form of a query finds what the provider has; so does a batch, with one question for all its ids."""
    for name, read in READS.items():
        old = pair.recorded()
        answer = read(old).send(pair.front)
        assert (answer.status_code, old in answer.text) == (200, True), (name, answer.text)
    for name in ("gateway", "gateway envelope", "acedata"):
        batch, tasks = BATCHES[name]
        ids = [pair.recorded() for _ in range(3)]
        found = json.dumps(tasks(batch([ids[0], UNKNOWN, *ids[1:]]).send(pair.front).json()))
        assert [each for each in ids if each not in found] == [], name
        assert sum(all(each in seen.body.decode() for each in ids) for seen in pair.recorder.seen) == 1, name
    pair.recorder.finish()
    task = pair.ended(ids[0])
    assert (task["state"], task["video"]["frames"]) == ("completed", 49)


def test_a_strangers_query_adopts_nothing(pair: Pair):
    """An application that this was not enabled for gets the 404 of ever, before and after, and nobody is asked."""
    old = pair.recorded()
    with client(pair.running, new_key(pair.running, "stranger")) as stranger:
        for read in READS.values():
            assert read(old).send(stranger).status_code == 404
            assert untraced(read(old).send(stranger)) == untraced(read(UNKNOWN).send(stranger))
        assert asked(pair, old) == {old: 0}
        assert pair.front.get(f"/api/v1/tasks/{old}").status_code == 200
        for read in READS.values():
            assert untraced(read(old).send(stranger)) == untraced(read(UNKNOWN).send(stranger))


def test_an_unknown_id_is_asked_about_once_a_minute(pair: Pair):
    """However often, in whatever dialect and from however many clients at once it is asked for here."""
    unknown = str(uuid.uuid4())
    with ThreadPoolExecutor(16) as pool:
        statuses = list(pool.map(lambda _: pair.front.get(f"/api/v1/tasks/{unknown}").status_code, range(32)))
    statuses += [read(unknown).send(pair.front).status_code for read in READS.values()]
    assert set(statuses) == {404}
    assert asked(pair, unknown) == {unknown: 1}


def test_those_who_ask_at_once_all_find_it(pair: Pair):
    """One of them adopts it, and the others wait for that."""
    old = pair.recorded()
    with ThreadPoolExecutor(16) as pool:
        statuses = list(pool.map(lambda _: pair.front.get(f"/api/v1/tasks/{old}").status_code, range(16)))
    assert set(statuses) == {200}


def test_what_was_deleted_stays_deleted(pair: Pair):
    """A provider that cannot forget does not bring it back, also not after a restart; an operator can."""
    old = pair.recorded()
    assert pair.front.get(f"/api/v1/tasks/{old}").status_code == 200
    assert pair.front.delete(f"/api/v1/tasks/{old}").status_code == 204
    assert pair.front.get(f"/api/v1/tasks/{old}").status_code == 404
    pair.running.stop()
    pair.running.start()
    for read in READS.values():
        assert untraced(read(old).send(pair.front)) == untraced(read(UNKNOWN).send(pair.front))
    pair.adopted("recorder", old)


def test_providers_that_are_down_cost_a_query_a_few_seconds(gate: StartGate, pair: Pair):
    """The answer is the 404 of ever, the next one comes at once, and what another provider has is found."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        mute = f"http://127.0.0.1:{silent.getsockname()[1]}"
        engines = {
            "dead": account("acedata", "http://127.0.0.1:9", adopt_for="default"),
            "good": account("acedata", pair.recorder.url, adopt_for="default"),
            "mute": account("acedata", mute, adopt_for="default", timeout=30),
        }
        _, http = gate(engines)
        assert http.get(f"/tasks/{pair.recorded()}").status_code == 200
        begun = time.monotonic()
        assert http.get(f"/tasks/{UNKNOWN}").status_code == 404
        first = time.monotonic() - begun
        assert http.get(f"/tasks/{UNKNOWN}").status_code == 404
        second = time.monotonic() - begun - first
    assert 4 < first < 15
    assert second < 3
