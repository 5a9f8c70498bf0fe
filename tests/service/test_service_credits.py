"""What applications may use and have used: refused, given back, counted and told in every dialect."""

from __future__ import annotations

import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import pytest

from tests.mcp.callers import caller, refused
from tests.support.service import RunningService

from .apis import SUBMITS, code_of, form_for, form_of, message_of
from .conftest import client, ended, limit, new_key, submit


def left(http: httpx2.Client) -> float | None:
    """Return how many credits the caller has left."""
    told: float | None = http.get("/api/v1/usage").json()["now"]["credits"]["left"]
    return told


def test_every_dialect_says_that_credits_are_used_up(http: httpx2.Client, tenant: httpx2.Client, application: str):
    """A submit beyond the balance is a 403 in the dialect's own form and word, and nothing of it is kept."""
    limit(http, application, credits=0.5)
    for name, request in SUBMITS.items():
        answer = request.send(tenant)
        assert answer.status_code == 403, (name, answer.text)
        code = "quota_exceeded" if name == "native" else "used_up"
        assert (code_of(answer), form_of(answer)) == (code, form_for(name))
        assert "0.5 of 0.5 are left" in message_of(answer)
        assert "Retry-After" not in answer.headers
    assert tenant.get("/api/v1/tasks").json()["total"] == 0
    limit(http, application, credits=0)
    for request in SUBMITS.values():
        assert request.send(tenant).status_code in (200, 201)


async def test_agents_are_told_in_the_result_of_the_tool(service: RunningService, application: str):
    """Over MCP it is an error of the tool, with the same code, where the task would have been."""
    key = new_key(service, application)
    with client(service) as http:
        limit(http, application, credits=0.5)
    async with caller(service, key=key) as agent:
        words = await refused(agent, "luma_generate_video", prompt="a lake")
    assert (words["code"], words["message"].partition(":")[0]) == ("used_up", "Insufficient credits")


def test_a_price_is_by_the_second(http: httpx2.Client, tenant: httpx2.Client, application: str):
    """Without a price a clip costs its seconds and a picture one credit; the task says what it cost."""
    limit(http, application, credits=20)
    clip = tenant.post("/api/v1/tasks", json={"prompt": "x", "duration": 9}).json()
    assert (clip["credits"], left(tenant)) == (9, 11)
    picture = tenant.post(
        "/dream-machine/v1/generations/image", json={"prompt": "a lake", "model": "photon-1", "aspect_ratio": "1:1"}
    )
    assert picture.status_code == 201
    assert left(tenant) == 10


def test_submits_at_once_never_spend_more(http: httpx2.Client, tenant: httpx2.Client, application: str):
    """Of thirty submits in one moment exactly as many are accepted as the credits allow."""
    limit(http, application, credits=7)

    def one(_: int) -> int:
        return tenant.post("/api/v1/tasks", json={"prompt": "[hang]", "duration": 1}).status_code

    with ThreadPoolExecutor(10) as pool:
        answers = sorted(pool.map(one, range(30)))
    assert answers == [201] * 7 + [403] * 23
    assert left(tenant) == 0
    for each in tenant.get("/api/v1/tasks?limit=50").json()["tasks"]:
        tenant.delete(f"/api/v1/tasks/{each['id']}")


def test_credits_come_back_with_a_failure(http: httpx2.Client, tenant: httpx2.Client, application: str):
    """A failed task gives back what it cost, a completed one does not, and a repeated submit costs once."""
    limit(http, application, credits=3)
    assert ended(tenant, submit(tenant, "[fail=moderated: No.]"))["state"] == "failed"
    assert left(tenant) == 3
    ids = {
        tenant.post(
            "/api/v1/tasks", json={"prompt": "x", "duration": 1}, headers={"Idempotency-Key": application}
        ).json()["id"]
        for _ in range(3)
    }
    assert ended(tenant, ids.pop())["state"] == "completed"
    assert left(tenant) == 2


def test_credits_come_back_once_over_a_kill(start_service: Callable[..., RunningService]):
    """However a service is killed, each failed task has given back its credits once when it has ended."""
    service = start_service(credits="40", credits_per="total")
    with client(service) as http:
        tasks = [submit(http, "[delay=0.05][fail]") for _ in range(20)]
        assert http.get("/api/v1/usage").json()["now"]["credits"]["used"] > 0
    service.stop(signal.SIGKILL)
    service.start()
    with client(service) as http:
        assert {ended(http, each)["state"] for each in tasks} == {"failed"}
        told = http.get("/api/v1/usage").json()
    assert (told["now"]["credits"]["used"], told["total"]["failed"], told["total"]["submitted"]) == (0, 20, 20)


def test_dialects_tell_the_balance(http: httpx2.Client, tenant: httpx2.Client, application: str):
    """Where a dialect has an answer for it, it is what is left; without a rule nothing changes."""
    paths = ("/dream-machine/v1/credits", "/luma/users/me", "/luma/subscription/usage")
    credits_, me, usage = [tenant.get(path).json() for path in paths]
    assert (credits_["credit_balance"], me["credits"], usage["capacity"]) == (1_000_000, None, None)
    limit(http, application, credits=12)
    ended(tenant, submit(tenant))
    credits_, me, usage = [tenant.get(path).json() for path in paths]
    assert (credits_["credit_balance"], me["credits"]) == (11, 11)
    assert (usage["consumed"], usage["capacity"], usage["generations"]["completed"]) == (1, 12, 1)


def test_usage_outlives_the_tasks(tenant: httpx2.Client):
    """Tasks, seconds, bytes and failures by code are counted as they end, and stay when the tasks are deleted."""
    prompts = ("x", "[fail=moderated]", "[fail=moderated]", "[fail=busy]")
    tasks = [ended(tenant, submit(tenant, prompt)) for prompt in prompts]
    cancelled = submit(tenant, "[hang]")
    tenant.post(f"/api/v1/tasks/{cancelled}/cancel")
    before = tenant.get("/api/v1/usage").json()
    size = tasks[0]["video"]["bytes"]
    counted = before["total"]
    assert [counted[each] for each in ("submitted", "completed", "failed", "cancelled")] == [5, 1, 3, 1]
    assert counted["seconds"] == pytest.approx(tasks[0]["video"]["duration"])
    assert counted["bytes"] == before["now"]["bytes_held"] > size
    assert before["failures"] == {"moderated": 2, "busy": 1}
    assert (before["now"]["files_held"], before["now"]["unfinished"], len(before["days"])) == (3, 0, 1)
    for each in tasks:
        assert tenant.delete(f"/api/v1/tasks/{each['id']}").status_code == 204
    after = tenant.get("/api/v1/usage").json()
    assert (after["total"], after["failures"], after["days"]) == (counted, before["failures"], before["days"])
    assert (after["now"]["files_held"], after["now"]["bytes_held"]) == (0, 0)


@pytest.mark.parametrize(
    ("query", "field"),
    [("since=yesterday", "since"), ("until=2026-13-01", "until")],
)
def test_days_must_be_days(http: httpx2.Client, query: str, field: str):
    """What is no day is named."""
    answer = http.get(f"/api/v1/usage?{query}")
    assert (answer.status_code, answer.json()["error"]["field"]) == (400, field)


@pytest.mark.parametrize("rules", [{"credits": -1}, {"media_bytes": 1.5}, {"credits_per": "week"}, {"task_days": "x"}])
def test_rules_must_be_rules(http: httpx2.Client, rules: dict[str, Any]):
    """A rule that is not allowed is named, and nothing is changed."""
    answer = http.patch("/api/v1/admin/limits/default", json=rules)
    assert (answer.status_code, answer.json()["error"]["field"]) == (400, next(iter(rules)))
    assert set(http.get("/api/v1/usage").json()["now"]["own"].values()) == {None}


def test_rules_are_set_one_by_one(http: httpx2.Client, tenant: httpx2.Client, application: str):
    """What is not given stays, null is what holds for all, and another application has nothing of it."""
    tenant.get("/api/v1/me")
    limit(http, application, credits=5, task_days=2.5)
    standing = limit(http, application, credits=None, credits_per="total", media_bytes=10)
    assert standing["limits"] == {
        "task_days": 2.5,
        "media_days": 0,
        "media_bytes": 10,
        "credits": 0,
        "credits_per": "total",
    }
    assert standing["own"]["credits"] is None
    assert http.get("/api/v1/usage").json()["now"]["limits"]["task_days"] == 0
    assert http.patch("/api/v1/admin/limits/nobody", json={"credits": 1}).status_code == 404


def test_only_operators_see_others(start_service: Callable[..., RunningService]):
    """Rules and others' usage are for admins: another key of the same application is refused."""
    service = start_service(host="0.0.0.0", admin_key="a key of many words")
    service.url = service.url.replace("0.0.0.0", "127.0.0.1")
    rules = {"credits": 5}
    with client(service) as operator, client(service, new_key(service, "default")) as other:
        assert other.get("/api/v1/usage").status_code == 200
        for path in ("/api/v1/admin/usage", "/api/v1/admin/limits"):
            assert other.get(path).status_code == 403
            assert operator.get(path).status_code == 200
        for each, status in ((other, 403), (operator, 200)):
            assert each.patch("/api/v1/admin/limits/default", json=rules).status_code == status
        assert left(other) == 5


def test_settings_are_the_rules_for_all(start_service: Callable[..., RunningService]):
    """What the service is started with holds for every application without rules of its own, now and later."""
    service = start_service(credits="2.5", credits_per="day", keep_media_days="30", keep_media_bytes="1000000")
    with client(service) as admin, client(service, new_key(service, "new")) as http:
        now = http.get("/api/v1/usage").json()["now"]
        assert now["limits"] == {
            "task_days": 0,
            "media_days": 30,
            "media_bytes": 1_000_000,
            "credits": 2.5,
            "credits_per": "day",
        }
        assert set(now["own"].values()) == {None}
        assert [http.post("/api/v1/tasks", json={"prompt": "x", "duration": 2}).status_code for _ in range(2)] == [
            201,
            403,
        ]
        limit(admin, "new", credits=0)
        assert (left(http), http.post("/api/v1/tasks", json={"prompt": "x"}).status_code) == (None, 201)
