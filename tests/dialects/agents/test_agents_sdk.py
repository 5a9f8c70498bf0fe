"""The published Python SDK of the Agents API against a real service."""

from __future__ import annotations

import base64
import io
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, get_args
from uuid import uuid4

import httpx2
import luma_agents
import pytest
from luma_agents import AsyncLuma, Luma
from luma_agents.types import Generation, GenerationFailureCode
from PIL import Image

from tests.support.clips import play
from tests.support.service import RunningService

from ..listener import Listener

Ended = Callable[[str], dict[str, Any]]
STATES = {"queued", "processing", "completed", "failed"}


def picture(size: tuple[int, int] = (64, 36)) -> bytes:
    """Return a small picture."""
    data = io.BytesIO()
    Image.new("RGB", size, (200, 120, 40)).save(data, "PNG")
    return data.getvalue()


@pytest.fixture(params=[False, True], ids=["loose", "strict"])
def luma(request: pytest.FixtureRequest, service: RunningService) -> Iterator[Luma]:
    """The SDK with a good key; a strict one refuses answers that are not as its types say."""
    options = {"auth_token": service.key, "base_url": f"{service.url}/agents/v1"}
    with Luma(**options, _strict_response_validation=request.param) as client:
        yield client


@pytest.fixture
def strict(service: RunningService) -> Iterator[Luma]:
    """The strict SDK, which does not try again."""
    options = {"auth_token": service.key, "base_url": f"{service.url}/agents/v1", "max_retries": 0}
    with Luma(**options, _strict_response_validation=True) as client:
        yield client


@pytest.fixture
async def asynchronous(service: RunningService) -> AsyncIterator[AsyncLuma]:
    """The asynchronous SDK, strict as well."""
    options = {"auth_token": service.key, "base_url": f"{service.url}/agents/v1"}
    async with AsyncLuma(**options, _strict_response_validation=True) as client:
        yield client


def finished(client: Luma, ended: Ended, **body: Any) -> Generation:
    """Make something and wait for its end."""
    made = client.generations.create(**{"prompt": "cat", **body})
    ended(made.id)
    return client.generations.get(made.id)


def url(of: Generation) -> str:
    """Return the link of what was made."""
    assert of.state == "completed", of
    assert of.output
    return of.output[0].url


def test_a_clip_from_prompt_to_file(luma: Luma, ended: Ended):
    """A clip is queued at first, and a file of the size that was asked for at the end."""
    video = {"duration": "5s", "resolution": "540p", "loop": True}
    made = luma.generations.create(prompt="cat", model="ray-3.2", type="video", aspect_ratio="9:16", video=video)  # type: ignore[arg-type]
    assert (made.state, made.type, made.model, made.output) == ("queued", "video", "ray-3.2", [])
    ended(made.id)
    got = luma.generations.get(made.id)
    assert (got.id, got.created_at, got.type, got.failure_code) == (made.id, made.created_at, "video", None)
    assert tuple(play(httpx2.get(url(got)).content)) == (540, 960, 121)


def test_every_state_is_understood(luma: Luma, http: httpx2.Client, ended: Ended):
    """A task is read by the SDK in every state, whatever dialect it comes from."""
    prompts = ["[hang]", "[fail=moderated: No.]", "cat"]
    ids = [luma.generations.create(prompt=prompt, type="video").id for prompt in prompts]
    ids += [http.post("/luma/generations", json={"user_prompt": prompt}).json()["id"] for prompt in prompts]
    seen = {luma.generations.get(task_id).state for task_id in ids}
    for task_id in (ids[0], ids[3]):
        http.post(f"/api/v1/tasks/{task_id}/cancel")
    for task_id in ids:
        ended(task_id)
    last = [luma.generations.get(task_id) for task_id in ids]
    assert seen <= STATES
    assert [got.state for got in last] == ["failed", "failed", "completed"] * 2
    assert [got.failure_code for got in last] == ["generation_failed", "content_moderated", None] * 2
    assert last[1].failure_reason == "No."
    assert all(got.failure_code in (None, *get_args(GenerationFailureCode)) for got in last)


def test_pictures(luma: Luma, ended: Ended):
    """A picture is made in the format that was asked for, and edited as what it is."""
    made = finished(luma, ended, model="uni-1-max", type="image", aspect_ratio="1:1", output_format="png")
    assert (made.type, made.model) == ("image", "uni-1-max")
    seen = Image.open(io.BytesIO(httpx2.get(url(made)).content))
    assert (seen.format, seen.size) == ("PNG", (1024, 1024))
    edited = finished(luma, ended, type="image_edit", source={"generation_id": made.id})
    assert (edited.type, edited.state) == ("image_edit", "completed")
    started = finished(luma, ended, type="video", video={"start_frame": {"generation_id": made.id}})
    assert started.state == "completed"


def test_a_clip_from_pictures(strict: Luma, http: httpx2.Client, ended: Ended, listener: Listener):
    """Pictures come by address and as data, and what is remembered of the request has links for the data."""
    listener.files["/a.png"] = picture()
    data = {"data": base64.b64encode(picture()).decode(), "media_type": "image/png"}
    video = {"start_frame": {"url": f"{listener.url}/a.png"}, "end_frame": data}
    made = finished(strict, ended, type="video", video=video, image_ref=[data])
    assert url(made)
    pinned = {"keyframes": [data, data], "keyframe_indexes": [0, 120]}
    assert url(finished(strict, ended, type="video", video=pinned))


def test_extensions_edits_and_new_frames(strict: Luma, http: httpx2.Client, ended: Ended):
    """A clip is extended, edited and reframed by its id, and edited by its address."""
    first = finished(strict, ended, type="video", aspect_ratio="1:1", video={"resolution": "540p"})
    extended = finished(strict, ended, type="video", video={"start_frame": {"generation_id": first.id}})
    assert play(httpx2.get(url(extended)).content).frames == 242
    by_id, by_link = {"generation_id": first.id}, {"url": url(first), "media_type": "video/mp4"}
    for source in (by_id, by_link):
        for kind, operation in (("video_edit", "modify"), ("video_reframe", "reframe")):
            made = strict.generations.create(prompt="cat", type=kind, source=source, aspect_ratio="9:16")  # type: ignore[arg-type]
            assert made.type == kind
            task = ended(made.id)
            assert (task["operation"], task["aspect_ratio"]) == (operation, "9:16")
            assert strict.generations.get(made.id).type == kind


@pytest.mark.parametrize(
    "body",
    [
        {"type": "layering", "source": {"url": "https://example.com/a.png"}, "layering": {"resolution": "2k"}},
        {"type": "video", "video": {"resolution": "360p"}},
        {"type": "image", "aspect_ratio": "3:2"},
        {"type": "video", "video": {"hdr": True}},
    ],
    ids=str,
)
def test_what_nothing_here_can_make(strict: Luma, ended: Ended, body: dict[str, Any]):
    """It is accepted, and fails with the reason."""
    made = finished(strict, ended, **body)
    assert (made.state, made.failure_code, made.type) == ("failed", "invalid_request", body["type"])
    assert "here" in (made.failure_reason or "")


def test_a_file_is_announced_sent_and_used(luma: Luma, ended: Ended):
    """The bytes go to the address that is given out, without a key; then the file is a source until it is deleted."""
    data = picture()
    created = luma.files.create(mime_type="image/png", size_bytes=len(data), filename="a.png", purpose="reference")
    assert (created.state, created.file.state, created.id) == ("pending", "pending", created.file.id)
    assert luma.files.get(created.id).state == "pending"
    assert created.upload is not None
    with pytest.raises(luma_agents.BadRequestError, match="have not come yet"):
        luma.files.complete(created.id)
    with pytest.raises(luma_agents.BadRequestError, match="have not come yet"):
        luma.generations.create(prompt="cat", type="image_edit", source={"file_id": created.id})
    sent = httpx2.request(created.upload.method, created.upload.url, content=data, headers=created.upload.headers)
    assert sent.status_code == 200, sent.text
    done = luma.files.complete(created.id)
    assert (done.id, done.state, done.mime_type, done.size_bytes) == (created.id, "ready", "image/png", done.size_bytes)
    assert luma.files.get(created.id) == done
    assert url(finished(luma, ended, type="image_edit", source={"file_id": created.id}))
    assert luma.files.delete(created.id) is None
    for ask in (luma.files.get, luma.files.delete, luma.files.complete):
        with pytest.raises(luma_agents.NotFoundError):
            ask(created.id)
    with pytest.raises(luma_agents.NotFoundError, match="no such file"):
        luma.generations.create(prompt="cat", type="image_edit", source={"file_id": created.id})


def test_files_are_listed_page_by_page(start_service: Callable[..., RunningService]):
    """Pages follow one another, newest first; what was only announced is in none."""
    service = start_service()
    with Luma(auth_token=service.key, base_url=f"{service.url}/agents/v1", _strict_response_validation=True) as luma:
        ids = []
        for _ in range(3):
            created = luma.files.create(mime_type="image/png", size_bytes=len(picture()))
            assert created.upload is not None
            assert httpx2.put(created.upload.url, content=picture()).status_code == 200
            ids.append(created.id)
        luma.files.create(mime_type="video/mp4", size_bytes=5)
        first = luma.files.list(limit=2)
        assert ([file.id for file in first.data], first.has_more) == ([ids[2], ids[1]], True)
        assert first.next_cursor is not None
        luma.files.delete(ids[1])
        second = luma.files.list(limit=2, cursor=first.next_cursor)
        assert ([file.id for file in second.data], second.has_more, second.next_cursor) == ([ids[0]], False, None)
        assert luma.files.list(state="deleted").data == luma.files.list(purpose="reference").data == []
        assert len(luma.files.list(state="ready", purpose="input").data) == 2
        with pytest.raises(luma_agents.BadRequestError, match="cursor"):
            luma.files.list(cursor="nowhere")


async def test_the_asynchronous_sdk(asynchronous: AsyncLuma, ended: Ended):
    """The asynchronous client does the same."""
    made = await asynchronous.generations.create(prompt="cat", type="image")
    ended(made.id)
    assert (await asynchronous.generations.get(made.id)).state == "completed"
    assert (await asynchronous.files.list()).data is not None


def test_errors_are_the_sdks_own(strict: Luma, service: RunningService):
    """Errors arrive as the SDK's exceptions, with the sentence in their body."""
    with pytest.raises(luma_agents.BadRequestError) as bad:
        strict.generations.create(prompt="")
    assert bad.value.body == {
        "detail": "prompt is required",
        "code": "bad_request",
        "field": "prompt",
        "trace_id": bad.value.response.headers["X-Request-Id"],
    }
    for ask in (strict.generations.get, strict.files.get):
        with pytest.raises(luma_agents.NotFoundError):
            ask(str(uuid4()))
    with pytest.raises(luma_agents.NotFoundError):
        strict.generations.create(prompt="x", type="video_edit", source={"generation_id": str(uuid4())})
    with pytest.raises(luma_agents.BadRequestError, match="image"):
        strict.files.create(mime_type="text/plain", size_bytes=5)
    stranger = strict.with_options(auth_token="wrong")
    with pytest.raises(luma_agents.AuthenticationError):
        stranger.generations.get(str(uuid4()))


def test_limits_say_when_to_come_back(start_service: Callable[..., RunningService]):
    """An exhausted rate is the SDK's own error, with whole seconds to wait."""
    service = start_service(submit_rate="1")
    options = {"auth_token": service.key, "base_url": f"{service.url}/agents/v1", "max_retries": 0}
    with Luma(**options, _strict_response_validation=True) as luma:
        luma.generations.create(prompt="[hang]")
        with pytest.raises(luma_agents.RateLimitError) as limited:
            luma.generations.create(prompt="[hang]")
    assert 1 <= int(limited.value.response.headers["Retry-After"]) <= 60
