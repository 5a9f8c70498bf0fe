"""Webhooks of a running service: every end arrives, signed and in order, whatever the receiver does."""

from __future__ import annotations

import json
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import openai
import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from tests.support.processes import until
from tests.support.service import RunningService

from .apis import READS, SUBMITS
from .conftest import client, ended, engines, new_key, submit
from .receiver import HANGS, Answer, Post, Receiver, free_port, receiver, serving

pytestmark = pytest.mark.xdist_group("callbacks")

Start = Callable[..., RunningService]
TABLE = engines(many={"type": "scripted", "models": ["*"]})
ENDS = ("completed", "failed")
MISDEEDS = (
    Answer(500),
    Answer(302, {"Location": "/elsewhere"}),
    Answer(None),
    Answer(429, {"Retry-After": "2"}),
    Answer(404, body=b"<html>" + b"x" * 100_000),
    Answer(200, {"Content-Type": "application/json"}, b'{"error": "not at all"'),
    Answer(200, {"Content-Length": "500"}, b"less than promised"),
    Answer(pause=1.5),
)
"""What a wild receiver does to the first delivery of a callback; the ones with a 2xx have taken it."""


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """A service of the tests here, which rotate its secret."""
    running = RunningService(tmp_path_factory.mktemp("callbacks") / "data", engines=TABLE).start()
    yield running
    assert running.stop() == 0
    assert "Traceback" not in running.log.read_text(), running.log.read_text()[-8000:]


@pytest.fixture
def http(service: RunningService) -> Iterator[httpx2.Client]:
    """A client of that service."""
    with client(service) as opened:
        yield opened


class Wild(Receiver):
    """A receiver that does wrong to the first delivery of each callback, to each in its own way."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: dict[str, Answer] = {}
        self.taken: list[Post] = []

    def answer(self, post: Post) -> Answer:
        """Do wrong once, then say yes."""
        name = post.headers["webhook-id"]
        said = Answer() if name in self.seen else MISDEEDS[len(self.seen) % len(MISDEEDS)]
        self.seen.setdefault(name, said)
        if said.status == 200:
            self.taken.append(post)
        return said


def secret_of(http: httpx2.Client) -> str:
    """Return what signs callbacks first."""
    return str(http.get("/api/v1/webhooks/secret").json()["secrets"][0]["secret"])


def told(http: httpx2.Client, callback: str, *statuses: str) -> dict[str, Any]:
    """Wait until one of these has become of a callback, and give it with its deliveries."""

    def look() -> dict[str, Any]:
        found: dict[str, Any] = http.get(f"/api/v1/webhooks/{callback}").json()
        return found

    return until(look, lambda found: found.get("status") in statuses)


@pytest.mark.timeout(180)
def test_every_end_arrives_signed_and_in_order(start_service: Start):
    """A receiver does what it likes and the service is killed: each end arrives, once the receiver takes it."""
    service = start_service(engines=TABLE)
    wild = Wild()
    with serving(wild), client(service) as http:
        secret = secret_of(http)
        body = {"model": "ray-2", "callback_url": f"{wild.url}/hook"}
        tasks = []
        for n in range(32):
            prompt = "[delay=0.5] [fail]" if n % 3 else "[delay=3] [fail=moderated: No.]"
            answer = http.post("/dream-machine/v1/generations", json={**body, "prompt": prompt})
            assert answer.status_code == 201, answer.text
            tasks.append(answer.json()["id"])
            if n == 20:
                service.kill_group()
                service.start()
        until(lambda: set(tasks) - ends_of(wild), lambda missing: not missing, deadline=90)
        pending = {"status": "pending"}
        until(lambda: http.get("/api/v1/webhooks", params=pending).json()["total"], lambda total: total == 0)
    states = defaultdict(list)
    for post in wild.taken:
        event = Webhook(secret).verify(post.body, post.headers)
        assert post.headers["webhook-id"].startswith(f"msg_{event['id']}_")
        states[event["id"]].append(event["state"])
    assert {tuple(dict.fromkeys(each)) for each in states.values()} <= {("dreaming", "failed"), ("failed",)}


def ends_of(wild: Wild) -> set[str]:
    """Return the tasks of whose end the receiver has said that it knows."""
    events = [json.loads(post.body) for post in tuple(wild.taken)]
    return {event["id"] for event in events if event["state"] in ENDS}


def test_a_receiver_that_is_down(http: httpx2.Client):
    """Where nobody listens the callback waits, and arrives when somebody does."""
    port = free_port()
    task = submit(http, "[fail]", callback_url=f"http://127.0.0.1:{port}/hook")
    found = until(lambda: http.get(f"/api/v1/webhooks/{task}").json(), lambda found: found.get("tries", 0) >= 1)
    assert (found["status"], found["answer"], found["next_at"] is not None) == ("pending", None, True)
    assert found["trouble"] == f"http://127.0.0.1:{port} could not be reached."
    with receiver(port=port) as hook:
        assert json.loads(hook.posts.get(timeout=30).body)["id"] == task
        assert told(http, found["id"], "delivered")["trouble"] is None


def test_a_hanging_receiver_delays_nobody(http: httpx2.Client):
    """While a hundred callbacks of the same owner are due to one receiver that hangs, another's arrives first."""
    with receiver(*[HANGS] * 500) as stuck, receiver() as good:
        hanging = [submit(http, "[fail]", callback_url=stuck.url) for _ in range(100)]
        stuck.posts.get(timeout=30)
        task = submit(http, "[fail]", callback_url=good.url)
        assert json.loads(good.posts.get(timeout=30).body)["id"] == task
        assert stuck.posts.qsize() <= 2, "one that does not answer has one delivery at a time"
        for each in hanging:
            assert http.delete(f"/api/v1/tasks/{each}").status_code == 204


def test_redirects_are_not_followed(http: httpx2.Client):
    """A receiver cannot send a callback elsewhere; the log says why it did not arrive."""
    with receiver() as elsewhere, receiver(Answer(307, {"Location": elsewhere.url})) as hook:
        task = submit(http, "[fail]", callback_url=hook.url)
        found = told(http, task, "delivered")
        assert elsewhere.posts.empty()
    first, second = found["deliveries"]
    assert (first["answer"], first["trouble"]) == (307, "answered 307, and redirects are not followed")
    assert (second["answer"], second["trouble"]) == (200, None)
    assert first["at"] < second["at"]


def test_a_busy_receiver_is_left_alone(http: httpx2.Client):
    """429 with Retry-After puts the next delivery off for so long."""
    with receiver(Answer(429, {"Retry-After": "3"})) as hook:
        task = submit(http, "[fail]", callback_url=hook.url)
        hook.posts.get(timeout=30)
        start = time.monotonic()
        hook.posts.get(timeout=30)
        assert time.monotonic() - start > 2.5
        assert told(http, task, "delivered")["tries"] == 2


def test_gone_is_gone_until_it_is_sent_again(http: httpx2.Client):
    """410 ends a callback at once; sent again by its owner it comes under the same id, signed anew."""
    with receiver(410) as hook:
        task = submit(http, "[fail]", callback_url=hook.url)
        found = told(http, task, "failed")
        assert (found["tries"], found["answer"], found["next_at"]) == (1, 410, None)
        assert "wants to hear no more" in found["trouble"]
        first = hook.posts.get(timeout=30)
        again = http.post(f"/api/v1/webhooks/{found['id']}/resend")
        assert (again.status_code, again.json()["status"]) == (200, "pending")
        second = hook.posts.get(timeout=30)
        Webhook(secret_of(http)).verify(second.body, second.headers)
        assert (second.headers["webhook-id"], second.body) == (first.headers["webhook-id"], first.body)
        assert len(told(http, task, "delivered")["deliveries"]) == 2


def test_what_was_told_later_is_not_sent_again(http: httpx2.Client):
    """The callback of a beginning cannot be sent after that of the end; one that nobody takes cannot be sent."""
    body = {"prompt": "[delay=0.5] [fail]", "model": "ray-2"}
    with receiver() as hook:
        task = http.post("/dream-machine/v1/generations", json={**body, "callback_url": hook.url}).json()["id"]
        told(http, f"msg_{task}_failed", "delivered")
    assert http.post(f"/api/v1/webhooks/msg_{task}_processing/resend").status_code == 409
    dummy = {"prompt": "x [fail]", "callback_url": "https://api.acedata.cloud/health"}
    task = http.post("/luma/videos", json=dummy).json()["task_id"]
    assert told(http, task, "skipped")["tries"] == 0
    assert http.post(f"/api/v1/webhooks/{task}/resend").status_code == 409


def test_a_rotated_secret_signs_beside_the_new_one(http: httpx2.Client):
    """For a day receivers may know either secret; rotated at once, only the new one is good."""
    old = secret_of(http)
    new, former = http.post("/api/v1/webhooks/secret/rotate").json()["secrets"]
    assert (former["secret"], new["ends_at"]) == (old, None)
    assert former["ends_at"] is not None
    with receiver() as hook:
        submit(http, "[fail]", callback_url=hook.url)
        post = hook.posts.get(timeout=30)
        for secret in (old, new["secret"]):
            Webhook(secret).verify(post.body, post.headers)
        (only,) = http.post("/api/v1/webhooks/secret/rotate", json={"at_once": True}).json()["secrets"]
        submit(http, "[fail]", callback_url=hook.url)
        post = hook.posts.get(timeout=30)
    Webhook(only["secret"]).verify(post.body, post.headers)
    for secret in (old, new["secret"]):
        with pytest.raises(WebhookVerificationError):
            Webhook(secret).verify(post.body, post.headers)


def test_callbacks_are_of_their_owner(service: RunningService, http: httpx2.Client):
    """With another application's key a callback is unknown, is not listed, and another secret is shown."""
    with receiver() as hook, client(service, new_key(service, "another")) as other:
        task = submit(http, "[fail]", callback_url=hook.url)
        name = told(http, task, "delivered")["id"]
        for known in (name, task):
            assert other.get(f"/api/v1/webhooks/{known}").status_code == 404
            assert other.post(f"/api/v1/webhooks/{known}/resend").status_code == 404
        assert other.get("/api/v1/webhooks", params={"task": task}).json()["webhooks"] == []
        assert secret_of(other) != secret_of(http)
        assert hook.posts.qsize() == 1


def test_addresses_are_shown_without_their_secrets(service: RunningService, http: httpx2.Client):
    """Neither the log of the service nor the list of callbacks has the query string of an address."""
    with receiver(500) as hook:
        task = submit(http, "[fail]", callback_url=f"{hook.url}/hook?token=t0ps3cret#f")
        found = told(http, task, "delivered")
        assert [hook.posts.get(timeout=30).path for _ in range(2)] == ["/hook?token=t0ps3cret"] * 2
    listed = http.get("/api/v1/webhooks", params={"task": task, "status": "delivered,failed"}).json()["webhooks"]
    assert [each["url"] for each in (found, *listed)] == [f"{hook.url}/hook"] * 2
    log = service.log.read_text()
    assert f"msg_{task}_failed to {hook.url}/hook: answered 500" in log
    assert "t0ps3cret" not in log
    assert secret_of(http) not in log


@pytest.mark.parametrize("query", ["status=lost", "limit=0", "limit=x", "offset=-1"])
def test_lists_that_cannot_be_read(http: httpx2.Client, query: str):
    """A parameter that makes no sense is named."""
    answer = http.get(f"/api/v1/webhooks?{query}")
    assert answer.status_code == 400
    assert answer.json()["error"]["field"] == query.partition("=")[0]


@pytest.mark.parametrize("api", [*SUBMITS])
def test_each_dialect_has_its_payload(http: httpx2.Client, api: str):
    """What is posted is what the dialect's query says of the task, or the dialect's own event."""
    request = SUBMITS[api]
    with receiver() as hook:
        answer = http.request(request.method, request.path, json={**request.json, "callback_url": hook.url})
        accepted = answer.json()
        task = accepted.get("id", accepted.get("task_id"))
        ended(http, task)
        posts = [hook.posts.get(timeout=30)]
        while json.loads(posts[-1].body).get("state") == "dreaming":
            posts.append(hook.posts.get(timeout=30))
        query = READS[api](task).send(http).json()
        secret = secret_of(http)
    for post in posts:
        Webhook(secret).verify(post.body, post.headers)
    body = json.loads(posts[-1].body)
    if api == "acedata":
        assert (body["success"], body["task_id"], body["state"]) == (False, task, "failed")
        assert body["error"] == query["response"]["error"]
    elif api == "openai_videos":
        assert (body["object"], body["type"], body["data"]) == ("event", "video.failed", {"id": task})
        unwrapped = openai.OpenAI(api_key="x", webhook_secret=secret).webhooks.unwrap(posts[-1].body, posts[-1].headers)
        assert unwrapped.type == "video.failed"
    else:
        assert body == (query["data"][0] if api == "gateway-v2" else query)
