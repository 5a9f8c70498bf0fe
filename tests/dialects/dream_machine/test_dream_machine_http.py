"""The Dream Machine dialect as its clients meet it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import httpx2
import pytest
from pydantic import BaseModel

from tests.support.service import RunningService

from ..bad import PLAYLIST, bomb, data_uri
from ..listener import Listener
from ..test_described import keeps
from .pictures import data_uri as good_uri
from .pictures import look, mp4

Ended = Callable[[str], dict[str, Any]]

CAPTURED = json.loads((Path(__file__).parents[2] / "fixtures/dream_machine_requests.json").read_text())["requests"]
ROOT = "/dream-machine/v1"
GENERATIONS = f"{ROOT}/generations"
UNKNOWN = "4665a07c-7641-4809-a133-10786201bb56"
SHORT = {"duration": "1s", "resolution": "540p"}
MIB = 1024 * 1024


class StrictRequest(BaseModel):
    """A request as the strictest known client reads it."""

    prompt: str
    model: Literal["ray-2", "ray-flash-2", "photon-1", "photon-flash-1"]
    aspect_ratio: Literal["1:1", "16:9", "9:16", "4:3", "3:4", "21:9", "9:21"] | None = None


class StrictGeneration(BaseModel):
    """A generation as the strictest known client reads it."""

    id: str
    generation_type: Literal["video", "image"]
    state: Literal["queued", "dreaming", "completed", "failed"]
    created_at: str
    model: str
    request: StrictRequest


def submit(http: httpx2.Client, path: str = "/video", **body: Any) -> dict[str, Any]:
    """Submit a generation and give the answer."""
    answer = http.post(GENERATIONS + path, json=body)
    assert answer.status_code == 201, answer.text
    generation: dict[str, Any] = answer.json()
    return generation


def get(http: httpx2.Client, known: str) -> dict[str, Any]:
    """Query a generation."""
    answer = http.get(f"{GENERATIONS}/{known}")
    assert answer.status_code == 200, answer.text
    StrictGeneration.model_validate(answer.json(), strict=True)
    generation: dict[str, Any] = answer.json()
    return generation


def refused(answer: httpx2.Response, status: int, *words: str) -> None:
    """Check an error: its status, its form, its trace id, and that the sentence says what is wrong."""
    assert answer.status_code == status, answer.text
    body = answer.json()
    assert {"detail", "code", "trace_id"} <= set(body) <= {"detail", "code", "trace_id", "field"}
    assert isinstance(body["detail"], str)
    assert body["trace_id"] == answer.headers["X-Trace-Id"]
    for word in words:
        assert word in body["detail"]


def placed(value: Any, **places: str) -> Any:
    """Put a test's own addresses and ids into a captured request."""
    text = json.dumps(value)
    for name, place in places.items():
        text = text.replace(f"{{{name}}}", place)
    return json.loads(text)


def test_what_the_sdk_was_seen_to_send(http: httpx2.Client, ended: Ended, files: str, listener: Listener):
    """Every captured request of the SDK is answered as it should be, and shown as it was sent."""
    source = submit(http, prompt="a cat", **SHORT)["id"]
    ended(source)
    for captured in CAPTURED:
        body = placed(captured["body"], id=source, files=files)
        path = captured["path"].replace("{id}", source)
        answer = http.request(captured["method"], path, params=captured["query"], json=body)
        assert answer.status_code == {"POST": 201, "GET": 200, "DELETE": 204}[captured["method"]], answer.text
        if body is None:
            continue
        made = answer.json()
        StrictGeneration.model_validate(made, strict=True)
        assert body.items() <= made["request"].items()
        assert set(made["request"]) == set(body) | {"generation_type", "model", "prompt"}
        assert ended(made["id"])["state"] == "completed", captured["name"]
    assert listener.post("/cb")[1]["state"] in ("dreaming", "completed")


def test_a_request_is_shown_as_it_was_sent(http: httpx2.Client):
    """Unknown fields and explicit nulls come back; what readers need is added, a data URI is a link."""
    sent = {"prompt": "[fail=x] \N{CLAPPER BOARD}", "model": None, "seed": [1.5], "loop": None, "resolution": None}
    answer = http.post(GENERATIONS, content=json.dumps(sent), headers={"Content-Type": "text/plain"})
    expected = sent | {"generation_type": "video", "model": "ray-2"}
    assert (answer.status_code, answer.json()["request"]) == (201, expected)
    assert get(http, answer.json()["id"])["request"] == expected
    frames = {"frame1": {"type": "image", "url": good_uri()}}
    made = submit(http, "", keyframes=frames, **SHORT)
    assert look(made["request"]["keyframes"]["frame1"]["url"]) == ("PNG", (64, 36))
    assert made["request"]["prompt"] == ""
    upscaled = http.post(f"{GENERATIONS}/{UNKNOWN}/upscale", content=b"")
    refused(upscaled, 404, "Generation not found")


def test_another_dialects_tasks(http: httpx2.Client, ended: Ended, files: str):
    """A task of any dialect is a generation here, with the request that would ask for the same."""
    frame = {"type": "image", "url": f"{files}/a.jpg"}
    gateway = http.post(
        "/luma/generations", json={"user_prompt": "x", "model_name": "ray-v2", "image_url": frame["url"], "loop": True}
    ).json()["id"]
    earlier = submit(http, prompt="a cat", **SHORT)["id"]
    ended(earlier)
    video = get(http, earlier)["assets"]["video"]
    still = get(http, earlier)["assets"]["image"]
    acedata = {"action": "extend", "video_url": video, "prompt": "more", "async": True}
    by_url = http.post("/luma/videos", json=acedata).json()["task_id"]
    native = http.post(
        "/api/v1/tasks",
        json={"prompt": "", "duration": 3, "start": {"task": earlier}, "end": {"image": still}, "model": "studio-x"},
    ).json()["id"]
    upload = http.post("/luma/generations", json={"image_url": good_uri(), "duration": 1}).json()["id"]
    for known, expected in {
        gateway: {"model": "ray-2", "prompt": "x", "aspect_ratio": "16:9", "duration": "5s", "loop": True,
                  "keyframes": {"frame0": frame}},
        by_url: {"model": "ray-2", "prompt": "more", "aspect_ratio": "16:9", "duration": "5s", "loop": False},
        native: {"model": "ray-2", "prompt": "", "aspect_ratio": "16:9", "duration": "3s", "loop": False,
                 "keyframes": {"frame0": {"type": "generation", "id": earlier},
                               "frame1": {"type": "image", "url": still}}},
    }.items():  # fmt: skip
        assert get(http, known)["request"] == {"generation_type": "video"} | expected
        assert ended(known)["state"] == "completed"
        assert get(http, known)["assets"]["video"]
    assert get(http, native)["model"] == "studio-x"
    assert look(get(http, upload)["request"]["keyframes"]["frame0"]["url"]) == ("PNG", (64, 36))
    listed = http.get(GENERATIONS, params={"limit": 100}).json()["generations"]
    assert {gateway, by_url, native, upload, earlier} <= {generation["id"] for generation in listed}


def test_other_dialects_show_generations(http: httpx2.Client, ended: Ended):
    """A generation is a task in every dialect, a picture as well."""
    video = submit(http, prompt="a cat", **SHORT)["id"]
    image = submit(http, "/image", prompt="a cat")["id"]
    for known in (video, image):
        ended(known)
    assets = get(http, video)["assets"]
    assert http.get(f"/luma/generations/{video}").json()["video"]["url"] == assets["video"]
    found = http.post("/luma/tasks", json={"id": video, "action": "retrieve"}).json()
    assert found["response"]["video_url"] == assets["video"]
    assert http.get(f"/api/v1/tasks/{video}").json()["thumbnail"] == assets["image"]
    picture = get(http, image)["assets"]["image"]
    assert get(http, image)["assets"]["video"] is None
    assert http.get(f"/luma/generations/{image}").json()["image"]["url"] == picture
    assert http.get(f"/api/v1/tasks/{image}").json()["image"]["url"] == picture
    found = http.post("/luma/tasks", json={"id": image, "action": "retrieve"}).json()
    assert found["response"]["state"] == "completed"


def test_callbacks(http: httpx2.Client, listener: Listener):
    """The owner is told when the work begins and when it ends, with what a query answers."""
    made = submit(http, prompt="[hang]", callback_url=f"{listener.url}/cb?x=1", seed=7)
    headers, begun = listener.post("/cb?x=1")
    assert begun == made | {"state": "dreaming"}
    assert begun["request"]["seed"] == 7
    assert headers["content-type"] == "application/json"
    http.post(f"/api/v1/tasks/{made['id']}/cancel")
    _, failed = listener.post("/cb?x=1")
    assert failed == get(http, made["id"])
    assert failed["state"] == "failed"
    made = submit(http, prompt="a cat", callback_url=f"{listener.url}/cb", **SHORT)
    _, done = listener.post("/cb")
    if done["state"] == "dreaming":
        _, done = listener.post("/cb")
    assert done == get(http, made["id"])
    assert done["state"] == "completed"
    assert listener.posts.empty()


def test_a_beginning_is_no_news_after_the_end(http: httpx2.Client, ended: Ended, listener: Listener):
    """Of a task that was refused at once only the end is told, and of no task another state than it is in."""
    refused_task = submit(http, prompt="a cat", duration="1h", callback_url=f"{listener.url}/cb")["id"]
    assert ended(refused_task)["state"] == "failed"
    assert listener.post("/cb")[1]["state"] == "failed"
    gateway = {"user_prompt": "[delay=1.5] x", "duration": 1, "notify_hook": f"{listener.url}/hook"}
    assert http.post("/luma/generations", json=gateway).status_code == 200
    assert listener.post("/hook")[1]["state"] == "completed"
    assert listener.posts.empty()


@pytest.mark.parametrize("path", ["", "/video", "/image", "/video/modify", "/video/reframe", "/image/reframe"])
@pytest.mark.parametrize("content", [b"{", b"[]", b"null", b"\xff\xfe", b"[" * 50_000])
def test_malformed_json(http: httpx2.Client, path: str, content: bytes):
    """What is no JSON object is refused."""
    refused(http.post(GENERATIONS + path, content=content), 400, "JSON")


@pytest.mark.parametrize(
    ("path", "body", "word"),
    [
        ("", {"prompt": 5}, "prompt"),
        ("", {"prompt": "abc", "loop": "yes"}, "loop"),
        ("", {"prompt": "abc", "keyframes": ["a"]}, "keyframes"),
        ("", {"prompt": "abc", "keyframes": {"frame0": "x"}}, "keyframes.frame0"),
        ("", {"prompt": "abc", "concepts": {"key": "x"}}, "concepts"),
        ("", {"prompt": "abc", "model": 2}, "model"),
        ("", {"prompt": "abc", "callback_url": ["x"]}, "callback_url"),
        ("", {"prompt": "abc", "callback_url": "http://10.0.0.1/"}, "webhook"),
        ("/image", {}, "Prompt is required"),
        ("/image", {"prompt": "abc", "image_ref": {"url": "x"}}, "image_ref"),
        ("/image", {"prompt": "abc", "image_ref": [{"url": "ftp://x/"}]}, "image_ref.0.url"),
        ("/image", {"prompt": "abc", "format": "gif"}, "format"),
        ("/image", {"prompt": "abc", "sync": 1}, "sync"),
        ("/image", {"prompt": "abc", "sync_timeout": "soon"}, "sync_timeout"),
        ("/image", {"prompt": "abc", "generation_type": "video"}, "Unknown request type"),
        ("/video/modify", {"mode": "flex_1"}, "media"),
        ("/video/modify", {"media": {"url": "https://example.com/v.mp4"}}, "mode"),
        ("/video/modify", {"media": {"url": "https://example.com/v.mp4"}, "mode": "flex_4"}, "mode"),
        ("/video/modify", {"media": {"url": ""}, "mode": "flex_1"}, "media.url"),
        ("/video/modify", {"media": {"url": "v.mp4"}, "mode": "flex_1"}, "media.url"),
        ("/video/modify", {"media": {"url": "https://e.com/v.mp4"}, "mode": "flex_1", "prompt": "ab"}, "too short"),
        ("/video/reframe", {"media": {"url": "https://example.com/v.mp4"}}, "aspect_ratio is required"),
        ("/video/reframe", {"media": {"url": "https://example.com/v.mp4"}, "aspect_ratio": "2:1"}, "aspect_ratio"),
        ("/video/reframe", {"media": {}, "aspect_ratio": "1:1"}, "media.url"),
        ("/image/reframe", {"media": {"url": "https://example.com/"}, "x_start": "3"}, "x_start"),
        ("/image/reframe", {"media": {"url": "https://example.com/"}}, "aspect_ratio is required"),
        (f"/{UNKNOWN}/upscale", {"resolution": 1080}, "resolution"),
        (f"/{UNKNOWN}/audio", {"prompt": ["rain"]}, "prompt"),
    ],
)
def test_wrong_bodies(http: httpx2.Client, path: str, body: dict[str, Any], word: str):
    """A wrong type or value is refused, and the sentence names the field."""
    refused(http.post(GENERATIONS + path, json=body), 400, word)


@pytest.mark.parametrize(
    "url",
    [
        data_uri(b"not a picture"),
        data_uri(PLAYLIST),
        data_uri(bomb()),
        "data:image/png;base64,!!!!",
        "data:image/png,plain",
        "file:///etc/passwd",
        "http://169.254.169.254/latest/meta-data",
        "https://example.com/" + "a" * 9_000,
    ],
    ids=lambda value: value[:40],
)
def test_pictures_that_are_refused_at_once(http: httpx2.Client, url: str):
    """What can be seen to be unusable is refused in every place for pictures, and no task is made."""
    before = http.get("/api/v1/tasks?limit=1").json()["total"]
    for path, body in {
        "/video": {"prompt": "abc", "keyframes": {"frame1": {"type": "image", "url": url}}},
        "/image": {"prompt": "abc", "character_ref": {"identity0": {"images": [url]}}},
        "/image/reframe": {"media": {"url": url}, "aspect_ratio": "1:1"},
        "/video/reframe": {"media": {"url": url}, "aspect_ratio": "1:1"},
    }.items():
        refused(http.post(GENERATIONS + path, json=body), 400)
    assert http.get("/api/v1/tasks?limit=1").json()["total"] == before


def test_files_that_cannot_be_had(http: httpx2.Client, ended: Ended, listener: Listener):
    """A file that is not there or something else ends the task with the reason."""
    listener.files |= {"/v.mp4": PLAYLIST, "/good.mp4": mp4()}
    media = {"url": f"{listener.url}/v.mp4"}
    frames = {"frame0": {"type": "image", "url": f"{listener.url}/missing.png"}}
    for made in (
        submit(http, keyframes=frames),
        submit(http, "/video/reframe", media=media, aspect_ratio="1:1"),
        submit(http, "/video/modify", media=media, mode="flex_1"),
    ):
        ended(made["id"])
        failed = get(http, made["id"])
        assert (failed["state"], failed["assets"]) == ("failed", None)
        assert failed["failure_reason"]


@pytest.mark.parametrize("known", [UNKNOWN, "x", "x" * 2_000, "%00", "..x", "video", "image", "concepts"])
def test_unknown_ids(http: httpx2.Client, known: str):
    """An unknown id is 404 with every method, whatever it looks like."""
    for answer in (
        http.get(f"{GENERATIONS}/{known}"),
        http.delete(f"{GENERATIONS}/{known}"),
        http.post(f"{GENERATIONS}/{known}/upscale", json={}),
        http.post(f"{GENERATIONS}/{known}/audio", json={}),
    ):
        refused(answer, 404, "Generation not found")


def test_paths_and_methods_that_are_not_there(http: httpx2.Client):
    """Other paths are 404 and other methods 405, in this form."""
    refused(http.get("/dream-machine/v1/nothing"), 404)
    refused(http.get("/dream-machine/v2/generations"), 404)
    answer = http.put(GENERATIONS, json={})
    refused(answer, 405)
    assert answer.headers["Allow"]


def test_a_key_is_needed(service: RunningService):
    """Without a good key every operation but the ping is 401."""
    for headers in ({}, {"Authorization": "Bearer wrong"}):
        with httpx2.Client(base_url=service.url, headers=headers) as nobody:
            for captured in CAPTURED:
                path = captured["path"].replace("{id}", UNKNOWN)
                answer = nobody.request(captured["method"], path, json=captured["body"])
                if path.endswith("/ping"):
                    assert answer.json() == {"message": "pong"}
                else:
                    refused(answer, 401)
                    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_body_that_is_too_large(http: httpx2.Client):
    """A body of unknown length is cut off at the limit."""

    def endless() -> Iterator[bytes]:
        for _ in range(100):
            yield b" " * MIB

    refused(http.post(GENERATIONS, content=endless()), 413)


def test_too_many_unfinished(start_service: Callable[..., RunningService]):
    """What is one too many is 429, with a word on when to come back."""
    service = start_service(max_unfinished="1")
    with httpx2.Client(base_url=service.url, headers=service.headers) as http:
        submit(http, prompt="[hang]")
        answer = http.post(GENERATIONS, json={"prompt": "[hang]"})
        refused(answer, 429)
        assert 1 <= int(answer.headers["Retry-After"]) <= 60


def test_answers_keep_their_description(http: httpx2.Client, ended: Ended, files: str):
    """What is answered is what the service publishes, for good answers and for errors."""
    published = http.get("/openapi.json").json()
    source = submit(http, prompt="a cat", **SHORT)["id"]
    ended(source)
    for captured in CAPTURED:
        path = captured["path"].replace("{id}", "{generation_id}")
        address = captured["path"].replace("{id}", source)
        body = placed(captured["body"], id=source, files=files)
        unknown = captured["path"].replace("{id}", UNKNOWN)
        if unknown != captured["path"]:
            keeps(published, path, http.request(captured["method"], unknown, json=body))
        keeps(published, path, http.request(captured["method"], address, params=captured["query"], json=body))
        if body is not None:
            keeps(published, path, http.request(captured["method"], address, content=b"{"))
        with httpx2.Client(base_url=http.base_url) as stranger:
            keeps(published, path, stranger.request(captured["method"], address))
