"""Submits that are sent again: one task, however often the answer was lost."""

from __future__ import annotations

import contextlib
import io
import json
import select
import sqlite3
from collections.abc import Callable, Iterator
from concurrent import futures
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2
import lumaai
import openai
import pytest
from PIL import Image

from tests.support.processes import until
from tests.support.proxy import lossy
from tests.support.service import RunningService, held

from .apis import SUBMITS, form_for, form_of, message_of
from .conftest import client, dialled, ended, new_key, received

Start = Callable[..., RunningService]


def task_of(answer: httpx2.Response) -> str:
    """Return the id of the task that an answer to a submit is about."""
    assert answer.status_code in (200, 201), answer.text
    body = answer.json()
    return str(body.get("task_id") or body["id"])


def count(http: httpx2.Client) -> int:
    """Count the tasks of an application."""
    return int(http.get("/api/v1/tasks").json()["total"])


def keyed(key: str) -> dict[str, str]:
    """Return the header that names a submit."""
    return {"Idempotency-Key": key}


def retried(times: int) -> dict[str, str]:
    """Return the header of an SDK that counts."""
    return {"x-stainless-retry-count": str(times)}


@pytest.mark.parametrize("name", SUBMITS)
def test_a_key_makes_one_task(tenant: httpx2.Client, name: str):
    """The same key and body are answered with the first task, in the same form; what it is now is shown."""
    request, headers = SUBMITS[name], keyed(f"{name}: a key of some length")
    first = request.send(tenant, headers=headers)
    ended(tenant, task_of(first))
    again = request.send(tenant, headers=headers)
    reordered = dict(reversed(request.json.items()))
    spaced = tenant.post(request.path, content=json.dumps(reordered, indent=3), headers=headers)
    assert task_of(first) == task_of(again) == task_of(spaced)
    assert first.status_code == again.status_code == spaced.status_code
    assert set(first.json()) <= set(again.json())
    assert count(tenant) == 1


@pytest.mark.parametrize("name", SUBMITS)
def test_a_key_belongs_to_one_request(tenant: httpx2.Client, name: str):
    """The same key with another body is refused with 422 in the dialect's form, and makes nothing."""
    request, headers = SUBMITS[name], keyed(str(uuid4()))
    task_of(request.send(tenant, headers=headers))
    other = tenant.post(request.path, json={**request.json, "loop": True}, headers=headers)
    assert (other.status_code, form_of(other)) == (422, form_for(name))
    assert "Idempotency-Key was used for another request" in message_of(other)
    assert count(tenant) == 1


def test_a_key_belongs_to_one_path(tenant: httpx2.Client):
    """The same body at another path is another request."""
    headers = keyed(str(uuid4()))
    body = {"prompt": "x [fail]", "user_prompt": "x [fail]", "async": True}
    task_of(tenant.post("/luma/generations/", json=body, headers=headers))
    task_of(tenant.post("/luma/generations", json=body, headers=headers))
    assert tenant.post("/luma/videos", json=body, headers=headers).status_code == 422
    assert count(tenant) == 1


@pytest.fixture(scope="module")
def stuck(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """A service whose ledger can be kept from writing."""
    running = RunningService(tmp_path_factory.mktemp("stuck") / "data").start()
    yield running
    assert running.stop() == 0


@pytest.mark.parametrize("name", SUBMITS)
def test_a_key_that_is_in_flight(stuck: RunningService, name: str):
    """As long as the first request is not accepted, others of its key get 409 and when to come back."""
    headers, request = keyed(str(uuid4())), SUBMITS[name]
    with client(stuck) as http, ThreadPoolExecutor(2) as pool:
        before = count(http)
        with held(stuck):
            both = [pool.submit(request.send, http, headers=headers) for _ in range(2)]
            done, waiting = futures.wait(both, 5, return_when=futures.FIRST_COMPLETED)
            early = next(iter(done)).result()
            assert (early.status_code, form_of(early), early.headers["Retry-After"]) == (409, form_for(name), "1")
            other = http.post(request.path, json={**request.json, "loop": True}, headers=headers)
            assert other.status_code == 422
        first = next(iter(waiting)).result(30)
        assert task_of(request.send(http, headers=headers)) == task_of(first)
        assert count(http) == before + 1


def test_equal_submits_at_once(tenant: httpx2.Client):
    """Of twenty equal submits with one key one makes a task; the others get it, or are told to come back."""
    headers = keyed(str(uuid4()))
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: SUBMITS["native"].send(tenant, headers=headers), range(20)))
    assert {answer.status_code for answer in answers} <= {201, 409}
    made = {task_of(answer) for answer in answers if answer.status_code == 201}
    assert len(made) == 1
    assert task_of(SUBMITS["native"].send(tenant, headers=headers)) in made
    assert count(tenant) == 1


def test_keys_are_of_an_application(service: RunningService, tenant: httpx2.Client, http: httpx2.Client):
    """The same key of another application makes a task of its own; another key of the application finds it."""
    headers = keyed(str(uuid4()))
    mine = task_of(SUBMITS["native"].send(tenant, headers=headers))
    assert task_of(SUBMITS["native"].send(http, headers=headers)) != mine
    name = f"shared {uuid4()}"
    with client(service, new_key(service, name)) as one, client(service, new_key(service, name)) as other:
        assert task_of(SUBMITS["native"].send(one, headers=headers)) == task_of(
            SUBMITS["native"].send(other, headers=headers)
        )


def test_a_refused_submit_leaves_its_key_free(tenant: httpx2.Client):
    """What was refused made nothing: the key can be used for what is right."""
    headers = keyed(str(uuid4()))
    assert tenant.post("/api/v1/tasks", json={"prompt": ""}, headers=headers).status_code == 400
    task_of(tenant.post("/api/v1/tasks", json={"prompt": "[fail]"}, headers=headers))


@pytest.mark.parametrize("key", ["", "x" * 256, "näme"])
def test_what_is_no_key(tenant: httpx2.Client, key: str):
    """A key has 1 to 255 letters of ASCII."""
    headers = {"Idempotency-Key": key.encode()}
    refused = tenant.post("/api/v1/tasks", json={"prompt": "[fail]"}, headers=headers)
    assert refused.status_code == 400
    assert "Idempotency-Key" in message_of(refused)
    assert count(tenant) == 0


def test_a_deleted_task_does_not_come_back(tenant: httpx2.Client):
    """A key whose task was deleted is answered with 404, as every other question about it."""
    headers = keyed(str(uuid4()))
    task_id = task_of(SUBMITS["native"].send(tenant, headers=headers))
    assert tenant.delete(f"/api/v1/tasks/{task_id}").status_code == 204
    assert SUBMITS["native"].send(tenant, headers=headers).status_code == 404
    assert count(tenant) == 0


@pytest.mark.parametrize("name", SUBMITS)
def test_a_counted_retry_joins(tenant: httpx2.Client, name: str):
    """What an SDK sends again is about the first task; an equal body alone is a new one."""
    request = SUBMITS[name]
    first = task_of(request.send(tenant, headers=retried(0)))
    assert task_of(request.send(tenant, headers=retried(1))) == first
    assert task_of(request.send(tenant, headers=retried(2))) == first
    second = task_of(request.send(tenant, headers=retried(0)))
    third = task_of(request.send(tenant))
    assert len({first, second, third}) == count(tenant) == 3


def test_a_retry_joins_what_it_repeats(service: RunningService, tenant: httpx2.Client):
    """Two lost answers are two tasks, each for the retry of one; other bodies, keys and holders are others."""
    request = SUBMITS["native"]
    made = {task_of(request.send(tenant, headers=retried(0))) for _ in range(2)}
    assert {task_of(request.send(tenant, headers=retried(1))) for _ in range(2)} == made
    alone = task_of(request.send(tenant, headers=retried(1)))
    assert alone not in made
    assert task_of(tenant.post(request.path, json={**request.json, "loop": True}, headers=retried(1))) not in made
    with client(service, new_key(service, str(uuid4()))) as stranger:
        assert task_of(request.send(stranger, headers=retried(1))) not in {*made, alone}
    assert count(tenant) == 4


def insisting(http: httpx2.Client, tries: Iterator[int]) -> httpx2.Response:
    """Send a submit again, as an SDK that counts."""
    return SUBMITS["native"].send(http, headers=retried(next(tries)))


def test_a_retry_of_what_was_refused_is_new(start_service: Start):
    """The retry of a submit that came too fast, or was one too many, joins no equal one before it."""
    request = SUBMITS["native"]
    limited = start_service(submit_rate="12", max_unfinished="0")  # one in five seconds, after the first twelve
    with client(limited) as http:
        made = [request.send(http, headers=retried(0)) for _ in range(16)]
        accepted = {task_of(answer) for answer in made if answer.status_code == 201}
        refused = len(made) - len(accepted)
        assert refused > 1
        for _ in range(refused):
            tries = iter(range(1, 1_000))
            again = until(partial(insisting, http, tries), lambda answer: answer.status_code == 201)
            assert task_of(again) not in accepted
            accepted.add(task_of(again))
    crowded = start_service(max_unfinished="1")
    body = {"prompt": "[hang]"}
    with client(crowded) as http:
        first = task_of(http.post("/api/v1/tasks", json=body, headers=retried(0)))
        assert http.post("/api/v1/tasks", json=body, headers=retried(0)).status_code == 429
        assert http.post("/api/v1/tasks", json=body, headers=retried(1)).status_code == 429
        http.post(f"/api/v1/tasks/{first}/cancel")
        assert task_of(http.post("/api/v1/tasks", json=body, headers=retried(2))) != first


@pytest.mark.at_once  # a retry that overtakes the first request is a request of its own
def test_a_retry_waits_for_what_it_repeats(stuck: RunningService):
    """Retries that come before the first request is accepted get its task."""
    request, body = SUBMITS["native"], json.dumps(SUBMITS["native"].json)
    with client(stuck) as http, contextlib.ExitStack() as opened:
        before = count(http)
        tries = [opened.enter_context(dialled(stuck)) for _ in range(3)]
        with held(stuck):
            for number, connection in enumerate(tries):
                head = f"POST {request.path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {stuck.key}\r\n"
                counted = f"Content-Length: {len(body)}\r\nX-Stainless-Retry-Count: {number}\r\n"
                connection.sendall(f"{head}{counted}Connection: close\r\n\r\n{body}".encode())
                for _ in range(3):  # what came in before is under way when these are answered
                    assert httpx2.get(f"{stuck.url}/healthz").status_code == 200
            assert not select.select(tries, [], [], 0.3)[0]
        assert len({json.loads(received(each).partition(b"\r\n\r\n")[2])["id"] for each in tries}) == 1
        assert count(http) == before + 1


@pytest.mark.parametrize("how", ["key", "count"])
def test_a_crash_between_accept_and_answer(start_service: Start, how: str):
    """What was accepted and never answered is found by the retry after the service was killed and started again."""
    service = start_service()
    first, again = (keyed("a"), keyed("a")) if how == "key" else (retried(0), retried(1))
    with lossy(service.url) as proxy, contextlib.suppress(httpx2.HTTPError):
        SUBMITS["native"].send(httpx2.Client(base_url=proxy.url, headers=service.headers), headers=first)
    with client(service) as http:
        assert count(http) == 1
        service.kill_group()
        service.start()
        until(lambda: count(http), (1).__eq__)
        task_id = task_of(SUBMITS["native"].send(http, headers=again))
        assert http.get("/api/v1/tasks").json()["tasks"][0]["id"] == task_id
        assert count(http) == 1


def test_a_timeout_is_joined_after_a_restart(start_service: Start):
    """A synchronous submit that was told to come back is about the same task when the service was started again."""
    service = start_service(grace="1")
    body = {"prompt": "[hang]", "timeout": 3}
    with client(service) as http, ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(http.post, "/luma/videos", json=body)
        until(lambda: count(http), (1).__eq__)
        assert service.stop() == 0
        told = waiting.result(10)
        assert told.status_code == 504
    service.start()
    with client(service) as http:
        again = http.post("/luma/videos", json={**body})
        assert again.json()["task_id"] == told.json()["task_id"]
        assert count(http) == 1


@pytest.fixture
def own(start_service: Start) -> RunningService:
    """A service of this test's own."""
    return start_service()


def test_lumaai_retries(own: RunningService):
    """The Dream Machine SDK, whose answer is lost, makes one task."""
    with lossy(own.url) as proxy, client(own) as http:
        with lumaai.LumaAI(auth_token=own.key, base_url=f"{proxy.url}/dream-machine/v1", max_retries=2) as sdk:
            generation = sdk.generations.create(prompt="a cat on a mat", model="ray-2")
        assert proxy.lost.acquire(blocking=False)
        assert http.get("/api/v1/tasks").json()["tasks"][0]["id"] == generation.id
        assert count(http) == 1


@pytest.mark.parametrize("picture", [False, True], ids=["json", "form"])
@pytest.mark.filterwarnings("ignore:The Sora API is scheduled:DeprecationWarning")
def test_openai_retries(own: RunningService, picture: bool):
    """The OpenAI SDK, whose answer is lost, makes one task, also where its form has another boundary each time."""
    more: Any = {}
    if picture:
        data = io.BytesIO()
        Image.new("RGB", (64, 36), (200, 120, 40)).save(data, "PNG")
        more = {"input_reference": ("start.png", data.getvalue(), "image/png")}
    with lossy(own.url, losses=2) as proxy, client(own) as http:
        with openai.OpenAI(api_key=own.key, base_url=f"{proxy.url}/v1", max_retries=3) as sdk:
            video = sdk.videos.create(prompt="a cat on a mat", model="sora-2", **more)
        assert all(proxy.lost.acquire(blocking=False) for _ in range(2))
        assert http.get("/api/v1/tasks").json()["tasks"][0]["id"] == video.id
        assert count(http) == 1


def until_it_is_over(service: RunningService, task: str) -> float:
    """Return for how many seconds from its submit a key is remembered."""
    with contextlib.closing(sqlite3.connect(service.data / "filmgate.db", isolation_level=None)) as ledger:
        ((seconds,),) = ledger.execute(
            "SELECT s.expires_at - t.created_at FROM submits AS s JOIN tasks AS t ON t.id = s.task_id WHERE t.id = ?",
            (task,),
        )
    return float(seconds)


@pytest.mark.parametrize(("options", "hours"), [({}, 24), ({"keep_idempotency_hours": "720"}, 720)])
def test_a_key_lasts_as_long_as_the_option_says(start_service: Start, options: dict[str, str], hours: int):
    """It outlives a restart and its task; once it is over it makes a new task, and nothing of it is left."""
    service = start_service(collect_every="0.1", **options)
    headers = keyed("a key")
    with client(service) as http:
        first = task_of(SUBMITS["native"].send(http, headers=headers))
        assert until_it_is_over(service, first) == pytest.approx(hours * 3_600)
        service.kill_group()
        service.start()
        assert task_of(SUBMITS["native"].send(http, headers=headers)) == first
        assert http.delete(f"/api/v1/tasks/{first}").status_code == 204
        gone = SUBMITS["native"].send(http, headers=headers)
        assert (gone.status_code, "has been deleted" in message_of(gone)) == (404, True)
        with contextlib.closing(sqlite3.connect(service.data / "filmgate.db", isolation_level=None)) as ledger:
            ledger.execute("UPDATE submits SET expires_at = 1")
            until(lambda: ledger.execute("SELECT count(*) FROM submits").fetchone()[0], lambda left: left == 0)
        assert task_of(SUBMITS["native"].send(http, headers=headers)) != first


def test_a_day_is_the_least_a_key_may_last(tmp_path: Path):
    """Less than a day, or more than thirty, stops the start with what is allowed; a client relies on a day."""
    for hours in ("23", "721", "0"):
        service = RunningService(tmp_path / "data", keep_idempotency_hours=hours)
        done = service.run("serve", "--port", "0")
        assert done.returncode == 2
        assert "FILMGATE_KEEP_IDEMPOTENCY_HOURS" in done.stderr
