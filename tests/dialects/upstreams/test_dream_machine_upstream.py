"""How a provider that speaks Dream Machine is asked for work."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image

from filmgate.adapters.dialects.dream_machine.upstream import DreamMachineUpstream
from filmgate.domain.errors import EngineFailed
from filmgate.domain.failures import Failure, FailureCode
from filmgate.domain.generation import Generation, Guide, GuideRole, ImageFormat, Kind, Operation
from filmgate.domain.generation import ReferenceKind as To
from filmgate.domain.media import Role
from filmgate.domain.states import State
from filmgate.ports.provider import Input, Submission, TaskRef
from filmgate.ports.transport import ProviderClient

from ..dream_machine.pictures import png
from ..listener import Listener
from .asked import Answer, Asked
from .dream_machine import generation
from .submissions import (
    CLIP,
    HOOK,
    PICTURE,
    TASK,
    clip,
    earlier,
    ended,
    fetched,
    picture,
    refused,
    submission,
)

CAT = Generation("a cat", duration=5)


def video(**fields: Any) -> dict[str, Any]:
    """Return the body that asks for a video."""
    basis = {"generation_type": "video", "model": "ray-2", "prompt": "a cat", "aspect_ratio": "16:9"}
    return basis | {"duration": "5s", "loop": False} | fields


FACE, STYLE, OLD = picture("https://cdn.example/face.png"), picture("https://cdn.example/s.png"), picture()
GUIDED = (
    (Guide(GuideRole.IMAGE, "media:1", 0.5), OLD),
    (Guide(GuideRole.STYLE, "media:2"), STYLE),
    (Guide(GuideRole.CHARACTER, "media:3"), FACE),
    (Guide(GuideRole.MODIFY, "media:4", 1.0), OLD),
)
SUBMITS: dict[str, tuple[Submission, str, dict[str, Any]]] = {
    "text": (submission(CAT), "/video", video()),
    "everything": (
        submission(
            Generation(
                "a cat", "9:16", "1080p", 9, loop=True, enhance=False, model="fast", concepts=("pan_left", "zoom_in")
            ),
            "ray-flash-2",
            callback_url=HOOK,
        ),
        "/video",
        video(
            model="ray-flash-2",
            aspect_ratio="9:16",
            resolution="1080p",
            duration="9s",
            loop=True,
            concepts=[{"key": "pan_left"}, {"key": "zoom_in"}],
            callback_url=HOOK,
        ),
    ),
    "pictures": (
        submission(Generation("a cat", start=PICTURE, end=PICTURE), start=picture(), end=picture("https://e.example/")),
        "/video",
        video(
            keyframes={
                "frame0": {"type": "image", "url": "https://cdn.example/a.png"},
                "frame1": {"type": "image", "url": "https://e.example/"},
            }
        ),
    ),
    "picture without words": (
        submission(Generation("", start=PICTURE), start=picture()),
        "/video",
        {key: value for key, value in video().items() if key != "prompt"}
        | {"keyframes": {"frame0": {"type": "image", "url": "https://cdn.example/a.png"}}},
    ),
    "extend": (
        submission(Generation("a cat", start=TASK, end=PICTURE), start=earlier(), end=picture()),
        "/video",
        video(
            keyframes={
                "frame0": {"type": "generation", "id": "earlier-1"},
                "frame1": {"type": "image", "url": "https://cdn.example/a.png"},
            }
        ),
    ),
    "reverse extend": (
        submission(Generation("a cat", end=TASK), end=earlier()),
        "/video",
        video(keyframes={"frame1": {"type": "generation", "id": "earlier-1"}}),
    ),
    "image": (
        submission(Generation("a cat", kind=Kind.IMAGE, image_format=ImageFormat.PNG)),
        "/image",
        {"generation_type": "image", "model": "photon-1", "prompt": "a cat", "aspect_ratio": "16:9", "format": "png"},
    ),
    "guided image": (
        submission(
            Generation("a cat", kind=Kind.IMAGE, guides=tuple(guide for guide, _ in GUIDED)),
            "photon-flash-1",
            guides=GUIDED,
        ),
        "/image",
        {
            "generation_type": "image",
            "model": "photon-flash-1",
            "prompt": "a cat",
            "aspect_ratio": "16:9",
            "format": "jpg",
            "image_ref": [{"url": "https://cdn.example/a.png", "weight": 0.5}],
            "style_ref": [{"url": "https://cdn.example/s.png"}],
            "character_ref": {"identity0": {"images": ["https://cdn.example/face.png"]}},
            "modify_image_ref": {"url": "https://cdn.example/a.png", "weight": 1.0},
        },
    ),
    "upscale": (
        submission(Generation("a cat", resolution="4k", start=TASK, named=Operation.UPSCALE), start=earlier("a/b")),
        "/a%2Fb/upscale",
        {"generation_type": "upscale_video", "resolution": "4k"},
    ),
    "audio": (
        submission(Generation("purring", start=TASK, named=Operation.ADD_AUDIO), start=earlier(), callback_url=HOOK),
        "/earlier-1/audio",
        {"generation_type": "add_audio", "prompt": "purring", "callback_url": HOOK},
    ),
    "modify": (
        submission(
            Generation("a dog", start=CLIP, named=Operation.MODIFY, guides=(Guide(GuideRole.FIRST_FRAME, "media:1"),)),
            start=clip(),
            guides=((Guide(GuideRole.FIRST_FRAME, "media:1"), picture()),),
        ),
        "/video/modify",
        {
            "generation_type": "modify_video",
            "model": "ray-2",
            "prompt": "a dog",
            "mode": "flex_1",
            "media": {"url": "https://cdn.example/v.mp4"},
            "first_frame": {"url": "https://cdn.example/a.png"},
        },
    ),
    "reframe": (
        submission(Generation("", "1:1", start=CLIP, named=Operation.REFRAME), start=clip()),
        "/video/reframe",
        {
            "generation_type": "reframe_video",
            "model": "ray-2",
            "aspect_ratio": "1:1",
            "media": {"url": "https://cdn.example/v.mp4"},
        },
    ),
    "reframe image": (
        submission(Generation("", "1:1", kind=Kind.IMAGE, start=PICTURE, named=Operation.REFRAME), start=picture()),
        "/image/reframe",
        {
            "generation_type": "reframe_image",
            "model": "photon-1",
            "aspect_ratio": "1:1",
            "format": "jpg",
            "media": {"url": "https://cdn.example/a.png"},
        },
    ),
}


@pytest.mark.parametrize("name", SUBMITS)
async def test_submit(name: str, luma: DreamMachineUpstream, asked: Asked) -> None:
    """Each kind of work has its path and body, and can be asked for at all."""
    asked_for, path, body = SUBMITS[name]
    asked.answers(Answer(201, {"id": "g-1", "state": "queued"}))
    assert luma.refuse(asked_for.generation) is None
    assert await luma.submit(asked_for) == TaskRef("g-1")
    assert (asked.call.method, asked.call.path, asked.call.query) == ("POST", f"/generations{path}", {})
    assert asked.call.json == body
    assert asked.call.headers["authorization"] == "Bearer test"


async def test_modify_earlier(luma: DreamMachineUpstream, asked: Asked) -> None:
    """An earlier video that is to be made anew is named by the address that the provider gives it."""
    asked.answers(Answer(200, generation(id="earlier-1")), Answer(201, {"id": "g-2"}))
    wanted = Generation("a dog", start=TASK, named=Operation.MODIFY)
    assert luma.refuse(wanted) is None
    assert await luma.submit(submission(wanted, start=earlier())) == TaskRef("g-2")
    look, submit = asked.calls
    assert (look.method, look.path) == ("GET", "/generations/earlier-1")
    assert submit.json["media"] == {"url": "https://cdn.example/v.mp4"}


@pytest.mark.parametrize(
    "answer", [Answer(404, {"detail": "Generation not found"}), Answer(200, generation(id="earlier-1", assets=None))]
)
async def test_modify_lost(answer: Answer, luma: DreamMachineUpstream, asked: Asked) -> None:
    """An earlier video that the provider has no longer ends the task before anything is asked for."""
    asked.answers(answer)
    asked_for = submission(Generation("a dog", start=TASK, named=Operation.MODIFY), start=earlier())
    assert (await refused(luma, asked_for)).code == FailureCode.INPUT_UNREACHABLE
    assert asked.call.method == "GET"


REFUSED: dict[str, tuple[Generation, str]] = {
    "foreign extend": (Generation("a cat", start=CLIP), "not start from a video from elsewhere"),
    "foreign end": (Generation("a cat", end=CLIP), "not end at a video from elsewhere"),
    "foreign upscale": (Generation("a cat", start=CLIP, named=Operation.UPSCALE), "an earlier video of its own"),
    "modify nothing": (Generation("a cat", named=Operation.MODIFY), "not start from nothing"),
    "guided video": (Generation("a cat", guides=(Guide(GuideRole.STYLE, "media:1"),)), "no picture as style_ref"),
    "image from picture": (Generation("a cat", kind=Kind.IMAGE, start=PICTURE), "start from nothing, not"),
    "image with sound": (Generation("a cat", kind=Kind.IMAGE, named=Operation.ADD_AUDIO), "videos only"),
    "image with end": (Generation("a cat", kind=Kind.IMAGE, end=PICTURE), "end at nothing, not"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refuse(name: str, luma: DreamMachineUpstream) -> None:
    """What no request can say is refused with a sentence that says what can be had instead."""
    wanted, reason = REFUSED[name]
    refusal = luma.refuse(wanted)
    assert refusal is not None
    assert refusal.code == FailureCode.UNSUPPORTED_BY_ENGINE
    assert reason in refusal.message


@pytest.mark.parametrize(
    ("wanted", "given", "reason"),
    [
        (Generation("a cat", start=TASK), Input(To.TASK, address="https://gate.example/v.mp4"), "the same account"),
        (Generation("a cat", start=PICTURE), Input(To.IMAGE), "by address only"),
    ],
)
async def test_means(wanted: Generation, given: Input, reason: str, luma: DreamMachineUpstream, asked: Asked) -> None:
    """What cannot be given in this way ends the task before anything is sent."""
    failure = await refused(luma, submission(wanted, start=given))
    assert failure.code == FailureCode.UNSUPPORTED_BY_ENGINE
    assert reason in failure.message
    assert not asked.calls


def size(data: bytes) -> tuple[int, int]:
    """Return width and height of a picture."""
    return Image.open(io.BytesIO(data)).size


async def test_second_filmgate(filmgate: Callable[[str], ProviderClient], listener: Listener) -> None:
    """A second Filmgate makes, extends, finds, modifies and forgets what is asked of it in this dialect."""
    listener.files["/a.png"] = png()
    luma = DreamMachineUpstream(filmgate("/dream-machine/v1"), {})
    wanted = Generation("a cat", "9:16", "540p", 1, start=PICTURE)
    asked_for = submission(
        wanted, start=picture(f"{listener.url}/a.png"), callback_url=f"{listener.url}/hook/{id(wanted)}"
    )
    first = await luma.submit(asked_for)
    report = await ended(luma, first)
    assert (report.state, set(report.links)) == (State.COMPLETED, {Role.VIDEO, Role.THUMBNAIL}), report
    assert size(fetched(luma, report.links[Role.THUMBNAIL])) == (540, 960)
    assert fetched(luma, report.links[Role.VIDEO])[4:8] == b"ftyp"
    assert report.asked is not None
    assert (report.asked.prompt, report.asked.aspect_ratio, report.asked.duration) == ("a cat", "9:16", 1)
    assert report.created_at is not None

    (again,) = await luma.find(asked_for, report.created_at)
    assert again.receipt == first
    own = earlier(first.id)
    for follow_up in (
        Generation("a dog", "9:16", "540p", 1, start=TASK),
        Generation("a dog", "9:16", start=TASK, named=Operation.MODIFY),
    ):
        report = await ended(luma, await luma.submit(submission(follow_up, start=own)))
        assert (report.state, Role.VIDEO in report.links) == (State.COMPLETED, True), report

    await luma.discard(first.id)
    assert await luma.query([first.id]) == []
    with pytest.raises(EngineFailed) as caught:
        await luma.submit(submission(Generation("a dog", start=TASK), start=own))
    assert caught.value.failure.code == FailureCode.REJECTED_BY_PROVIDER
    assert "no such task" in caught.value.failure.message


async def test_second_filmgate_fails(filmgate: Callable[[str], ProviderClient]) -> None:
    """What fails at a second Filmgate fails here, with its words."""
    luma = DreamMachineUpstream(filmgate("/dream-machine/v1"), {})
    receipt = await luma.submit(submission(Generation("a cat [fail=boom: It broke.]", duration=1)))
    report = await ended(luma, receipt)
    assert report.failure == Failure(FailureCode.GENERATION_FAILED, "It broke.")
    receipt = await luma.submit(submission(Generation("a cat", kind=Kind.IMAGE, image_format=ImageFormat.PNG)))
    report = await ended(luma, receipt)
    assert fetched(luma, report.links[Role.IMAGE])[:4] == b"\x89PNG"
