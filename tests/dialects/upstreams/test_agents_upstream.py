"""A provider that speaks the Agents API, as Filmgate asks it."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from filmgate.adapters.dialects.agents.upstream import AgentsUpstream
from filmgate.domain.failures import Failure, FailureCode
from filmgate.domain.generation import Generation, Guide, GuideRole, ImageFormat, Kind, Operation
from filmgate.domain.generation import ReferenceKind as To
from filmgate.domain.media import Role
from filmgate.domain.states import State
from filmgate.ports.provider import Input, Status, Submission, TaskRef
from filmgate.ports.transport import ProviderClient

from ..dream_machine.pictures import mp4, png
from .asked import Answer, Asked
from .submissions import CLIP, PICTURE, TASK, clip, earlier, ended, fetched, picture, refused, submission, troubled

NOW = 1_795_294_800.0
CAT = Generation("a cat")
INLINE = {"data": base64.b64encode(png()).decode(), "media_type": "image/png"}
LINKED = {"url": "https://cdn.example/a.png"}
OLD = {"generation_id": "earlier-1"}


def video(_video: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    """Return the body that asks for a video."""
    basis = {"prompt": "a cat", "model": "ray-3.2", "type": "video", "aspect_ratio": "16:9"}
    return basis | {"video": {"duration": "5s"} | (_video or {})} | fields


def image(**fields: Any) -> dict[str, Any]:
    """Return the body that asks for a picture."""
    basis = {"prompt": "a cat", "model": "uni-1", "type": "image", "aspect_ratio": "16:9", "output_format": "jpeg"}
    return basis | fields


def guided(role: GuideRole, given: Input, **fields: Any) -> Submission:
    """Ask for a generation that a picture guides."""
    guide = Guide(role, "media:1")
    return submission(Generation("a cat", guides=(guide,), **fields), guides=((guide, given),))


SUBMITS: dict[str, tuple[Submission, dict[str, Any]]] = {
    "text": (submission(CAT), video()),
    "everything": (
        submission(
            Generation("a cat", "9:16", "1080p", 10, loop=True, model="best"), "ray-4", callback_url="https://x/"
        ),
        video({"duration": "10s", "resolution": "1080p", "loop": True}, model="ray-4", aspect_ratio="9:16"),
    ),
    "pictures": (
        submission(Generation("a cat", start=PICTURE, end=PICTURE), start=picture(), end=picture()),
        video({"start_frame": LINKED, "end_frame": LINKED}),
    ),
    "long with pictures": (
        submission(Generation("a cat", duration=10, start=PICTURE, end=PICTURE), start=picture(), end=picture()),
        video({"duration": "10s", "keyframes": [LINKED, LINKED], "keyframe_indexes": [0, 240]}),
    ),
    "long with an end": (
        submission(Generation("a cat", duration=10, end=PICTURE), end=picture()),
        video({"duration": "10s", "keyframes": [LINKED], "keyframe_indexes": [240]}),
    ),
    "extend": (submission(Generation("a cat", start=TASK), start=earlier()), video({"start_frame": OLD})),
    "long extend": (
        submission(Generation("a cat", duration=10, end=TASK), end=earlier()),
        video({"duration": "10s", "end_frame": OLD}),
    ),
    "guided": (guided(GuideRole.IMAGE, picture()), video(image_ref=[LINKED])),
    "modify": (
        submission(Generation("a cat", resolution="540p", start=TASK, named=Operation.MODIFY), start=earlier()),
        {
            "prompt": "a cat",
            "model": "ray-3.2",
            "type": "video_edit",
            "source": OLD,
            "video": {"resolution": "540p"},
        },
    ),
    "reframe": (
        submission(Generation("a cat", "1:1", start=CLIP, named=Operation.REFRAME), start=clip()),
        {
            "prompt": "a cat",
            "model": "ray-3.2",
            "type": "video_reframe",
            "aspect_ratio": "1:1",
            "source": {"url": "https://cdn.example/v.mp4", "media_type": "video/mp4"},
        },
    ),
    "image": (
        submission(Generation("a cat", kind=Kind.IMAGE, image_format=ImageFormat.PNG), "uni-1-max"),
        image(model="uni-1-max", output_format="png"),
    ),
    "guided image": (guided(GuideRole.IMAGE, picture(), kind=Kind.IMAGE), image(image_ref=[LINKED])),
    "changed image": (
        guided(GuideRole.MODIFY, picture(), kind=Kind.IMAGE),
        image(type="image_edit", source=LINKED),
    ),
    "image from image": (
        submission(Generation("a cat", kind=Kind.IMAGE, start=TASK), start=earlier()),
        image(type="image_edit", source=OLD),
    ),
}


@pytest.mark.parametrize("name", SUBMITS)
async def test_submit(name: str, agents: AgentsUpstream, asked: Asked) -> None:
    """Each kind of work has its body, and can be asked for at all."""
    asked_for, body = SUBMITS[name]
    asked.answers(Answer(201, {"id": "g-1", "state": "queued"}))
    assert agents.refuse(asked_for.generation) is None
    assert await agents.submit(asked_for) == TaskRef("g-1")
    assert (asked.call.method, asked.call.path, asked.call.query) == ("POST", "/generations", {})
    assert asked.call.json == body
    assert asked.call.headers["authorization"] == "Bearer test"


async def test_files(agents: AgentsUpstream, asked: Asked, tmp_path: Path) -> None:
    """A picture and a video of ours are sent along with their media type."""
    still, film = tmp_path / "a.png", tmp_path / "v.mp4"
    still.write_bytes(png())
    film.write_bytes(mp4())
    asked.answers(Answer(201, {"id": "g-1"}))
    first = Guide(GuideRole.FIRST_FRAME, "media:1")
    await agents.submit(
        submission(
            Generation("a cat", start=TASK, named=Operation.MODIFY, guides=(first,)),
            start=Input(To.TASK, file=film),
            guides=((first, Input(To.IMAGE, file=still)),),
        )
    )
    assert asked.call.json["source"] == {"data": base64.b64encode(mp4()).decode(), "media_type": "video/mp4"}
    assert asked.call.json["video"] == {"start_frame": INLINE}


async def test_lost_file(agents: AgentsUpstream, asked: Asked, tmp_path: Path) -> None:
    """A file that cannot be read is trouble before anything is sent."""
    lost = submission(Generation("a cat", start=PICTURE), start=Input(To.IMAGE, file=tmp_path / "a.png"))
    assert not (await troubled(agents, lost)).accepted
    assert not asked.calls


REFUSED: dict[str, tuple[Generation, str]] = {
    "no prompt": (Generation(" ", start=PICTURE), "needs a prompt"),
    "upscale": (Generation("a cat", start=TASK, named=Operation.UPSCALE), "no operation upscale"),
    "sound": (Generation("a cat", start=TASK, named=Operation.ADD_AUDIO), "no operation add_audio"),
    "reframed image": (
        Generation("a cat", kind=Kind.IMAGE, start=PICTURE, named=Operation.REFRAME),
        "no operation reframe for a image",
    ),
    "4k": (Generation("a cat", resolution="4k"), "540p, 720p, 1080p, not in 4k"),
    "concepts": (Generation("a cat", concepts=("pan_left",)), "no concepts"),
    "foreign extend": (Generation("a cat", start=CLIP), "not start from a video from elsewhere"),
    "style": (Generation("a cat", kind=Kind.IMAGE, guides=(Guide(GuideRole.STYLE, "media:1"),)), "style_ref"),
    "two pictures": (
        Generation("a cat", kind=Kind.IMAGE, guides=(Guide(GuideRole.MODIFY, "media:1"),) * 2),
        "one picture at a time",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refuse(name: str, agents: AgentsUpstream) -> None:
    """What this API has no words for is refused with a sentence that says what can be had instead."""
    wanted, reason = REFUSED[name]
    refusal = agents.refuse(wanted)
    assert refusal is not None
    assert refusal.code == FailureCode.UNSUPPORTED_BY_ENGINE
    assert reason in refusal.message


async def test_extend_what_is_not_there(agents: AgentsUpstream, asked: Asked) -> None:
    """A video can only be gone on with by its id: sent along, it ends the task before anything is asked for."""
    failure = await refused(agents, submission(Generation("a cat", start=TASK), start=clip()))
    assert failure.code == FailureCode.UNSUPPORTED_BY_ENGINE
    assert "the same account" in failure.message
    assert not asked.calls


def generation(**fields: Any) -> dict[str, Any]:
    """Return a generation as Luma shows it."""
    shown = {
        "id": "g-1",
        "created_at": "2026-11-21T21:00:00Z",
        "model": "ray-3.2",
        "state": "completed",
        "type": "video",
        "failure_code": None,
        "failure_reason": None,
        "output": [{"type": "video", "url": "https://cdn.example/v.mp4", "layer": None}],
    }
    return shown | fields


async def told(agents: AgentsUpstream, asked: Asked, **fields: Any) -> Status:
    """Ask about a generation that is shown with these fields."""
    asked.answers(Answer(200, generation(**fields)))
    (report,) = await agents.query(["g-1"])
    return report


async def test_query(agents: AgentsUpstream, asked: Asked) -> None:
    """A completed generation has its files, its time and what was asked for."""
    report = await told(agents, asked)
    assert (asked.call.method, asked.call.path) == ("GET", "/generations/g-1")
    assert report == Status(
        TaskRef("g-1"),
        State.COMPLETED,
        links={Role.VIDEO: "https://cdn.example/v.mp4"},
        asked=Generation("", model="ray-3.2"),
        created_at=NOW,
    )


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("queued", State.PENDING),
        ("processing", State.PROCESSING),
        ("failed", State.FAILED),
        ("throttled", None),
        (None, None),
        ({}, None),
    ],
)
async def test_states(word: object, state: State | None, agents: AgentsUpstream, asked: Asked) -> None:
    """A word that is not known means wait."""
    report = await told(agents, asked, state=word, output=None)
    assert (report.state, report.links) == (state, {})
    assert (report.failure is not None) == (state is State.FAILED)


@pytest.mark.parametrize(
    ("shown", "links"),
    [
        ({"output": None}, {}),
        ({"output": []}, {}),
        ({"output": [None, "v.mp4", {"type": "exr", "url": "https://c/"}, {"type": "video", "url": None}]}, {}),
        (
            {"output": [{"type": "image", "url": "https://c/t.jpg"}, {"type": "video", "url": "https://c/v.mp4"}]},
            {Role.VIDEO: "https://c/v.mp4", Role.THUMBNAIL: "https://c/t.jpg"},
        ),
        (
            {"type": "image_edit", "output": [{"type": "image", "url": f"https://c/{name}.png"} for name in "ab"]},
            {Role.IMAGE: "https://c/a.png"},
        ),
    ],
)
async def test_links(shown: dict[str, Any], links: dict[Role, str], agents: AgentsUpstream, asked: Asked) -> None:
    """Only files that are there are told of; a completed generation may have none."""
    report = await told(agents, asked, **shown)
    assert (report.state, report.links) == (State.COMPLETED, links)


@pytest.mark.parametrize(
    ("code", "reason", "failure"),
    [
        ("content_moderated", "No.", Failure(FailureCode.MODERATED, "No.")),
        ("generation_failed", "It broke.", Failure(FailureCode.GENERATION_FAILED, "It broke.")),
        ("output_not_found", "Lost.", Failure(FailureCode.OUTPUT_MISSING, "Lost.")),
        ("corrupt_input", None, Failure("corrupt_input", "corrupt_input")),
        ("new_word", "Odd.", Failure(FailureCode.GENERATION_FAILED, "Odd.")),
        (None, "Prompt moderation failed", Failure(FailureCode.MODERATED, "Prompt moderation failed")),
        (None, None, Failure(FailureCode.GENERATION_FAILED, "The provider gave no reason.")),
        (5, ["x"], Failure(FailureCode.GENERATION_FAILED, "The provider gave no reason.")),
    ],
)
async def test_failures(code: object, reason: object, failure: Failure, agents: AgentsUpstream, asked: Asked) -> None:
    """A failed generation keeps the provider's sentence, and the words that this API has for it."""
    report = await told(agents, asked, state="failed", failure_code=code, failure_reason=reason)
    assert report.failure == failure


@pytest.mark.parametrize(
    ("shown", "wanted"),
    [
        ({"type": "video_edit"}, Generation("", model="ray-3.2", named=Operation.MODIFY)),
        ({"type": "image", "model": "uni-1"}, Generation("", model="uni-1", kind=Kind.IMAGE)),
        ({"type": None, "model": None, "created_at": "never"}, Generation("")),
    ],
)
async def test_asked(shown: dict[str, Any], wanted: Generation, agents: AgentsUpstream, asked: Asked) -> None:
    """Of what was asked for, the type and the model are told."""
    assert (await told(agents, asked, **shown)).asked == wanted


async def test_query_unknown(agents: AgentsUpstream, asked: Asked) -> None:
    """A generation that the provider does not know is left out."""
    asked.answers(Answer(404, {"detail": "Generation not found"}), Answer(200, generation(id="g/2")))
    assert [report.receipt.id for report in await agents.query(["g-1", "..", "g/2"])] == ["g/2"]
    assert [call.path for call in asked.calls] == ["/generations/g-1", "/generations/g%2F2"]


async def test_what_the_api_lacks(agents: AgentsUpstream, asked: Asked) -> None:
    """There is nothing to search and nothing to delete, and so nothing is asked."""
    assert (agents.searches, agents.discards) == (False, False)
    assert await agents.find(submission(CAT), NOW) == []
    await agents.discard("g-1")
    assert not asked.calls


async def test_second_filmgate(filmgate: Callable[[str], ProviderClient], tmp_path: Path) -> None:
    """A second Filmgate makes, extends and modifies what is asked of it in this dialect."""
    agents = AgentsUpstream(filmgate("/agents/v1"), {})
    still = tmp_path / "a.png"
    still.write_bytes(png())
    wanted = Generation("a cat", "9:16", "540p", 1, start=PICTURE)
    first = await agents.submit(submission(wanted, start=Input(To.IMAGE, file=still)))
    report = await ended(agents, first)
    assert (report.state, set(report.links)) == (State.COMPLETED, {Role.VIDEO}), report
    assert fetched(agents, report.links[Role.VIDEO])[4:8] == b"ftyp"
    for follow_up in (
        Generation("a dog", "9:16", "540p", 1, start=TASK),
        Generation("a dog", "9:16", start=TASK, named=Operation.MODIFY),
        Generation("a dog", "1:1", start=TASK, named=Operation.REFRAME),
    ):
        report = await ended(agents, await agents.submit(submission(follow_up, start=earlier(first.id))))
        assert (report.state, set(report.links)) == (State.COMPLETED, {Role.VIDEO}), report
    changed = guided(GuideRole.MODIFY, Input(To.IMAGE, file=still), kind=Kind.IMAGE, image_format=ImageFormat.PNG)
    report = await ended(agents, await agents.submit(changed))
    assert Image.open(io.BytesIO(fetched(agents, report.links[Role.IMAGE]))).size == (1360, 752)


async def test_second_filmgate_fails(filmgate: Callable[[str], ProviderClient]) -> None:
    """What fails or is unknown at a second Filmgate fails here, with its words."""
    agents = AgentsUpstream(filmgate("/agents/v1"), {})
    receipt = await agents.submit(submission(Generation("a cat [fail=moderated: No.]", duration=1)))
    assert (await ended(agents, receipt)).failure == Failure(FailureCode.MODERATED, "No.")
    unknown = submission(Generation("a dog", start=TASK), start=earlier("01a10000-0000-7000-8000-000000000000"))
    assert (await refused(agents, unknown)).code == FailureCode.REJECTED_BY_PROVIDER
    trouble = await troubled(AgentsUpstream(filmgate("/elsewhere"), {}), unknown)
    assert (trouble.account, trouble.accepted) == (True, False)
