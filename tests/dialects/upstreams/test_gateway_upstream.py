"""A reseller's gateway as a provider: what it is asked for, and what it says to that."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from filmgate.adapters.dialects.gateway.upstream import GatewayUpstream
from filmgate.adapters.outbound.provider_client import HttpProviderClient
from filmgate.domain.failures import FailureCode
from filmgate.domain.generation import Generation, ReferenceKind
from filmgate.domain.media import Role
from filmgate.domain.states import State
from filmgate.ports.provider import Input, InputMode, ProviderError, TaskRef
from filmgate.ports.transport import ProviderClient
from tests.support.service import RunningService

from .asked import Answer, Asked
from .gateway import MOMENT, TASK_ID, envelope, task
from .submissions import CLIP, HOOK, PICTURE, TASK, earlier, ended, picture, refused, submission, troubled

CAT = Generation("a cat")
UNKNOWN = "01a10000-0000-7000-8000-000000000000"


@pytest.fixture
def provider(line: ProviderClient) -> GatewayUpstream:
    """A gateway with no options."""
    return GatewayUpstream(line, {})


async def test_a_submit(provider: GatewayUpstream, asked: Asked) -> None:
    """All that there are fields for is sent."""
    asked.answers(Answer(200, task(state="pending")))
    generation = Generation("a cat", aspect_ratio="9:16", resolution="1080p", duration=9, loop=True, enhance=False)
    assert await provider.submit(submission(generation, "ray-v2", callback_url=HOOK)) == TaskRef(TASK_ID)
    assert (asked.call.method, asked.call.path) == ("POST", "/luma/generations")
    assert asked.call.json == {
        "user_prompt": "a cat",
        "expand_prompt": False,
        "loop": True,
        "aspect_ratio": "9:16",
        "resolution": "1080p",
        "duration": "9s",
        "model_name": "ray-v2",
        "notify_hook": HOOK,
    }


async def test_what_is_not_asked_for_is_not_sent(provider: GatewayUpstream, asked: Asked) -> None:
    """Without a resolution the size is the gateway's own."""
    asked.answers(Answer(200, task()))
    await provider.submit(submission(CAT))
    assert asked.call.json.keys() == {"user_prompt", "expand_prompt", "loop", "aspect_ratio", "duration"}


async def test_pictures_go_along_or_by_address(provider: GatewayUpstream, asked: Asked, tmp_path: Path) -> None:
    """A file is sent as a data URI, which needs no address of ours."""
    asked.answers(Answer(200, task()))
    file = tmp_path / "a.png"
    file.write_bytes(b"a picture")
    start = Input(ReferenceKind.IMAGE, file=file)
    await provider.submit(submission(Generation("", start=PICTURE, end=PICTURE), start=start, end=picture()))
    assert asked.call.json["image_url"] == "data:image/png;base64," + base64.b64encode(b"a picture").decode()
    assert asked.call.json["image_end_url"] == "https://cdn.example/a.png"
    assert provider.means[ReferenceKind.IMAGE] == (InputMode.FILE, InputMode.ADDRESS)


async def test_an_extension(provider: GatewayUpstream, asked: Asked) -> None:
    """It has the size of the video that it extends, so none is asked for."""
    asked.answers(Answer(200, task()))
    generation = Generation("more", start=TASK, end=PICTURE, resolution="720p")
    await provider.submit(submission(generation, start=earlier("task/1"), end=picture()))
    assert (asked.call.method, asked.call.path) == ("POST", "/luma/generations/task%2F1/extend")
    assert asked.call.json == {
        "user_prompt": "more",
        "expand_prompt": True,
        "duration": "5s",
        "image_end_url": "https://cdn.example/a.png",
    }


@pytest.mark.parametrize("body", [{"detail": {"reason": "Gone.", "code": 1}}, {}], ids=["reason", "none"])
async def test_an_extension_of_what_is_gone(provider: GatewayUpstream, asked: Asked, body: Any) -> None:
    """The 404 is about the earlier video: a verdict."""
    asked.answers(Answer(404, body))
    failure = await refused(provider, submission(Generation("more", start=TASK), start=earlier()))
    assert failure.code == FailureCode.REJECTED_BY_PROVIDER
    assert failure.message in ("Gone.", "The provider no longer has the video to extend.")


async def test_a_wall_in_front_of_an_extension(provider: GatewayUpstream, asked: Asked) -> None:
    """A 404 that is no JSON did not come from the API."""
    asked.answers(Answer(404, b"<html>"))
    assert (await troubled(provider, submission(Generation("more", start=TASK), start=earlier()))).account


CREATED = {
    "flat": task(state="pending"),
    "an envelope": {
        "code": 0,
        "message": "",
        "request_id": "r",
        "data": {"task_id": TASK_ID, "task_status": "submitted"},
    },
    "both": task(state="pending") | {"code": 0, "data": {"task_id": TASK_ID, "task_status": "submitted"}},
    "an array": [task(state="pending")],
    "the second version": {"task_id": TASK_ID},
    "a row": envelope({"id": 7, "task_id": TASK_ID}),
    "the name alone": envelope(TASK_ID),
}


@pytest.mark.parametrize("answer", CREATED.values(), ids=CREATED)
async def test_a_new_task_is_found_in_every_form(provider: GatewayUpstream, asked: Asked, answer: Any) -> None:
    """Resellers answer a submit in many forms."""
    asked.answers(Answer(200, answer))
    assert await provider.submit(submission(CAT)) == TaskRef(TASK_ID)


async def test_a_name_that_is_a_number(provider: GatewayUpstream, asked: Asked) -> None:
    """It is a name like others."""
    asked.answers(Answer(200, {"id": 17}))
    assert await provider.submit(submission(CAT)) == TaskRef("17")


@pytest.mark.parametrize(
    ("body", "account"),
    [
        ({"code": 429, "message": "Come later."}, False),
        ({"code": 401, "message": "Come later.", "data": None}, True),
    ],
    ids=["busy", "key"],
)
async def test_an_error_under_a_200(provider: GatewayUpstream, asked: Asked, body: Any, account: bool) -> None:
    """Its code says for certain that nothing was accepted, and whether another account may take the task."""
    asked.answers(Answer(200, body))
    trouble = await troubled(provider, submission(CAT))
    assert (trouble.accepted, trouble.account, trouble.message) == (False, account, "Come later.")


@pytest.mark.parametrize(
    "body",
    [
        {"code": "upstream_timeout", "message": "Come later.", "data": None},
        {"code": "busy", "message": "Come later.", "data": "no id"},
        {"code": -1, "message": "Come later."},
        {"code": 500, "message": "Come later."},
        {"error": {"message": "Come later."}},
        {"code": 429, "message": "Come later.", "error": {"code": "do_request_failed"}},
        {"code": "fail", "message": "Come later.", "data": {"task_id": "a-task"}},
    ],
    ids=["timeout", "code", "number", "server", "error", "two", "id"],
)
async def test_an_error_under_a_200_that_is_not_listed(provider: GatewayUpstream, asked: Asked, body: Any) -> None:
    """Nobody knows what the upstream of the gateway has done meanwhile."""
    asked.answers(Answer(200, body))
    trouble = await troubled(provider, submission(CAT))
    assert (trouble.accepted, trouble.account, trouble.message) == (True, False, "Come later.")


async def test_a_verdict_under_a_200(provider: GatewayUpstream, asked: Asked) -> None:
    """The envelope has the code of a status."""
    asked.answers(Answer(200, {"code": 400, "message": "No such ratio."}))
    assert (await refused(provider, submission(CAT))).message == "No such ratio."


async def test_there_is_no_search_and_no_way_back(provider: GatewayUpstream, asked: Asked) -> None:
    """Neither asks anything."""
    assert not provider.searches
    assert not provider.discards
    assert await provider.find(submission(CAT), MOMENT) == []
    with pytest.raises(ProviderError):
        await provider.discard(TASK_ID)
    assert asked.calls == []


REFUSED = {
    "another's video": Generation("more", start=CLIP),
    "an extension that loops": Generation("more", start=TASK, loop=True),
    "an extension without words": Generation(" ", start=TASK),
}


@pytest.mark.parametrize("generation", REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_asked_for_is_refused(provider: GatewayUpstream, generation: Generation) -> None:
    """Before anything is charged."""
    failure = provider.refuse(generation)
    assert failure is not None
    assert failure.code == FailureCode.UNSUPPORTED_BY_ENGINE


@pytest.mark.parametrize(
    "generation",
    [
        Generation("a cat", resolution="4k", duration=10, loop=True, enhance=False),
        Generation("", start=PICTURE, end=PICTURE),
        Generation("more", start=TASK, end=PICTURE),
    ],
)
def test_the_rest_is_not_refused(provider: GatewayUpstream, generation: Generation) -> None:
    """Sizes and lengths that a gateway does not make are its own verdict."""
    assert provider.refuse(generation) is None


async def test_a_second_filmgate_is_the_provider(filmgate: Callable[[str], ProviderClient]) -> None:
    """Submit, query and extend agree with the API that we serve, with batches and without."""
    provider = GatewayUpstream(filmgate(""), {})
    generation = Generation("a cat on a bridge", aspect_ratio="9:16")
    receipt = await provider.submit(submission(generation))
    report = await ended(provider, receipt)
    assert report.state is State.COMPLETED
    assert report.links.keys() == {Role.VIDEO, Role.THUMBNAIL, Role.LAST_FRAME}
    assert report.asked == generation
    assert report.created_at is not None
    start = Input(ReferenceKind.TASK, earlier=receipt)
    more = await provider.submit(submission(Generation("it walks", start=TASK), start=start))
    assert (await ended(provider, more)).state is State.COMPLETED
    one_by_one = GatewayUpstream(filmgate(""), {"batch": 1})
    for following in (provider, one_by_one):
        reports = await following.query([more.id, UNKNOWN, receipt.id])
        assert [known.receipt for known in reports] == [more, receipt]


@pytest.mark.parametrize("batch", ["array", "envelope"])
async def test_a_second_filmgate_fails_a_task(start_service: Callable[..., RunningService], batch: str) -> None:
    """Its sentence arrives, in both forms of a batch."""
    service = start_service(gateway_batch=batch)
    line = HttpProviderClient(service.url, service.headers)
    provider = GatewayUpstream(line, {})
    receipts = [await provider.submit(submission(Generation("a cat [fail=odd: Not that.]"))) for _ in range(2)]
    for receipt in receipts:
        await ended(provider, receipt)
    reports = await provider.query([receipt.id for receipt in receipts])
    assert [report.receipt for report in reports] == receipts
    assert [report.failure and report.failure.message for report in reports] == ["Not that.", "Not that."]
    failure = await refused(provider, submission(Generation("more", start=TASK), start=earlier(UNKNOWN)))
    assert (failure.code, failure.message) == (FailureCode.REJECTED_BY_PROVIDER, "No such task.")
    await line.close()
