"""What Luma's own two APIs can answer instead of what was asked for."""

from __future__ import annotations

from collections.abc import Callable
from email.utils import formatdate
from time import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filmgate.adapters.dialects.agents import upstream as agents_upstream
from filmgate.adapters.dialects.agents.upstream import AgentsUpstream
from filmgate.adapters.dialects.dream_machine import upstream as dream_machine_upstream
from filmgate.adapters.dialects.dream_machine.upstream import DreamMachineUpstream
from filmgate.adapters.outbound.provider_client import HttpProviderClient
from filmgate.domain.failures import Failure, FailureCode
from filmgate.domain.generation import Generation, Operation
from filmgate.ports.provider import Provider, ProviderError, Status
from filmgate.ports.transport import ProviderClient

from .asked import Answer, Asked, Dropped
from .submissions import TASK, earlier, refused, submission, troubled

Make = Callable[..., Provider]
MAKES: dict[str, Any] = {"dream_machine": DreamMachineUpstream, "agents": AgentsUpstream}
CAT = submission(Generation("a cat"))
MORE = submission(Generation("a cat", start=TASK), start=earlier())


@pytest.fixture(params=MAKES)
def make(request: pytest.FixtureRequest, line: ProviderClient) -> Make:
    """Make a provider of either dialect that answers what the test prepares, with these options."""
    return lambda **options: MAKES[request.param](line, options)


@pytest.mark.parametrize(
    ("answer", "failure"),
    [
        (Answer(400, {"detail": "Prompt is required"}), Failure("rejected_by_provider", "Prompt is required")),
        (Answer(400, {"detail": "Prompt moderation failed"}), Failure("moderated", "Prompt moderation failed")),
        (Answer(403, {"detail": "Contains blacklisted words"}), Failure("moderated", "Contains blacklisted words")),
        (
            Answer(422, {"detail": [{"loc": ["body", "model"], "msg": "Input should be 'ray-2'", "type": "enum"}]}),
            Failure("rejected_by_provider", "body.model: Input should be 'ray-2'"),
        ),
        (Answer(413, b"<html>"), Failure("rejected_by_provider", "The provider answered 413.")),
        (Answer(400, {"error": {"message": "No."}}), Failure("rejected_by_provider", "No.")),
        (Answer(400, {"message": "No."}), Failure("rejected_by_provider", "No.")),
    ],
)
async def test_verdicts(answer: Answer, failure: Failure, make: Make, asked: Asked) -> None:
    """An answer that is about the request ends the task, with the provider's sentence."""
    asked.answers(answer)
    assert await refused(make(), CAT) == failure


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (Answer(401, {"detail": "Invalid API key"}), "Invalid API key"),
        (Answer(402, {"detail": "Payment required"}), "Payment required"),
        (Answer(400, {"detail": "Insufficient credits"}), "Insufficient credits"),
        (Answer(403, {"detail": "Your plan has no API"}), "Your plan has no API"),
        (Answer(404, {"detail": "Not Found"}), "Not Found"),
        (Answer(404, b"nothing here"), "The provider answered 404: is its base address right?"),
        (Answer(405), "The provider answered 405: is its base address right?"),
    ],
)
@pytest.mark.parametrize("asked_for", [CAT, MORE])
async def test_account(answer: Answer, message: str, asked_for: Any, make: Make, asked: Asked) -> None:
    """Trouble with the key, the balance or the address is the account's; nothing was accepted."""
    asked.answers(answer)
    trouble = await troubled(make(), asked_for)
    assert (trouble.message, trouble.account, trouble.accepted) == (message, True, False)


async def test_earlier_unknown(make: Make, asked: Asked) -> None:
    """That an earlier generation is unknown is a verdict, and no trouble with the address."""
    asked.answers(Answer(404, {"detail": "Generation not found"}))
    assert (await refused(make(), MORE)).code == FailureCode.REJECTED_BY_PROVIDER


@pytest.mark.parametrize(
    ("headers", "least", "most"),
    [
        ({"Retry-After": "7"}, 7, 7),
        ({"retry-after-ms": "1500", "Retry-After": "7"}, 1.5, 1.5),
        ({"Retry-After": formatdate(time() + 36_000, usegmt=True)}, 600, 600),
        ({"Retry-After": "86400"}, 600, 600),
        ({"Retry-After": "soon"}, None, None),
        ({}, None, None),
    ],
)
async def test_busy(headers: dict[str, str], least: float | None, most: float | None, make: Make, asked: Asked) -> None:
    """A provider that is busy accepted nothing, and may say when to come back."""
    asked.answers(Answer(429, {"detail": "Too many"}, headers), Answer(429, {"detail": "Too many"}, headers))
    trouble = await troubled(make(), CAT)
    assert (trouble.accepted, trouble.account) == (False, False)
    assert trouble.retry_after is None if least is None else least <= (trouble.retry_after or 0) <= (most or 0)
    with pytest.raises(ProviderError) as caught:
        await make().query(["g-1"])
    assert (caught.value.retry_after is None) == (least is None)


@pytest.mark.parametrize("status", [500, 502, 503, 504])
async def test_server_errors(status: int, make: Make, asked: Asked) -> None:
    """After a server error the submit may be accepted, unless the operator knows better."""
    asked.answers(*[Answer(status, {"detail": "Oops"})] * 4)
    assert (await troubled(make(), CAT)).accepted
    assert not (await troubled(make(not_accepted=[status]), CAT)).accepted
    assert (await troubled(make(not_accepted=[599]), CAT)).accepted
    with pytest.raises(ProviderError, match="Oops"):
        await make().query(["g-1"])


def test_options(make: Make) -> None:
    """An option that is not known is an error."""
    with pytest.raises(ValueError, match="speed"):
        make(speed=1)


@pytest.mark.parametrize(
    "body", [b"", b"ok", b"[]", b"{}", b'{"id":null}', b'{"id":""}', b'{"id":[1]}', b'{"id"', b"\xff"]
)
async def test_garbage_after_submit(body: bytes, make: Make, asked: Asked) -> None:
    """A good answer that names no generation is trouble: there may be one."""
    asked.answers(Answer(201, body))
    assert (await troubled(make(), CAT)).accepted


async def test_number_as_id(make: Make, asked: Asked) -> None:
    """An id can be a number."""
    asked.answers(Answer(200, {"id": 17}), Answer(200, {"id": 17, "state": "queued"}))
    receipt = await make().submit(CAT)
    (report,) = await make().query([receipt.id])
    assert report.receipt.id == receipt.id == "17"


@pytest.mark.parametrize("body", [b"", b"<html>", b"null", b"7", b'"done"', b'["completed"]', b'{"id":"other"}'])
async def test_garbage_after_query(body: bytes, make: Make, asked: Asked) -> None:
    """An answer to a query that is no generation, or another one, is trouble."""
    asked.answers(Answer(200, body))
    with pytest.raises(ProviderError):
        await make().query(["g-1"])


async def test_dropped(make: Make, asked: Asked) -> None:
    """A submit that was read and not answered may be accepted."""
    asked.answers(Dropped())
    trouble = await troubled(make(), CAT)
    assert (trouble.accepted, trouble.account, len(asked.calls)) == (True, False, 1)


async def test_dropped_before_submit(line: ProviderClient, asked: Asked) -> None:
    """What goes wrong while an earlier video is looked up is before the submit: nothing is accepted."""
    asked.answers(Dropped())
    modify = submission(Generation("a dog", start=TASK, named=Operation.MODIFY), start=earlier())
    assert not (await troubled(DreamMachineUpstream(line, {}), modify)).accepted
    assert asked.call.method == "GET"


@pytest.mark.parametrize("name", MAKES)
async def test_nobody_there(name: str) -> None:
    """Where nobody listens, nothing is accepted and the account is in trouble."""
    server = Asked()
    server.close()
    line = HttpProviderClient(server.url, {"Authorization": "Bearer test"})
    trouble = await troubled(MAKES[name](line, {}), CAT)
    assert (trouble.accepted, trouble.account) == (False, True)
    await line.close()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
REQUEST = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(("prompt", "model", "aspect_ratio", "duration", "resolution", "loop", "media", "mode"), JSON),
        "generation_type": JSON | st.sampled_from(["video", "image", "modify_video", "reframe_image", "add_audio"]),
        "callback_url": JSON,
        "concepts": JSON | st.lists(st.fixed_dictionaries({"key": JSON}), max_size=2),
        "keyframes": JSON | st.dictionaries(st.sampled_from(["frame0", "frame1"]), JSON),
        "image_ref": JSON | st.lists(st.fixed_dictionaries({"url": JSON, "weight": JSON}), max_size=2),
    },
)
GENERATION = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(("id", "created_at", "model", "failure_code", "failure_reason", "assets", "output"), JSON),
        "state": JSON | st.sampled_from(["queued", "completed", "failed"]),
        "type": JSON | st.sampled_from(["video", "image", "video_edit"]),
        "generation_type": JSON | st.sampled_from(["video", "image"]),
        "assets": JSON | st.dictionaries(st.sampled_from(["video", "image"]), JSON),
        "request": JSON | REQUEST,
    },
)


@given(GENERATION)
def test_anything(told: dict[str, Any]) -> None:
    """Whatever a provider tells of a generation can be understood."""
    sent = {"prompt": "a cat", "callback_url": "https://gate.example/"}
    search = dream_machine_upstream.Search(submission(Generation("a cat")), sent, 1_800_000_000.0)
    search.look(told)
    assert len(search.reports) <= 1
    for read in (agents_upstream.parse_status, dream_machine_upstream.parse_status):
        report = read(told, "g-1")
        assert isinstance(report, Status)
        assert isinstance(report.asked, Generation)
        assert all(report.links.values())
