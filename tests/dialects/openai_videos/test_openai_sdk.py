"""The published Python SDK of the OpenAI videos API against a real service."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any
from uuid import uuid4

import httpx2
import openai
import pytest
from openai import AsyncOpenAI, OpenAI
from PIL import Image

from tests.support.clips import play
from tests.support.service import RunningService

Ended = Callable[[str], dict[str, Any]]

pytestmark = pytest.mark.filterwarnings("ignore:The Sora API is scheduled:DeprecationWarning")


def picture() -> bytes:
    """Return a small picture."""
    data = io.BytesIO()
    Image.new("RGB", (64, 36), (200, 120, 40)).save(data, "PNG")
    return data.getvalue()


@pytest.fixture(params=[False, True], ids=["loose", "strict"])
def sdk(request: pytest.FixtureRequest, service: RunningService) -> Iterator[OpenAI]:
    """The SDK with a good key; a strict one refuses answers that are not as its types say."""
    with OpenAI(api_key=service.key, base_url=f"{service.url}/v1", _strict_response_validation=request.param) as client:
        yield client


@pytest.fixture
def once(service: RunningService) -> Iterator[OpenAI]:
    """The SDK, which does not try again."""
    with OpenAI(api_key=service.key, base_url=f"{service.url}/v1", max_retries=0) as client:
        yield client


@pytest.fixture
async def asynchronous(service: RunningService) -> AsyncIterator[AsyncOpenAI]:
    """The asynchronous SDK."""
    async with AsyncOpenAI(api_key=service.key, base_url=f"{service.url}/v1") as client:
        yield client


def test_a_video_from_prompt_to_file(sdk: OpenAI):
    """Create and poll gives the finished video, whose content plays."""
    video = sdk.videos.create_and_poll(prompt="[delay=0.3] cat", model="sora-2", seconds="4", size="1280x720")
    assert (video.status, video.progress, video.model) == ("completed", 100, "sora-2")
    assert (video.seconds, video.size, video.error, video.expires_at) == ("4", "1280x720", None, None)
    assert tuple(play(sdk.videos.download_content(video.id).read())) == (1280, 720, 97)
    still = Image.open(io.BytesIO(sdk.videos.download_content(video.id, variant="thumbnail").read()))
    assert still.format == "JPEG"
    assert sdk.videos.retrieve(video.id) == video


def test_every_state_is_understood(sdk: OpenAI, http: httpx2.Client, ended: Ended):
    """A task is read by the SDK in every state, whatever dialect it comes from; a failure is not raised."""
    hanging = sdk.videos.create(prompt="[hang]")
    assert hanging.status in ("queued", "in_progress")
    assert sdk.videos.retrieve(hanging.id).status in ("queued", "in_progress")
    http.post(f"/api/v1/tasks/{hanging.id}/cancel")
    cancelled = sdk.videos.poll(hanging.id)
    assert (cancelled.status, cancelled.error and cancelled.error.code) == ("failed", "cancelled")
    failed = sdk.videos.create_and_poll(prompt="[fail=moderated: No.]")
    assert failed.error is not None
    assert (failed.status, failed.error.message) == ("failed", "No.")
    foreign = http.post("/luma/generations", json={"user_prompt": "cat", "resolution": "720p"}).json()["id"]
    ended(foreign)
    got = sdk.videos.retrieve(foreign)
    assert (got.status, got.size, got.seconds) == ("completed", "1280x720", "5")


def test_pictures_of_other_dialects(once: OpenAI, http: httpx2.Client, ended: Ended):
    """A picture is shown as what it is, and its content is the picture."""
    made = http.post("/agents/v1/generations", json={"prompt": "cat", "aspect_ratio": "1:1"}).json()["id"]
    ended(made)
    got = once.videos.retrieve(made)
    assert (got.status, got.size, got.seconds) == ("completed", "1024x1024", "0")
    assert Image.open(io.BytesIO(once.videos.download_content(made).read())).size == (1024, 1024)
    with pytest.raises(openai.BadRequestError, match="has no video"):
        once.videos.remix(made, prompt="blue")


def test_videos_of_this_dialect_in_others(once: OpenAI, http: httpx2.Client):
    """What is made here is found in every other dialect."""
    video = once.videos.create_and_poll(prompt="cat", size="720x1280")
    task = http.get(f"/api/v1/tasks/{video.id}").json()
    assert (task["dialect"], task["aspect_ratio"], task["duration"]) == ("openai_videos", "9:16", 4)
    assert http.get(f"/luma/generations/{video.id}").json()["video"]["height"] == 1280
    assert http.get(f"/agents/v1/generations/{video.id}").json()["output"][0]["type"] == "video"


def test_a_video_from_a_picture(sdk: OpenAI, http: httpx2.Client, ended: Ended):
    """A file is the start; one that is no picture is refused at once."""
    video = sdk.videos.create(prompt="cat", input_reference=("a.png", picture(), "image/png"))
    assert ended(video.id)["state"] == "completed"
    nameless = sdk.videos.create(prompt="cat", input_reference=picture())
    assert ended(nameless.id)["state"] == "completed"
    with pytest.raises(openai.BadRequestError, match="input_reference") as caught:
        sdk.videos.create(prompt="cat", input_reference=("a.png", b"hello", "image/png"))
    assert caught.value.param == "input_reference"


def test_remix_edit_and_extend(once: OpenAI, http: httpx2.Client, ended: Ended):
    """New videos are made out of a completed one, by its id or its file, and a remix says of which."""
    first = once.videos.create_and_poll(prompt="cat", size="960x540", seconds="4")
    data = once.videos.download_content(first.id).read()
    remix = once.videos.remix(first.id, prompt="blue")
    assert (remix.remixed_from_video_id, remix.size, remix.seconds) == (first.id, first.size, first.seconds)
    task = ended(remix.id)
    assert (task["operation"], task["state"], task["prompt"]) == ("modify", "completed", "blue")
    assert task["video"]["duration"] == ended(first.id)["video"]["duration"]
    assert once.videos.retrieve(remix.id).remixed_from_video_id == first.id
    edited = once.videos.edit(prompt="blue", video=("a.mp4", data, "video/mp4"))
    assert ended(edited.id)["operation"] == "modify"
    extended = once.videos.extend(prompt="more", seconds="4", video=("a.mp4", data, "video/mp4"))
    assert ended(extended.id)["operation"] == "extend"
    assert extended.remixed_from_video_id is None


def test_making_something_of_what_is_not_there(once: OpenAI, http: httpx2.Client):
    """An unknown video is 404, an unfinished one is refused."""
    with pytest.raises(openai.NotFoundError):
        once.videos.remix(str(uuid4()), prompt="blue")
    hanging = once.videos.create(prompt="[hang]")
    with pytest.raises(openai.BadRequestError, match="only a completed one"):
        once.videos.remix(hanging.id, prompt="blue")
    with pytest.raises(openai.NotFoundError, match="has no content"):
        once.videos.download_content(hanging.id)
    assert once.videos.delete(hanging.id).deleted


def test_videos_are_listed_page_by_page(start_service: Callable[..., RunningService]):
    """Pages follow one another in both orders, and none is left out or seen twice."""
    service = start_service()
    with OpenAI(api_key=service.key, base_url=f"{service.url}/v1") as sdk:
        ids = [sdk.videos.create(prompt=f"[fail] {number}").id for number in range(5)]
        for order, expected in (("desc", ids[::-1]), ("asc", ids)):
            assert [video.id for video in sdk.videos.list(limit=2, order=order)] == expected  # type: ignore[arg-type]
        page = sdk.videos.list(limit=2, after=ids[3])
        assert ([video.id for video in page.data], page.has_more, page.last_id) == ([ids[2], ids[1]], True, ids[1])
        assert [video.id for video in sdk.videos.list()] == ids[::-1]
        with pytest.raises(openai.NotFoundError):
            sdk.videos.list(after=str(uuid4()))


def test_deleting(once: OpenAI):
    """A deleted video is gone, with its content."""
    video = once.videos.create_and_poll(prompt="cat")
    gone = once.videos.delete(video.id)
    assert (gone.id, gone.object, gone.deleted) == (video.id, "video.deleted", True)
    for ask in (once.videos.retrieve, once.videos.delete, once.videos.download_content):
        with pytest.raises(openai.NotFoundError):
            ask(video.id)


async def test_the_asynchronous_sdk(asynchronous: AsyncOpenAI):
    """The asynchronous client does the same."""
    video = await asynchronous.videos.create_and_poll(prompt="cat")
    assert video.status == "completed"
    content = await asynchronous.videos.download_content(video.id)
    assert play(content.read()).frames == 97
    async with asynchronous.videos.with_streaming_response.download_content(video.id) as streamed:
        assert (await streamed.read())[4:8] == b"ftyp"


def test_errors_are_the_sdks_own(once: OpenAI):
    """Errors arrive as the SDK's exceptions, with message, code and parameter."""
    with pytest.raises(openai.BadRequestError) as bad:
        once.videos.create(prompt="cat", size="huge")  # type: ignore[arg-type]
    assert (bad.value.param, bad.value.code, bad.value.type) == ("size", "bad_request", "invalid_request_error")
    assert bad.value.request_id
    with pytest.raises(openai.NotFoundError) as unknown:
        once.videos.retrieve(str(uuid4()))
    assert unknown.value.code == "not_found"
    with pytest.raises(openai.BadRequestError, match="spritesheet"):
        once.videos.download_content(once.videos.create(prompt="[fail]").id, variant="spritesheet")
    with pytest.raises(openai.BadRequestError, match="Characters"):
        once.videos.create_character(name="x", video=("a.mp4", b"x", "video/mp4"))
    with pytest.raises(openai.NotFoundError, match="character"):
        once.videos.get_character("x")
    stranger = once.with_options(api_key="wrong")
    with pytest.raises(openai.AuthenticationError) as refused:
        stranger.videos.retrieve(str(uuid4()))
    assert refused.value.code == "invalid_api_key"


def test_limits_say_when_to_come_back(start_service: Callable[..., RunningService]):
    """An exhausted rate is the SDK's own error, with whole seconds to wait."""
    service = start_service(submit_rate="1")
    with OpenAI(api_key=service.key, base_url=f"{service.url}/v1", max_retries=0) as sdk:
        sdk.videos.create(prompt="[hang]")
        with pytest.raises(openai.RateLimitError) as limited:
            sdk.videos.create(prompt="[hang]")
    assert 1 <= int(limited.value.response.headers["Retry-After"]) <= 60
    assert limited.value.code == "rate_limit_exceeded"
