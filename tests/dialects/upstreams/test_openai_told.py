"""A provider with OpenAI's videos API: how its videos are understood, and how lost ones are found."""

from __future__ import annotations

from typing import Any

import pytest

from filmgate.adapters.dialects.openai_videos.upstream import OpenAIVideosUpstream
from filmgate.domain.failures import FailureCode
from filmgate.domain.generation import Generation
from filmgate.domain.media import Role
from filmgate.domain.states import State
from filmgate.ports.provider import ProviderError, Status, TaskRef
from filmgate.ports.transport import ProviderClient

from .asked import Answer, Asked, Dropped
from .openai import NOW, VIDEO_ID, video
from .submissions import TASK, earlier, submission

CAT = Generation("a cat")


@pytest.fixture
def provider(line: ProviderClient) -> OpenAIVideosUpstream:
    """A provider with no options."""
    return OpenAIVideosUpstream(line, {})


async def report_of(provider: OpenAIVideosUpstream, asked: Asked, **told: Any) -> Status:
    """Ask for one video, of which this is told."""
    asked.answers(Answer(200, video(**told)))
    (report,) = await provider.query([VIDEO_ID])
    return report


STATES = {
    "queued": State.PENDING,
    "in_progress": State.PROCESSING,
    "processing": State.PROCESSING,
    "completed": State.COMPLETED,
    "failed": State.FAILED,
    "cancelled": State.FAILED,
    "unknown": None,
    "": None,
    None: None,
    7: None,
}


@pytest.mark.parametrize(("word", "state"), STATES.items(), ids=str)
async def test_the_words_of_a_video(
    provider: OpenAIVideosUpstream, asked: Asked, word: Any, state: State | None
) -> None:
    """An unknown word means wait; the file is asked for below the base address."""
    report = await report_of(provider, asked, status=word)
    assert (report.receipt, report.state) == (TaskRef(VIDEO_ID), state)
    assert (report.percent, report.created_at) == (40, NOW)
    assert report.links == ({Role.VIDEO: f"videos/{VIDEO_ID}/content"} if state is State.COMPLETED else {})
    assert (asked.call.method, asked.call.path) == ("GET", f"/videos/{VIDEO_ID}")


@pytest.mark.parametrize("error", [{"code": "x", "message": "boom"}, {"message": "boom"}, "boom"], ids=str)
async def test_why_a_video_failed(provider: OpenAIVideosUpstream, asked: Asked, error: Any) -> None:
    """The owner reads the provider's sentence."""
    failure = (await report_of(provider, asked, status="failed", error=error)).failure
    assert failure is not None
    assert (failure.code, failure.message) == (FailureCode.GENERATION_FAILED, "boom")


@pytest.mark.parametrize("error", [None, {}, 7, {"code": "moderation_blocked", "message": None}], ids=str)
async def test_a_video_that_failed_for_no_reason(provider: OpenAIVideosUpstream, asked: Asked, error: Any) -> None:
    """There is a sentence all the same."""
    failure = (await report_of(provider, asked, status="failed", error=error)).failure
    assert failure is not None
    assert failure.message
    assert (failure.code == FailureCode.MODERATED) is bool(error and error != 7)


async def test_what_was_asked_for(provider: OpenAIVideosUpstream, asked: Asked) -> None:
    """As far as a server tells; the nearest shape and length that we know."""
    told = (await report_of(provider, asked, size="720x1280", seconds="8")).asked
    assert told == Generation("a cat", aspect_ratio="9:16", resolution="720p", duration=8, model="sora-2")
    odd = {"prompt": None, "size": "large", "seconds": 12.4, "model": None}
    assert (await report_of(provider, asked, **odd)).asked == Generation("", duration=10)
    none = {"prompt": 7, "size": None, "seconds": "nan", "model": []}
    assert (await report_of(provider, asked, **none)).asked is None


async def test_odd_types_are_survived(provider: OpenAIVideosUpstream, asked: Asked) -> None:
    """As if there were nothing."""
    report = await report_of(provider, asked, progress="soon", created_at="0001-01-01T00:00:00Z", error=[], seconds=[4])
    assert (report.percent, report.created_at, report.failure) == (None, None, None)


async def test_videos_are_asked_for_one_by_one(provider: OpenAIVideosUpstream, asked: Asked) -> None:
    """There is no batch; what leads elsewhere is not asked for."""
    asked.answers(Answer(200, video()), Answer(404, {"detail": "Video not found"}))
    reports = await provider.query(["a/b", "..", "c"])
    assert [report.receipt.id for report in reports] == ["a/b"]
    assert [call.path for call in asked.calls] == ["/videos/a%2Fb", "/videos/c"]
    assert provider.batch == 1


@pytest.mark.parametrize("answer", [{}, [], {"error": {"message": "Oops."}}, None], ids=str)
async def test_an_answer_that_is_no_video_is_trouble(provider: OpenAIVideosUpstream, asked: Asked, answer: Any) -> None:
    """It says nothing about the video."""
    asked.answers(Answer(200, answer))
    with pytest.raises(ProviderError):
        await provider.query([VIDEO_ID])


def listed(*videos: Any, **more: Any) -> Answer:
    """Answer a list."""
    return Answer(200, {"object": "list", "data": [*videos], **more})


async def test_a_lost_submit_is_found_in_the_list(provider: OpenAIVideosUpstream, asked: Asked) -> None:
    """The oldest first; what differs in anything that is told is not it."""
    asked.answers(
        listed(
            video(id="late", created_at=NOW + 9),
            video(id="dog", prompt="a dog"),
            video(id="model", model="sora-1"),
            video(id="tall", size="752x1360"),
            video(id="long", seconds="8"),
            video(id="exact", model="sora-2-2026-01-01", seconds=5),
            video(id="silent", prompt=None, model=None, size=None, seconds=None, created_at=NOW + 1),
            video(id="before", created_at=NOW - 60),
            {"id": None},
            "x",
            has_more=False,
        )
    )
    reports = await provider.find(submission(CAT, "sora-2"), NOW + 0.5)
    assert [report.receipt.id for report in reports] == ["exact", "silent", "late"]
    assert asked.call.query == {"limit": "100", "order": "desc"}


async def test_an_extension_is_found_by_its_words(provider: OpenAIVideosUpstream, asked: Asked) -> None:
    """It is told of with its whole length and its own size."""
    asked.answers(listed(video(id="it", prompt="more", seconds="13", size="1280x720"), video(), has_more=False))
    reports = await provider.find(submission(Generation("more", start=TASK), start=earlier()), NOW)
    assert [report.receipt.id for report in reports] == ["it"]


async def test_the_list_is_read_as_far_back_as_needed(provider: OpenAIVideosUpstream, asked: Asked) -> None:
    """Page by page, until all of one is too old."""
    asked.answers(
        listed(video(id="a", prompt="x"), video(id="b"), has_more=True),
        listed(video(id="b"), video(id="c"), video(id="d", created_at=NOW - 9)),
        listed(video(id="e", created_at=NOW - 10)),
    )
    assert [report.receipt.id for report in await provider.find(submission(CAT), NOW)] == ["b", "c"]
    assert [call.query.get("after") for call in asked.calls] == [None, "b", "d"]


async def test_a_server_that_always_gives_the_same_page(provider: OpenAIVideosUpstream, asked: Asked) -> None:
    """It is not asked forever."""
    asked.answers(*[listed(video(id="a"))] * 3)
    assert [report.receipt.id for report in await provider.find(submission(CAT), NOW)] == ["a"]
    assert len(asked.calls) == 2


async def test_a_list_that_is_too_long_is_trouble(provider: OpenAIVideosUpstream, asked: Asked) -> None:
    """It says neither that there is such a video nor that there is none."""
    asked.answers(*(listed(video(id=str(number))) for number in range(10)))
    with pytest.raises(ProviderError):
        await provider.find(submission(CAT), NOW)


@pytest.mark.parametrize("status", [400, 404, 405, 422, 501])
async def test_a_server_without_a_list_finds_nothing(provider: OpenAIVideosUpstream, asked: Asked, status: int) -> None:
    """That is no trouble, and it is no proof either."""
    asked.answers(Answer(status, {}))
    assert provider.searches
    assert await provider.find(submission(CAT), NOW) == []


@pytest.mark.parametrize("answer", [Answer(401, {}), Answer(500, b""), Answer(200, {}), Answer(200, b"x"), Dropped()])
async def test_a_search_without_an_answer_is_trouble(
    provider: OpenAIVideosUpstream, asked: Asked, answer: Answer | Dropped
) -> None:
    """It has to be made again."""
    asked.answers(answer)
    with pytest.raises(ProviderError):
        await provider.find(submission(CAT), NOW)


@pytest.mark.parametrize("answer", [Answer(200, {"deleted": True}), Answer(204, b""), Answer(404, {})], ids=str)
async def test_a_video_is_deleted(provider: OpenAIVideosUpstream, asked: Asked, answer: Answer) -> None:
    """One that is gone already is no trouble."""
    asked.answers(answer)
    await provider.discard("a/b")
    assert provider.discards
    assert (asked.call.method, asked.call.path) == ("DELETE", "/videos/a%2Fb")


@pytest.mark.parametrize(("status", "account"), [(405, False), (501, False), (409, False), (401, True), (500, False)])
async def test_a_video_that_is_not_deleted(
    provider: OpenAIVideosUpstream, asked: Asked, status: int, account: bool
) -> None:
    """A server without that call is healthy all the same."""
    asked.answers(Answer(status, {}))
    with pytest.raises(ProviderError) as caught:
        await provider.discard(VIDEO_ID)
    assert caught.value.account is account
