"""AceData's wire format."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from acedatacloud._runtime.tasks import artifact_urls, failure_reason, progress, task_status
from hypothesis import given
from hypothesis import strategies as st

from filmgate.adapters.dialects.acedata import DIALECT, requests, responses
from filmgate.adapters.dialects.acedata.requests import Api, api_of
from filmgate.adapters.dialects.acedata.routes import by_id
from filmgate.adapters.dialects.gateway import responses as gateway
from filmgate.adapters.dialects.serving.codec import parse
from filmgate.domain.errors import InvalidRequest, NotFound, PayloadTooLarge, Unavailable, WaitTimeout
from filmgate.domain.failures import Failure
from filmgate.domain.generation import Generation, Reference, ReferenceKind
from filmgate.domain.settings import Settings
from filmgate.domain.states import State
from filmgate.domain.task import Task
from filmgate.ports.tasks import RawRequest, TaskFilter

from .examples import BASE, task, tasks

GOLDEN = json.loads((Path(__file__).parents[1] / "fixtures/acedata_shapes.json").read_text())
ECHO = RawRequest("acedata", b'{"action": "generate", "prompt":"p","start_image_url":"https://example.com/a.jpg"}')


def written(of: Task, echo: RawRequest | None = ECHO) -> dict[str, Any]:
    """Return what a query answers."""
    return json.loads(responses.FORM.one(of, echo, BASE))


def read(**body: Any) -> requests.VideosBody:
    """Return the body of a submit."""
    return parse(requests.VideosBody, json.dumps(body).encode())


def shape(value: Any) -> Any:
    """Reduce a JSON value to its keys and types."""
    if isinstance(value, dict):
        return {key: shape(item) for key, item in value.items()}
    return float if isinstance(value, float) else type(value)


@pytest.mark.parametrize("state", list(State))
def test_the_shape_is_golden_in_every_state(state: State):
    """A task has exactly the keys that all clients were verified with."""
    answer, golden = written(task(state)), GOLDEN[state.value]
    assert shape(answer) | {"request": None} == shape(golden) | {"request": None}
    assert answer["state"] == golden["state"]


@given(tasks())
def test_the_sdk_reads_every_state(some: Task):
    """The SDK's own reading of a task is its state, whatever addresses the request holds."""
    answer = written(some)
    wanted = {State.COMPLETED: "succeeded", State.FAILED: "failed"}.get(some.state, "")
    assert task_status(answer) == wanted
    assert len(artifact_urls(answer)) == (2 if some.state is State.COMPLETED else 0)
    if some.state is State.FAILED and some.failure and some.failure.message:
        assert failure_reason(answer) == some.failure.message


@given(st.integers(0, 100))
def test_the_sdk_reads_the_progress(percent: int):
    """The SDK takes no small number for the whole."""
    assert progress(written(task(State.PROCESSING, percent=percent))) == (0 if percent == 1 else percent)


@given(tasks())
def test_times_are_there_when_they_are_known(some: Task):
    """The end and the time it took are absent until there is an end."""
    answer = written(some)
    assert ("finished_at" in answer) is ("elapsed" in answer) is some.final
    assert ("started_at" in answer) is (some.started_at is not None)
    assert isinstance(answer["created_at"], float)
    if some.final:
        assert answer["elapsed"] == round(answer["elapsed"], 3) >= 0


@given(tasks())
def test_success_is_said_at_the_end_only(some: Task):
    """An unfinished task says nothing of success, at no depth."""
    answer = written(some)
    assert "success" not in answer
    assert isinstance(answer["response"], dict)
    assert ("success" in answer["response"]) is some.final
    assert answer["data"]["id"] == some.id
    assert answer["data"]["state"] == answer["response"]["state"] == answer["state"] == some.state


@given(tasks())
def test_ids_are_what_the_documents_say(some: Task):
    """`_id` is 24 hex digits that stay the same, `api_id` is the operation's."""
    answer = written(some)
    assert len(answer["_id"]) == 24
    assert int(answer["_id"], 16) >= 0
    assert answer["_id"] == written(some)["_id"]
    assert answer["api_id"] == written(task(generation=some.generation))["api_id"]


def test_the_request_is_echoed_as_it_was_sent():
    """What came through AceData is shown byte by byte; what came otherwise, in AceData's words."""
    assert ECHO.body in responses.FORM.one(task(), ECHO, BASE)
    foreign = written(
        task(generation=Generation("cat", start=Reference(ReferenceKind.IMAGE, "https://example.com/a.png"))),
        RawRequest("gateway", b'{"user_prompt":"cat"}'),
    )
    assert foreign["request"] == {
        "action": "generate",
        "prompt": "cat",
        "aspect_ratio": "16:9",
        "loop": False,
        "enhancement": True,
        "start_image_url": "https://example.com/a.png",
    }


@given(tasks())
def test_a_derived_request_shows_nothing_internal(some: Task):
    """What lies in the store has no address to show."""
    assert "media:" not in json.dumps(written(some, None)["request"])


def test_a_batch_counts_its_items():
    """`count` is the number of items in the answer."""
    item = responses.FORM.one(task(), None, BASE)
    answer = json.loads(responses.FORM.many([item, item]))
    assert answer["count"] == len(answer["items"]) == 2
    assert json.loads(responses.FORM.many([])) == {"items": [], "count": 0}


@given(tasks(states=(State.PENDING, State.PROCESSING)))
def test_an_accepted_task_is_not_taken_for_a_finished_one(some: Task):
    """The reply to an asynchronous submit has no address and no data."""
    answer = {**responses.write_accepted(some)}
    assert artifact_urls({"response": answer}) == []
    assert "data" not in answer
    assert answer["task_id"] == some.id


def test_results_and_payloads():
    """A callback gets the synchronous answer; of a failed task, the error as an object."""
    assert json.loads(DIALECT.webhook.one(task(), None, BASE)) == written(task())["response"]
    failed = json.loads(DIALECT.webhook.one(task(State.FAILED), None, BASE))
    assert failed == {
        "success": False,
        "task_id": task().id,
        "trace_id": task().trace_id,
        "state": "failed",
        "error": {"code": "moderated", "message": "Frame moderation failed"},
    }
    assert responses.is_refused(task(State.FAILED))
    assert not responses.is_refused(task(State.FAILED, failure=Failure("engine_crashed", "x")))


def test_defaults_of_a_submit():
    """A prompt alone is a synchronous submit of a 16:9 video."""
    body = read(prompt="cat")
    assert body.generation() == Generation("cat")
    assert body.waits


def test_everything_a_submit_can_say():
    """Every field is understood, and so are the names that the SDK's other method uses."""
    body = read(
        action="generate",
        prompt="cat",
        aspect_ratio="9:16",
        start_image_url="https://example.com/a.png",
        end_image_url="https://example.com/b.png",
        loop=True,
        enhancement=False,
        model="ray-2",
    )
    assert body.generation() == Generation(
        "cat",
        aspect_ratio="9:16",
        loop=True,
        enhance=False,
        model="ray-2",
        start=Reference(ReferenceKind.IMAGE, "https://example.com/a.png"),
        end=Reference(ReferenceKind.IMAGE, "https://example.com/b.png"),
    )
    other = read(prompt="x", image_url="https://example.com/c.png")
    assert other.generation().start == Reference(ReferenceKind.IMAGE, "https://example.com/c.png")
    assert other.fields[0] == "image_url"


def test_null_and_empty_mean_absent():
    """Explicit nulls and empty strings change nothing."""
    names = {field.alias or name for name, field in requests.VideosBody.model_fields.items()} - {"prompt"}
    body = read(prompt="cat", **dict.fromkeys(names))
    assert body.generation() == Generation("cat")
    assert body.waits
    texts = names - {"loop", "enhancement", "timeout", "async"}
    assert read(prompt="cat", **dict.fromkeys(texts, "")).generation() == Generation("cat")


def test_who_waits():
    """`async` and a callback answer at once, an explicit false waits."""
    assert read(**{"prompt": "x", "async": False}).waits
    assert not read(**{"prompt": "x", "async": True}).waits
    assert not read(prompt="x", callback_url="https://example.com/").waits


@pytest.mark.parametrize(("timeout", "patience"), [(None, 299), (300, 299), (5, 5), (0, 0), (1e300, 599), (0.5, 0.5)])
def test_how_long_a_submit_waits(timeout: float | None, patience: float):
    """300 s if nothing is said and 600 s at most, a little less than the client's own clock."""
    assert read(prompt="x", timeout=timeout).patience == patience


def test_an_extension_by_id_keeps_the_size_and_model():
    """A task of our own decides over size and model."""
    source = task(generation=Generation("cat", aspect_ratio="9:16", resolution="540p", model="ray-2"))
    body = read(action="extend", prompt="more", video_id=source.video_id, video_url="https://example.com/v.mp4")
    assert body.fields == ("video_id", "end_image_url")
    assert body.generation(source) == Generation(
        "more",
        aspect_ratio="9:16",
        resolution="540p",
        model="ray-2",
        start=Reference(ReferenceKind.TASK, source.id),
    )


def test_an_extension_by_address():
    """A foreign clip is extended in the ratio that is asked for, without a prompt if none is given."""
    body = read(action="extend", video_url="https://example.com/v.mp4", aspect_ratio="1:1", start_image_url="http://a/")
    assert body.generation() == Generation(
        "", aspect_ratio="1:1", start=Reference(ReferenceKind.VIDEO, "https://example.com/v.mp4")
    )
    with pytest.raises(InvalidRequest, match="video_id or video_url"):
        read(action="extend", prompt="x").generation()


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "prompt"),
        ({"prompt": ""}, "prompt"),
        ({"prompt": "x" * 5_001}, "prompt"),
        ({"prompt": ["x"]}, "prompt"),
        ({"prompt": "x", "action": "remix"}, "action"),
        ({"prompt": "x", "aspect_ratio": "2:1"}, "aspect_ratio"),
        ({"prompt": "x", "timeout": "soon"}, "timeout"),
        ({"prompt": "x", "timeout": -1}, "timeout"),
        ({"prompt": "x", "async": "maybe"}, "async"),
        ({"prompt": "x", "loop": 1}, "loop"),
    ],
)
def test_what_a_submit_may_not_say(body: dict[str, Any], field: str):
    """A wrong field is named in the caller's words."""
    with pytest.raises(InvalidRequest) as caught:
        read(**body).generation()
    assert caught.value.field == field


def test_errors_have_documented_codes():
    """Every status has the code of AceData's table, and the error is an object."""
    codes = {
        error.status: json.loads(responses.write_error(error, "t"))["error"]["code"]
        for error in (InvalidRequest(), NotFound(), PayloadTooLarge(), Unavailable())
    }
    assert codes == {400: "bad_request", 404: "not_found", 413: "bad_request", 503: "api_error"}
    assert json.loads(responses.write_error(WaitTimeout(task_id="T"), "t")) == {
        "success": False,
        "error": {"code": "timeout", "message": WaitTimeout(task_id="T").message},
        "trace_id": "t",
        "task_id": "T",
    }


def test_the_union_error_is_read_by_both_apis():
    """Before the body is known an error has the fields of both dialects."""
    assert json.loads(responses.write_union_error(NotFound("no"), "t")) == {
        "success": False,
        "error": {"code": "not_found", "message": "no"},
        "detail": {"reason": "no", "code": 1},
        "trace_id": "t",
    }


@pytest.mark.parametrize(
    ("body", "api"),
    [
        ({"action": "retrieve", "id": "x"}, Api.RETRIEVE),
        ({"action": "retrieve_batch", "ids": []}, Api.RETRIEVE_BATCH),
        ({"ids": []}, Api.GATEWAY),
        ({"action": None, "ids": ["x"]}, Api.GATEWAY),
        ({"action": "", "ids": ["x"]}, Api.GATEWAY),
        ({"action": "gateway", "ids": ["x"]}, Api.UNKNOWN),
        ({"action": ["retrieve"], "ids": ["x"]}, Api.UNKNOWN),
        ({"action": 0, "ids": ["x"]}, Api.UNKNOWN),
        ({"action": False, "ids": ["x"]}, Api.UNKNOWN),
        ({"ids": None}, Api.UNKNOWN),
        ({}, Api.UNKNOWN),
    ],
)
def test_the_value_of_action_decides(body: dict[str, Any], api: Api):
    """The two APIs on one path are told apart by the value of `action`."""
    assert api_of(body) is api


@pytest.mark.parametrize(
    ("body", "ids", "single"),
    [
        (b'{"action":"retrieve","id":"a"}', ["a"], True),
        (b'{"action":"retrieve","id":"a","trace_id":null,"x":1}', ["a"], True),
        (b'{"action":"retrieve_batch","ids":["a","b"],"limit":null}', ["a", "b"], False),
    ],
)
def test_queries_by_id_take_the_short_way(body: bytes, ids: list[str], single: bool):
    """What asks for ids and for nothing else is understood without the framework."""
    asked = by_id(body, Settings())
    assert asked is not None
    assert (list(asked.ids), asked.single, asked.form) == (ids, single, responses.FORM)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff",
        b"[]",
        b"[" * 100_000,
        b'{"action":"retrieve"}',
        b'{"action":"retrieve","id":""}',
        b'{"action":"retrieve","id":5}',
        b'{"action":"retrieve","id":"a","trace_id":5}',
        b'{"action":"retrieve_batch","ids":["a",5]}',
        b'{"action":"retrieve_batch","ids":"a"}',
        b'{"action":"retrieve_batch","ids":["a"],"limit":1}',
        b'{"ids":["a",5]}',
        b'{"action":"x","ids":["a"]}',
    ],
)
def test_everything_else_takes_the_long_way(body: bytes):
    """What needs a closer look is left to the route."""
    assert by_id(body, Settings()) is None


@pytest.mark.parametrize(
    "body", [b'{"ids":["a","b"]}', b'{"ids":["a","b"],"action":null}', b'{"ids":["a","b"],"action":""}']
)
@pytest.mark.parametrize(("configured", "form"), [("array", gateway.FORM), ("envelope", gateway.ENVELOPE)])
def test_a_batch_of_the_gateway_takes_the_short_way_too(body: bytes, configured: str, form: object):
    """Ids without an action are a batch of the gateway, in the form the operator chose."""
    asked = by_id(body, Settings(gateway_batch=configured))
    assert asked is not None
    assert (list(asked.ids), asked.single, asked.form) == (["a", "b"], False, form)


def test_the_filters_of_a_batch():
    """Filters are understood; ids widen the page to hold all of them."""
    body = parse(
        requests.RetrieveBatchBody,
        b'{"action":"retrieve_batch","trace_ids":["t"],"user_id":"","created_at_min":1,"created_at_max":2.5,"offset":3}',
    )
    assert body.filter() == TaskFilter(trace_ids=("t",), created_min=1, created_max=2.5, offset=3)
    many = parse(requests.RetrieveBatchBody, json.dumps({"action": "retrieve_batch", "ids": ["x"] * 20}).encode())
    assert many.filter().limit == 20
