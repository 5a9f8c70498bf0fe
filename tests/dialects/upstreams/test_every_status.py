"""What every status of an answer to a submit, with every kind of body, says for certain."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from importlib import import_module
from typing import Any

import pytest

from filmgate.adapters.dialects.acedata.upstream import AceDataUpstream
from filmgate.adapters.dialects.agents.upstream import AgentsUpstream
from filmgate.adapters.dialects.calling.upstreams import Answers, Code, Meaning
from filmgate.adapters.dialects.dream_machine.upstream import DreamMachineUpstream
from filmgate.adapters.dialects.gateway.upstream import GatewayUpstream
from filmgate.adapters.dialects.openai_videos.upstream import OpenAIVideosUpstream
from filmgate.domain.errors import EngineFailed
from filmgate.domain.generation import Generation
from filmgate.domain.states import State
from filmgate.ports.provider import LONGEST_HOLD, ProviderError
from filmgate.ports.transport import Reply

from .submissions import submission

UPSTREAMS: dict[str, Any] = {
    "acedata": AceDataUpstream,
    "gateway": GatewayUpstream,
    "dream_machine": DreamMachineUpstream,
    "agents": AgentsUpstream,
    "openai_videos": OpenAIVideosUpstream,
}
JOBS: dict[str, list[dict[str, Any]]] = {
    "acedata": [
        {"task_id": "t-1", "state": "pending"},
        {"id": "t-1", "response": {"task_id": "t-1", "success": False, "error": {"code": "x", "message": "No."}}},
    ],
    "gateway": [
        {"id": "t-1", "state": "pending"},
        {"code": "upstream_timeout", "data": {"task_id": "t-1", "task_status": "submitted"}},
        {"code": 1, "message": "ok", "data": [{"task_id": "t-1", "status": "IN_PROGRESS"}]},
    ],
    "dream_machine": [{"id": "t-1", "state": "dreaming"}, {"id": "t-1", "state": "failed", "failure_reason": "No."}],
    "agents": [{"id": "t-1", "state": "queued"}, {"id": "t-1", "state": "failed", "failure_code": "rate_limited"}],
    "openai_videos": [
        {"id": "t-1", "object": "video", "status": "queued"},
        {"id": "t-1", "object": "video", "status": "failed", "error": {"code": "server_error", "message": "No."}},
    ],
}
BODIES: dict[str, bytes] = {
    "empty": b"",
    "html": b"<html><h1>Error</h1></html>",
    "text": b"upstream connect error",
    "half": b'{"id":"t-1","state":"pend',
    "no UTF-8": b'{"id":"\xff","state":"pending"}',
    "null": b"null",
    "a number": b"7",
    "a text": b'"t-1"',
    "JSON in a text": json.dumps('{"id":"t-1","state":"pending"}').encode(),
    "a list": b"[1]",
    "an empty list": b"[]",
    "many jobs": b'[{"id":"t-1","state":"pending"},{"id":"t-2","state":"pending"}]',
    "an object": b"{}",
    "success without an id": b'{"success":true,"data":null}',
    "no data": b'{"code":"success","message":"","data":null}',
    "an empty id": b'{"id":"","task_id":"","state":"pending","status":"queued"}',
    "a null id": b'{"id":null,"task_id":null,"state":"pending","status":"queued"}',
    "a null in words": b'{"id":"null","state":"pending","status":"queued"}',
    "an id of 0": b'{"id":0,"task_id":0,"state":"pending","status":"queued"}',
    "an id that is true": b'{"id":true,"state":"pending","status":"queued"}',
    "an id that is an object": b'{"id":{"a":1},"state":"pending","status":"queued"}',
    "an id that is a list": b'{"id":["t-1"],"state":"pending","status":"queued"}',
    "a sentence as id": b'{"id":"could not be made","state":"pending","status":"queued"}',
    "an error": b'{"error":{"code":"strange","message":"Odd."}}',
    "an error as text": b'{"error":"Odd."}',
    "errors in a list": b'{"errors":[{"code":"strange","message":"Odd."}]}',
    "a nested error": b'{"data":{"error":{"code":"strange","message":"Odd."}}}',
    "no success": b'{"success":false,"message":"Odd."}',
    "a code that is a number": b'{"code":500,"message":"Odd.","data":null}',
    "a code below zero": b'{"code":-1,"message":"Odd."}',
    "a code that is an object": b'{"code":{"a":1},"message":"Odd."}',
    "an id with an error": b'{"id":"t-1","task_id":"t-1","error":{"code":"strange","message":"Odd."}}',
    "an id that did not succeed": b'{"id":"t-1","task_id":"t-1","success":false,"message":"Odd."}',
}
"""Bodies that are no job in any dialect, and have no code that a dialect lists."""

CAT = submission(Generation("a cat"))

ACCEPTED = "accepted"
NOT_ACCEPTED = "not accepted"
UNKNOWN = "unknown"

CERTAIN = {
    400, 401, 402, 403, 404, 405, 406, 410, 411, 412, 413, 414, 415, 416, 417, 422, 426, 428, 429, 431, 451,
}  # fmt: skip
"""Written out: a list that is computed as the product computes it would share its mistakes."""


class Wire:
    """A line that gives one answer, and counts what goes over it."""

    base = "https://provider.example"

    def __init__(self, status: int, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        self.reply = Reply(status, dict(headers or {}), body)
        self.requests: Counter[str] = Counter()

    async def call(self, method: str, path: str, **request: Any) -> Reply:
        """Answer."""
        del path, request
        self.requests[method] += 1
        return self.reply

    def address(self, link: str) -> tuple[str, Mapping[str, str]]:
        """Return the link as it is."""
        return link, {}

    async def close(self) -> None:
        """Do nothing to close."""


async def outcome(kind: str, status: int, body: bytes, **options: Any) -> str:
    """Submit once and tell what is known of the submit then."""
    wire = Wire(status, body)
    try:
        receipt = await UPSTREAMS[kind](wire, options).submit(CAT)
    except EngineFailed:
        found = NOT_ACCEPTED
    except ProviderError as trouble:
        found = UNKNOWN if trouble.accepted else NOT_ACCEPTED
    else:
        assert receipt.id == "t-1"
        found = ACCEPTED
    assert wire.requests == {"POST": 1}
    return found


@pytest.mark.parametrize("kind", UPSTREAMS)
async def test_every_status_with_every_body_that_is_no_job(kind: str) -> None:
    """Only the listed statuses are certain; all else may have been accepted, and nothing is sent a second time."""
    wrong = [
        (status, name, found)
        for status in (*range(100, 600), 600, 999)
        for name, body in BODIES.items()
        if (found := await outcome(kind, status, body)) != (NOT_ACCEPTED if status in CERTAIN else UNKNOWN)
    ]
    assert wrong == []


@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"], ids=["plain", "after a byte order mark"])
@pytest.mark.parametrize("kind", UPSTREAMS)
async def test_a_job_is_the_answer_whatever_its_status(kind: str, bom: bytes) -> None:
    """An id with a word for a state has been accepted, also where the status says that something is wrong."""
    wrong = [
        (status, job)
        for status in range(100, 600)
        for job in JOBS[kind]
        if await outcome(kind, status, bom + json.dumps(job).encode()) != ACCEPTED
    ]
    assert wrong == []


def codes() -> list[Any]:
    """Return every code of every dialect."""
    found = []
    for kind, upstream in UPSTREAMS.items():
        answers: Answers = import_module(upstream.__module__).ANSWERS
        found += [pytest.param(kind, *each, id=f"{kind}-{each[0]}") for each in answers.codes.items()]
    return found


def written(code: str) -> list[dict[str, Any]]:
    """Write an error with a code in the places where providers write it."""
    return [
        {"success": False, "error": {"code": code, "message": "No."}, "trace_id": "5e1f"},
        {"code": code, "message": "No.", "data": None},
    ]


@pytest.mark.parametrize(("kind", "code", "listed"), codes())
async def test_a_listed_code_is_certain_under_a_2xx(kind: str, code: str, listed: Code) -> None:
    """It says what is wrong, and has a source; beside another code, or an id, it is not certain any more."""
    assert listed.source
    for body in written(code):
        assert await outcome(kind, 200, json.dumps(body).encode()) == NOT_ACCEPTED
        assert await outcome(kind, 200, json.dumps(body | {"errors": [{"code": "strange"}]}).encode()) == UNKNOWN
        assert await outcome(kind, 200, json.dumps(body | {"id": "t-1"}).encode()) == UNKNOWN
        assert await outcome(kind, 502, json.dumps(body).encode()) == UNKNOWN
        wire = Wire(200, json.dumps(body).encode())
        verdict = listed.meaning in (Meaning.REJECTED, Meaning.MODERATED)
        with pytest.raises(EngineFailed if verdict else ProviderError) as caught:
            await UPSTREAMS[kind](wire, {}).submit(CAT)
        if isinstance(caught.value, ProviderError):
            assert caught.value.account is (listed.meaning is Meaning.ACCOUNT)


@pytest.mark.parametrize("kind", UPSTREAMS)
async def test_statuses_of_a_server_that_are_vouched_for(kind: str) -> None:
    """`not_accepted` makes them certain, but for a job; statuses that are not from 500 on cannot be named."""
    assert await outcome(kind, 503, b"{}", not_accepted=[503]) == NOT_ACCEPTED
    assert await outcome(kind, 502, b"{}", not_accepted=[503]) == UNKNOWN
    assert await outcome(kind, 503, json.dumps(JOBS[kind][0]).encode(), not_accepted=[503]) == ACCEPTED
    for status in (200, 302, 408, 409, 499, 600):
        with pytest.raises(ValueError, match="not_accepted"):
            UPSTREAMS[kind](Wire(200, b""), {"not_accepted": [status]})


FAILED: dict[str, dict[str, Any]] = {
    "acedata": {"id": "t-1", "response": {"success": False, "error": {"code": "x", "message": "Out of memory."}}},
    "gateway": {"id": "t-1", "state": "failed", "failure_reason": "Out of memory."},
    "dream_machine": {"id": "t-1", "state": "failed", "failure_reason": "Out of memory."},
    "agents": {"id": "t-1", "state": "failed", "failure_reason": "Out of memory."},
    "openai_videos": {"id": "t-1", "status": "failed", "error": {"code": "x", "message": "Out of memory."}},
}


@pytest.mark.parametrize("status", [200, 302, 400, 404, 409, 422, 429, 500, 503])
@pytest.mark.parametrize("kind", UPSTREAMS)
async def test_a_job_is_the_answer_to_a_query_whatever_its_status(kind: str, status: int) -> None:
    """Servers exist that answer a query for a failed job with the error's own status."""
    wire = Wire(status, json.dumps(FAILED[kind]).encode())
    (report,) = await UPSTREAMS[kind](wire, {}).query(["t-1"])
    assert report.state is State.FAILED
    assert report.failure is not None
    assert report.failure.message == "Out of memory."


@pytest.mark.parametrize("kind", UPSTREAMS)
async def test_another_job_under_an_error_is_no_answer(kind: str) -> None:
    """What is said of another task says nothing of this one."""
    wire = Wire(500, json.dumps(FAILED[kind]).encode())
    with pytest.raises(ProviderError):
        await UPSTREAMS[kind](wire, {}).query(["t-2"])


@pytest.mark.parametrize("kind", ["acedata", "gateway"])
@pytest.mark.parametrize(("status", "states"), [(200, [State.FAILED]), (500, [State.FAILED, None])])
async def test_a_batch_with_an_error_leaves_nobody_out(kind: str, status: int, states: list[State | None]) -> None:
    """Its jobs count; of a task that it does not name it says nothing."""
    wire = Wire(status, json.dumps({"data": [FAILED[kind]]}).encode())
    reports = await UPSTREAMS[kind](wire, {}).query(["t-1", "t-2"])
    assert [report.state for report in reports] == states


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after-ms": "1500", "retry-after": "7"}, 1.5),
        ({"retry-after-ms": "soon", "retry-after": "7"}, 7),
        ({"retry-after": "0"}, 0),
        ({"retry-after": "86400"}, LONGEST_HOLD),
        ({"retry-after-ms": "86400000"}, LONGEST_HOLD),
        ({"retry-after": "9" * 400}, None),
        ({"retry-after": "9" * 300}, LONGEST_HOLD),
        ({"retry-after": "-7"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "1e3"}, None),
        ({"retry-after": "1_000"}, None),
        ({"retry-after": "\u0667"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": ""}, None),
        ({}, None),
        ({"retry-after": "Fri, 31 Dec 2100 23:59:59 GMT"}, LONGEST_HOLD),
        ({"retry-after": "Fri, 31 Dec 9999 23:59:59 GMT"}, LONGEST_HOLD),
        ({"retry-after": "Sat, 01 Jan 2000 00:00:00 GMT"}, 0),
        ({"retry-after": "Sat, 01 Jan 2000 00:00:30 GMT", "date": "Sat, 01 Jan 2000 00:00:00 GMT"}, 30),
        ({"retry-after": "Sat, 01 Jan 2000 00:00:30 -0000", "date": "Sat, 01 Jan 2000 00:00:00 GMT"}, 30),
        ({"retry-after": "Sat, 99 Jan 2000 00:00:30 GMT"}, None),
    ],
    ids=str,
)
@pytest.mark.parametrize("kind", UPSTREAMS)
async def test_retry_after_has_a_bound(kind: str, headers: dict[str, str], seconds: float | None) -> None:
    """A submit and a query read it alike, a date by the provider's own clock; what is no time is none."""
    provider = UPSTREAMS[kind](Wire(429, b"{}", headers), {})
    for request in (provider.submit(CAT), provider.query(["t-1"])):
        with pytest.raises(ProviderError) as caught:
            await request
        assert caught.value.retry_after == seconds
