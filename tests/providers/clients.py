"""How clients of each dialect ask for a video from a prompt, from a picture, and for more of an earlier one."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from typing import Any, NamedTuple

import httpx2
from PIL import Image


def picture() -> bytes:
    """Draw a small picture, as PNG."""
    written = io.BytesIO()
    Image.linear_gradient("L").resize((160, 90)).convert("RGB").save(written, "PNG")
    return written.getvalue()


PICTURE = picture()
DATA = base64.b64encode(PICTURE).decode()
URI = f"data:image/png;base64,{DATA}"

SIZE = {"size": "1360x752", "seconds": "5"}
"""What the other dialects make if nothing is said; OpenAI's videos are upright and of four seconds then."""

Made = dict[str, Any]
"""What a submit was answered with."""


class Client(NamedTuple):
    """A dialect from the client's side; each call gives the answer to a submit for a model."""

    create: Callable[[httpx2.Client, str, str], httpx2.Response]
    image: Callable[[httpx2.Client, str, str], httpx2.Response]
    extend: Callable[[httpx2.Client, str, str, Made], httpx2.Response]
    cancel: Callable[[httpx2.Client, str], httpx2.Response]
    key: str = "id"


def _cancel(http: httpx2.Client, task_id: str) -> httpx2.Response:
    """Cancel where the dialect itself has no way to."""
    return http.post(f"/api/v1/tasks/{task_id}/cancel")


_DM = "/dream-machine/v1/generations"

CLIENTS: dict[str, Client] = {
    "native": Client(
        lambda http, prompt, model: http.post("/api/v1/tasks", json={"prompt": prompt, "model": model}),
        lambda http, prompt, model: http.post(
            "/api/v1/tasks", json={"prompt": prompt, "model": model, "start": {"image": URI}}
        ),
        lambda http, prompt, model, made: http.post(
            "/api/v1/tasks", json={"prompt": prompt, "model": model, "start": {"task": made["id"]}}
        ),
        _cancel,
    ),
    "gateway": Client(
        lambda http, prompt, model: http.post("/luma/generations", json={"user_prompt": prompt, "model_name": model}),
        lambda http, prompt, model: http.post(
            "/luma/generations", json={"user_prompt": prompt, "model_name": model, "image_url": URI}
        ),
        lambda http, prompt, model, made: http.post(
            f"/luma/generations/{made['id']}/extend", json={"user_prompt": prompt}
        ),
        _cancel,
    ),
    "acedata": Client(
        lambda http, prompt, model: http.post("/luma/videos", json={"prompt": prompt, "model": model, "async": True}),
        lambda http, prompt, model: http.post(
            "/luma/videos", json={"prompt": prompt, "model": model, "async": True, "start_image_url": URI}
        ),
        lambda http, prompt, model, made: http.post(
            "/luma/videos",
            json={
                "action": "extend",
                "prompt": prompt,
                "model": model,
                "async": True,
                "video_id": made["video_id"],
            },
        ),
        _cancel,
        key="task_id",
    ),
    "dream_machine": Client(
        lambda http, prompt, model: http.post(f"{_DM}/video", json={"prompt": prompt, "model": model}),
        lambda http, prompt, model: http.post(
            f"{_DM}/video",
            json={"prompt": prompt, "model": model, "keyframes": {"frame0": {"type": "image", "url": URI}}},
        ),
        lambda http, prompt, model, made: http.post(
            f"{_DM}/video",
            json={
                "prompt": prompt,
                "model": model,
                "keyframes": {"frame0": {"type": "generation", "id": made["id"]}},
            },
        ),
        lambda http, task_id: http.delete(f"{_DM}/{task_id}"),
    ),
    "agents": Client(
        lambda http, prompt, model: http.post(
            "/agents/v1/generations", json={"prompt": prompt, "model": model, "type": "video"}
        ),
        lambda http, prompt, model: http.post(
            "/agents/v1/generations",
            json={
                "prompt": prompt,
                "model": model,
                "type": "video",
                "video": {"start_frame": {"data": DATA, "media_type": "image/png"}},
            },
        ),
        lambda http, prompt, model, made: http.post(
            "/agents/v1/generations",
            json={
                "prompt": prompt,
                "model": model,
                "type": "video",
                "video": {"start_frame": {"generation_id": made["id"]}},
            },
        ),
        _cancel,
    ),
    "openai_videos": Client(
        lambda http, prompt, model: http.post("/v1/videos", json={"prompt": prompt, "model": model, **SIZE}),
        lambda http, prompt, model: http.post(
            "/v1/videos",
            data={"prompt": prompt, "model": model, **SIZE},
            files={"input_reference": ("start.png", PICTURE, "image/png")},
        ),
        lambda http, prompt, model, made: http.post(
            "/v1/videos/extensions", json={"prompt": prompt, "video": {"id": made["id"]}, "seconds": "5"}
        ),
        lambda http, task_id: http.delete(f"/v1/videos/{task_id}"),
    ),
}
