"""Models: one that there is not is an error in every dialect, and those there are can be listed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import pytest

from tests.mcp.callers import called, caller, refused
from tests.service.apis import SUBMITS
from tests.service.conftest import client, ended, new_key, submit
from tests.support.service import RunningService

TABLE = {
    "films": {"type": "openai_videos", "base_url": "http://127.0.0.1:9/v1", "models": ["ray-2", "wan/2.2"]},
    "luma": {"type": "dream_machine", "base_url": "http://127.0.0.1:9", "models": ["ray-2", "photon-1"]},
    "scripted": {"type": "scripted", "models": ["scripted"]},
}
"""Providers that nobody answers for: what is refused is refused before they are asked."""

CREATES: dict[str, tuple[str, dict[str, Any], str]] = {
    "native": ("/api/v1/tasks", {"prompt": "x"}, "model"),
    "gateway": ("/luma/generations", {"user_prompt": "x"}, "model_name"),
    "gateway-alias": ("/luma/generations/", {"user_prompt": "x"}, "model"),
    "gateway-v2": ("/luma/v2/generations", {"user_prompt": "x"}, "model_name"),
    "acedata": ("/luma/videos", {"prompt": "x", "async": True}, "model"),
    "acedata-sync": ("/luma/videos", {"prompt": "x"}, "model"),
    "dream_machine": ("/dream-machine/v1/generations/video", {"prompt": "a lake"}, "model"),
    "dream_machine-old": ("/dream-machine/v1/generations", {"prompt": "a lake"}, "model"),
    "dream_machine-image": ("/dream-machine/v1/generations/image", {"prompt": "a lake"}, "model"),
    "agents": ("/agents/v1/generations", {"prompt": "x", "type": "video"}, "model"),
    "openai_videos": ("/v1/videos", {"prompt": "x"}, "model"),
}
"""A submit of each dialect, and its field for the model."""

MESSAGES: dict[str, Callable[[Any], str]] = {
    "native": lambda body: body["error"]["message"],
    "gateway": lambda body: body["error"]["message"],
    "acedata": lambda body: body["error"]["message"],
    "dream_machine": lambda body: body["detail"],
    "agents": lambda body: body["detail"],
    "openai_videos": lambda body: body["error"]["message"],
}
"""Where each dialect says what is wrong."""


@pytest.fixture(scope="module")
def providers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """A service with providers, so that the studio makes nothing by default."""
    running = RunningService(tmp_path_factory.mktemp("models") / "data", engines=json.dumps(TABLE)).start()
    yield running
    assert running.stop() == 0, running.log.read_text()[-4000:]
    assert "Traceback" not in running.log.read_text(), running.log.read_text()[-8000:]


@pytest.fixture
def http(providers: RunningService) -> Iterator[httpx2.Client]:
    """A client of that service."""
    with client(providers) as opened:
        yield opened


@pytest.mark.parametrize("name", CREATES)
def test_an_unknown_model_is_refused_in_the_form_of_the_dialect(http: httpx2.Client, name: str) -> None:
    """The error lists the models there are, says which was meant, and nothing has been accepted."""
    path, body, field = CREATES[name]
    before = http.get("/api/v1/tasks").json()["total"]
    answer = http.post(path, json=body | {field: "ray_2"})
    assert answer.status_code == 400, answer.text
    dialect = name.partition("-")[0]
    assert MESSAGES[dialect](answer.json()) == (
        'There is no model "ray_2". Did you mean "ray-2"? The models are: ray-2, wan/2.2, photon-1, scripted.'
    )
    assert http.get("/api/v1/tasks").json()["total"] == before


def test_errors_about_models_have_the_codes_of_their_dialects(http: httpx2.Client) -> None:
    """OpenAI's clients know model_not_found; AceData's know nothing but bad_request."""
    openai = http.post("/v1/videos", files={"prompt": (None, "x"), "model": (None, "sora-2")}).json()["error"]
    assert (openai["type"], openai["code"], openai["param"]) == ("invalid_request_error", "model_not_found", "model")
    native = http.post("/api/v1/tasks", json={"prompt": "x", "model": "sora-2"}).json()["error"]
    assert (native["code"], native["field"]) == ("model_not_found", "model")
    acedata = http.post("/luma/videos", json={"prompt": "x", "model": "sora-2"}).json()
    assert (acedata["success"], acedata["error"]["code"]) == (False, "bad_request")


async def test_agents_are_told_which_models_there_are(providers: RunningService) -> None:
    """The error of a tool has the same sentence."""
    async with caller(providers) as agent:
        words = await refused(agent, "luma_generate_video", prompt="x", model="photon-2")
        assert (words["code"], words["field"]) == ("model_not_found", "model")
        assert 'Did you mean "photon-1"? The models are: ray-2' in words["message"]
        listed = await called(agent, "luma_list_models")
        assert [model["model"] for model in listed["models"]] == ["ray-2", "wan/2.2", "photon-1", "scripted"]
        assert listed["models"][1]["operations"] == ["generate", "extend", "modify"]
        foreign = {"video_url": "http://127.0.0.1:9/x.mp4", "prompt": "x"}
        more = await refused(agent, "luma_extend_video_from_url", **foreign)
        assert more["message"].startswith("A model has to be named.")
        task = await called(agent, "luma_extend_video_from_url", **foreign, model="scripted")
        await called(agent, "luma_delete_task", task_id=task["task_id"])
        missing = await refused(agent, "luma_generate_video", prompt="x")
        assert missing["message"].startswith("A model has to be named. The models are: ray-2")


@pytest.mark.parametrize("name", ["native", "gateway", "acedata", "openai_videos"])
def test_a_model_has_to_be_named_where_several_could_be_meant(http: httpx2.Client, name: str) -> None:
    """Without a default the request is refused, and the models are listed."""
    path, body, _ = CREATES[name]
    answer = http.post(path, json=body)
    assert answer.status_code == 400
    assert MESSAGES[name](answer.json()).startswith("A model has to be named. The models are: ray-2, wan/2.2")


def test_luma_means_its_own_model_by_none(http: httpx2.Client) -> None:
    """Dream Machine without a model is ray-2, and photon-1 for a picture, as long as an engine names them."""
    video = http.post("/dream-machine/v1/generations", json={"prompt": "a lake"})
    picture = http.post("/dream-machine/v1/generations/image", json={"prompt": "a lake"})
    assert [video.json()["model"], picture.json()["model"]] == ["ray-2", "photon-1"]
    for made in (video, picture):
        task = http.get(f"/api/v1/tasks/{made.json()['id']}").json()
        assert (task["model"], task["engine"]) == (made.json()["model"], task["engine"])
        http.delete(f"/api/v1/tasks/{task['id']}")


def test_a_route_can_be_asked_for_known_models_only(http: httpx2.Client) -> None:
    """A dry run says what a submit would."""
    answer = http.post("/api/v1/admin/route", json={"prompt": "x", "model": "nothing"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "model_not_found")
    assert http.post("/api/v1/admin/route", json={"prompt": "x", "model": "wan/2.2"}).json()["engine"] == "films"


def test_the_models_are_listed_with_what_they_can(http: httpx2.Client) -> None:
    """Filmgate's own list and OpenAI's say the same; a model of two engines can what either can."""
    body = http.get("/api/v1/models").json()
    assert (body["default_model"], body["others"]) == (None, None)
    models = {model["name"]: model for model in body["models"]}
    assert list(models) == ["ray-2", "wan/2.2", "photon-1", "scripted"]
    assert models["ray-2"]["engines"] == ["films", "luma"]
    assert models["photon-1"]["kinds"] == ["image"]
    assert models["photon-1"]["durations"] == []
    assert models["wan/2.2"]["operations"] == ["generate", "extend", "modify"]
    assert models["wan/2.2"]["inputs"] == ["start_image", "start_video", "start_task"]
    assert models["scripted"]["durations"] == list(range(1, 11))
    assert models["scripted"]["resolutions"] == ["540p", "720p", "1080p", "4k"]
    listed = http.get("/v1/models").json()
    assert listed["object"] == "list"
    for model in listed["data"]:
        assert (model["object"], isinstance(model["created"], int)) == ("model", True)
        same = {key: value for key, value in models[model["id"]].items() if key not in ("name", "engines")}
        assert same.items() <= model.items()
    assert [model["owned_by"] for model in listed["data"]] == ["films, luma", "films", "luma", "scripted"]


def test_one_model_is_found_by_its_name(http: httpx2.Client) -> None:
    """A name may contain slashes; one that there is not is a 404 in OpenAI's form, with those there are."""
    found = http.get("/v1/models/wan/2.2")
    assert (found.status_code, found.json()["id"]) == (200, "wan/2.2")
    unknown = http.get("/v1/models/sora-2")
    assert unknown.status_code == 404
    assert unknown.json()["error"]["code"] == "model_not_found"
    assert "The models are: ray-2" in unknown.json()["error"]["message"]


@pytest.mark.parametrize("path", ["/api/v1/models", "/v1/models", "/v1/models/ray-2"])
def test_models_are_read_with_a_key_and_counted(limited: RunningService, path: str) -> None:
    """Without a key they are a 401; too many are a 429, as of every query."""
    assert httpx2.get(limited.url + path).status_code == 401
    with client(limited, new_key(limited, f"reader of {path}")) as http:
        answers = [http.get(path) for _ in range(14)]
    assert answers[0].status_code == 200
    assert answers[-1].status_code == 429
    assert "error" in answers[-1].json()


def test_a_service_without_providers_makes_any_model(start_service: Callable[..., RunningService]) -> None:
    """That is what stands in for every provider while something is developed; the list says who makes the others."""
    alone = start_service(engines="{}")
    with client(alone) as http:
        for name, (path, body, field) in CREATES.items():
            if name != "acedata-sync":
                answer = http.post(path, json=body | {field: "ray-3000"})
                assert answer.status_code in (200, 201), answer.text
        for task in http.get("/api/v1/tasks", params={"limit": 50}).json()["tasks"]:
            assert (task["engine"], task["model"]) == ("studio", "ray-3000")
            http.delete(f"/api/v1/tasks/{task['id']}")
        body = http.get("/api/v1/models").json()
        assert [model["name"] for model in body["models"]] == ["studio"]
        assert body["others"]["engines"] == ["studio"]
        assert http.get("/v1/models/any-name-at-all").json()["owned_by"] == "studio"


def test_the_default_model_is_meant_where_none_is_named(start_service: Callable[..., RunningService]) -> None:
    """It is written into the task, so that the answer says what was chosen."""
    table: dict[str, Any] = {"one": {"type": "scripted", "models": ["a"]}, "two": {"type": "scripted", "models": ["b"]}}
    table["narrow"] = {"type": "scripted", "models": ["narrow"], "operations": ["extend"]}
    service = start_service(engines=json.dumps(table), default_model="b", default_engine="none")
    with client(service) as http:
        task = ended(http, submit(http))
        assert (task["model"], task["engine"], task["state"]) == ("b", "two", "completed")
        assert http.get("/api/v1/models").json()["default_model"] == "b"
        refused_one = http.post("/api/v1/tasks", json={"prompt": "x", "model": "c"})
        assert refused_one.json()["error"]["message"].endswith("The models are: a, b, narrow.")
        # An engine does nothing that it is not used for, also where there is no other.
        failed = ended(http, submit(http, model="narrow"))
        assert failed["failure"] == {
            "code": "unsupported_by_engine",
            "message": "The engine narrow is used for extend only.",
        }
        assert ended(http, submit(http, model="narrow", start={"task": task["id"]}))["state"] == "completed"


def test_a_repeat_is_answered_although_its_model_is_gone(start_service: Callable[..., RunningService]) -> None:
    """What was accepted stays accepted: after a restart without the model its request gives the same task."""
    table = {"old": {"type": "scripted", "models": ["old", "kept"]}}
    service = start_service(engines=json.dumps(table), default_engine="none")
    body, key = {"prompt": "x", "model": "old", "duration": 1, "resolution": "540p"}, {"Idempotency-Key": "once"}
    with client(service) as http:
        first = http.post("/api/v1/tasks", json=body, headers=key).json()
        ended(http, first["id"])
    service.stop()
    service.env["FILMGATE_ENGINES"] = json.dumps({"old": {"type": "scripted", "models": ["kept"]}})
    service.start()
    with client(service) as http:
        assert http.post("/api/v1/tasks", json=body, headers=key).json()["id"] == first["id"]
        assert http.post("/api/v1/tasks", json=body).status_code == 400


def test_accepted_tasks_outlive_their_model_and_their_engine(start_service: Callable[..., RunningService]) -> None:
    """A task whose engine is switched off is finished; one whose engine is gone waits until it is there again."""
    slow = {"type": "scripted", "models": ["a"], "steps": 1, "delay": 0.5, "slots": 1}
    table = {"off": slow, "gone": slow | {"models": ["b"]}}
    service = start_service(engines=json.dumps(table), default_engine="none", grace="0")
    with client(service) as http:
        off = [submit(http, model="a") for _ in range(3)]
        gone = [submit(http, model="b") for _ in range(3)]
    service.stop()
    service.env["FILMGATE_ENGINES"] = json.dumps({"off": slow | {"enabled": False}})
    service.start()
    with client(service) as http:
        assert [ended(http, task)["state"] for task in off] == ["completed"] * 3
        assert http.post("/api/v1/tasks", json={"prompt": "x", "model": "a"}).status_code == 400
        states = {http.get(f"/api/v1/tasks/{task}").json()["state"] for task in gone}
        assert states <= {"pending", "processing", "completed"}
        assert http.get("/api/v1/models").json()["models"] == []
    service.stop()
    service.env["FILMGATE_ENGINES"] = json.dumps(table)
    service.start()
    with client(service) as http:
        assert [ended(http, task)["state"] for task in gone] == ["completed"] * 3


def test_every_submit_of_these_tests_names_a_dialect() -> None:
    """A dialect that is added is to be added here too."""
    assert set(SUBMITS) <= set(CREATES)
