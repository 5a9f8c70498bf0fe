"""Hostile addresses at every place of every dialect that takes one: refused at the door, and no task is made."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import pytest

from tests.http.sites import hostile
from tests.mcp.callers import message
from tests.support.service import RunningService

from .conftest import client, submit

pytestmark = pytest.mark.xdist_group("addresses")

Body = Callable[[str], dict[str, Any]]
_DREAMS = "/dream-machine/v1/generations"

PICTURES: dict[str, tuple[str, Body]] = {
    "native start": ("/api/v1/tasks", lambda url: {"prompt": "x", "start": {"image": url}}),
    "native end": ("/api/v1/tasks", lambda url: {"prompt": "x", "end": {"image": url}}),
    "gateway start": ("/luma/generations", lambda url: {"user_prompt": "x", "image_url": url}),
    "gateway end": ("/luma/v2/generations", lambda url: {"user_prompt": "x", "image_end_url": url}),
    "gateway upload": ("/luma/generations/file_upload", lambda url: {"url": url}),
    "acedata": ("/luma/videos", lambda url: {"prompt": "x", "async": True, "start_image_url": url}),
    "dream machine": (_DREAMS, lambda url: {"prompt": "xyz", "keyframes": {"frame0": {"type": "image", "url": url}}}),
    "dream machine guide": (f"{_DREAMS}/image", lambda url: {"prompt": "xyz", "image_ref": [{"url": url}]}),
    "agents": ("/agents/v1/generations", lambda url: {"prompt": "x", "type": "image", "image_ref": [{"url": url}]}),
    "openai videos": ("/v1/videos", lambda url: {"prompt": "x", "input_reference": {"image_url": url}}),
}
CLIPS: dict[str, tuple[str, Body]] = {
    "native": ("/api/v1/tasks", lambda url: {"prompt": "x", "start": {"video": url}}),
    "acedata": (
        "/luma/videos",
        lambda url: {"prompt": "x", "async": True, "action": "extend", "video_url": url},
    ),
    "dream machine": (
        f"{_DREAMS}/video/reframe",
        lambda url: {"aspect_ratio": "1:1", "media": {"url": url}},
    ),
    "agents": ("/agents/v1/generations", lambda url: {"prompt": "x", "type": "video_edit", "source": {"url": url}}),
}
CALLBACKS: dict[str, tuple[str, Body]] = {
    "native": ("/api/v1/tasks", lambda url: {"prompt": "x", "callback_url": url}),
    "gateway": ("/luma/generations", lambda url: {"user_prompt": "x", "notify_hook": url}),
    "acedata": ("/luma/videos", lambda url: {"prompt": "x", "async": True, "callback_url": url}),
    "dream machine": (_DREAMS, lambda url: {"prompt": "xyz", "callback_url": url}),
    "agents": ("/agents/v1/generations", lambda url: {"prompt": "x", "callback_url": url}),
    "openai videos": ("/v1/videos", lambda url: {"prompt": "x", "callback_url": url}),
}
PLACES = [
    *((f"picture: {name}", *place) for name, place in PICTURES.items()),
    *((f"clip: {name}", *place) for name, place in CLIPS.items()),
    *((f"callback: {name}", *place) for name, place in CALLBACKS.items()),
]
TOOLS = {
    "luma_generate_video": "callback_url",
    "luma_generate_video_from_image": "start_image_url",
    "luma_extend_video_from_url": "video_url",
}


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx2.Client]:
    """A client of a service whose operator allows no network besides the public one."""
    running = RunningService(tmp_path_factory.mktemp("closed") / "data", allow_networks="").start()
    with client(running) as opened:
        yield opened
    assert running.stop() == 0
    assert "Traceback" not in running.log.read_text(), running.log.read_text()[-8000:]


@pytest.mark.parametrize(("path", "body"), [place[1:] for place in PLACES], ids=[place[0] for place in PLACES])
def test_hostile_addresses_are_refused(closed: httpx2.Client, path: str, body: Body):
    """Whatever the place, a hostile address is a 400 that quotes neither user info nor query, and makes no task."""
    before = closed.get("/api/v1/tasks?limit=1").json()["total"]
    for url in hostile():
        answer = closed.post(path, json=body(url))
        assert answer.status_code == 400, (url, answer.text)
        assert "secret" not in answer.text
        assert "goalstate" not in answer.text
    assert closed.get("/api/v1/tasks?limit=1").json()["total"] == before


@pytest.mark.parametrize("tool", TOOLS)
def test_agents_cannot_name_them_either(closed: httpx2.Client, tool: str):
    """So it is with the tools of agents: an error result, and no task."""
    before = closed.get("/api/v1/tasks?limit=1").json()["total"]
    for url in hostile():
        arguments = {"prompt": "x", TOOLS[tool]: url}
        answer = closed.post("/mcp", json=message("tools/call", {"name": tool, "arguments": arguments}))
        result = answer.json()["result"]
        assert result["isError"], url
        assert json.loads(result["content"][0]["text"])["error"]["code"] in ("bad_request", "invalid_media"), url
    assert closed.get("/api/v1/tasks?limit=1").json()["total"] == before


def test_the_service_itself_is_no_place_to_call_back(closed: httpx2.Client):
    """No callback goes to the service, under any name of its own; its links are taken for the files they are."""
    for name in ("127.0.0.1", "localhost", "0.0.0.0", "[::1]", "[::]"):
        own = f"http://{name}:{closed.base_url.port}"
        answer = closed.post("/api/v1/tasks", json={"prompt": "x", "callback_url": f"{own}/hooks/scripted/x"})
        assert answer.status_code == 400
        for path in ("/metrics", "/api/v1/admin/unknown", "/media/x/../../metrics"):
            assert closed.post("/api/v1/tasks", json={"start": {"image": own + path}}).status_code == 400
    missing = f"{closed.base_url}/media/{'a' * 22}/thumbnail.jpg"
    assert closed.post("/api/v1/tasks", json={"start": {"image": missing}}).status_code == 404
    assert submit(closed, "[fail]")
