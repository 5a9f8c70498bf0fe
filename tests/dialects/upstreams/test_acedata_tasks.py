"""AceData as a provider: how its tasks are understood, and how lost ones are found."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from filmgate.adapters.dialects.acedata.upstream import AceDataUpstream
from filmgate.domain.failures import FailureCode
from filmgate.domain.generation import Generation, Operation, Reference, ReferenceKind
from filmgate.domain.media import Role
from filmgate.domain.states import State
from filmgate.ports.provider import Input, ProviderError, Status, TaskRef
from filmgate.ports.transport import ProviderClient

from .acedata import NOW, TASK_ID, VIDEO, VIDEO_ID, error, finished, task
from .asked import Answer, Asked
from .submissions import HOOK, PICTURE, picture, submission

CAT = Generation("a cat")


@pytest.fixture
def provider(line: ProviderClient) -> AceDataUpstream:
    """AceData with no options."""
    return AceDataUpstream(line, {})


async def report_of(provider: AceDataUpstream, asked: Asked, answer: Any) -> Status:
    """Ask for one task, which is answered so."""
    asked.answers(Answer(200, answer))
    (report,) = await provider.query([TASK_ID])
    return report


COMPLETED = {"success": True, "video_id": VIDEO_ID, "video_url": VIDEO, "thumbnail_url": "https://cdn.example/t.jpg"}
FAILED = {"success": False, "error": {"code": "api_error", "message": "boom"}}
SHAPES: dict[str, tuple[dict[str, Any], State | None]] = {
    "nothing yet": (task(), State.PENDING),
    "no response": (task(response=None), State.PENDING),
    "an empty response": (task(response={}, started_at=NOW), State.PROCESSING),
    "a word in the response": (task(response={"state": "pending"}), State.PENDING),
    "a word on top": (task(state="processing", response={"task_id": TASK_ID}), State.PROCESSING),
    "a word in the data": (task(data={"id": TASK_ID, "state": "processing"}), State.PROCESSING),
    "a word in a list": (task(data=[{"id": TASK_ID, "state": "processing"}]), State.PROCESSING),
    "success before the end": (task(response={"success": True, "state": "pending"}), State.PENDING),
    "an unknown word": (task(state="archived", response={"success": True, "video_url": VIDEO}), None),
    "a word of a client": (task(response={"state": "Succeeded"}), State.COMPLETED),
    "the documented end": (finished(**COMPLETED), State.COMPLETED),
    "the end with a word": (finished(**COMPLETED, state="completed"), State.COMPLETED),
    "an end without a file": (finished(success=True, state="completed"), State.COMPLETED),
    "an end without all": (finished(), None),
    "success without a file": (finished(success=True), State.COMPLETED),
    "a failure": (finished(**FAILED, state="failed"), State.FAILED),
    "a failure without a word": (finished(**FAILED), State.FAILED),
    "a failure as text": (finished(success=False, error="boom"), State.FAILED),
    "a failure called an end": (finished(**FAILED, state="completed"), State.FAILED),
    "only a word": (finished(state="rejected"), State.FAILED),
    "odd types": (task(state=7, response=[], data="x", request=[], started_at="soon"), State.PENDING),
}


@pytest.mark.parametrize(("answer", "state"), SHAPES.values(), ids=SHAPES)
async def test_the_state_is_found_in_every_shape(
    provider: AceDataUpstream, asked: Asked, answer: dict[str, Any], state: State | None
) -> None:
    """An unknown word means wait, whatever else is said."""
    report = await report_of(provider, asked, answer)
    assert report.state is state
    assert (report.failure is not None) is (state is State.FAILED)
    assert asked.call.json == {"id": TASK_ID, "action": "retrieve"}


async def test_a_finished_task_is_told_in_full(provider: AceDataUpstream, asked: Asked) -> None:
    """The files, the video's own id, when it was asked for, and what."""
    echo = {
        "action": "generate",
        "prompt": "a cat",
        "aspect_ratio": "9:16",
        "start_image_url": "https://a/1.png",
        "end_image_url": "",
        "loop": True,
        "enhancement": False,
        "model": "ray-2",
        "timeout": None,
    }
    report = await report_of(provider, asked, finished(**COMPLETED) | {"request": echo})
    assert report.receipt == TaskRef(TASK_ID, VIDEO_ID)
    assert report.links == {Role.VIDEO: VIDEO, Role.THUMBNAIL: "https://cdn.example/t.jpg"}
    assert report.created_at == NOW
    assert report.asked == Generation(
        "a cat",
        aspect_ratio="9:16",
        loop=True,
        enhance=False,
        model="ray-2",
        start=Reference(ReferenceKind.IMAGE, "https://a/1.png"),
    )


async def test_what_was_asked_for_is_read_as_far_as_it_goes(provider: AceDataUpstream, asked: Asked) -> None:
    """An echo can have anything in it; an extension stays one."""
    echo = {"action": "extend", "video_id": "v-1", "prompt": None, "aspect_ratio": "2:1", "loop": "yes", "model": 7}
    report = await report_of(provider, asked, task(request=echo))
    assert report.asked == Generation("", named=Operation.EXTEND)
    film = await report_of(provider, asked, task(request={"action": "extend", "video_url": VIDEO, "prompt": "more"}))
    assert film.asked == Generation("more", start=Reference(ReferenceKind.VIDEO, VIDEO))


async def test_progress_is_percent(provider: AceDataUpstream, asked: Asked) -> None:
    """As long as there is any."""
    running = await report_of(provider, asked, task(response={"state": "processing", "progress": 40}))
    assert running.percent == 40
    assert (await report_of(provider, asked, task(response={"progress": "soon"}))).percent is None


@pytest.mark.parametrize(
    ("error", "code"),
    [
        ({"code": "forbidden", "message": "boom"}, FailureCode.MODERATED),
        ({"code": "api_error", "message": "boom"}, FailureCode.GENERATION_FAILED),
        ("boom", FailureCode.GENERATION_FAILED),
    ],
    ids=["moderated", "failed", "text"],
)
async def test_why_a_task_failed(provider: AceDataUpstream, asked: Asked, error: Any, code: str) -> None:
    """The owner reads the provider's sentence."""
    report = await report_of(provider, asked, finished(success=False, error=error))
    assert report.failure is not None
    assert (report.failure.code, report.failure.message) == (code, "boom")


@pytest.mark.parametrize("answer", [Answer(404, error("api_error")), Answer(200, {}), Answer(200, error("strange"))])
async def test_what_does_not_say_so_makes_no_task_unknown(
    provider: AceDataUpstream, asked: Asked, answer: Answer
) -> None:
    """Another error, or nothing at all, is trouble."""
    asked.answers(answer)
    with pytest.raises(ProviderError):
        await provider.query([TASK_ID])


@pytest.mark.parametrize("answer", [Answer(404, error("not_found")), Answer(200, error("not_found"))])
async def test_a_single_unknown_task_is_left_out(provider: AceDataUpstream, asked: Asked, answer: Answer) -> None:
    """In each of the ways in which AceData says so."""
    asked.answers(answer)
    assert await provider.query([TASK_ID]) == []


async def test_many_are_asked_for_at_once(provider: AceDataUpstream, asked: Asked) -> None:
    """Those the provider does not know are left out, and so is what nobody asked for."""
    items = [task(id="b", state="failed"), None, task(id="a"), {}, task(id="z"), "x"]
    asked.answers(Answer(200, {"items": items, "count": 6}))
    reports = await provider.query(["a", "b", "c"])
    assert [(report.receipt.id, report.state) for report in reports] == [("a", State.PENDING), ("b", State.FAILED)]
    assert asked.call.json == {"ids": ["a", "b", "c"], "action": "retrieve_batch"}
    assert provider.batch == 50


@pytest.mark.parametrize("answer", [{"items": None, "count": 0}, {"items": []}, [], {"data": []}], ids=str)
async def test_an_empty_batch(provider: AceDataUpstream, asked: Asked, answer: Any) -> None:
    """None of the tasks is known."""
    asked.answers(Answer(200, answer))
    assert await provider.query(["a", "b"]) == []


@pytest.mark.parametrize("ids", [["a"], ["a", "b"]], ids=["one", "many"])
async def test_trouble_with_a_query_under_a_200(provider: AceDataUpstream, asked: Asked, ids: list[str]) -> None:
    """A key that is no good does not make tasks unknown."""
    asked.answers(Answer(200, error("invalid_token")))
    with pytest.raises(ProviderError) as caught:
        await provider.query(ids)
    assert caught.value.account


@pytest.mark.parametrize(
    ("answer", "account"), [(Answer(404, {}), True), (Answer(200, {}), False), (Answer(200, error("odd")), False)]
)
async def test_a_batch_that_is_none_is_trouble(
    provider: AceDataUpstream, asked: Asked, answer: Answer, account: bool
) -> None:
    """A whole batch is never unknown: otherwise a wrong base address would lose all tasks."""
    asked.answers(answer)
    with pytest.raises(ProviderError) as caught:
        await provider.query(["a", "b"])
    assert caught.value.account is account


def echoed(task_id: str, at: float = NOW, **request: Any) -> dict[str, Any]:
    """Write a task with the echo of its submit."""
    echo = {"action": "generate", "prompt": "a cat", "aspect_ratio": "16:9", "async": True, **request}
    return {"id": task_id, "created_at": at, "request": echo}


async def test_a_lost_submit_is_found_by_its_callback(provider: AceDataUpstream, asked: Asked) -> None:
    """The address with our key is proof: no other task counts then."""
    asked.answers(Answer(200, {"items": [echoed("a"), echoed("b", callback_url=HOOK), echoed("c")]}))
    reports = await provider.find(submission(CAT, callback_url=HOOK), NOW - 0.5)
    assert [(report.receipt.id, report.marked) for report in reports] == [("b", True)]
    assert asked.call.json == {"action": "retrieve_batch", "created_at_min": int(NOW), "limit": 50, "offset": 0}


async def test_a_lost_submit_is_found_by_what_was_asked(provider: AceDataUpstream, asked: Asked) -> None:
    """The oldest first; what differs in anything, or is called back elsewhere, is not it."""
    items = [
        echoed("late", NOW + 2),
        echoed("early", NOW + 1),
        echoed("before", NOW - 60),
        echoed("dog", prompt="a dog"),
        echoed("tall", aspect_ratio="9:16"),
        echoed("more", action="extend", video_id="v-1"),
        echoed("picture", start_image_url="https://a/1.png"),
        echoed("called", callback_url="https://other.example/"),
        {"id": "bare", "created_at": NOW, "request": None},
    ]
    asked.answers(Answer(200, {"items": items}))
    reports = await provider.find(submission(CAT), NOW)
    assert [(report.receipt.id, report.marked) for report in reports] == [("early", False), ("late", False)]


async def test_pictures_are_compared_too(line: ProviderClient, asked: Asked, tmp_path: Path) -> None:
    """One that was sent along may come back as an address."""
    provider = AceDataUpstream(line, {"data_uris": True})
    file = tmp_path / "a.png"
    file.write_bytes(b"x")
    items = [echoed("with", start_image_url="https://cdn.example/x.png"), echoed("without")]
    asked.answers(Answer(200, {"items": items}), Answer(200, {"items": items}))
    generation = Generation("a cat", start=PICTURE)
    sent = submission(generation, start=Input(ReferenceKind.IMAGE, file=file))
    assert [report.receipt.id for report in await provider.find(sent, NOW)] == ["with"]
    assert await provider.find(submission(generation, start=picture("https://a/other.png")), NOW) == []


async def test_a_search_goes_through_all_pages(line: ProviderClient, asked: Asked) -> None:
    """Until a page is not full."""
    provider = AceDataUpstream(line, {"batch": 2})
    asked.answers(
        Answer(200, {"items": [echoed("a", prompt="x"), echoed("b", prompt="x")]}),
        Answer(200, {"items": [echoed("c")]}),
    )
    assert [report.receipt.id for report in await provider.find(submission(CAT), NOW)] == ["c"]
    assert [call.json["offset"] for call in asked.calls] == [0, 2]


async def test_a_provider_that_always_gives_the_same_page(line: ProviderClient, asked: Asked) -> None:
    """It is not asked forever, and a task is found once."""
    provider = AceDataUpstream(line, {"batch": 1})
    asked.answers(*[Answer(200, {"items": [echoed("a")]})] * 3)
    assert [report.receipt.id for report in await provider.find(submission(CAT), NOW)] == ["a"]
    assert len(asked.calls) == 2


async def test_a_search_that_is_too_long_is_trouble(line: ProviderClient, asked: Asked) -> None:
    """It says neither that there is such a task nor that there is none."""
    provider = AceDataUpstream(line, {"batch": 1})
    asked.answers(*(Answer(200, {"items": [echoed(str(number), prompt="x")]}) for number in range(20)))
    with pytest.raises(ProviderError):
        await provider.find(submission(CAT), NOW)


@pytest.mark.parametrize("status", [400, 404, 405, 422])
async def test_a_provider_without_a_search_finds_nothing(provider: AceDataUpstream, asked: Asked, status: int) -> None:
    """That is no trouble, and it is no proof either."""
    asked.answers(Answer(status, error("bad_request")))
    assert provider.searches
    assert await provider.find(submission(CAT), NOW) == []


@pytest.mark.parametrize("status", [401, 429, 500])
async def test_a_search_without_an_answer_is_trouble(provider: AceDataUpstream, asked: Asked, status: int) -> None:
    """It has to be made again."""
    asked.answers(Answer(status, b""))
    with pytest.raises(ProviderError):
        await provider.find(submission(CAT), NOW)
