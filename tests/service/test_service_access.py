"""Who is let in, what strangers see, and under which address links are written."""

from __future__ import annotations

import json
from collections.abc import Iterator

import httpx2
import pytest

from tests.support.processes import until
from tests.support.service import RunningService

from .apis import BATCHES, OTHERS, READS, SUBMITS, UNKNOWN, form_for, form_of, untraced
from .conftest import client, ended, exchange, new_key, submit

LINKING = [read for name, read in READS.items() if name != "openai_videos"]
"""The queries whose answers hold links; OpenAI's clients ask for the content of a video instead."""

LOCKED = [
    *((name, request) for name, request in SUBMITS.items()),
    *((name, read(UNKNOWN)) for name, read in READS.items()),
    *((name, other(UNKNOWN)) for name, other in OTHERS.items()),
    *((name, request(["x"])) for name, (request, _) in BATCHES.items()),
]


@pytest.fixture(scope="module")
def stranger(service: RunningService) -> Iterator[httpx2.Client]:
    """A client with a good key of another application."""
    with client(service, new_key(service, "strangers")) as opened:
        yield opened


@pytest.mark.parametrize("key", [None, "", "Bearer", "Bearer nobody's", "Basic eDp5", "bearer\tx"])
def test_a_key_is_needed(service: RunningService, key: str | None):
    """Without a good key every route of every dialect answers 401 in its form and says which scheme it wants."""
    headers = {} if key is None else {"Authorization": key}
    with httpx2.Client(base_url=service.url, headers=headers) as http:
        for name, request in LOCKED:
            answer = request.send(http)
            assert answer.status_code == 401, (name, request)
            expected = "union" if request.path.startswith("/luma/tasks") else form_for(name.split()[0])
            assert form_of(answer) == expected, request
            body = answer.json()
            assert (body.get("code") or body["error"]["code"]) in ("invalid_token", "invalid_api_key")
            assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_revoked_key_is_refused_within_five_seconds(service: RunningService):
    """A key that was in use a moment ago is refused soon after it was revoked, in every read."""
    done = service.run("keys", "create", "--name", "lost", "--json")
    key = json.loads(done.stdout)
    with client(service, key["key"]) as http:
        task_id = submit(http, "[fail]")
        ended(http, task_id)
        assert service.run("keys", "revoke", key["id"]).returncode == 0
        until(lambda: http.get(f"/api/v1/tasks/{task_id}").status_code, (401).__eq__, deadline=5)
        for read in READS.values():
            assert read(task_id).send(http).status_code == 401


def test_strangers_see_nothing(http: httpx2.Client, stranger: httpx2.Client):
    """To another application a task is as if it were not there, also where its owner's answer is in the cache."""
    finished = submit(http)
    ended(http, finished)
    running = submit(http, "[hang]")
    failed = submit(http, "[fail=x]")
    ended(http, failed)
    for task_id in (finished, running, failed):
        for read in READS.values():
            for query in ("", "?x=1"):
                assert read(task_id).send(http, query).status_code == 200
                answer = read(task_id).send(stranger, query)
                nothing = read(UNKNOWN).send(stranger, query)
                assert answer.status_code == 404
                assert untraced(answer) == untraced(nothing)
        for name, other in OTHERS.items():
            answer, nothing = other(task_id).send(stranger), other(UNKNOWN).send(stranger)
            assert answer.status_code == 404, name
            assert untraced(answer) == untraced(nothing)
        for request, tasks in BATCHES.values():
            ids = [task_id, UNKNOWN]
            assert len(tasks(request(ids).send(http).json())) == 1
            assert tasks(request(ids).send(stranger).json()) == []
    assert stranger.get("/api/v1/tasks").json()["total"] == 0
    mine = http.get(f"/api/v1/tasks/{finished}").json()
    assert mine["state"] == "completed", "and what the stranger tried has changed nothing"
    for body in (
        {"action": "extend", "prompt": "x", "video_id": mine["video_id"], "async": True},
        {"action": "extend", "prompt": "x", "video_id": UNKNOWN, "async": True},
    ):
        assert stranger.post("/luma/videos", json=body).status_code == 404
    by_trace = {"action": "retrieve", "trace_id": mine["trace_id"]}
    assert http.post("/luma/tasks", json=by_trace).json()["id"] == finished
    assert stranger.post("/luma/tasks", json=by_trace).status_code == 404
    many = {"action": "retrieve_batch", "trace_ids": [mine["trace_id"]]}
    assert stranger.post("/luma/tasks", json=many).json() == {"items": [], "count": 0}
    assert http.post(f"/api/v1/tasks/{running}/cancel").status_code == 200


@pytest.mark.parametrize("name", SUBMITS)
def test_foreign_hosts_are_refused(http: httpx2.Client, name: str):
    """A Host that is not ours is refused in the dialect's form, before any task is made."""
    before = http.get("/api/v1/tasks").json()["total"]
    for host in ("evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "127.0.0.1@evil.example", "[::2]"):
        answer = SUBMITS[name].send(http, headers={"Host": host})
        assert answer.status_code == 400, host
        assert form_of(answer) == form_for(name)
        assert READS[name](UNKNOWN).send(http, headers={"Host": host}).status_code == 400
    assert http.get("/api/v1/tasks").json()["total"] == before
    for path in ("/metrics", "/docs", "/media/x/y"):
        assert http.get(path, headers={"Host": "evil.example"}).status_code == 400


def test_a_second_host_changes_nothing(service: RunningService, http: httpx2.Client):
    """Of two Host headers a proxy may have gone by either: such a request is refused, whichever comes first."""
    task_id = submit(http)
    ended(http, task_id)
    key = service.headers["Authorization"]
    ours, theirs = "Host: 127.0.0.1", "Host: evil.example"
    for first, second in ((ours, theirs), (theirs, ours)):
        request = f"GET /api/v1/tasks/{task_id} HTTP/1.1\r\n{first}\r\n{second}\r\nAuthorization: {key}\r\n"
        answer = exchange(service, f"{request}Connection: close\r\n\r\n".encode())
        assert answer.startswith(b"HTTP/1.1 400 ")
        assert b"evil" not in answer


def test_forwarded_headers_are_ignored(http: httpx2.Client, service: RunningService):
    """Nobody is believed who says that he is a proxy."""
    task_id = submit(http)
    ended(http, task_id)
    forged = {
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-For": "192.0.2.1",
        "Forwarded": "host=evil.example;proto=https",
    }
    answer = http.get(f"/api/v1/tasks/{task_id}", headers=forged)
    assert answer.json()["video"]["url"].startswith(f"{service.url}/media/")
    assert "evil" not in answer.text


def test_allowed_hosts_and_trusted_proxies(service: RunningService, tmp_path_factory: pytest.TempPathFactory):
    """Links have the address that was used, if it is allowed, and the scheme that a trusted proxy names."""
    options = {"allowed_hosts": "studio.lan, films.lan:8000", "trusted_proxies": "127.0.0.1"}
    running = RunningService(tmp_path_factory.mktemp("hosts") / "data", **options).start()
    try:
        with client(running) as http:
            task_id = submit(http)
            ended(http, task_id)
            for host, good in (("studio.lan:81", True), ("films.lan:8000", True), ("films.lan", False)):
                for read in LINKING:
                    answer = read(task_id).send(http, headers={"Host": host})
                    assert answer.status_code == (200 if good else 400), host
                    assert (f"http://{host}/media/" in answer.text) is good
            proxied = {"Host": "studio.lan", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "evil.example"}
            answer = http.get(f"/api/v1/tasks/{task_id}", headers=proxied)
            assert answer.json()["video"]["url"].startswith("https://studio.lan/media/")
            created = http.post("/luma/generations", json={"user_prompt": "x"}, headers=proxied).json()
            ended(http, created["id"])
    finally:
        assert running.stop() == 0


def test_exposed_service(tmp_path_factory: pytest.TempPathFactory):
    """Bound to all addresses, metrics need an admin's key; with a public address all links are below it."""
    options = {"host": "0.0.0.0", "admin_key": "a key of many words", "public_url": "https://video.example.com/films/"}
    running = RunningService(tmp_path_factory.mktemp("exposed") / "data", **options).start()
    try:
        port = running.url.rpartition(":")[2]
        with httpx2.Client(base_url=f"http://127.0.0.1:{port}") as anybody:
            assert anybody.get("/healthz").status_code == 200
            assert anybody.get("/metrics").status_code == 401
            good = new_key(running, "default")
            for key, status in ((good, 403), ("a key of many", 401), (running.key, 200)):
                answer = anybody.get("/metrics", headers={"Authorization": f"Bearer {key}"})
                assert answer.status_code == status
            assert "filmgate_requests_total" in answer.text
            with httpx2.Client(base_url=anybody.base_url, headers=running.headers, timeout=60) as http:
                task_id = submit(http)
                ended(http, task_id)
                for host in (None, "video.example.com", f"0.0.0.0:{port}"):
                    headers = {} if host is None else {"Host": host}
                    for read in LINKING:
                        answer = read(task_id).send(http, headers=headers)
                        assert "https://video.example.com/films/media/" in answer.text
                        assert "127.0.0.1" not in answer.text
                assert http.get("/api/v1/me", headers={"Host": "evil.example"}).status_code == 400
    finally:
        assert running.stop() == 0
