"""Behind a proxy that serves Filmgate below a path: links, requests either way, and own links in every input."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from filmgate.app.service import open_service
from filmgate.domain.settings import Settings
from tests.mcp.callers import message
from tests.support.service import RunningService

from .apis import READS, SUBMITS
from .conftest import client, ended, exchange, submit
from .probes import PROBES

pytestmark = pytest.mark.xdist_group("prefix")

PREFIX = "/films"
PUBLIC = f"http://10.99.0.1{PREFIX}"
"""Nobody is there, and nobody may be reached there: a link that is not recognised is refused at once."""


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """A service with a public address that has a path."""
    options = {"public_url": PUBLIC, "allow_networks": ""}
    running = RunningService(tmp_path_factory.mktemp("prefix") / "data", **options).start()
    yield running
    assert running.stop() == 0, running.log.read_text()[-4000:]
    assert "Traceback" not in running.log.read_text(), running.log.read_text()[-8000:]


@pytest.fixture(scope="module")
def task(service: RunningService) -> dict[str, Any]:
    """A completed task, whose links have the public address."""
    with client(service) as http:
        made = ended(http, submit(http))
    assert made["video"]["url"].startswith(f"{PUBLIC}/media/")
    return made


def _dream(**body: Any) -> dict[str, Any]:
    return {"prompt": "goes on [fail]", "model": "ray-2", **body}


def _agent(kind: str, **body: Any) -> dict[str, Any]:
    return {
        "prompt": "goes on [fail]",
        "model": "uni-1" if kind.startswith("image") else "ray-3.2",
        "type": kind,
        **body,
    }


def _native(**body: Any) -> dict[str, Any]:
    return {"prompt": "goes on [fail]", **body}


DREAM = "/dream-machine/v1/generations"
INPUTS: dict[str, tuple[str, str, Callable[[str], dict[str, Any]]]] = {
    "native start": ("/api/v1/tasks", "image", lambda url: _native(start={"image": url})),
    "native end": ("/api/v1/tasks", "image", lambda url: _native(end={"image": url})),
    "native extend": ("/api/v1/tasks", "video", lambda url: _native(start={"video": url})),
    "gateway": ("/luma/generations", "image", lambda url: {"user_prompt": "x [fail]", "image_url": url}),
    "gateway end": ("/luma/generations", "image", lambda url: {"user_prompt": "x [fail]", "image_end_url": url}),
    "gateway v2": ("/luma/v2/generations", "image", lambda url: {"user_prompt": "x [fail]", "image_url": url}),
    "gateway upload": ("/luma/generations/file_upload", "image", lambda url: {"url": url}),
    "acedata start": ("/luma/videos", "image", lambda url: _ace("generate", start_image_url=url)),
    "acedata end": ("/luma/videos", "image", lambda url: _ace("generate", end_image_url=url)),
    "acedata extend": ("/luma/videos", "video", lambda url: _ace("extend", video_url=url)),
    "dream frame": (DREAM, "image", lambda url: _dream(keyframes={"frame0": {"type": "image", "url": url}})),
    "dream last frame": (DREAM, "image", lambda url: _dream(keyframes={"frame1": {"type": "image", "url": url}})),
    "dream modify": (f"{DREAM}/video/modify", "video", lambda url: _dream(mode="adhere_1", media={"url": url})),
    "dream reframe": (f"{DREAM}/video/reframe", "video", lambda url: _dream(aspect_ratio="1:1", media={"url": url})),
    "dream image": (f"{DREAM}/image", "image", lambda url: _dream(model="photon-1", image_ref=[{"url": url}])),
    "dream style": (f"{DREAM}/image", "image", lambda url: _dream(model="photon-1", style_ref=[{"url": url}])),
    "agents": ("/agents/v1/generations", "image", lambda url: _agent("video", video={"start_frame": {"url": url}})),
    "agents edit": ("/agents/v1/generations", "video", lambda url: _agent("video_edit", source={"url": url})),
    "openai": ("/v1/videos", "image", lambda url: {"prompt": "x [fail]", "input_reference": {"image_url": url}}),
    "openai edit": ("/v1/videos/edits", "video", lambda url: {"prompt": "x [fail]", "video": {"url": url}}),
}
"""Each input that takes an address: where, of which kind, and the body."""


def _ace(action: str, **body: Any) -> dict[str, Any]:
    return {"action": action, "prompt": "x [fail]", "async": True, **body}


def spellings(service: RunningService, link: str) -> list[str]:
    """Return addresses of one file: as it is written, as clients may change it, and without the proxy."""
    path = link.removeprefix(PUBLIC)
    return [
        link,
        f"http://10.99.0.1:80{PREFIX}{path}?download=1#t=3",
        f"HTTP://10.99.0.1/%66ilms{path.replace('/media/', '/%6Dedia/')}",
        f"{service.url}{path}",
        f"{service.url.replace('127.0.0.1', 'LocalHost')}{PREFIX}{path}",
    ]


def foreign(service: RunningService, link: str) -> list[str]:
    """Return addresses of others whose path has the shape of a link."""
    path = link.removeprefix(PUBLIC)
    port = int(service.url.rpartition(":")[2])
    return [
        f"http://10.99.0.1{path}",
        f"http://10.99.0.1/other{path}",
        f"http://10.99.0.1:8080{PREFIX}{path}",
        f"http://10.99.0.2{PREFIX}{path}",
        f"http://127.0.0.1:{port % 60_000 + 1}{path}",
    ]


def link_of(task: dict[str, Any], kind: str) -> str:
    """Return the link of a file of this kind."""
    return str(task["video"]["url"] if kind == "video" else task["last_frame"])


@pytest.mark.parametrize("name", INPUTS)
def test_own_links_in_every_input(service: RunningService, http: httpx2.Client, task: dict[str, Any], name: str):
    """A link is taken for what it is in each input, however it is spelt; what belongs to others is not."""
    path, kind, body = INPUTS[name]
    for url in spellings(service, link_of(task, kind)):
        answer = http.post(path, json=body(url))
        assert answer.status_code in (200, 201, 202), (url, answer.text)
    for url in foreign(service, link_of(task, kind)):
        answer = http.post(path, json=body(url))
        assert answer.status_code in (400, 422), (url, answer.text)
        assert "not public" in answer.text


@pytest.mark.parametrize(
    ("tool", "key", "kind"),
    [
        ("luma_generate_video_from_image", "start_image_url", "image"),
        ("luma_generate_video_from_image", "end_image_url", "image"),
        ("luma_extend_video_from_url", "video_url", "video"),
    ],
)
def test_own_links_of_agents(
    service: RunningService, http: httpx2.Client, task: dict[str, Any], tool: str, key: str, kind: str
):
    """An agent hands on links that it was given, too."""

    def outcome(url: str) -> dict[str, Any]:
        call = message("tools/call", {"name": tool, "arguments": {"prompt": "x [fail]", key: url}})
        result: dict[str, Any] = http.post("/mcp", json=call).json()["result"]
        return result

    for url in spellings(service, link_of(task, kind)):
        assert not outcome(url).get("isError"), url
    for url in foreign(service, link_of(task, kind)):
        assert outcome(url)["isError"], url


def test_own_links_in_forms(service: RunningService, http: httpx2.Client, task: dict[str, Any]):
    """A form may name a link in a field."""
    fields = {"/v1/videos": ("input_reference[image_url]", "image"), "/v1/videos/edits": ("video[url]", "video")}
    for path, (field, kind) in fields.items():
        for urls, good in (
            (spellings(service, link_of(task, kind)), True),
            (foreign(service, link_of(task, kind)), False),
        ):
            for url in urls:
                answer = http.post(path, files={"prompt": (None, "x [fail]"), field: (None, url)})
                assert (answer.status_code == 200) is good, (url, answer.text)


def test_clients_below_the_path(service: RunningService, task: dict[str, Any]):
    """The command line asks below the path, where that is part of the address it is given."""
    done = service.run("get", task["id"], "--json", FILMGATE_URL=service.url + PREFIX)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["id"] == task["id"]


def test_the_dialect_is_known_below_the_path(tmp_path: Path):
    """What is noted of a request names its dialect, whether or not the proxy keeps the path."""

    async def named() -> list[str | None]:
        async with open_service(Settings(data=tmp_path, public_url=PUBLIC)) as service:
            paths = ("/luma/generations", f"{PREFIX}/luma/generations", f"{PREFIX}/nothing")
            return [service.asgi.dialect_as_sent(path) for path in paths]  # type: ignore[attr-defined]

    assert asyncio.run(named()) == ["gateway", "gateway", None]


@pytest.mark.parametrize("kept", [True, False])
def test_a_proxy_may_keep_the_path_or_take_it_away(http: httpx2.Client, task: dict[str, Any], kept: bool):
    """Every route answers below the path and without it, with the same links."""
    prefix = PREFIX if kept else ""
    for name, request in SUBMITS.items():
        assert http.post(f"{prefix}{request.path}", json=request.json).status_code in (200, 201), name
    for name, read in READS.items():
        asked = read(task["id"])
        answer = http.request(asked.method, f"{prefix}{asked.path}", json=asked.json)
        assert answer.status_code == 200, name
        assert f"{PUBLIC}/media/" in answer.text or name == "openai_videos"
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert http.head(f"{prefix}{asked.path}").status_code == (200 if asked.method == "GET" else 405)
    for path in ("/healthz", "/readyz", "/openapi.json", "/docs", task["video"]["url"].removeprefix(PUBLIC)):
        assert http.get(f"{prefix}{path}").status_code == 200, path
    call = message("tools/list", {})
    assert http.post(f"{prefix}/mcp", json=call).json() == http.post("/mcp", json=call).json()
    preflight = http.options(f"{prefix}/luma/generations", headers={"Origin": "https://films.example"})
    assert preflight.status_code == 204
    wrong = http.get(f"{prefix}/luma/nothing")
    assert wrong.status_code == 404
    assert wrong.json()["detail"]


def test_only_the_whole_path_is_a_prefix(service: RunningService, http: httpx2.Client):
    """What only begins like the path is not below it, and the path is taken away once."""
    for path in (f"{PREFIX}x/ping", f"{PREFIX}{PREFIX}/ping", "/Films/ping", PREFIX, f"{PREFIX}/", "/x/films/ping"):
        assert http.get(path).status_code == 404, path
    foreign_host = f"GET {PREFIX}/ping HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n"
    assert exchange(service, foreign_host.encode()).startswith(b"HTTP/1.1 400 ")


def test_a_repeat_is_known_either_way(http: httpx2.Client):
    """A submit that is repeated through another way is still the same."""
    body, headers = {"prompt": "once [fail]"}, {"Idempotency-Key": "behind a proxy"}
    ids = {http.post(f"{way}/api/v1/tasks", json=body, headers=headers).json()["id"] for way in ("", PREFIX)}
    assert len(ids) == 1


def test_the_documentation_below_the_path(http: httpx2.Client):
    """The page loads what is below the path, and its requests go there."""
    page = http.get(f"{PREFIX}/docs").text
    loaded = re.findall(r"(?:src|href)=[\"']([^\"']+)|url: '([^']+)'", page)
    base = http.base_url.join(f"{PREFIX}/docs")
    for path in {first or second for first, second in loaded}:
        assert base.join(path).path.startswith(PREFIX), path
        assert http.get(base.join(path)).status_code == 200, path
    assert http.get("/openapi.json").json()["servers"] == [{"url": PREFIX}]


def test_a_path_that_is_one_of_ours(start_service: Callable[..., RunningService]):
    """Where the path begins like a dialect's, requests mean what they say, and the log asks for a proxy that strips."""
    service = start_service(public_url="https://example.com/luma")
    with client(service) as http:
        assert http.get("/luma/users/me").status_code == 200
        assert http.get("/luma/v1/videos").status_code == 404
        assert http.get("/v1/videos").status_code == 200
    assert "have the proxy take it away" in service.log.read_text()


async def test_every_path_of_ours_is_known(tmp_path: Path):
    """Whichever route there is, a public path that begins like it is not taken away: it could be the route itself."""
    for number, first in enumerate(sorted({route.split("/")[1] for route in PROBES} | {"mcp"})):
        settings = Settings(data=tmp_path / str(number), public_url=f"https://example.com/{first}/video")
        async with open_service(settings) as service:
            assert service.asgi._paths.prefix == "", first  # type: ignore[attr-defined]
