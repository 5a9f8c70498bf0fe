"""What is understood of the answers of a provider that speaks Dream Machine."""

from __future__ import annotations

from typing import Any

import pytest

from filmgate.adapters.dialects.dream_machine.upstream import DreamMachineUpstream
from filmgate.adapters.dialects.serving.codec import rfc3339
from filmgate.domain.failures import Failure, FailureCode
from filmgate.domain.generation import Generation, ImageFormat, Kind, Operation, Reference
from filmgate.domain.generation import ReferenceKind as To
from filmgate.domain.media import Role
from filmgate.domain.states import State
from filmgate.ports.provider import Status, TaskRef

from .asked import Answer, Asked
from .dream_machine import NOW, generation


async def told(luma: DreamMachineUpstream, asked: Asked, **fields: Any) -> Status:
    """Ask about a generation that is shown with these fields."""
    asked.answers(Answer(200, generation(**fields)))
    (report,) = await luma.query(["g-1"])
    return report


async def test_query(luma: DreamMachineUpstream, asked: Asked) -> None:
    """A completed generation has its files, its time and what was asked for."""
    report = await told(luma, asked)
    assert (asked.call.method, asked.call.path) == ("GET", "/generations/g-1")
    assert report == Status(
        TaskRef("g-1"),
        State.COMPLETED,
        links={Role.VIDEO: "https://cdn.example/v.mp4", Role.THUMBNAIL: "https://cdn.example/t.jpg"},
        asked=Generation("a cat", model="ray-2"),
        created_at=NOW,
    )


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("queued", State.PENDING),
        ("dreaming", State.PROCESSING),
        ("Completed", State.COMPLETED),
        ("failed", State.FAILED),
        ("upscaling", None),
        (None, None),
        (7, None),
    ],
)
async def test_states(word: object, state: State | None, luma: DreamMachineUpstream, asked: Asked) -> None:
    """A word that is not known means wait."""
    report = await told(luma, asked, state=word)
    assert report.state == state
    assert bool(report.links) == (state is State.COMPLETED)
    assert (report.failure is not None) == (state is State.FAILED)


@pytest.mark.parametrize(
    ("shown", "links"),
    [
        ({"assets": None}, {}),
        ({"assets": {}}, {}),
        ({"assets": {"video": None, "image": ""}}, {}),
        ({"assets": "https://cdn.example/v.mp4"}, {}),
        ({"generation_type": "image", "assets": {"image": "https://c/i.png"}}, {Role.IMAGE: "https://c/i.png"}),
        ({"generation_type": None, "assets": {"video": "/v.mp4"}}, {Role.VIDEO: "/v.mp4"}),
    ],
)
async def test_links(shown: dict[str, Any], links: dict[Role, str], luma: DreamMachineUpstream, asked: Asked) -> None:
    """Only files that are there are told of; a completed generation may have none."""
    report = await told(luma, asked, **shown)
    assert (report.state, report.links) == (State.COMPLETED, links)


@pytest.mark.parametrize(
    ("reason", "code", "message"),
    [
        ("Job errored", FailureCode.GENERATION_FAILED, "Job errored"),
        ("Frame moderation failed", FailureCode.MODERATED, "Frame moderation failed"),
        ("Contains blacklisted words", FailureCode.MODERATED, "Contains blacklisted words"),
        (None, FailureCode.GENERATION_FAILED, "The provider gave no reason."),
        ({"message": "Job errored"}, FailureCode.GENERATION_FAILED, "Job errored"),
        ([{"msg": "Job errored"}], FailureCode.GENERATION_FAILED, "Job errored"),
    ],
)
async def test_failures(reason: Any, code: str, message: str, luma: DreamMachineUpstream, asked: Asked) -> None:
    """A failed generation keeps the provider's sentence; refused content is known by its words."""
    report = await told(luma, asked, state="failed", failure_reason=reason, assets=None)
    assert report.failure == Failure(code, message)


@pytest.mark.parametrize(
    ("shown", "seconds"),
    [
        (NOW, NOW),
        (int(NOW), NOW),
        (NOW * 1000, NOW),
        (rfc3339(NOW).replace("Z", "+00:00"), NOW),
        (rfc3339(NOW).replace("Z", "999Z"), NOW),
        ("2024-12-22T13:38:40", 1_734_874_720.0),
        ("0001-01-01T00:00:00Z", None),
        ("0001-01-01T00:00:00+14:00", None),
        (0, None),
        (10**400, None),
        ("yesterday", None),
        (None, None),
        (True, None),
    ],
)
async def test_created_at(shown: object, seconds: float | None, luma: DreamMachineUpstream, asked: Asked) -> None:
    """A time is read in whatever form it is told; zero times are none."""
    assert (await told(luma, asked, created_at=shown)).created_at == seconds


ASKED: dict[str, tuple[dict[str, Any], Generation]] = {
    "as our own": (
        {"request": {"prompt": "a cat", "aspect_ratio": "9:16", "duration": "9s", "resolution": "540p", "loop": True}},
        Generation("a cat", "9:16", "540p", 9, loop=True, model="ray-2"),
    ),
    "keyframes": (
        {"request": {"prompt": None, "keyframes": {"frame0": {"type": "image", "url": "https://c/a.png", "id": None}}}},
        Generation("", model="ray-2", start=Reference(To.IMAGE, "https://c/a.png")),
    ),
    "image": (
        {"generation_type": "image", "model": None, "request": {"prompt": "a cat", "format": "png"}},
        Generation("a cat", kind=Kind.IMAGE, image_format=ImageFormat.PNG),
    ),
    "modify": (
        {"request": {"generation_type": "modify_video", "mode": "flex_2", "media": {"url": "https://c/v.mp4"}}},
        Generation("", model="ray-2", start=Reference(To.VIDEO, "https://c/v.mp4"), named=Operation.MODIFY),
    ),
    "upscale": (
        {"request": {"generation_type": "upscale_video", "resolution": "4k"}},
        Generation("", model="ray-2", named=Operation.UPSCALE),
    ),
    "not in our words": (
        {"request": {"prompt": "a cat", "aspect_ratio": "5:1", "model": "ray-9"}},
        Generation("a cat", model="ray-9"),
    ),
    "too much for us": (
        {"request": {"prompt": "a cat", "duration": "60s", "resolution": "8k"}},
        Generation("a cat", model="ray-2"),
    ),
    "nothing": ({"model": None, "request": None}, Generation("")),
    "nonsense": ({"model": 7, "request": ["a cat"]}, Generation("")),
}


@pytest.mark.parametrize("name", ASKED)
async def test_asked(name: str, luma: DreamMachineUpstream, asked: Asked) -> None:
    """What was asked for is understood as far as it is told, so that older generations can be adopted."""
    shown, wanted = ASKED[name]
    assert (await told(luma, asked, **shown)).asked == wanted


async def test_query_unknown(luma: DreamMachineUpstream, asked: Asked) -> None:
    """A generation that the provider does not know is left out, and one that no path leads to is not asked about."""
    asked.answers(
        Answer(404, {"detail": "Generation not found"}), Answer(200, generation(id="g-2", extra={"a": [None]}))
    )
    assert [report.receipt.id for report in await luma.query(["g-1", "..", "g-2"])] == ["g-2"]
    assert [call.path for call in asked.calls] == ["/generations/g-1", "/generations/g-2"]
