"""A provider with OpenAI's videos API: what it is asked for, and what it says to that."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from filmgate.adapters.dialects.openai_videos.upstream import OpenAIVideosUpstream
from filmgate.domain.failures import FailureCode
from filmgate.domain.generation import Generation, Operation, ReferenceKind
from filmgate.domain.media import Role
from filmgate.domain.states import State
from filmgate.ports.provider import Input, InputMode, TaskRef
from filmgate.ports.transport import ProviderClient

from .asked import Answer, Asked, File
from .openai import VIDEO_ID, video
from .submissions import CLIP, PICTURE, TASK, earlier, ended, refused, submission, troubled

CAT = Generation("a cat")
UNKNOWN = "01a10000-0000-7000-8000-000000000000"


@pytest.fixture
def provider(line: ProviderClient) -> OpenAIVideosUpstream:
    """A provider with no options."""
    return OpenAIVideosUpstream(line, {})


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file to send along."""
    path = tmp_path / "a.png"
    path.write_bytes(b"a file")
    return path


async def test_a_submit_is_a_form(provider: OpenAIVideosUpstream, asked: Asked) -> None:
    """With the size in pixels, and the length as a text."""
    asked.answers(Answer(200, video(status="queued")))
    generation = Generation("a cät", aspect_ratio="9:16", resolution="720p", duration=8)
    assert await provider.submit(submission(generation, "sora-2")) == TaskRef(VIDEO_ID)
    assert (asked.call.method, asked.call.path) == ("POST", "/videos")
    assert asked.call.form == {"prompt": "a cät", "model": "sora-2", "size": "720x1280", "seconds": "8"}


async def test_a_model_that_is_not_named_is_not_sent(provider: OpenAIVideosUpstream, asked: Asked) -> None:
    """A server with one model needs no name."""
    asked.answers(Answer(200, video()))
    await provider.submit(submission(CAT))
    assert asked.call.form == {"prompt": "a cat", "size": "1360x752", "seconds": "5"}


async def test_a_picture_goes_along(provider: OpenAIVideosUpstream, asked: Asked, file: Path) -> None:
    """As the file that it is."""
    asked.answers(Answer(200, video()))
    start = Input(ReferenceKind.IMAGE, file=file)
    await provider.submit(submission(Generation("a cat", start=PICTURE), start=start))
    assert asked.call.form["input_reference"] == File("a.png", "image/png", b"a file")
    assert provider.means[ReferenceKind.IMAGE] == (InputMode.FILE,)


async def test_an_extension_of_a_video_of_the_account(provider: OpenAIVideosUpstream, asked: Asked) -> None:
    """It is named; its size and its model are its own."""
    asked.answers(Answer(200, video(id="video_new")))
    asked_for = submission(Generation("more", start=TASK, duration=8), "sora-2", start=earlier(VIDEO_ID))
    assert await provider.submit(asked_for) == TaskRef("video_new")
    assert asked.call.path == "/videos/extensions"
    assert asked.call.form == {"prompt": "more", "seconds": "8", "video[id]": VIDEO_ID}


async def test_an_extension_of_another_video(provider: OpenAIVideosUpstream, asked: Asked, file: Path) -> None:
    """It goes along."""
    asked.answers(Answer(200, video()))
    start = Input(ReferenceKind.VIDEO, file=file)
    await provider.submit(submission(Generation("more", start=CLIP), start=start))
    assert asked.call.path == "/videos/extensions"
    assert asked.call.form == {"prompt": "more", "seconds": "5", "video": File("a.png", "video/mp4", b"a file")}


async def test_an_edit(provider: OpenAIVideosUpstream, asked: Asked) -> None:
    """It is as long as the video that is edited."""
    asked.answers(Answer(200, video()))
    generation = Generation("a dog", start=TASK, named=Operation.MODIFY)
    await provider.submit(submission(generation, start=earlier(VIDEO_ID)))
    assert asked.call.path == "/videos/edits"
    assert asked.call.form == {"prompt": "a dog", "video[id]": VIDEO_ID}


async def test_a_server_that_takes_forms_only_with_a_picture(line: ProviderClient, asked: Asked, file: Path) -> None:
    """With `text_as_json` everything else is JSON."""
    provider = OpenAIVideosUpstream(line, {"text_as_json": True})
    asked.answers(*[Answer(200, video())] * 3)
    await provider.submit(submission(CAT, "wan"))
    await provider.submit(submission(Generation("more", start=TASK), start=earlier(VIDEO_ID)))
    start = Input(ReferenceKind.IMAGE, file=file)
    await provider.submit(submission(Generation("a cat", start=PICTURE), start=start))
    text, extension, picture = asked.calls
    assert text.json == {"prompt": "a cat", "model": "wan", "size": "1360x752", "seconds": "5"}
    assert extension.json == {"prompt": "more", "seconds": "5", "video": {"id": VIDEO_ID}}
    assert picture.form["prompt"] == "a cat"


SIZES = ["1280x720", "720x1280", "1792x1024", "1024x1792"]


@pytest.mark.parametrize(
    ("shape", "sizes", "sent"),
    [
        (("16:9", None), SIZES, "1280x720"),
        (("16:9", "1080p"), SIZES, "1792x1024"),
        (("9:16", None), SIZES, "720x1280"),
        (("9:21", "720p"), SIZES, "720x1280"),
        (("16:9", None), ["480x480", "720x1280"], "720x1280"),
        (("1:1", None), [*SIZES, "480x480"], "480x480"),
        (("1:1", None), [], "1024x1024"),
    ],
)
async def test_the_nearest_size_of_the_same_orientation(
    line: ProviderClient, asked: Asked, shape: tuple[str, str | None], sizes: list[str], sent: str
) -> None:
    """Where there is none of that orientation, the nearest of all; without a list, what is asked for."""
    provider = OpenAIVideosUpstream(line, {"sizes": sizes})
    asked.answers(Answer(200, video()))
    await provider.submit(submission(Generation("a cat", *shape)))
    assert asked.call.form["size"] == sent


@pytest.mark.parametrize(("wanted", "sent"), [(1, "4"), (4, "4"), (5, "8"), (8, "8"), (9, "12"), (10, "12")])
async def test_the_next_longer_length(line: ProviderClient, asked: Asked, wanted: int, sent: str) -> None:
    """No less is made than was asked for."""
    provider = OpenAIVideosUpstream(line, {"seconds": [12, 4, 8]})
    asked.answers(Answer(200, video()))
    await provider.submit(submission(Generation("a cat", duration=wanted)))
    assert asked.call.form["seconds"] == sent


async def test_the_longest_length(line: ProviderClient, asked: Asked) -> None:
    """If none is long enough."""
    provider = OpenAIVideosUpstream(line, {"seconds": [4, 8]})
    asked.answers(Answer(200, video()))
    await provider.submit(submission(Generation("a cat", duration=10)))
    assert asked.call.form["seconds"] == "8"


@pytest.mark.parametrize("options", [{"sizes": ["large"]}, {"seconds": [0]}, {"text_as_json": "perhaps"}])
def test_an_option_that_cannot_be_used_is_named(line: ProviderClient, options: dict[str, Any]) -> None:
    """The operator reads which one."""
    with pytest.raises(ValueError, match=next(iter(options))):
        OpenAIVideosUpstream(line, options)


CODES = {
    "quota": (429, "insufficient_quota"),
    "limit": (400, "billing_hard_limit_reached"),
}


@pytest.mark.parametrize(("status", "code"), CODES.values(), ids=CODES)
async def test_no_credit_is_told_by_its_code(
    provider: OpenAIVideosUpstream, asked: Asked, status: int, code: str
) -> None:
    """Whatever its status says."""
    asked.answers(Answer(status, {"error": {"message": "No.", "code": code}}))
    trouble = await troubled(provider, submission(CAT))
    assert (trouble.accepted, trouble.account) == (False, True)


async def test_verdicts_that_are_told_by_their_codes(provider: OpenAIVideosUpstream, asked: Asked) -> None:
    """A model that does not exist is no wrong address; a violated policy is moderation."""
    asked.answers(Answer(404, {"error": {"message": "No such model.", "code": "model_not_found"}}))
    assert (await refused(provider, submission(CAT))).message == "No such model."
    asked.answers(Answer(400, {"error": {"message": "No.", "code": "content_policy_violation"}}))
    assert (await refused(provider, submission(CAT))).code == FailureCode.MODERATED


async def test_an_extension_of_what_is_gone(provider: OpenAIVideosUpstream, asked: Asked) -> None:
    """The 404 is about the earlier video: a verdict, unless it says nothing at all."""
    gone = submission(Generation("more", start=TASK), start=earlier(VIDEO_ID))
    asked.answers(Answer(404, {"error": {"message": "No such video.", "code": None}}), Answer(404, b""))
    assert (await refused(provider, gone)).message == "No such video."
    assert (await troubled(provider, gone)).account


REFUSED = {
    "a loop": Generation("a cat", loop=True),
    "a picture to end at": Generation("a cat", end=PICTURE),
    "no words": Generation("", start=PICTURE),
}


@pytest.mark.parametrize("generation", REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_asked_for_is_refused(provider: OpenAIVideosUpstream, generation: Generation) -> None:
    """Before anything is charged."""
    failure = provider.refuse(generation)
    assert failure is not None
    assert failure.code == FailureCode.UNSUPPORTED_BY_ENGINE


@pytest.mark.parametrize(
    "generation",
    [
        Generation("a cat", start=PICTURE, resolution="4k", duration=10, enhance=False),
        Generation("more", start=TASK),
        Generation("more", start=CLIP),
        Generation("a dog", start=TASK, named=Operation.MODIFY),
    ],
)
def test_the_rest_is_not_refused(provider: OpenAIVideosUpstream, generation: Generation) -> None:
    """Sizes and lengths that a server does not make are its own verdict, or the operator's list."""
    assert provider.refuse(generation) is None


@pytest.mark.parametrize("text_as_json", [False, True])
async def test_a_second_filmgate_is_the_provider(filmgate: Callable[[str], ProviderClient], text_as_json: bool) -> None:
    """Submit, query, search, extend, edit and delete agree with the API that we serve."""
    provider = OpenAIVideosUpstream(filmgate("/v1"), {"text_as_json": text_as_json})
    generation = Generation(f"a cat on a bridge {text_as_json}", aspect_ratio="9:16", duration=2)
    receipt = await provider.submit(submission(generation))
    report = await ended(provider, receipt)
    assert report.state is State.COMPLETED
    assert report.asked is not None
    assert (report.asked.prompt, report.asked.aspect_ratio, report.asked.duration) == (generation.prompt, "9:16", 2)
    assert report.asked.size == generation.size
    assert report.created_at is not None
    url, headers = provider.line.address(report.links[Role.VIDEO])
    assert url.endswith(f"/v1/videos/{receipt.id}/content")
    assert "authorization" in headers
    found = await provider.find(submission(generation), report.created_at)
    assert [candidate.receipt for candidate in found] == [receipt]
    given = Input(ReferenceKind.TASK, earlier=receipt)
    for operation in (None, Operation.MODIFY):
        wanted = Generation("it walks", start=TASK, named=operation, duration=1)
        assert (await ended(provider, await provider.submit(submission(wanted, start=given)))).state is State.COMPLETED
    await provider.discard(receipt.id)
    assert await provider.query([receipt.id]) == []
    await provider.discard(receipt.id)


async def test_a_second_filmgate_fails_a_task(filmgate: Callable[[str], ProviderClient]) -> None:
    """Its sentence and its verdicts arrive."""
    provider = OpenAIVideosUpstream(filmgate("/v1"), {})
    receipt = await provider.submit(submission(Generation("a cat [fail=moderated: Not that.]")))
    failure = (await ended(provider, receipt)).failure
    assert failure is not None
    assert (failure.code, failure.message) == (FailureCode.MODERATED, "Not that.")
    gone = await refused(provider, submission(Generation("more", start=TASK), start=earlier(UNKNOWN)))
    assert (gone.code, gone.message) == (FailureCode.REJECTED_BY_PROVIDER, "No such task.")
