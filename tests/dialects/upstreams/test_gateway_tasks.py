"""A reseller's gateway as a provider: how tasks of all its kinds are understood."""

from __future__ import annotations

from typing import Any

import pytest

from filmgate.adapters.dialects.gateway.upstream import GatewayUpstream
from filmgate.domain.failures import FailureCode
from filmgate.domain.generation import Generation
from filmgate.domain.media import Role
from filmgate.domain.states import State
from filmgate.ports.provider import ProviderError, Status, TaskRef
from filmgate.ports.transport import ProviderClient

from .asked import Answer, Asked
from .gateway import MOMENT, TASK_ID, envelope, item, task

CAT = Generation("a cat")


@pytest.fixture
def provider(line: ProviderClient) -> GatewayUpstream:
    """A gateway with no options."""
    return GatewayUpstream(line, {})


async def report_of(provider: GatewayUpstream, asked: Asked, answer: Any) -> Status:
    """Ask for one task, which is answered so."""
    asked.answers(Answer(200, answer))
    (report,) = await provider.query([TASK_ID])
    return report


STATES = {
    "pending": State.PENDING,
    "queued": State.PENDING,
    "processing": State.PROCESSING,
    "dreaming": State.PROCESSING,
    "completed": State.COMPLETED,
    "failed": State.FAILED,
    "resting": None,
    "": None,
    None: None,
    7: None,
}


@pytest.mark.parametrize(("word", "state"), STATES.items(), ids=str)
async def test_the_words_of_a_task(provider: GatewayUpstream, asked: Asked, word: Any, state: State | None) -> None:
    """An unknown word means wait."""
    report = await report_of(provider, asked, task(state=word))
    assert (report.receipt, report.state) == (TaskRef(TASK_ID), state)
    assert (asked.call.method, asked.call.path) == ("GET", f"/luma/generations/{TASK_ID}")


STATUSES = {
    "NOT_START": State.PENDING,
    "SUBMITTED": State.PENDING,
    "QUEUED": State.PENDING,
    "IN_PROGRESS": State.PROCESSING,
    "SUCCESS": State.COMPLETED,
    "FAILURE": State.FAILED,
    "UNKNOWN": None,
}


@pytest.mark.parametrize(("word", "state"), STATUSES.items(), ids=str)
async def test_the_words_of_an_envelope(
    provider: GatewayUpstream, asked: Asked, word: str, state: State | None
) -> None:
    """Its data may be missing, and then it is all there is."""
    asked.answers(
        Answer(200, envelope([item(status=word), item(task_id="b", status=word, data=task(id="other", state="odd"))]))
    )
    reports = await provider.query([TASK_ID, "b"])
    assert [report.state for report in reports] == [state, state]
    assert [report.receipt.id for report in reports] == [TASK_ID, "b"]
    assert reports[0].percent == 30
    assert reports[0].created_at == int(MOMENT)
    assert (asked.call.path, asked.call.json) == ("/luma/tasks", {"ids": [TASK_ID, "b"]})


SINGLE = {
    "flat": task(),
    "an array": [task()],
    "the second version": {"data": [task()]},
    "an envelope": envelope(task()),
    "an envelope of a row": envelope(item(data=task())),
    "a row": item(data=task()),
    "rows": envelope([item(data=task())]),
    "rows under another code": {"code": 1, "message": "ok", "data": [item(data=task())]},
}


@pytest.mark.parametrize("answer", SINGLE.values(), ids=SINGLE)
async def test_one_task_is_found_in_every_form(provider: GatewayUpstream, asked: Asked, answer: Any) -> None:
    """What was asked for is told, and when."""
    report = await report_of(provider, asked, answer)
    assert report.state is State.PROCESSING
    assert report.asked == CAT
    assert report.created_at == MOMENT


async def test_many_in_a_bare_array(provider: GatewayUpstream, asked: Asked) -> None:
    """Those the provider does not know are left out, and so is what nobody asked for."""
    asked.answers(Answer(200, [task(id="b", state="failed"), None, task(id="a"), {}, "x", task(id="z")]))
    reports = await provider.query(["a", "b", "c"])
    assert [(report.receipt.id, report.state) for report in reports] == [("a", State.PROCESSING), ("b", State.FAILED)]


@pytest.mark.parametrize("answer", [[], envelope([]), envelope(None)], ids=str)
async def test_an_empty_batch(provider: GatewayUpstream, asked: Asked, answer: Any) -> None:
    """None of the tasks is known."""
    asked.answers(Answer(200, answer))
    assert await provider.query(["a", "b"]) == []


@pytest.mark.parametrize("status", [404, 405])
async def test_a_gateway_without_batches_is_trouble(provider: GatewayUpstream, asked: Asked, status: int) -> None:
    """A whole batch is never unknown: otherwise a wrong base address would lose all tasks."""
    asked.answers(Answer(status, {}))
    with pytest.raises(ProviderError) as caught:
        await provider.query(["a", "b"])
    assert caught.value.account


@pytest.mark.parametrize("answer", [{}, {"ok": True}, envelope("a"), {"code": "odd", "message": "x"}], ids=str)
async def test_a_batch_that_is_none_is_trouble(provider: GatewayUpstream, asked: Asked, answer: Any) -> None:
    """It says nothing about the tasks."""
    asked.answers(Answer(200, answer))
    with pytest.raises(ProviderError):
        await provider.query(["a", "b"])


async def test_an_operator_can_do_without_batches(line: ProviderClient, asked: Asked) -> None:
    """With `batch = 1` each task is asked for by itself."""
    provider = GatewayUpstream(line, {"batch": 1})
    assert provider.batch == 1
    asked.answers(Answer(200, task()), Answer(400, {"code": "task_not_exist"}), Answer(200, task()))
    reports = await provider.query(["a", "b", "c/d"])
    assert [report.receipt.id for report in reports] == ["a", "c/d"]
    assert [call.path for call in asked.calls] == [f"/luma/generations/{part}" for part in ("a", "b", "c%2Fd")]


@pytest.mark.parametrize(
    "answer", [[], envelope(None), {"code": "task_not_exist", "message": "task_not_exist", "data": None}], ids=str
)
async def test_a_single_unknown_task_is_left_out(provider: GatewayUpstream, asked: Asked, answer: Any) -> None:
    """In each of the ways in which gateways say so."""
    asked.answers(Answer(200, answer))
    assert await provider.query([TASK_ID]) == []


@pytest.mark.parametrize("answer", [{}, {"code": 401, "message": "x"}, {"code": "channel_failed"}], ids=str)
async def test_other_errors_do_not_make_a_task_unknown(provider: GatewayUpstream, asked: Asked, answer: Any) -> None:
    """Three of them in a row would lose it."""
    asked.answers(Answer(200, answer))
    with pytest.raises(ProviderError):
        await provider.query([TASK_ID])


async def test_a_name_that_leads_elsewhere_is_unknown(provider: GatewayUpstream, asked: Asked) -> None:
    """No path is asked for."""
    assert await provider.query([".."]) == []
    assert asked.calls == []


VIDEO = {"url": "https://cdn.example/marked.mp4", "download_url": "https://cdn.example/clean.mp4"}
FILES: dict[str, tuple[dict[str, Any], dict[Role, str]]] = {
    "all": (
        {
            "video": VIDEO,
            "video_raw": {"url": "https://cdn.example/raw.mp4"},
            "thumbnail": {"url": "https://cdn.example/t.jpg"},
            "last_frame": {"url": "https://cdn.example/l.jpg"},
        },
        {
            Role.VIDEO: "https://cdn.example/raw.mp4",
            Role.THUMBNAIL: "https://cdn.example/t.jpg",
            Role.LAST_FRAME: "https://cdn.example/l.jpg",
        },
    ),
    "no raw video": ({"video": VIDEO, "video_raw": None}, {Role.VIDEO: "https://cdn.example/clean.mp4"}),
    "only a link": (
        {"video": {"url": "https://cdn.example/marked.mp4"}},
        {Role.VIDEO: "https://cdn.example/marked.mp4"},
    ),
    "a text": ({"video": "/v.mp4", "thumbnail": "/t.jpg"}, {Role.VIDEO: "/v.mp4", Role.THUMBNAIL: "/t.jpg"}),
    "an artifact": ({"artifact": {"video": VIDEO}}, {Role.VIDEO: "https://cdn.example/clean.mp4"}),
    "none": ({"video": {}, "artifact": None, "thumbnail": {"url": None}}, {}),
    "odd types": ({"video": 7, "video_raw": [], "thumbnail": True, "artifact": "x", "image": 1}, {}),
}


@pytest.mark.parametrize(("files", "links"), FILES.values(), ids=FILES)
async def test_the_files_of_a_finished_task(
    provider: GatewayUpstream, asked: Asked, files: dict[str, Any], links: dict[Role, str]
) -> None:
    """The video without watermarks is preferred; a task can be completed without any."""
    assert (await report_of(provider, asked, task(**files))).links == {}
    report = await report_of(provider, asked, task(state="completed", **files))
    assert (report.state, report.links) == (State.COMPLETED, links)


REASONS = {
    "a reason": task(state="failed", failure_reason="boom"),
    "its other name": task(state="failed", fail_reason="boom", failure_reason=""),
    "of a row": item(status="FAILURE", fail_reason="boom"),
    "within a row": item(status="FAILURE", data=task(failure_reason="boom")),
    "an error": task(state="failed", error={"code": "x", "message": "boom"}),
}


@pytest.mark.parametrize("answer", REASONS.values(), ids=REASONS)
async def test_why_a_task_failed(provider: GatewayUpstream, asked: Asked, answer: Any) -> None:
    """The owner reads the provider's sentence."""
    failure = (await report_of(provider, asked, answer)).failure
    assert failure is not None
    assert (failure.code, failure.message) == (FailureCode.GENERATION_FAILED, "boom")


async def test_moderation_is_told_by_its_words(provider: GatewayUpstream, asked: Asked) -> None:
    """And a failure without words has some."""
    failure = (await report_of(provider, asked, task(state="failed", fail_reason="Frame moderation failed"))).failure
    assert failure is not None
    assert failure.code == FailureCode.MODERATED
    bare = (await report_of(provider, asked, task(state="failed"))).failure
    assert bare is not None
    assert bare.message


TIMES = {
    "0001-01-01T00:00:00Z": None,
    "soon": None,
    1734874720: 1734874720.0,
    1734874720139: 1734874720.139,
    None: None,
}


@pytest.mark.parametrize(("written", "seconds"), TIMES.items(), ids=str)
async def test_times_are_read_in_every_form(
    provider: GatewayUpstream, asked: Asked, written: Any, seconds: float | None
) -> None:
    """A zero time is none."""
    assert (await report_of(provider, asked, task(created_at=written))).created_at == seconds


async def test_what_was_asked_for(provider: GatewayUpstream, asked: Asked) -> None:
    """As far as a gateway tells."""
    told = {"prompt": None, "request": {"user_prompt": "a dog", "aspect_ratio": "9:16"}}
    assert (await report_of(provider, asked, task(**told))).asked == Generation("a dog", aspect_ratio="9:16")
    odd = {"prompt": None, "request": {"aspect_ratio": "2:1"}}
    assert (await report_of(provider, asked, task(**odd))).asked == Generation("")
    assert (await report_of(provider, asked, task(prompt=None))).asked is None
