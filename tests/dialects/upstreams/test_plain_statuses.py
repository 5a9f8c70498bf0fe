"""What holds for every provider with a plain API: its statuses and errors, and bodies that are none."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import pytest

from filmgate.adapters.dialects.acedata.upstream import AceDataUpstream
from filmgate.adapters.dialects.gateway.upstream import GatewayUpstream
from filmgate.adapters.dialects.openai_videos.upstream import OpenAIVideosUpstream
from filmgate.domain.errors import EngineFailed
from filmgate.domain.failures import FailureCode
from filmgate.domain.generation import Generation, Guide, GuideRole, Kind, Operation
from filmgate.ports.provider import Provider, ProviderError
from filmgate.ports.transport import ProviderClient

from . import acedata, gateway, openai
from .asked import Answer, Asked, Dropped
from .submissions import TASK, refused, submission, troubled

PLAIN = {"acedata": AceDataUpstream, "gateway": GatewayUpstream, "openai_videos": OpenAIVideosUpstream}
CAT = submission(Generation("a cat"))


@pytest.fixture(params=PLAIN)
def kind(request: pytest.FixtureRequest) -> str:
    """The dialect."""
    return str(request.param)


@pytest.fixture
def provider(kind: str, line: ProviderClient) -> Provider:
    """A provider with no options."""
    return PLAIN[kind](line, {})


def test_a_provider_is_called_what_its_dialect_is(kind: str, provider: Provider) -> None:
    """That is the type in the settings."""
    assert provider.type == kind


VERDICTS = {
    "an object": (400, {"error": {"code": "bad", "message": "No such ratio.", "type": "x", "param": None}}),
    "a text": (400, {"error": "No such ratio."}),
    "a detail": (413, {"detail": "No such ratio."}),
    "a reason": (415, {"detail": {"reason": "No such ratio.", "code": 1}}),
    "bare": (400, {"object": "error", "message": "No such ratio.", "code": 400}),
    "a field": (422, {"detail": [{"loc": ["body", "size"], "msg": "No such ratio."}, {"msg": "And more."}]}),
}


@pytest.mark.parametrize(("status", "body"), VERDICTS.values(), ids=VERDICTS)
async def test_a_verdict_ends_the_task(provider: Provider, asked: Asked, status: int, body: Any) -> None:
    """The owner reads the provider's sentence, in whatever form it comes."""
    asked.answers(Answer(status, body))
    failure = await refused(provider, CAT)
    assert failure.code == FailureCode.REJECTED_BY_PROVIDER
    assert failure.message in ("No such ratio.", "body.size: No such ratio.")


@pytest.mark.parametrize(
    "body",
    [{"error": {"code": "moderation_blocked", "message": "No."}}, {"detail": "Frame moderation failed"}],
    ids=["code", "words"],
)
async def test_moderation_is_told_by_name(provider: Provider, asked: Asked, body: Any) -> None:
    """It is known by its code or by its words."""
    asked.answers(Answer(400, body))
    assert (await refused(provider, CAT)).code == FailureCode.MODERATED


@pytest.mark.parametrize("status", [401, 402, 403, 404, 405])
async def test_trouble_of_the_account(provider: Provider, asked: Asked, status: int) -> None:
    """It is not about this request, and nothing was accepted."""
    asked.answers(Answer(status, b"<html>"))
    trouble = await troubled(provider, CAT)
    assert (trouble.account, trouble.accepted) == (True, False)
    assert trouble.message


@pytest.mark.parametrize("status", [301, 307, 501])
async def test_trouble_of_the_account_that_says_nothing_of_the_submit(
    provider: Provider, asked: Asked, status: int
) -> None:
    """A redirect or a missing function stops further submits, and this one may have been accepted."""
    asked.answers(Answer(status, b"<html>"))
    trouble = await troubled(provider, CAT)
    assert (trouble.account, trouble.accepted) == (True, True)


@pytest.mark.parametrize("status", [406, 410, 429])
async def test_what_passes_is_certain_not_to_be_accepted(provider: Provider, asked: Asked, status: int) -> None:
    """It can be tried again when the provider says."""
    asked.answers(Answer(status, b"", {"Retry-After": "7"}))
    trouble = await troubled(provider, CAT)
    assert (trouble.accepted, trouble.account, trouble.retry_after) == (False, False, 7.0)


UNCERTAIN = {
    "an error of the server": Answer(500, {"error": {"message": "Oops."}}),
    "a server in between": Answer(502, b"<html>"),
    "unavailable": Answer(503, b""),
    "a timeout": Answer(504, b""),
    "another timeout": Answer(408, b""),
    "no answer": Dropped(),
    "no JSON": Answer(200, b"OK"),
    "half of it": Answer(200, b'{"id":"a'),
    "no UTF-8": Answer(200, b'{"id":"\xff"}'),
    "no end": Answer(200, b"[" * 100_000),
    "no object": Answer(200, [1]),
    "null": Answer(200, b"null"),
    "no name": Answer(200, {"success": True}),
    "a name that is null": Answer(200, {"id": None, "task_id": None, "data": None}),
    "a name that is none": Answer(200, {"id": {}, "task_id": [1], "data": 7}),
}


@pytest.mark.parametrize("answer", UNCERTAIN.values(), ids=UNCERTAIN)
async def test_what_may_have_been_accepted_is_said_to_be(
    provider: Provider, asked: Asked, answer: Answer | Dropped
) -> None:
    """Nobody knows, so nobody may submit it again."""
    asked.answers(answer)
    trouble = await troubled(provider, CAT)
    assert (trouble.accepted, trouble.account) == (True, False)
    assert len(asked.calls) == 1


async def test_a_provider_that_is_not_there(provider: Provider, asked: Asked) -> None:
    """Nothing was sent."""
    asked.close()
    trouble = await troubled(provider, CAT)
    assert (trouble.accepted, trouble.account) == (False, True)


async def test_an_operator_can_know_better(kind: str, line: ProviderClient, asked: Asked) -> None:
    """With `not_accepted` a status of the server is as certain as one of 4xx."""
    provider = PLAIN[kind](line, {"not_accepted": [503]})
    asked.answers(Answer(503, b""), Answer(500, b""))
    assert not (await troubled(provider, CAT)).accepted
    assert (await troubled(provider, CAT)).accepted


TROUBLES = {
    "no key": (Answer(401, {}), True),
    "no credit": (Answer(402, {}), True),
    "a wall": (Answer(403, b"<html>"), True),
    "busy": (Answer(429, {}, {"Retry-After": "7"}), False),
    "broken": (Answer(500, b""), False),
    "no JSON": (Answer(200, b"OK"), False),
    "a text": (Answer(200, "OK"), False),
    "a number": (Answer(200, 7), False),
    "no end": (Answer(200, b"[" * 100_000), False),
    "dropped": (Dropped(), False),
}


@pytest.mark.parametrize(("answer", "account"), TROUBLES.values(), ids=TROUBLES)
async def test_trouble_with_a_query(provider: Provider, asked: Asked, answer: Answer | Dropped, account: bool) -> None:
    """It says nothing about the task."""
    asked.answers(answer)
    with pytest.raises(ProviderError) as caught:
        await provider.query(["a"])
    assert caught.value.account is account
    if isinstance(answer, Answer) and answer.status == 429:
        assert caught.value.retry_after == 7.0


@pytest.mark.parametrize("sentence", ["No such task.", "Video not found", "Task 'a-1' does not exist"])
async def test_an_unknown_task_is_left_out(provider: Provider, asked: Asked, sentence: str) -> None:
    """A 404 whose sentence is about an id is the answer to a query."""
    asked.answers(Answer(404, {"detail": sentence}))
    assert await provider.query(["a"]) == []


BARE = {
    "empty": b"",
    "html": b"<html><h1>404 Not Found</h1></html>",
    "a router": b"404 page not found\n",
    "a framework": {"detail": "Not Found"},
    "an error": {"error": {"message": "Not Found", "code": 404}},
    "a page": {"error": {"code": "not_found", "message": "The page could not be found"}},
    "a route": {"message": "no Route matched with those values"},
    "a path": {"detail": "The video service was not found at this path"},
    "a model": {"error": {"code": "model_not_found", "message": "The model `a` does not exist"}},
    "a host": {"status": "error", "code": 404, "message": "Application not found"},
    "an empty object": {},
}


@pytest.mark.parametrize("body", BARE.values(), ids=BARE)
async def test_a_404_of_what_stands_in_front_says_nothing(provider: Provider, asked: Asked, body: Any) -> None:
    """A router that is deployed anew knows no task: that is trouble, and no answer about one."""
    asked.answers(Answer(404, body))
    with pytest.raises(ProviderError):
        await provider.query(["a"])


ODD = (None, 7, -1, 1e300, 10**30, True, "", "x", [], {}, [[]], [{"a": []}], {"a": None})
TOLD = {
    "acedata": acedata.finished(success=True, video_url="https://cdn.example/v.mp4", state="completed", error={}),
    "gateway": gateway.envelope(gateway.item(data=gateway.task(artifact={"video": {"url": "/v.mp4"}}, request={}))),
    "openai_videos": openai.video(status="failed", error={"code": "x", "message": "boom"}),
}


def bent(value: Any) -> Iterator[Any]:
    """Return a value, odd ones in its place, and itself with odd ones, or with nothing, in the place of each part."""
    yield value
    yield from ODD
    for key in value if isinstance(value, dict) else ():
        yield {name: part for name, part in value.items() if name != key}
        yield from ({**value, key: part} for part in bent(value[key]))


async def test_nothing_that_a_provider_says_is_an_error_of_ours(kind: str, provider: Provider, asked: Asked) -> None:
    """It is understood, or it is trouble with the provider."""
    understood = 0
    for told in bent(TOLD[kind]):
        asked.answers(Answer(200, told), Answer(200, told))
        with contextlib.suppress(ProviderError):
            understood += len(await provider.query(["a"]))
        with contextlib.suppress(ProviderError, EngineFailed):
            await provider.submit(CAT)
    assert understood > len(ODD)


REFUSED = {
    "a picture": Generation("a cat", kind=Kind.IMAGE),
    "an upscale": Generation("", named=Operation.UPSCALE, start=TASK),
    "what comes before": Generation("a cat", end=TASK),
    "what lies between": Generation("a cat", start=TASK, end=TASK),
    "guides": Generation("a cat", guides=(Guide(GuideRole.STYLE, "https://a/1.png"),)),
    "concepts": Generation("a cat", concepts=("dolly_zoom",)),
}


@pytest.mark.parametrize("generation", REFUSED.values(), ids=REFUSED)
def test_what_none_of_them_can_be_asked_for_is_refused(provider: Provider, generation: Generation) -> None:
    """Before anything is charged, with a sentence for the owner."""
    failure = provider.refuse(generation)
    assert failure is not None
    assert failure.code == FailureCode.UNSUPPORTED_BY_ENGINE
    assert failure.message.endswith(".")


def test_an_option_that_is_not_known_is_named(kind: str, line: ProviderClient) -> None:
    """The operator reads which one."""
    with pytest.raises(ValueError, match="batches"):
        PLAIN[kind](line, {"batches": 5})
