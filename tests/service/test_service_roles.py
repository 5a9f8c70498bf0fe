"""Every route as each role, as a stranger, without a key and with a revoked one, on a service bound to loopback."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import httpx2
import pytest

from filmgate.domain.roles import KeyRole
from tests.mcp.callers import message, modern
from tests.support.service import RunningService

from . import rights
from .conftest import client, ended, new_key, submit
from .probes import ARGUMENTS, METHODS, OPEN, PROBES, Probe, served, tools

pytestmark = pytest.mark.xdist_group("roles")

AREAS = sorted({route.split("/")[1] for route in PROBES})
_ACCEPT = ("Accept", "application/json, text/event-stream")
PROXIED = {"X-Forwarded-For": "203.0.113.9", "X-Real-IP": "203.0.113.9", "Via": "1.1 nginx"}


class Holder(NamedTuple):
    """Who asks: the role of the key, None where the key is no good, and whose ids are asked for."""

    http: httpx2.Client
    role: KeyRole | None
    owns: bool = True


class Place(NamedTuple):
    """A service, those who ask, and the ids of tasks and files that nobody may change by the way."""

    running: RunningService
    holders: dict[str, Holder]
    task: str
    ids: tuple[str, ...]


def _key(running: RunningService, role: str, application: str = "default", name: str | None = None) -> str:
    done = running.run("keys", "create", "--name", name or role, "--role", role, "--application", application)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A service as `filmgate serve` starts it: bound to loopback, without a public address."""
    running = RunningService(tmp_path_factory.mktemp("roles") / "data").start()
    revoked = _key(running, "admin", name="revoked")
    assert running.run("keys", "revoke", "revoked").returncode == 0
    holders = {
        "admin": Holder(client(running, _key(running, "admin")), KeyRole.ADMIN),
        "member": Holder(client(running, _key(running, "member")), KeyRole.MEMBER),
        "viewer": Holder(client(running, _key(running, "viewer")), KeyRole.VIEWER),
        "stranger": Holder(client(running, new_key(running, "strangers")), KeyRole.MEMBER, owns=False),
        "nobody": Holder(httpx2.Client(base_url=running.url), None),
        "revoked": Holder(client(running, revoked), None),
    }
    member = holders["member"].http
    task = submit(member, "[hang]")
    picture = member.post("/agents/v1/files", json={"mime_type": "image/png", "size_bytes": 77}).json()["id"]
    yield Place(running, holders, task, (task, picture))
    for holder in holders.values():
        holder.http.close()
    assert running.stop() == 0
    assert "Traceback" not in running.log.read_text(), running.log.read_text()[-8000:]


async def test_every_route_needs_a_decision(tmp_path: Path):
    """A route, tool or method without an entry in the tables of rights fails here."""
    from filmgate.adapters.mcp.server import build

    routes, lane, _ = await served(tmp_path / "data")
    assert routes == set(rights.ROUTES)
    assert {route for route, role in rights.ROUTES.items() if role is None} == set(OPEN)
    server: Any = build(*[None] * 3)  # type: ignore[arg-type]
    assert set(server._request_handlers) - {"tools/call", "ping", "initialize", "server/discover"} == set(
        rights.METHODS
    )
    assert tools() == set(rights.TOOLS)
    for read in lane:  # what the query lane answers is not in the framework's hands: it must be the same routes
        assert any(re.sub(r"\{.*", "", route).startswith(read) for route in rights.ROUTES), read


@pytest.mark.parametrize("who", ["admin", "member", "viewer", "stranger", "nobody", "revoked"])
@pytest.mark.parametrize("area", AREAS)
def test_who_may_use_a_route(place: Place, area: str, who: str):
    """A route lets in who has the role it needs; the others get 403, and without a good key 401."""
    holder = place.holders[who]
    for route, probes in PROBES.items():
        if route.split("/")[1] != area:
            continue
        for probe in probes:
            needed = rights.ROUTES[route]
            lets_in = needed is None or (holder.role is not None and holder.role.includes(needed))
            # Who may change something, and who would follow a stream without end, asks for ids that are nobody's.
            passes_by = lets_in and holder.owns and (needed is not KeyRole.VIEWER or route.endswith("/events"))
            for name in [str(uuid4())] if passes_by else place.ids:
                answer = probe.send(holder.http, name)
                _judge(answer, needed, holder, (route, probe, who))
    unharmed = place.holders["admin"].http
    assert unharmed.get(f"/api/v1/tasks/{place.task}").json()["state"] in ("pending", "processing")
    assert unharmed.get(f"/agents/v1/files/{place.ids[1]}").json()["state"] == "pending"


def test_who_may_read_the_stream(place: Place):
    """The stream of changes has no end, so only its head is looked at."""
    for who, holder in place.holders.items():
        with holder.http.stream("GET", "/api/v1/events") as answer:
            _judge(answer, rights.ROUTES["GET /api/v1/events"], holder, who)


@pytest.mark.parametrize("who", ["admin", "member", "viewer", "stranger", "nobody", "revoked"])
def test_who_may_use_a_tool(place: Place, who: str):
    """So it is with every tool and method of the MCP server, in both eras of the protocol; a refusal is readable."""
    holder = place.holders[who]
    asked = [
        (rights.TOOLS[tool], "tools/call", {"name": tool, "arguments": a})
        for tool in ARGUMENTS
        for a in ARGUMENTS[tool]
    ]
    asked += [(rights.METHODS[method], method, params) for method in METHODS for params in METHODS[method]]
    for needed, method, params in asked:
        body, headers = modern(method, params, tasks=True)
        eras = [Probe("POST", "/mcp", body, (_ACCEPT, *headers.items()))]
        if not method.startswith("tasks/"):  # the era of handshakes has no such methods
            eras.append(Probe("POST", "/mcp", message(method, params), (_ACCEPT,)))
        for probe in eras:
            lets_in = holder.role is not None and holder.role.includes(needed)
            answer = probe.send(holder.http, str(uuid4()) if lets_in else place.task)
            if holder.role is None:
                assert answer.status_code == 401, probe
            else:
                assert answer.status_code != 403, probe
                assert ("forbidden" in answer.text) is not lets_in, (probe, answer.text)
    assert place.holders["admin"].http.get(f"/api/v1/tasks/{place.task}").json()["state"] in ("pending", "processing")


def test_an_account_says_its_role(place: Place):
    """Whoever asks who he is learns what his key may do."""
    for who in ("admin", "member", "viewer"):
        assert place.holders[who].http.get("/api/v1/me").json()["role"] == who


@pytest.mark.parametrize("headers", [{}, PROXIED, {"Host": "localhost"}, {"Host": "[::1]"}], ids=str)
def test_loopback_grants_nothing(place: Place, headers: dict[str, str]):
    """Where a request comes from, or which host it names, makes nobody an admin."""
    for who, status in (("nobody", 401), ("viewer", 403), ("member", 403), ("stranger", 403)):
        http = place.holders[who].http
        for path in ("/metrics", "/api/v1/admin/engines", "/api/v1/admin/limits"):
            assert http.get(path, headers=headers).status_code == status
        changed = http.patch("/api/v1/admin/limits/default", json={"credits": 0}, headers=headers)
        assert changed.status_code == status


def test_the_metrics_token_reads_metrics_only(start_service: Callable[..., RunningService]):
    """A scraper needs no admin's key: its token opens the metrics and nothing else."""
    running = start_service(metrics_token="scrape and no more")
    with client(running, "scrape and no more") as scraper, httpx2.Client(base_url=running.url) as nobody:
        assert "filmgate_build_info" in scraper.get("/metrics").text
        assert scraper.get("/api/v1/me").status_code == 401
        assert nobody.get("/metrics").status_code == 401
        assert nobody.get("/metrics", headers={"Authorization": "Bearer scrape and no"}).status_code == 401


def test_metrics_may_be_open(start_service: Callable[..., RunningService]):
    """An admin can open the metrics to everybody, and only them."""
    running = start_service(metrics="open")
    with httpx2.Client(base_url=running.url) as nobody:
        assert "filmgate_build_info" in nobody.get("/metrics").text
        assert nobody.get("/api/v1/admin/engines").status_code == 401


def test_an_admin_of_another_application(place: Place):
    """An admin sees the tasks of his own application only, and administers the whole service."""
    with client(place.running, _key(place.running, "admin", "others", name="chief")) as chief:
        assert chief.get(f"/api/v1/tasks/{place.task}").status_code == 404
        assert chief.get("/api/v1/admin/limits").status_code == 200
        own = submit(chief, "own [fail]")
        assert ended(chief, own)["state"] == "failed"


def _judge(answer: httpx2.Response, needed: KeyRole | None, holder: Holder, what: object) -> None:
    if needed is None:
        assert answer.status_code != 401, what
    elif holder.role is None:
        assert answer.status_code == 401, what
    elif holder.role.includes(needed):
        assert answer.status_code not in (401, 403), (what, answer.status_code)
    else:
        assert answer.status_code == 403, (what, answer.status_code)
        assert f"needs a key with the role {needed}" in answer.text, what
