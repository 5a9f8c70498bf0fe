"""Every route of the service, and how a stranger would use it to reach what is not his.

`ID` stands for an id, whatever it is the id of. A route that is not in `PROBES`, and a tool or method that is not in
its table, makes a test fail: whoever adds one says here how it can be tried.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx2
from starlette.routing import BaseRoute

from filmgate.adapters.mcp.tools import TOOLS
from filmgate.app.service import open_service
from filmgate.domain.settings import Settings
from tests.mcp.callers import message, modern

ID = "<id>"


class Probe(NamedTuple):
    """A request whose path, body and headers may contain `ID`."""

    method: str
    path: str
    json: Any = None
    headers: tuple[tuple[str, str], ...] = ()

    @property
    def asks_for(self) -> bool:
        """Whether an id is asked for at all."""
        return ID in json.dumps(self[1:])

    def send(self, http: httpx2.Client, name: str = "") -> httpx2.Response:
        """Send it with this id."""
        told = json.loads(json.dumps(self[1:]).replace(ID, name))
        return http.request(self.method, told[0], json=told[1], headers=dict(told[2]))


def _get(path: str) -> Probe:
    return Probe("GET", path)


def _post(path: str, **body: Any) -> Probe:
    return Probe("POST", path, body)


def _reads(prefix: str) -> list[Probe]:
    """Query by id: through the lane, waiting, and through the framework."""
    return [_get(f"{prefix}/{ID}{query}") for query in ("", "?wait=0.05", "?x=1")]


def _frames(**frame: Any) -> dict[str, Any]:
    return {"prompt": "more", "model": "ray-2", "keyframes": {"frame0": frame}}


_RETRIEVE = {"action": "retrieve"}
_BATCH = {"action": "retrieve_batch"}
_DREAMS = "/dream-machine/v1/generations"
_LINK = f"/media/{ID}/video.mp4"

FORMER = [
    (method, path)
    for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
    for path in ("/api/v1/callbacks", "/api/v1/callbacks/{rest:path}", "/api/v1/operator/{rest:path}")
]
"""Former addresses of the native API, which answer 410."""

PROBES: dict[str, list[Probe]] = {
    "POST /api/v1/tasks": [_post("/api/v1/tasks", prompt="x", **{side: {"task": ID}}) for side in ("start", "end")],
    "GET /api/v1/tasks/{task_id}": _reads("/api/v1/tasks"),
    "GET /api/v1/tasks": [_get("/api/v1/tasks"), _get("/api/v1/tasks?limit=100&newest=false")],
    "GET /api/v1/tasks/{task_id}/events": [_get(f"/api/v1/tasks/{ID}/events")],
    "GET /api/v1/events": [],  # a stream without end has a test of its own
    "POST /api/v1/tasks/{task_id}/cancel": [_post(f"/api/v1/tasks/{ID}/cancel")],
    "DELETE /api/v1/tasks/{task_id}": [Probe("DELETE", f"/api/v1/tasks/{ID}")],
    "GET /api/v1/engines": [_get("/api/v1/engines")],
    "GET /api/v1/me": [_get("/api/v1/me")],
    "GET /api/v1/models": [_get("/api/v1/models")],
    "GET /v1/models": [_get("/v1/models")],
    "GET /v1/models/{model:path}": [_get(f"/v1/models/{ID}")],
    "GET /api/v1/webhooks/secret": [_get("/api/v1/webhooks/secret")],
    "POST /api/v1/webhooks/secret/rotate": [_post("/api/v1/webhooks/secret/rotate")],
    "GET /api/v1/webhooks": [_get("/api/v1/webhooks"), _get(f"/api/v1/webhooks?task={ID}")],
    "GET /api/v1/webhooks/{webhook_id}": [_get(f"/api/v1/webhooks/{ID}")],
    "POST /api/v1/webhooks/{webhook_id}/resend": [_post(f"/api/v1/webhooks/{ID}/resend")],
    "GET /api/v1/admin/engines": [_get("/api/v1/admin/engines")],
    "POST /api/v1/admin/route": [_post("/api/v1/admin/route", prompt="x", start={"task": ID})],
    "GET /api/v1/admin/unknown": [_get("/api/v1/admin/unknown")],
    "POST /api/v1/admin/unknown/{task_id}": [_post(f"/api/v1/admin/unknown/{ID}", decision="fail")],
    "GET /api/v1/usage": [_get("/api/v1/usage")],
    "GET /api/v1/admin/usage": [_get("/api/v1/admin/usage")],
    "GET /api/v1/admin/limits": [_get("/api/v1/admin/limits")],
    "PATCH /api/v1/admin/limits/{application}": [Probe("PATCH", f"/api/v1/admin/limits/{ID}", {"credits": 5})],
    "POST /api/v1/admin/import": [_post("/api/v1/admin/import", engine="scripted", ids=[ID])],
    **{f"{method} {path}": [Probe(method, path.replace("{rest:path}", ID))] for method, path in FORMER},
    "GET /ping": [_get("/ping")],
    "POST /luma/generations/": [_post("/luma/generations/", user_prompt="x [fail]", image_url=f"ftp://x/{ID}")],
    "POST /luma/generations": [_post("/luma/generations", user_prompt="x [fail]", image_url=f"ftp://x/{ID}")],
    "POST /luma/generations/file_upload": [_post("/luma/generations/file_upload", url=f"ftp://x/{ID}")],
    "POST /luma/generations/{task_id}/extend": [_post(f"/luma/generations/{ID}/extend", user_prompt="x")],
    "POST /luma/v2/generations": [_post("/luma/v2/generations", user_prompt="x [fail]", image_url=f"ftp://x/{ID}")],
    "GET /luma/v2/generations/{task_id}": _reads("/luma/v2/generations"),
    "GET /luma/generations/{task_id}": _reads("/luma/generations"),
    "GET /luma/generations/{task_id}/download_video_url": [_get(f"/luma/generations/{ID}/download_video_url")],
    "GET /luma/users/me": [_get("/luma/users/me")],
    "GET /luma/subscription/usage": [_get("/luma/subscription/usage")],
    "POST /luma/videos": [_post("/luma/videos", action="extend", prompt="x [fail]", video_id=ID, **{"async": True})],
    "POST /luma/tasks": [
        _post("/luma/tasks", **_RETRIEVE, id=ID),
        _post("/luma/tasks?x=1", **_RETRIEVE, id=ID),
        _post("/luma/tasks", **_RETRIEVE, trace_id=ID),
        _post("/luma/tasks", **_BATCH, ids=[ID]),
        _post("/luma/tasks", **_BATCH, trace_ids=[ID]),
        _post("/luma/tasks", **_BATCH, ids=[ID], limit=10),
        _post("/luma/tasks", **_BATCH, application_id=ID),
        _post("/luma/tasks", **_BATCH, user_id=ID),
        _post("/luma/tasks", **_BATCH, created_at_min=0),
        _post("/luma/tasks", ids=[ID]),
        _post("/luma/tasks?format=envelope", ids=[ID]),
    ],
    "GET /dream-machine/v1/ping": [_get("/dream-machine/v1/ping")],
    "POST /dream-machine/v1/generations/video": [_post(f"{_DREAMS}/video", **_frames(type="generation", id=ID))],
    "POST /dream-machine/v1/generations": [_post(_DREAMS, **_frames(type="generation", id=ID))],
    "POST /dream-machine/v1/generations/video/modify": [
        _post(f"{_DREAMS}/video/modify", prompt="x", mode="adhere_1", media={"url": f"ftp://x/{ID}"}),
    ],
    "POST /dream-machine/v1/generations/video/reframe": [
        _post(f"{_DREAMS}/video/reframe", aspect_ratio="1:1", media={"url": f"ftp://x/{ID}"}),
    ],
    "POST /dream-machine/v1/generations/image": [
        _post(f"{_DREAMS}/image", prompt="x", image_ref=[{"url": f"ftp://x/{ID}"}]),
    ],
    "POST /dream-machine/v1/generations/image/reframe": [
        _post(f"{_DREAMS}/image/reframe", aspect_ratio="1:1", media={"url": f"ftp://x/{ID}"}),
    ],
    "GET /dream-machine/v1/generations/concepts/list": [_get(f"{_DREAMS}/concepts/list")],
    "GET /dream-machine/v1/generations/camera_motion/list": [_get(f"{_DREAMS}/camera_motion/list")],
    "GET /dream-machine/v1/credits": [_get("/dream-machine/v1/credits")],
    "POST /dream-machine/v1/generations/{generation_id}/upscale": [_post(f"{_DREAMS}/{ID}/upscale")],
    "POST /dream-machine/v1/generations/{generation_id}/audio": [_post(f"{_DREAMS}/{ID}/audio", prompt="x")],
    "GET /dream-machine/v1/generations/{generation_id}": _reads(_DREAMS),
    "GET /dream-machine/v1/generations": [_get(_DREAMS), _get(f"{_DREAMS}?limit=100")],
    "DELETE /dream-machine/v1/generations/{generation_id}": [Probe("DELETE", f"{_DREAMS}/{ID}")],
    "PUT /agents/v1/files/{file_id}/content": [Probe("PUT", f"/agents/v1/files/{ID}/content", {})],
    "POST /agents/v1/generations": [
        _post("/agents/v1/generations", prompt="x", type=kind, source={key: ID})
        for kind in ("image_edit", "video_edit", "video_reframe")
        for key in ("generation_id", "file_id")
    ]
    + [
        _post("/agents/v1/generations", prompt="x", type="video", video={frame: {key: ID}})
        for frame in ("start_frame", "end_frame")
        for key in ("generation_id", "file_id")
    ],
    "GET /agents/v1/generations/{generation_id}": _reads("/agents/v1/generations"),
    "POST /agents/v1/files": [_post("/agents/v1/files", mime_type="image/png", size_bytes=0)],
    "POST /agents/v1/files/{file_id}/complete": [_post(f"/agents/v1/files/{ID}/complete")],
    "GET /agents/v1/files": [_get("/agents/v1/files"), _get("/agents/v1/files?limit=100")],
    "GET /agents/v1/files/{file_id}": [_get(f"/agents/v1/files/{ID}")],
    "DELETE /agents/v1/files/{file_id}": [Probe("DELETE", f"/agents/v1/files/{ID}")],
    "POST /v1/videos": [_post("/v1/videos", prompt="x", input_reference={"image_url": f"ftp://x/{ID}"})],
    "POST /v1/videos/edits": [_post("/v1/videos/edits", prompt="x", video={"id": ID})],
    "POST /v1/videos/extensions": [_post("/v1/videos/extensions", prompt="x", seconds="4", video={"id": ID})],
    "POST /v1/videos/{video_id}/remix": [_post(f"/v1/videos/{ID}/remix", prompt="x")],
    "POST /v1/videos/characters": [_post("/v1/videos/characters", video={"id": ID})],
    "GET /v1/videos/characters/{character_id}": [_get(f"/v1/videos/characters/{ID}")],
    "GET /v1/videos": [_get("/v1/videos"), _get("/v1/videos?order=asc&limit=100"), _get(f"/v1/videos?after={ID}")],
    "GET /v1/videos/{video_id}": _reads("/v1/videos"),
    "DELETE /v1/videos/{video_id}": [Probe("DELETE", f"/v1/videos/{ID}")],
    "GET /v1/videos/{video_id}/content": [
        _get(f"/v1/videos/{ID}/content"),
        _get(f"/v1/videos/{ID}/content?variant=thumbnail"),
    ],
    "GET /media/{token}/{name}": [_get(_LINK), _get(f"/media/{ID}/{ID}"), _get(f"/media/x/{ID}")],
    "GET /healthz": [_get("/healthz")],
    "GET /readyz": [_get("/readyz")],
    "GET /identity": [_get(f"/identity?challenge={'0' * 64}")],
    "GET /metrics": [_get("/metrics")],
    "POST /register": [_post("/register", client_name="x")],
    "POST /hooks/{engine}/{key}": [_post(f"/hooks/scripted/{ID}"), _post(f"/hooks/{ID}/{ID}")],
    "GET /docs": [_get("/docs")],
    "GET /docs/assets": [_get(f"/docs/assets/{ID}")],
    "GET /openapi.json": [_get("/openapi.json")],
    "HEAD /openapi.json": [Probe("HEAD", "/openapi.json")],
}
"""Requests for every route, by its method and path."""

OPEN = frozenset(
    {
        *(
            "GET /ping",
            "GET /dream-machine/v1/ping",
            "GET /healthz",
            "GET /readyz",
            "GET /identity",
            "POST /register",
            "POST /hooks/{engine}/{key}",
        ),
        *(f"{method} {path}" for method, path in FORMER),
        *("GET /docs", "GET /docs/assets", "GET /openapi.json", "HEAD /openapi.json"),
        *("GET /media/{token}/{name}", "PUT /agents/v1/files/{file_id}/content"),
    }
)
"""Routes that need no key: what they give is public, or lies behind a secret in its address."""

ARGUMENTS: dict[str, list[dict[str, Any]]] = {
    "luma_generate_video": [{"prompt": "x [fail]", "callback_url": f"ftp://x/{ID}"}],
    "luma_generate_video_from_image": [{"prompt": "x", "start_image_url": f"ftp://x/{ID}"}],
    "luma_extend_video": [{"prompt": "x", "video_id": ID}],
    "luma_extend_video_from_url": [{"prompt": "x", "video_url": f"ftp://x/{ID}"}],
    "luma_list_models": [{}],
    "luma_get_task": [{"task_id": ID}],
    "luma_wait_task": [{"task_id": ID, "timeout_seconds": 0.05}],
    "luma_get_tasks_batch": [{"task_ids": [ID]}],
    "luma_list_tasks": [{}, {"limit": 50, "offset": 0}],
    "luma_cancel_task": [{"task_id": ID}],
    "luma_delete_task": [{"task_id": ID}],
    "luma_list_aspect_ratios": [{}],
    "luma_list_actions": [{}],
}
"""How every tool is called."""

_FILES = ("video", "thumbnail", "last_frame", "image")
METHODS: dict[str, list[dict[str, Any]]] = {
    "tools/list": [{}],
    "prompts/list": [{}],
    "prompts/get": [{"name": ID}],
    "resources/list": [{}],
    "resources/templates/list": [{}],
    "resources/read": [{"uri": f"filmgate://tasks/{ID}"}, *({"uri": f"filmgate://tasks/{ID}/{f}"} for f in _FILES)],
    "tasks/get": [{"taskId": ID}],
    "tasks/update": [{"taskId": ID}],
    "tasks/cancel": [{"taskId": ID}],
}
"""What can be asked of the MCP server besides calling tools."""


def _agent_probes() -> Iterator[Probe]:
    """Return every tool and method, in both eras of the protocol."""
    asked = [("tools/call", {"name": tool, "arguments": each}) for tool in ARGUMENTS for each in ARGUMENTS[tool]]
    asked += [(method, params) for method in METHODS for params in METHODS[method]]
    accept = ("Accept", "application/json, text/event-stream")
    for method, params in asked:
        yield Probe("POST", "/mcp", message(method, params), (accept,))
        body, headers = modern(method, params, tasks=True)
        yield Probe("POST", "/mcp", body, (accept, *headers.items()))


AGENT_PROBES = list(_agent_probes())


async def served(folder: Path) -> tuple[set[str], set[str], set[str]]:
    """Return what the service really has: routes by method and path, queries of the lane, what is mounted beside."""
    async with open_service(Settings(data=folder)) as service:
        app = service.asgi
        routes = {name for route in app._framework.routes for name in _named(route)}  # type: ignore[attr-defined]
        reads = {f"GET {prefix}" for prefix in app._fast_path._reads} | {
            f"POST {path}" for path in app._fast_path._bodies
        }
        return routes, reads, set(app._mounts)


def _named(route: BaseRoute) -> Iterator[str]:
    inner = getattr(route, "original_router", None)
    if inner is not None:
        for each in inner.routes:
            yield from _named(each)
        return
    for method in getattr(route, "methods", None) or ("GET",):
        yield f"{method} {route.path}"  # type: ignore[attr-defined]


def tools() -> set[str]:
    """Return the names of the tools that there are."""
    return {tool.name for tool in TOOLS}
