"""Pictures under any name, sent to a running service in JSON and in forms: in their places, or refused."""

from __future__ import annotations

import io
from typing import Any

import httpx2
import pytest
from PIL import Image

from .test_inputs import form_of

SUBMITS = {
    "/api/v1/tasks": ({"prompt": "[fail=x]"}, "id"),
    "/luma/generations": ({"user_prompt": "[fail=x]"}, "id"),
    "/luma/videos": ({"prompt": "[fail=x]", "callback_url": "http://127.0.0.1:9/"}, "task_id"),
    "/dream-machine/v1/generations": ({"prompt": "[fail=x]"}, "id"),
    "/agents/v1/generations": ({"prompt": "[fail=x]", "type": "video"}, "id"),
    "/v1/videos": ({"prompt": "[fail=x]"}, "id"),
}
FORM = {"Content-Type": "multipart/form-data; boundary=x"}


def picture(colour: tuple[int, int, int]) -> bytes:
    """Return a small picture of one colour."""
    data = io.BytesIO()
    Image.new("RGB", (64, 36), colour).save(data, "PNG")
    return data.getvalue()


RED, BLUE = picture((220, 20, 20)), picture((20, 20, 220))


def colours(http: httpx2.Client, task_id: str) -> list[str]:
    """Return which pictures a task starts from and ends at."""
    frames = http.get(f"/dream-machine/v1/generations/{task_id}").json()["request"]["keyframes"]
    found = []
    for side in ("frame0", "frame1"):
        shown = Image.open(io.BytesIO(http.get(frames[side]["url"]).content)).convert("RGB").getpixel((5, 5))
        assert isinstance(shown, tuple)
        found.append("red" if shown[0] > shown[2] else "blue")
    return found


@pytest.mark.parametrize("path", SUBMITS)
@pytest.mark.parametrize(
    "heads",
    [
        ('name="images[]"; filename="a.png"', 'name="images[]"; filename="b.png"'),
        ('name="input_reference"\r\nContent-Type: image/png', 'name="input_reference"'),
    ],
    ids=["files", "nameless"],
)
def test_two_files_of_a_form_are_the_frames(http: httpx2.Client, path: str, heads: tuple[str, str]):
    """In every dialect, with file names or without."""
    fields, task_id = SUBMITS[path]
    texts = [(f'name="{name}"', value.encode()) for name, value in fields.items()]
    data = form_of([*texts, (heads[0], RED), (heads[1], BLUE)])
    answer = http.post(path, content=data, headers=FORM)
    assert answer.is_success, answer.text
    assert colours(http, answer.json()[task_id]) == ["red", "blue"]
    cut = http.post(path, content=data[:-6], headers=FORM)
    assert (cut.status_code, "cut off" in cut.text) == (400, True), cut.text


@pytest.mark.parametrize("path", SUBMITS)
@pytest.mark.parametrize("field", ["mask", "reference_images", "whatever"])
def test_a_picture_that_has_no_place_is_refused_by_name(http: httpx2.Client, path: str, field: str):
    """The error is in the dialect's form, names the field and says what there is; no task is made."""
    before = http.get("/api/v1/tasks?limit=1").json()["total"]
    fields: dict[str, Any] = SUBMITS[path][0]
    answer = http.post(path, json=fields | {field: "https://example.com/a.png"})
    error = answer.json()
    message = error["error"]["message"] if "error" in error else error["detail"]
    assert answer.status_code == 400
    assert message.startswith(f"{field}: ")
    assert "the first frame" in message
    if path == "/v1/videos":
        assert error["error"]["param"] == field
    assert http.get("/api/v1/tasks?limit=1").json()["total"] == before
