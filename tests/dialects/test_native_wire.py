"""Filmgate's own wire format."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given

from filmgate import client
from filmgate.adapters.dialects.native import DIALECT, requests, responses
from filmgate.adapters.dialects.serving.codec import parse
from filmgate.domain.errors import (
    FilmgateError,
    Forbidden,
    InvalidRequest,
    NotFound,
    QuotaExceeded,
    TooManyRequests,
    Unauthorized,
    Unavailable,
)
from filmgate.domain.generation import Generation, Reference, ReferenceKind
from filmgate.domain.states import State
from filmgate.domain.task import Task
from filmgate.ports.tasks import TaskFilter

from .examples import BASE, task, tasks


def written(of: Task) -> dict[str, Any]:
    """Return what a query answers."""
    return json.loads(responses.FORM.one(of, None, BASE))


def read(**body: Any) -> Generation:
    """Return what a submit asks for."""
    return parse(requests.TaskBody, json.dumps(body).encode()).generation()


@given(tasks())
def test_the_keys_are_the_same_in_every_state(some: Task):
    """Files, failure and times are null until they are known, and never absent."""
    answer = written(some)
    assert set(answer) == set(written(task()))
    for name in ("video", "thumbnail", "last_frame"):
        assert (answer[name] is not None) is (some.state is State.COMPLETED)
    assert (answer["failure"] is not None) is (some.state is State.FAILED)
    assert (answer["finished_at"] is None) is (answer["elapsed"] is None) is not some.final
    assert DIALECT.webhook.one(some, None, BASE) == responses.FORM.one(some, None, BASE)


@given(tasks())
def test_the_client_reads_what_the_service_writes(some: Task):
    """It is the same struct on both sides, equal to the last field."""
    sent = responses.FORM.one(some, None, BASE)
    read_back = msgspec.json.decode(sent, type=client.Task)
    assert msgspec.json.encode(read_back) == sent
    assert (read_back.final, read_back.completed) == (some.final, some.state is State.COMPLETED)


def test_a_client_reads_what_a_newer_service_writes():
    """Fields and words that it does not know do not keep it from reading the others."""
    newer = written(task()) | {"state": "resting", "stage": "polish", "kind": "hologram", "mood": {"of": "day"}}
    read_back = msgspec.json.decode(json.dumps(newer), type=client.Task)
    assert (read_back.id, read_back.state, read_back.stage, read_back.final) == (task().id, "resting", "polish", False)


def test_a_completed_task_has_its_facts():
    """Sizes, duration and links are those of the files."""
    answer = written(task())
    assert answer["video"] == {
        "url": f"{BASE}{task().output.video.path}",  # type: ignore[union-attr]
        "width": 1360,
        "height": 752,
        "duration": 121 / 24,
        "frames": 121,
        "bytes": 12_345,
        "type": "video/mp4",
    }
    assert (answer["progress"], answer["elapsed"], answer["metadata"]) == (100, 154.241, {"seed": 7})


def test_everything_a_submit_can_say():
    """Every field is understood."""
    assert read(
        prompt="cat",
        aspect_ratio="9:16",
        resolution="4k",
        duration=9,
        loop=True,
        enhance=False,
        model="ray-2",
        start={"task": "T"},
        end={"image": "https://example.com/a.png"},
    ) == Generation(
        "cat",
        aspect_ratio="9:16",
        resolution="4k",
        duration=9,
        loop=True,
        enhance=False,
        model="ray-2",
        start=Reference(ReferenceKind.TASK, "T"),
        end=Reference(ReferenceKind.IMAGE, "https://example.com/a.png"),
    )
    assert read(start={"video": "https://example.com/a.mp4"}).start == Reference(
        ReferenceKind.VIDEO, "https://example.com/a.mp4"
    )
    assert read(prompt="cat", **dict.fromkeys(set(requests.TaskBody.model_fields) - {"prompt"})) == Generation("cat")


@pytest.mark.parametrize(
    "side", [{}, {"image": ""}, {"image": 5}, {"clip": "x"}, {"image": "a", "task": "b"}, "https://example.com/a.png"]
)
def test_what_a_side_may_not_be(side: Any):
    """A side has exactly one kind with a text."""
    with pytest.raises(InvalidRequest) as caught:
        read(prompt="x", end=side)
    assert caught.value.field == "end"


def test_the_parameters_of_a_list():
    """Nothing said is the newest page; several states go with commas."""
    assert requests.listing(None, None, None, None) == TaskFilter(limit=20, counted=True)
    assert requests.listing("5", "10", "pending,failed", "false") == TaskFilter(
        states=(State.PENDING, State.FAILED), newest=False, limit=5, offset=10, counted=True
    )


@pytest.mark.parametrize(
    ("limit", "offset", "state", "newest", "field"),
    [
        ("", None, None, None, "limit"),
        (None, None, "", None, "state"),
        (None, None, "failed,", None, "state"),
        (None, None, None, "", "newest"),
        ("0", None, None, None, "limit"),
        ("101", None, None, None, "limit"),
        ("1.5", None, None, None, "limit"),
        ("٣", None, None, None, "limit"),
        (None, "-1", None, None, "offset"),
        (None, "9" * 11, None, None, "offset"),
        (None, None, "done", None, "state"),
        (None, None, None, "1", "newest"),
    ],
)
def test_what_a_list_may_not_ask_for(
    limit: str | None, offset: str | None, state: str | None, newest: str | None, field: str
):
    """A wrong parameter is named."""
    with pytest.raises(InvalidRequest) as caught:
        requests.listing(limit, offset, state, newest)
    assert caught.value.field == field


def test_an_error_names_the_field():
    """An error has its code, sentence, type, field, documentation and trace id."""
    assert json.loads(responses.write_error(InvalidRequest("no", field="prompt"), "t")) == {
        "error": {
            "code": "bad_request",
            "message": "no",
            "type": "invalid_request_error",
            "field": "prompt",
            "doc_url": "manual/reference/errors/#bad_request",
            "trace_id": "t",
        }
    }


@pytest.mark.parametrize(
    ("error", "code", "kind"),
    [
        (Unauthorized(), "invalid_token", "authentication_error"),
        (Forbidden(), "forbidden", "permission_error"),
        (QuotaExceeded(), "quota_exceeded", "permission_error"),
        (TooManyRequests(retry_after=1), "too_many_requests", "rate_limit_error"),
        (NotFound(), "not_found", "invalid_request_error"),
        (Unavailable(), "unavailable", "api_error"),
        (FilmgateError(), "api_error", "api_error"),
    ],
)
def test_errors_are_grouped_by_type(error: FilmgateError, code: str, kind: str):
    """The type says who can do something about it, and the documentation is that of the code."""
    words = json.loads(responses.write_error(error, "t"))["error"]
    assert (words["code"], words["type"]) == (code, kind)
    assert words["doc_url"].endswith(f"#{code}")
