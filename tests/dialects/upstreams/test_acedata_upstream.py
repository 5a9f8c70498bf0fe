"""AceData as a provider: what it is asked for, and what it says to that."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from filmgate.adapters.dialects.acedata.upstream import AceDataUpstream
from filmgate.domain.failures import FailureCode
from filmgate.domain.generation import Generation, ReferenceKind
from filmgate.domain.media import Role
from filmgate.domain.states import State
from filmgate.ports.provider import Input, InputMode, ProviderError, TaskRef
from filmgate.ports.transport import ProviderClient

from .acedata import TASK_ID, VIDEO_ID, error
from .asked import Answer, Asked
from .submissions import CLIP, HOOK, PICTURE, TASK, clip, ended, picture, refused, submission, troubled

CAT = Generation("a cat")


@pytest.fixture
def provider(line: ProviderClient) -> AceDataUpstream:
    """AceData with no options."""
    return AceDataUpstream(line, {})


def accepted(**more: Any) -> Answer:
    """Answer a submit as the documentation has it."""
    return Answer(200, {"task_id": TASK_ID, "trace_id": "t", **more})


async def test_a_submit_is_always_asynchronous(provider: AceDataUpstream, asked: Asked) -> None:
    """No line is held for minutes; the answer names the task, and the video where it is known already."""
    asked.answers(accepted(video_id=VIDEO_ID))
    generation = Generation("a cat", aspect_ratio="9:16", loop=True, enhance=False)
    assert await provider.submit(submission(generation, "ray-2", callback_url=HOOK)) == TaskRef(TASK_ID, VIDEO_ID)
    assert (asked.call.method, asked.call.path) == ("POST", "/luma/videos")
    assert asked.call.headers["authorization"] == "Bearer test"
    assert asked.call.json == {
        "action": "generate",
        "prompt": "a cat",
        "aspect_ratio": "9:16",
        "loop": True,
        "enhancement": False,
        "async": True,
        "model": "ray-2",
        "callback_url": HOOK,
    }


async def test_what_is_not_asked_for_is_not_sent(provider: AceDataUpstream, asked: Asked) -> None:
    """Without a model and a callback there are no such fields."""
    asked.answers(accepted())
    assert await provider.submit(submission(CAT)) == TaskRef(TASK_ID)
    assert asked.call.json.keys() == {"action", "prompt", "aspect_ratio", "loop", "enhancement", "async"}


async def test_pictures_go_by_address(provider: AceDataUpstream, asked: Asked) -> None:
    """Both frames are addresses."""
    asked.answers(accepted())
    generation = Generation("a cat", start=PICTURE, end=PICTURE)
    await provider.submit(submission(generation, start=picture("https://a/1.png"), end=picture("https://a/2.png")))
    assert asked.call.json["start_image_url"] == "https://a/1.png"
    assert asked.call.json["end_image_url"] == "https://a/2.png"
    assert provider.means[ReferenceKind.IMAGE] == (InputMode.ADDRESS,)


async def test_pictures_go_along_where_the_operator_says_so(line: ProviderClient, asked: Asked, tmp_path: Path) -> None:
    """With `data_uris` a file is sent as a data URI."""
    provider = AceDataUpstream(line, {"data_uris": True})
    assert provider.means[ReferenceKind.IMAGE] == (InputMode.FILE, InputMode.ADDRESS)
    file = tmp_path / "a.png"
    file.write_bytes(b"a picture")
    asked.answers(accepted())
    given = Input(ReferenceKind.IMAGE, file=file)
    await provider.submit(submission(Generation("a cat", start=PICTURE), start=given))
    assert asked.call.json["start_image_url"] == "data:image/png;base64," + base64.b64encode(b"a picture").decode()


async def test_a_file_that_is_gone_is_trouble_before_anything_is_sent(
    line: ProviderClient, tmp_path: Path, asked: Asked
) -> None:
    """Nothing can have been accepted."""
    given = Input(ReferenceKind.IMAGE, file=tmp_path / "gone.png")
    provider = AceDataUpstream(line, {"data_uris": True})
    trouble = await troubled(provider, submission(Generation("a cat", start=PICTURE), start=given))
    assert not trouble.accepted
    assert not trouble.account
    assert asked.calls == []


@pytest.mark.parametrize(
    ("receipt", "video_id"), [(TaskRef("t-1", "v-1"), "v-1"), (TaskRef("t-1"), "t-1")], ids=["video", "task"]
)
async def test_a_video_of_the_account_is_extended_by_its_id(
    provider: AceDataUpstream, asked: Asked, receipt: TaskRef, video_id: str
) -> None:
    """The video's own id is sent if it is known, and no size: an extension keeps that of the video."""
    asked.answers(accepted())
    given = Input(ReferenceKind.TASK, earlier=receipt)
    await provider.submit(submission(Generation("more", start=TASK, end=PICTURE), start=given, end=picture()))
    body = asked.call.json
    assert (body["action"], body["video_id"]) == ("extend", video_id)
    assert body["end_image_url"] == "https://cdn.example/a.png"
    assert not {"video_url", "start_image_url", "aspect_ratio"} & body.keys()


async def test_another_video_is_extended_by_its_address(provider: AceDataUpstream, asked: Asked) -> None:
    """A video from elsewhere has no id here."""
    asked.answers(accepted())
    await provider.submit(submission(Generation("more", start=CLIP), start=clip()))
    assert (asked.call.json["action"], asked.call.json["video_url"]) == ("extend", "https://cdn.example/v.mp4")


@pytest.mark.parametrize(
    "answer",
    [{"id": TASK_ID}, {"data": {"task_id": TASK_ID}}, {"response": {"task_id": TASK_ID}}, {"data": [{"id": TASK_ID}]}],
    ids=["id", "data", "response", "list"],
)
async def test_the_name_of_a_task_is_found(provider: AceDataUpstream, asked: Asked, answer: dict[str, Any]) -> None:
    """Wherever the answer to a submit has it."""
    asked.answers(Answer(200, answer))
    assert await provider.submit(submission(CAT)) == TaskRef(TASK_ID)


VERDICTS = {
    "bad request": (400, {"success": False, "error": {"code": "bad_request", "message": "No such ratio."}}),
    "with a 200": (200, {"success": False, "error": {"code": "bad_request", "message": "No such ratio."}}),
    "not implemented": (400, {"error": {"code": "api_not_implemented", "message": "No such ratio."}}),
}
MODERATED = {
    "forbidden": (403, {"success": False, "error": {"code": "forbidden", "message": "Not that."}}),
    "with a 200": (200, {"success": False, "error": {"code": "forbidden", "message": "Not that."}}),
}


@pytest.mark.parametrize(("status", "body"), VERDICTS.values(), ids=VERDICTS)
async def test_a_verdict_ends_the_task(provider: AceDataUpstream, asked: Asked, status: int, body: Any) -> None:
    """The owner reads the provider's sentence."""
    asked.answers(Answer(status, body))
    failure = await refused(provider, submission(CAT))
    assert (failure.code, failure.message) == (FailureCode.REJECTED_BY_PROVIDER, "No such ratio.")


@pytest.mark.parametrize(("status", "body"), MODERATED.values(), ids=MODERATED)
async def test_moderation_is_told_by_name(provider: AceDataUpstream, asked: Asked, status: int, body: Any) -> None:
    """AceData calls it `forbidden`."""
    asked.answers(Answer(status, body))
    failure = await refused(provider, submission(CAT))
    assert failure.code == FailureCode.MODERATED
    assert failure.message.startswith("Not that")


ACCOUNT = {
    "no key": (401, error("invalid_token")),
    "no credit": (402, {}),
    "used up": (403, error("used_up")),
    "disabled": (403, error("disabled")),
    "another key": (400, error("token_mismatched")),
    "used up, with a 200": (200, error("used_up")),
}


@pytest.mark.parametrize(("status", "body"), ACCOUNT.values(), ids=ACCOUNT)
async def test_trouble_of_the_account(provider: AceDataUpstream, asked: Asked, status: int, body: Any) -> None:
    """It is not about this request, and nothing was accepted."""
    asked.answers(Answer(status, body))
    trouble = await troubled(provider, submission(CAT))
    assert trouble.account
    assert not trouble.accepted
    assert trouble.message


PASSING = {
    "busy": (429, error("too_many_requests"), 7.0),
    "busy, with a 200": (200, error("too_many_requests"), 7.0),
}


@pytest.mark.parametrize(("status", "body", "seconds"), PASSING.values(), ids=PASSING)
async def test_what_passes_is_certain_not_to_be_accepted(
    provider: AceDataUpstream, asked: Asked, status: int, body: Any, seconds: float
) -> None:
    """It can be tried again when the provider says."""
    asked.answers(Answer(status, body, {"Retry-After": "7"}))
    trouble = await troubled(provider, submission(CAT))
    assert (trouble.accepted, trouble.account, trouble.retry_after) == (False, False, seconds)


@pytest.mark.parametrize("code", ["api_error", "timeout", "strange"])
@pytest.mark.parametrize("status", [200, 500])
async def test_an_error_of_the_api_decides_nothing(
    provider: AceDataUpstream, asked: Asked, status: int, code: str
) -> None:
    """Nobody knows what became of the submit, also where the status says that all is well."""
    asked.answers(Answer(status, error(code)))
    trouble = await troubled(provider, submission(CAT))
    assert (trouble.accepted, trouble.account) == (True, False)


async def test_a_task_cannot_be_taken_back(provider: AceDataUpstream, asked: Asked) -> None:
    """There is no such call."""
    assert not provider.discards
    with pytest.raises(ProviderError):
        await provider.discard(TASK_ID)
    assert asked.calls == []


REFUSED = {"pixels": Generation("a cat", resolution="1080p"), "seconds": Generation("a cat", duration=9)}


@pytest.mark.parametrize("generation", REFUSED.values(), ids=REFUSED)
def test_more_than_is_made_is_refused(provider: AceDataUpstream, generation: Generation) -> None:
    """Before anything is charged, with a sentence for the owner."""
    failure = provider.refuse(generation)
    assert failure is not None
    assert failure.code == FailureCode.UNSUPPORTED_BY_ENGINE
    assert failure.message.endswith(".")


@pytest.mark.parametrize(
    "generation",
    [
        CAT,
        Generation("", start=PICTURE, end=PICTURE, loop=True, enhance=False),
        Generation("more", start=TASK, end=PICTURE),
        Generation("more", start=CLIP, resolution="720p", duration=4),
    ],
)
def test_the_rest_is_not_refused(provider: AceDataUpstream, generation: Generation) -> None:
    """No less is made than was asked for."""
    assert provider.refuse(generation) is None


@pytest.mark.parametrize("options", [{"batch": 0}, {"data_uris": "perhaps"}])
def test_an_option_that_cannot_be_used_is_named(line: ProviderClient, options: dict[str, Any]) -> None:
    """The operator reads which one."""
    with pytest.raises(ValueError, match=next(iter(options))):
        AceDataUpstream(line, options)


async def test_a_second_filmgate_is_the_provider(filmgate: Callable[[str], ProviderClient]) -> None:
    """Submit, query, search and extend agree with the API that we serve."""
    provider = AceDataUpstream(filmgate(""), {})
    generation = Generation("a cat on a bridge", aspect_ratio="9:16")
    receipt = await provider.submit(submission(generation))
    report = await ended(provider, receipt)
    assert report.state is State.COMPLETED
    assert report.receipt == receipt
    assert report.links.keys() == {Role.VIDEO, Role.THUMBNAIL}
    assert report.asked == generation
    assert report.created_at is not None
    found = await provider.find(submission(generation), report.created_at)
    assert receipt in [candidate.receipt for candidate in found]
    more = await provider.submit(
        submission(Generation("it walks", start=TASK), start=Input(ReferenceKind.TASK, earlier=receipt))
    )
    assert (await ended(provider, more)).state is State.COMPLETED
    reports = await provider.query([more.id, "01a10000-0000-7000-8000-000000000000", receipt.id])
    assert [known.receipt for known in reports] == [more, receipt]
    assert await provider.query(["01a10000-0000-7000-8000-000000000000"]) == []


async def test_a_second_filmgate_fails_a_task(filmgate: Callable[[str], ProviderClient]) -> None:
    """Its sentence and its moderation arrive."""
    provider = AceDataUpstream(filmgate(""), {})
    for code, expected in (("moderated", FailureCode.MODERATED), ("odd", FailureCode.GENERATION_FAILED)):
        receipt = await provider.submit(submission(Generation(f"a cat [fail={code}: Not that.]")))
        failure = (await ended(provider, receipt)).failure
        assert failure is not None
        assert (failure.code, failure.message) == (expected, "Not that.")
    failure = await refused(provider, submission(msgspec.structs.replace(CAT, aspect_ratio="2:1")))
    assert failure.code == FailureCode.REJECTED_BY_PROVIDER
    assert "aspect_ratio" in failure.message
