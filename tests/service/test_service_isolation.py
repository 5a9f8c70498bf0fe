"""Another application's key, on every route there is: nothing of the owner is seen, and nothing is changed."""

from __future__ import annotations

import contextlib
import json
import re
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import httpx2
import pytest

from tests.providers.clients import picture
from tests.support.processes import until
from tests.support.service import RunningService

from .apis import SUBMITS
from .conftest import client, ended, new_key, submit
from .probes import AGENT_PROBES, ARGUMENTS, FORMER, ID, METHODS, OPEN, PROBES, Probe, served, tools
from .receiver import Receiver, receiver

pytestmark = pytest.mark.xdist_group("isolation")

CANARY = "canary-7f3a91"
KEY = f"{CANARY}-key"
AREAS = sorted({route.split("/")[1] for route in PROBES})
WITHOUT = {
    *(f"{method} {path}" for method, path in FORMER),
    *(
        route
        for route in PROBES
        if route.startswith(
            (
                "DELETE",
                "PUT",
                "GET /media",
                "POST /hooks",
                "POST /api/v1/admin",
                "PATCH /api/v1/admin",
            )
        )
    ),
    *("POST /api/v1/tasks/{task_id}/cancel", "POST /api/v1/webhooks/{webhook_id}/resend"),
    *(
        "GET /api/v1/tasks/{task_id}/events",
        "GET /docs/assets",
        "GET /v1/models/{model:path}",
        "POST /v1/videos/characters",
        "GET /v1/videos/characters/{character_id}",
    ),
}
"""Routes that change what they are asked for, or have nothing of anybody's."""

EVENTS = Probe("GET", "/api/v1/events")

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Owned(NamedTuple):
    """What the owner has: ids by what they are of, and more that nobody else may see."""

    ids: dict[str, str]
    hidden: set[str]
    deleted: dict[str, str]


class Place(NamedTuple):
    """A service with two tenants."""

    running: RunningService
    owner: httpx2.Client
    stranger: httpx2.Client
    owned: Owned
    hooks: Receiver


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A service that is bound to all addresses."""
    options = {"host": "0.0.0.0", "admin_key": f"{CANARY} of the admin"}
    running = RunningService(tmp_path_factory.mktemp("isolation") / "data", **options).start()
    running.url = running.url.replace("0.0.0.0", "127.0.0.1")
    with contextlib.ExitStack() as stack:
        stack.callback(running.stop)
        hooks = stack.enter_context(receiver())
        owner = stack.enter_context(client(running, new_key(running, f"{CANARY} owners")))
        stranger = stack.enter_context(client(running, new_key(running, "strangers")))
        yield Place(running, owner, stranger, _possessions(owner, hooks), hooks)
        assert running.stop() == 0
        assert "Traceback" not in running.log.read_text(), running.log.read_text()[-8000:]


def _possessions(owner: httpx2.Client, hooks: Receiver) -> Owned:
    """Return the owner something of everything there is."""
    finished = submit(owner, f"{CANARY} finished", callback_url=f"{hooks.url}/{CANARY}")
    picture = owner.post("/dream-machine/v1/generations/image", json={"prompt": CANARY, "model": "photon-1"}).json()
    failed = submit(owner, f"{CANARY} [fail=moderated: {CANARY}]")
    running = submit(owner, f"{CANARY} [hang]")
    gone = submit(owner, f"{CANARY} deleted")
    made = {name: ended(owner, each) for name, each in (("f", finished), ("p", picture["id"]), ("g", gone))}
    ended(owner, failed)
    until(hooks.posts.qsize, (1).__le__)
    files = [_file(owner) for _ in range(2)]
    announced = owner.post("/agents/v1/files", json={"mime_type": "image/png", "size_bytes": 77}).json()["id"]
    assert owner.delete(f"/api/v1/tasks/{gone}").status_code == 204
    assert owner.delete(f"/agents/v1/files/{files[1]}").status_code == 204
    callback = owner.get("/api/v1/webhooks").json()["webhooks"][0]["id"]
    me = owner.get("/api/v1/me").json()
    signing = owner.get("/api/v1/webhooks/secret").json()["secrets"][0]["secret"]
    ids = {
        "finished task": finished,
        "picture": picture["id"],
        "failed task": failed,
        "running task": running,
        "video": made["f"]["video_id"],
        "trace": made["f"]["trace_id"],
        "callback": callback,
        "application": me["application_id"],
        "user": me["user_id"],
        "credential": me["credential_id"],
        "file": files[0],
        "announced file": announced,
    }
    links = {link for task in made.values() for link in re.findall(r"/media/([\w-]{22})/", json.dumps(task))}
    deleted = {"task": gone, "video": made["g"]["video_id"], "trace": made["g"]["trace_id"], "file": files[1]}
    deleted["link"] = re.findall(r"/media/([\w-]{22})/", json.dumps(made["g"]))[0]
    return Owned(ids, {CANARY, signing, *ids.values(), *links, *deleted.values()}, deleted)


def _file(owner: httpx2.Client) -> str:
    form = {"file": (f"{CANARY}.png", picture(), "image/png")}
    answer = owner.post("/agents/v1/files", files=form)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def test_every_route_can_be_tried(tmp_path: Path):
    """Whatever the service serves is in the tables here, and nothing else is."""
    routes, lane, mounts = await served(tmp_path / "data")
    assert routes == set(PROBES)
    assert mounts == {"/mcp", "/mcp/"}
    tried = [f"{probe.method} {probe.path}" for probes in PROBES.values() for probe in probes]
    assert not [read for read in lane if not any(each.startswith(read) for each in tried)]
    assert tools() == set(ARGUMENTS)


def test_every_method_of_agents_can_be_tried():
    """Whatever the MCP server answers is in the tables here, or has no part in anybody's tasks."""
    from filmgate.adapters.mcp.server import build

    server: Any = build(*[None] * 3)  # type: ignore[arg-type]
    assert set(server._request_handlers) - {"tools/call", "ping", "initialize", "server/discover"} == set(METHODS)


@pytest.mark.parametrize("area", AREAS)
def test_a_stranger_learns_nothing(place: Place, area: str):
    """A stranger's id is answered as one that never was, and nothing of the owner is in the answer."""
    for route, probe in _probes(area):
        for name, theirs in place.owned.ids.items() if probe.asks_for else [("", "")]:
            if not (route.startswith("PUT") and name == "announced file"):  # to know its address is to be allowed
                _same_as_unknown(place.stranger, probe, theirs, place.owned.hidden)


def test_a_strange_agent_learns_nothing(place: Place):
    """So it is with every tool and every method of the MCP server, in both eras of the protocol."""
    for probe in AGENT_PROBES:
        for theirs in place.owned.ids.values() if probe.asks_for else [""]:
            answer = _same_as_unknown(place.stranger, probe, theirs, place.owned.hidden)
            assert "tools/call" not in str(probe.json) or answer.status_code == 200


@pytest.mark.parametrize("area", [*AREAS, "agents of the owner"])
def test_what_is_deleted_is_unknown(place: Place, area: str):
    """To its owner too, a deleted id is like one that never was, on every route and to every tool."""
    for _, probe in _probes(area) or [("", probe) for probe in AGENT_PROBES]:
        for gone in place.owned.deleted.values() if probe.asks_for else ():
            _same_as_unknown(place.owner, probe, gone, set())


@pytest.mark.parametrize("area", AREAS)
def test_every_route_needs_a_key(place: Place, area: str):
    """Without a key, and with a wrong one, every route that is not open is 401."""
    for headers in ({}, {"Authorization": f"Bearer fg_{'0' * 36}"}):
        with httpx2.Client(base_url=place.running.url, headers=headers) as nobody:
            for route, probe in _probes(area) if area != "api" else [*_probes(area), ("", EVENTS)]:
                if route not in OPEN:
                    assert probe.send(nobody, place.owned.ids["finished task"]).status_code == 401, probe


@pytest.mark.parametrize("area", AREAS)
def test_an_owner_is_told_more(place: Place, area: str):
    """What a stranger is refused for, its owner gets: the requests would tell if they were let."""
    for route, probe in _probes(area):
        if probe.asks_for and route not in WITHOUT and "ftp:" not in str(probe.json):
            unknown = _said(probe.send(place.owner, "nobody's"), "nobody's")[:2]
            told = [_said(probe.send(place.owner, each), each)[:2] for each in place.owned.ids.values()]
            assert set(told) != {unknown}, probe


def test_one_strangers_keys_are_not_anothers(place: Place):
    """An Idempotency-Key and a counted retry belong to who sent them: two applications get a task each."""
    for request in SUBMITS.values():
        for headers in ({"Idempotency-Key": f"{KEY}-{uuid4()}"}, {"X-Stainless-Retry-Count": "1"}):
            mine = request.send(place.owner, headers=headers)
            body = {**request.json, next(key for key in request.json if "prompt" in key): "other [fail]"}
            theirs = request.send(place.stranger, headers=headers)
            others = request._replace(json=body).send(place.stranger, headers={"Idempotency-Key": f"{KEY}-{uuid4()}"})
            assert {mine.status_code, theirs.status_code, others.status_code} <= {200, 201}
            ids = {answer.json().get("id") or answer.json().get("task_id") for answer in (mine, theirs, others)}
            assert len(ids) == 3
            assert "Idempotency-Key" not in headers or CANARY not in theirs.text


def test_a_strangers_stream_tells_his_own_changes_only(place: Place):
    """The stream of an application's changes has nothing of another's, from now on or from the beginning."""
    for headers in ({}, {"Last-Event-ID": "0"}):
        with place.stranger.stream("GET", "/api/v1/events", headers=headers) as stream:
            lines = stream.iter_lines()
            next(lines)
            ended(place.owner, submit(place.owner, f"{CANARY} [fail]"))
            own = submit(place.stranger, "own [fail]")
            heard = []
            for line in lines:
                heard.append(line)
                if own in line:
                    break
        assert CANARY not in "".join(heard)


def test_lists_hold_ones_own_only(place: Place):
    """What a stranger made himself is in his lists, and only that."""
    with client(place.running, new_key(place.running, "newcomers")) as newcomer:
        own = submit(newcomer, "own [fail]")
        ended(newcomer, own)
        assert [task["id"] for task in newcomer.get("/api/v1/tasks").json()["tasks"]] == [own]
        dreams = newcomer.get("/dream-machine/v1/generations").json()["generations"]
        assert [task["id"] for task in dreams] == [own]
        assert [task["id"] for task in newcomer.get("/v1/videos").json()["data"]] == [own]
        everything = {"action": "retrieve_batch", "created_at_min": 0}
        assert newcomer.post("/luma/tasks", json=everything).json()["count"] == 1
        assert newcomer.get("/api/v1/usage").json()["total"]["submitted"] == 1
        assert newcomer.get("/luma/subscription/usage").json()["consumed"] == 0  # a failure gives its credits back
        assert newcomer.get("/api/v1/webhooks").json()["total"] == 0
        assert newcomer.get("/agents/v1/files").json()["data"] == []


def test_an_owner_has_all_he_had(place: Place):
    """After everything that a stranger tries, the owner's things are as they were."""
    for probes in PROBES.values():
        for probe in probes:
            if probe.asks_for and not probe.path.startswith(("/hooks", "/agents/v1/files/<id>/content")):
                for theirs in place.owned.ids.values():
                    probe.send(place.stranger, theirs)
    states = {name: place.owner.get(f"/api/v1/tasks/{each}").json().get("state") for name, each in _tasks(place)}
    assert states == {
        "finished task": "completed",
        "picture": "completed",
        "failed task": "failed",
        "running task": "processing",
    }
    finished = place.owner.get(f"/api/v1/tasks/{place.owned.ids['finished task']}").json()
    assert httpx2.get(finished["video"]["url"]).status_code == 200
    for name, state in (("file", "ready"), ("announced file", "pending")):
        assert place.owner.get(f"/agents/v1/files/{place.owned.ids[name]}").json()["state"] == state
    callback = place.owner.get(f"/api/v1/webhooks/{place.owned.ids['callback']}").json()
    assert (callback["status"], callback["tries"]) == ("delivered", 1)
    assert place.hooks.posts.qsize() == 1


def _probes(area: str) -> list[tuple[str, Probe]]:
    return [(route, probe) for route in PROBES if route.split("/")[1] == area for probe in PROBES[route]]


def _tasks(place: Place) -> list[tuple[str, str]]:
    return [(name, each) for name, each in place.owned.ids.items() if name.endswith("task") or name == "picture"]


def _same_as_unknown(asking: httpx2.Client, probe: Probe, theirs: str, hidden: set[str]) -> httpx2.Response:
    """Send a request for an id and for one that never was: the answers are the same and tell nothing."""
    nobody = _UUID.sub(lambda _: str(uuid4()), theirs) if _UUID.search(theirs) else secrets.token_urlsafe(16)
    answer, nothing = probe.send(asking, theirs), probe.send(asking, nobody)
    if theirs:
        assert _said(answer, theirs) == _said(nothing, nobody), probe
        assert answer.status_code in (200, 204, 400, 401, 403, 404, 410), probe
    told = f"{answer.headers} {answer.text}".replace(theirs, ID) if theirs else f"{answer.headers} {answer.text}"
    assert not [word for word in hidden - {theirs} if word in told], probe
    return answer


def _said(answer: httpx2.Response, name: str) -> tuple[int, str, dict[str, str]]:
    """Return what an answer says, without its time, the name of its request, and the id that was asked for."""
    headers = {k: v for k, v in answer.headers.items() if k not in ("date", "x-trace-id", "x-request-id")}
    return answer.status_code, _anonymous(answer, answer.text, name), headers


def _anonymous(answer: httpx2.Response, text: str, name: str) -> str:
    return text.replace(answer.headers["X-Trace-Id"], "<trace>").replace(name, ID)
