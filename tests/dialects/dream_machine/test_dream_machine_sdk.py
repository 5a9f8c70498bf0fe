"""The published Python SDK of Luma against a real service."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import httpx
import httpx2
import pytest
from lumaai import (
    AsyncLumaAI,
    AuthenticationError,
    BadRequestError,
    LumaAI,
    NotFoundError,
    RateLimitError,
)
from lumaai.types import Generation

from filmgate.adapters.dialects.dream_machine.requests.vocabulary import CAMERA_MOTIONS, CONCEPTS
from tests.support.clips import play
from tests.support.processes import until
from tests.support.service import RunningService

from .conftest import Sdk, end
from .pictures import data_uri, look

Ended = Callable[[str], dict[str, Any]]
SHORT: dict[str, Any] = {"duration": "1s", "resolution": "540p"}
UNKNOWN = "4665a07c-7641-4809-a133-10786201bb56"


def make(luma: LumaAI, **body: Any) -> Generation:
    """Make a short video and give it at its end."""
    made = end(luma, luma.generations.create(**{"model": "ray-2", "prompt": "a cat", **SHORT, **body}))
    assert made.state == "completed", made
    return made


def native(http: httpx2.Client, generation: Generation) -> dict[str, Any]:
    """Return a generation as Filmgate's own API does."""
    task: dict[str, Any] = http.get(f"/api/v1/tasks/{generation.id}").json()
    return task


def kind(generation: Generation) -> str:
    """Return the name of the type that the SDK found for the request."""
    return type(generation.request).__name__.removeprefix("Request")


def refused(call: Callable[[], object], detail: str) -> None:
    """Check that a call is refused with a sentence."""
    with pytest.raises(BadRequestError) as caught:
        call()
    assert isinstance(caught.value.body, dict)
    assert detail in caught.value.body["detail"]


def test_a_video_from_prompt_to_file(luma: LumaAI):
    """A create answers the queued generation; polling finds its end, and the files are what was asked for."""
    first = luma.generations.create(
        model="ray-flash-2",
        prompt="[delay=0.3] a cat",
        aspect_ratio="9:16",
        concepts=[{"key": "dolly_zoom"}, {"key": "not_in_the_list"}],
        **SHORT,
    )
    assert (first.state, first.assets, first.failure_reason) == ("queued", None, None)
    assert first.created_at is not None
    assert first.created_at.tzinfo is not None
    last = end(luma, first)
    assert (last.state, last.generation_type, last.model) == ("completed", "video", "ray-flash-2")
    assert last.request == first.request
    assert kind(last) == "GenerationRequest"
    assert last.assets is not None
    assert last.assets.progress_video is None
    seen = play(httpx2.get(str(last.assets.video)).content)
    assert tuple(seen) == (540, 960, 25)
    assert look(str(last.assets.image))[0] == "JPEG"


def test_both_paths_of_a_create(luma: LumaAI):
    """The SDK's two create methods, and the older one's path, make the same."""
    assert make(luma).state == "completed"
    video = luma.generations.video.create(model="ray-2", prompt="a cat", **SHORT)
    older = luma.post("/generations", cast_to=Generation, body={"prompt": "a cat", **SHORT})
    for generation in (video, older):
        assert (generation.model, kind(generation)) == ("ray-2", "GenerationRequest")
        assert end(luma, generation).state == "completed"


@pytest.mark.parametrize("strict", [False, True])
def test_every_state_keeps_the_types(sdk: Sdk, http: httpx2.Client, strict: bool):
    """Queued, dreaming, completed and failed generations are what the SDK's types say."""
    luma = sdk(strict=strict)
    running = luma.generations.create(model="ray-2", prompt="[hang]")
    assert (running.state, running.assets) == ("queued", None)
    dreaming = until(lambda: luma.generations.get(str(running.id)), lambda seen: seen.state == "dreaming")
    assert (dreaming.assets, dreaming.failure_reason) == (None, None)
    http.post(f"/api/v1/tasks/{running.id}/cancel")
    cancelled = end(luma, running)
    assert (cancelled.state, cancelled.assets) == ("failed", None)
    assert cancelled.failure_reason == "The task was cancelled by its owner."
    failed = end(luma, luma.generations.create(model="ray-2", prompt="[fail=moderated: Frame moderation failed]"))
    assert (failed.state, failed.assets, failed.failure_reason) == ("failed", None, "Frame moderation failed")
    assert make(luma).assets is not None


@pytest.mark.parametrize("side", ["frame0", "frame1"])
def test_a_video_from_a_picture(luma: LumaAI, http: httpx2.Client, files: str, side: str):
    """A picture to start from or to end at comes by address or as a data URI, and then needs no prompt."""
    for url in (f"{files}/a.jpg", data_uri()):
        made = make(luma, prompt="", keyframes={side: {"type": "image", "url": url}})
        frames = made.request.keyframes  # type: ignore[union-attr]
        shown = getattr(frames, side).url
        assert shown == url if url.startswith("http") else look(shown) == ("PNG", (64, 36))
        assert native(http, made)["operation"] == "generate"


def test_videos_from_videos(luma: LumaAI, http: httpx2.Client, files: str):
    """Earlier generations are extended, led up to and passed between."""
    first, second = make(luma), make(luma)
    earlier = {"type": "generation", "id": str(first.id)}
    later = {"type": "generation", "id": str(second.id)}
    picture = {"type": "image", "url": f"{files}/a.jpg"}
    cases: list[tuple[dict[str, Any], str, int]] = [
        ({"frame0": earlier}, "extend", 50),
        ({"frame1": later}, "reverse_extend", 50),
        ({"frame0": earlier, "frame1": picture}, "extend", 50),
        ({"frame0": picture, "frame1": later}, "reverse_extend", 50),
        ({"frame0": earlier, "frame1": later}, "interpolate", 75),
    ]
    for keyframes, operation, frames in cases:
        made = make(luma, keyframes=keyframes)
        task = native(http, made)
        assert (task["operation"], task["video"]["frames"]) == (operation, frames)
        assert made.request.model_dump(exclude_none=True)["keyframes"] == keyframes  # type: ignore[union-attr]
    assert make(luma, loop=True, keyframes={"frame0": earlier}).request.loop is True  # type: ignore[union-attr]


def test_what_follows_a_video(luma: LumaAI, http: httpx2.Client):
    """A completed video is upscaled and given sound, with and without a word about how."""
    source = make(luma, aspect_ratio="1:1")
    for generation, operation, asked in (
        (luma.generations.upscale(str(source.id), generation_type="upscale_video", resolution="720p"), "upscale", "U"),
        (luma.generations.upscale(str(source.id)), "upscale", "U"),
        (luma.generations.audio(str(source.id), prompt="rain", negative_prompt="music"), "add_audio", "A"),
        (luma.generations.audio(str(source.id)), "add_audio", "A"),
    ):
        assert kind(generation).startswith(asked)
        made = end(luma, generation)
        assert (made.state, made.generation_type) == ("completed", "video")
        assert (native(http, made)["operation"], native(http, made)["aspect_ratio"]) == (operation, "1:1")
    assert native(http, luma.generations.upscale(str(source.id)))["resolution"] == "1080p"


def test_changed_videos(luma: LumaAI, http: httpx2.Client, files: str):
    """A video by address is modified, and framed anew."""
    modified = luma.generations.video.modify(
        generation_type="modify_video",
        media={"url": f"{files}/v.mp4"},
        mode="flex_1",
        model="ray-2",
        first_frame={"url": f"{files}/a.jpg"},
        prompt="in the rain",
    )
    reframed = luma.generations.video.reframe(
        generation_type="reframe_video", media={"url": f"{files}/v.mp4"}, model="ray-flash-2", aspect_ratio="9:16"
    )
    for generation, name in ((modified, "modify"), (reframed, "reframe")):
        assert kind(generation) == f"{name.capitalize()}VideoRequest"
        made = end(luma, generation)
        assert made.state == "completed", made
        assert native(http, made)["operation"] == name
    assert native(http, reframed)["aspect_ratio"] == "9:16"


def test_images(luma: LumaAI, files: str, http: httpx2.Client):
    """An image is made from words and pictures, answered at its end with `sync`, and framed anew."""
    made = luma.generations.image.create(
        model="photon-1",
        prompt="a cat",
        aspect_ratio="1:1",
        format="png",
        image_ref=[{"url": f"{files}/a.jpg", "weight": 0.8}],
        style_ref=[{"url": data_uri()}],
        character_ref={"identity0": {"images": [f"{files}/a.jpg", f"{files}/b.jpg"]}},
        modify_image_ref={"url": f"{files}/b.jpg", "weight": 1},
        sync=True,
        sync_timeout=30,
    )
    assert (made.state, made.generation_type, made.model) == ("completed", "image", "photon-1")
    assert kind(made) == "ImageGenerationRequest"
    assert made.assets is not None
    assert made.assets.video is None
    assert look(str(made.assets.image)) == ("PNG", (1024, 1024))
    task = native(http, made)
    assert (task["kind"], task["image"]["url"]) == ("image", made.assets.image)
    again = luma.generations.image.reframe(
        generation_type="reframe_image",
        media={"url": str(made.assets.image)},
        model="photon-flash-1",
        aspect_ratio="9:16",
    )
    assert kind(again) == "ReframeImageRequest"
    reframed = end(luma, again)
    assert reframed.assets is not None
    assert look(str(reframed.assets.image)) == ("JPEG", (752, 1360))
    wordless = luma.generations.image.create(model="photon-1", modify_image_ref={"url": f"{files}/a.jpg"})
    assert end(luma, wordless).state == "completed"


def test_a_wait_that_is_over(luma: LumaAI, http: httpx2.Client):
    """When `sync_timeout` is over the answer is the state the image is in."""
    made = luma.generations.image.create(model="photon-1", prompt="[hang]", sync=True, sync_timeout=0.2)
    assert made.state in ("queued", "dreaming")
    http.post(f"/api/v1/tasks/{made.id}/cancel")
    at_once = luma.generations.image.create(model="photon-1", prompt="[delay=0.5] x", sync=True, sync_timeout=-1)
    assert at_once.state in ("queued", "dreaming")
    failed = luma.generations.image.create(model="photon-1", prompt="[fail=moderated: No.]", sync=True)
    assert (failed.state, failed.failure_reason) == ("failed", "No.")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"duration": "20s"}, ["20s", '"10s"']),
        ({"duration": "soon"}, ["soon"]),
        ({"resolution": "8k"}, ["8k", "1080p"]),
        ({"resolution": "8k", "duration": "1h"}, ["8k", "1h"]),
    ],
)
def test_what_no_engine_can_do(luma: LumaAI, http: httpx2.Client, body: dict[str, Any], words: list[str]):
    """What the SDK's types allow is accepted, and fails with a reason that says what can be had."""
    failed = end(luma, luma.generations.create(model="ray-2", prompt="a cat", **body))
    assert failed.state == "failed"
    for word in words:
        assert word in str(failed.failure_reason)
    assert native(http, failed)["failure"]["code"] == "unsupported_by_engine"
    assert failed.request.model_dump(include=set(body)) == body  # type: ignore[union-attr]


def test_more_that_no_engine_can_do(luma: LumaAI, files: str):
    """So it is with places in a new frame, odd weights and too many pictures."""
    source = make(luma)
    five = [{"url": f"{files}/a.jpg"}] * 5
    for generation, word in (
        (luma.generations.upscale(str(source.id), resolution="16k"), "16k"),
        (luma.generations.image.create(model="photon-1", image_ref=five), "5 pictures"),
        (luma.generations.image.create(model="photon-1", style_ref=[{"url": f"{files}/a.jpg", "weight": 7}]), "weight"),
        (
            luma.generations.video.reframe(
                generation_type="reframe_video",
                media={"url": f"{files}/v.mp4"},
                model="ray-2",
                aspect_ratio="1:1",
                grid_position_x=3,
                y_end=20,
            ),
            "grid_position_x, y_end",
        ),
    ):
        failed = end(luma, generation)
        assert failed.state == "failed"
        assert word in str(failed.failure_reason)


def test_lists(luma: LumaAI, sdk: Sdk, service: RunningService):
    """The newest come first, in pages that say whether there are more."""
    done = service.run("keys", "create", "--name", "list", "--application", f"list {uuid4()}")
    own = sdk(strict=True, auth_token=done.stdout.strip())
    assert own.generations.list().generations == []
    made = [own.generations.create(model="ray-2", prompt=f"[fail=x] {number}").id for number in range(12)]
    newest = list(reversed(made))
    for options, expected, more in (
        ({}, newest[:10], True),
        ({"limit": 5, "offset": 10}, newest[10:], False),
        ({"limit": 5, "offset": 5}, newest[5:10], True),
        ({"limit": 12}, newest, False),
        ({"offset": 50}, [], False),
    ):
        page = own.generations.list(**options)
        assert [generation.id for generation in page.generations] == expected
        assert (page.count, page.has_more) == (len(expected), more)
        assert (page.limit, page.offset) == (options.get("limit", 10), options.get("offset", 0))
    for options in ({"limit": 101}, {"limit": 0}, {"offset": -1}):
        refused(lambda options=options: luma.generations.list(**options), "must be a whole number")


def test_a_deletion(luma: LumaAI):
    """What is deleted is gone, with its files."""
    made = make(luma)
    assert luma.generations.delete(str(made.id)) is None
    for call in (luma.generations.get, luma.generations.delete):
        with pytest.raises(NotFoundError):
            call(str(made.id))
    assert made.assets is not None
    assert httpx2.get(str(made.assets.video)).status_code == 404


def test_the_lists_of_words(luma: LumaAI, http: httpx2.Client):
    """Concepts, camera motions, credits and a ping are answered."""
    assert luma.generations.concepts.list() == list(CONCEPTS)
    assert len(set(CONCEPTS)) == 34
    motions = http.get("/dream-machine/v1/generations/camera_motion/list").json()
    assert motions == list(CAMERA_MOTIONS)
    assert "camera orbit left" in motions
    assert luma.credits.get().credit_balance > 0
    assert luma.ping.check().message == "pong"


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ({}, "Prompt is required"),
        ({"prompt": " \n"}, "Prompt is required"),
        ({"prompt": "ab"}, "Prompt is too short, minimum length is 3 characters"),
        ({"prompt": "x" * 5_001}, "Prompt is too long, maximum length is 5000 characters"),
        ({"prompt": "abc", "keyframes": {}}, "No keyframes provided"),
        ({"prompt": "abc", "keyframes": {"frame0": None, "frame1": None}}, "No keyframes provided"),
        ({"prompt": "abc", "keyframes": {"frame0": {"type": "image"}}}, "keyframes.frame0.url is required"),
        ({"prompt": "abc", "keyframes": {"frame1": {"type": "video"}}}, "keyframes.frame1.type"),
        ({"prompt": "abc", "generation_type": "song"}, "Unknown request type"),
        ({"prompt": "abc", "aspect_ratio": "2:1"}, "aspect_ratio"),
        ({"prompt": "abc", "duration": [5]}, "duration"),
        ({"prompt": "abc", "concepts": [{}]}, "concepts.0.key"),
    ],
)
def test_what_is_refused_before_it_is_submitted(luma: LumaAI, body: dict[str, Any], detail: str):
    """What cannot be meant is an error at once, in the words of the real service."""
    refused(lambda: luma.generations.create(model="ray-2", **body), detail)


def test_loops_that_are_refused(luma: LumaAI, files: str):
    """A loop has no end of its own: every kind of end is refused, each by its name."""
    picture = {"type": "image", "url": f"{files}/a.jpg"}
    earlier = {"type": "generation", "id": UNKNOWN}
    for first, last, what in (
        (None, picture, "end frame"),
        (picture, picture, "keyframes"),
        (None, earlier, "extend reverse"),
        (earlier, picture, "interpolate video to image"),
        (picture, earlier, "interpolate image to video"),
        (earlier, earlier, "interpolate between two videos"),
    ):
        frames = {"frame0": first, "frame1": last}
        refused(
            lambda frames=frames: luma.generations.create(model="ray-2", prompt="abc", loop=True, keyframes=frames),
            f"Loop is not supported for {what}",
        )


def test_generations_that_cannot_be_gone_on_from(luma: LumaAI, http: httpx2.Client):
    """Nothing can be done yet with a video that is not there; a picture is none."""
    running = str(luma.generations.create(model="ray-2", prompt="[hang]").id)
    image = str(luma.generations.image.create(model="photon-1", prompt="a cat", sync=True).id)
    for known, detail in ((running, "complete"), (image, "no video")):
        frames = {"frame0": {"type": "generation", "id": known}}
        refused(lambda frames=frames: luma.generations.create(model="ray-2", prompt="abc", keyframes=frames), detail)
        refused(lambda known=known: luma.generations.upscale(known), detail)
        refused(lambda known=known: luma.generations.audio(known), detail)
    http.post(f"/api/v1/tasks/{running}/cancel")


def test_the_errors_are_the_sdks_own(luma: LumaAI, sdk: Sdk, service: RunningService):
    """Wrong keys are 401, unknown and foreign ids 404, with the sentence in `detail`."""
    with pytest.raises(AuthenticationError) as nobody:
        sdk(auth_token="wrong").generations.list()
    assert set(nobody.value.body) == {"detail", "code", "trace_id"}  # type: ignore[call-overload]
    done = service.run("keys", "create", "--name", "other", "--application", f"other {uuid4()}")
    stranger = sdk(auth_token=done.stdout.strip())
    owned = str(make(luma).id)
    for client, known in ((luma, UNKNOWN), (luma, "x"), (stranger, owned)):
        generations = client.generations
        for call in (generations.get, generations.delete, generations.upscale, generations.audio):
            with pytest.raises(NotFoundError) as caught:
                call(known)
            assert caught.value.body["detail"] == "Generation not found"  # type: ignore[index]
        frames: Any = {"frame0": {"type": "generation", "id": known}}
        with pytest.raises(NotFoundError):
            generations.create(model="ray-2", prompt="abc", keyframes=frames)
    assert luma.generations.get(owned).state == "completed"


def test_a_rate_that_is_exhausted(sdk: Sdk, start_service: Callable[..., RunningService]):
    """The SDK comes back after the seconds it is told to wait, and is let in; without retries it is told so."""
    service = start_service(submit_rate="12")
    base = f"{service.url}/dream-machine/v1"
    seen: list[int] = []
    with httpx.Client(event_hooks={"response": [lambda answer: seen.append(answer.status_code)]}) as watched:
        impatient = sdk(base_url=base, auth_token=service.key, max_retries=0)
        patient = sdk(base_url=base, auth_token=service.key, http_client=watched)

        def exhausted() -> RateLimitError | None:
            try:
                impatient.generations.create(model="ray-2", prompt="[fail=x]")
            except RateLimitError as error:
                return error
            return None

        error = until(exhausted, lambda found: found is not None)
        assert error is not None
        assert 1 <= int(error.response.headers["Retry-After"]) <= 5
        assert set(error.body) == {"detail", "code", "trace_id"}  # type: ignore[call-overload]
        assert patient.generations.create(model="ray-2", prompt="[fail=x]").state == "queued"
    assert seen[0] == 429
    assert seen[-1] == 201


async def test_the_asynchronous_sdk(service: RunningService):
    """The asynchronous client does the same."""
    base = f"{service.url}/dream-machine/v1"
    async with AsyncLumaAI(auth_token=service.key, base_url=base, _strict_response_validation=True) as luma:
        made = await luma.generations.image.create(model="photon-1", prompt="a cat", sync=True)
        assert made.state == "completed"
        assert (await luma.generations.get(str(made.id))).assets == made.assets
        assert (await luma.generations.list(limit=1)).count == 1
        with pytest.raises(NotFoundError):
            await luma.generations.get(UNKNOWN)
        await luma.generations.delete(str(made.id))
