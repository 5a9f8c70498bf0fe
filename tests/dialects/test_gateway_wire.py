"""The gateway's wire format."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given

from filmgate.adapters.dialects.gateway import DIALECT, requests, responses
from filmgate.adapters.dialects.serving.codec import parse, rfc3339
from filmgate.domain.errors import Conflict, InvalidRequest, NotFound, PayloadTooLarge, TooManyRequests, Unauthorized
from filmgate.domain.generation import Generation, Reference, ReferenceKind
from filmgate.domain.states import State
from filmgate.domain.task import Task

from .examples import BASE, GRID, task, tasks

PUBLISHED = json.loads((Path(__file__).parents[1] / "fixtures/gateway_task_schema.json").read_text())
FILES = ("video", "video_raw", "thumbnail", "last_frame", "artifact")
NEVER_NULL = ("id", "state", "created_at", "request", "prompt", "batch_id", "user_id")


def written(of: Task) -> dict[str, Any]:
    """Return what a query answers."""
    return json.loads(responses.FORM.one(of, None, BASE))


def read(**body: Any) -> Generation:
    """Return what a submit asks for."""
    return parse(requests.CreateBody, json.dumps(body).encode()).generation()


@given(tasks())
def test_the_keys_are_the_same_in_every_state(some: Task):
    """Only a failed task has more keys: the reason, under both names."""
    extra = {"failure_reason", "fail_reason"} if some.state is State.FAILED else set()
    assert set(written(some)) == set(written(task(State.COMPLETED))) | extra


@given(tasks())
def test_files_are_objects_or_null(some: Task):
    """The files are null until the task is completed, never absent and never empty."""
    answer = written(some)
    for name in FILES:
        assert (answer[name] is not None) is (some.state is State.COMPLETED)
        assert answer[name] != {}


@given(tasks())
def test_what_is_never_null(some: Task):
    """Identity, state, time and request are there in every state."""
    answer = written(some)
    assert all(answer[name] is not None for name in NEVER_NULL)
    assert answer["state"] in ("pending", "processing", "completed", "failed")
    assert isinstance(answer["request"]["prompt"], str)
    assert isinstance(answer["request"]["aspect_ratio"], str)


@given(tasks(states=(State.COMPLETED,)))
def test_a_completed_task_keeps_the_published_schema(some: Task):
    """The schema that gateways publish holds for every completed task."""
    jsonschema.validate(written(some), PUBLISHED)


@given(tasks(states=(State.FAILED,)))
def test_a_failed_task_says_why(some: Task):
    """The reason is a text under both of its names."""
    answer = written(some)
    assert isinstance(answer["failure_reason"], str)
    assert answer["fail_reason"] == answer["failure_reason"]


def test_a_completed_task_has_its_facts():
    """Sizes, duration, palette, links and times are those of the files."""
    answer = written(task())
    assert answer["video"]["url"] == answer["video"]["download_url"] == answer["video_raw"]["url"]
    assert answer["video"]["url"].startswith(f"{BASE}/media/")
    assert (answer["video"]["width"], answer["video"]["height"]) == (1360, 752)
    assert answer["video_raw"]["duration"] == 5.041667
    assert answer["thumbnail"]["palette"] == {"grid": GRID}
    assert len(base64.b64decode(answer["thumbnail"]["palette"]["grid"])) == 75
    assert answer["last_frame"]["palette"] is None
    assert answer["artifact"]["created_at"] == rfc3339(task().finished_at or 0)
    for name in ("video", "video_raw", "thumbnail", "last_frame"):
        assert answer["artifact"][name] == answer[name]


def test_a_new_task_is_the_union_of_the_documented_replies():
    """The flat object comes with the envelope's fields on top."""
    new = task(State.PENDING)
    answer = responses.write_created(new, BASE, "trace")
    assert {**responses.task_object(new, BASE), **answer} == answer
    assert answer["request_id"] == "trace"
    assert answer["data"]["task_id"] == answer["id"]
    for name in ("video", "video_raw", "liked", "queue_state", "estimate_wait_seconds", "thumbnail", "last_frame"):
        assert answer[name] is None  # type: ignore[literal-required]


@given(tasks())
def test_a_batch_holds_what_single_queries_answer(some: Task):
    """Both forms of a batch hold the object of the single query."""
    plain = json.loads(responses.FORM.many([responses.FORM.one(some, None, BASE)] * 2))
    assert plain == [written(some)] * 2
    envelope = json.loads(responses.ENVELOPE.many([responses.ENVELOPE.one(some, None, BASE)]))
    assert (envelope["code"], envelope["message"]) == ("success", "")
    (item,) = envelope["data"]
    assert item["data"] == written(some)
    assert item["task_id"] == some.id
    assert json.loads(responses.SECOND.one(some, None, BASE)) == {"data": [written(some)]}


@pytest.mark.parametrize(
    ("state", "status", "progress"),
    [
        (State.PENDING, "QUEUED", "0%"),
        (State.PROCESSING, "IN_PROGRESS", "40%"),
        (State.COMPLETED, "SUCCESS", "100%"),
        (State.FAILED, "FAILURE", "100%"),
    ],
)
def test_the_envelope_has_words_of_its_own(state: State, status: str, progress: str):
    """An item's status, progress and times follow the state."""
    item = json.loads(responses.ENVELOPE.one(task(state), None, BASE))
    assert (item["status"], item["progress"]) == (status, progress)
    assert item["fail_reason"] == ("Frame moderation failed" if state is State.FAILED else "")
    assert (item["finish_time"] > 0) is (state in (State.COMPLETED, State.FAILED))
    assert (item["start_time"] > 0) is (state is not State.PENDING)
    assert isinstance(item["id"], int)
    assert item["id"] < 2**53


def test_the_form_of_a_batch_is_chosen():
    """The caller's choice goes before the operator's, and another word is refused."""
    assert responses.batch_form(None, "array") is responses.FORM
    assert responses.batch_form(None, "envelope") is responses.ENVELOPE
    assert responses.batch_form("array", "envelope") is responses.FORM
    for wrong in ("", "xml"):
        with pytest.raises(InvalidRequest):
            responses.batch_form(wrong, "array")


def test_defaults_of_a_submit():
    """A prompt alone is a video of 5 s in 16:9, at the size the provider chooses."""
    assert read(user_prompt="cat") == Generation("cat")


def test_everything_a_submit_can_say():
    """Every field is understood."""
    assert read(
        user_prompt="cat",
        expand_prompt=False,
        loop=True,
        aspect_ratio="9:16",
        image_url="https://example.com/a.png",
        image_end_url="data:image/png;base64,AAAA",
        model_name="ray-v2",
        resolution="1080p",
        duration="9s",
    ) == Generation(
        "cat",
        aspect_ratio="9:16",
        resolution="1080p",
        duration=9,
        loop=True,
        enhance=False,
        model="ray-v2",
        start=Reference(ReferenceKind.IMAGE, "https://example.com/a.png"),
        end=Reference(ReferenceKind.IMAGE, "data:image/png;base64,AAAA"),
    )


def test_null_and_empty_mean_absent():
    """Explicit nulls and empty strings change nothing."""
    names = [name for name in requests.CreateBody.model_fields if name != "user_prompt"]
    assert read(user_prompt="cat", **dict.fromkeys(names)) == Generation("cat")
    texts = [name for name in names if name not in ("expand_prompt", "loop")]
    assert read(user_prompt="cat", **dict.fromkeys(texts, "")) == Generation("cat")


def test_other_names_of_fields():
    """`prompt`, `model` and `callback_url` are other names; the gateway's own names win."""
    assert read(prompt="cat", model="ray-2") == Generation("cat", model="ray-2")
    assert read(prompt="dog", user_prompt="cat", model="a", model_name="b") == Generation("cat", model="b")
    body = parse(requests.CreateBody, b'{"prompt":"x","callback_url":"https://a.example/"}')
    assert body.hook == "https://a.example/"
    body = parse(requests.CreateBody, b'{"callback_url":"https://a.example/","notify_hook":"https://b.example/"}')
    assert body.hook == "https://b.example/"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "user_prompt"),
        ({"user_prompt": " "}, "user_prompt"),
        ({"user_prompt": "x" * 5_001}, "user_prompt"),
        ({"user_prompt": 5}, "user_prompt"),
        ({"user_prompt": "x", "aspect_ratio": "2:1"}, "aspect_ratio"),
        ({"user_prompt": "x", "aspect_ratio": 1}, "aspect_ratio"),
        ({"user_prompt": "x", "resolution": "8k"}, "resolution"),
        ({"user_prompt": "x", "duration": "11s"}, "duration"),
        ({"user_prompt": "x", "duration": True}, "duration"),
        ({"user_prompt": "x", "loop": "yes"}, "loop"),
        ({"user_prompt": "x", "image_url": ["https://example.com/"]}, "image_url"),
    ],
)
def test_what_a_submit_may_not_say(body: dict[str, Any], field: str):
    """A wrong field is named, and the published schema refuses what is refused."""
    with pytest.raises(InvalidRequest) as caught:
        read(**body)
    assert caught.value.field == field


def test_an_image_needs_no_prompt():
    """A picture to start from is enough."""
    assert read(image_url="https://example.com/a.png").prompt == ""


def test_an_extension_keeps_the_size_and_model():
    """What is extended decides over size and model; the extension starts from it."""
    source = task(generation=Generation("cat", aspect_ratio="9:16", resolution="540p", model="ray-v2", loop=True))
    body = parse(requests.ExtendBody, b'{"user_prompt":"and then","image_end_url":"https://example.com/b.png"}')
    assert requests.extension(body, source) == Generation(
        "and then",
        aspect_ratio="9:16",
        resolution="540p",
        model="ray-v2",
        start=Reference(ReferenceKind.TASK, source.id),
        end=Reference(ReferenceKind.IMAGE, "https://example.com/b.png"),
    )
    with pytest.raises(InvalidRequest, match="user_prompt is required"):
        requests.extension(parse(requests.ExtendBody, b"{}"), source)
    with pytest.raises(Conflict, match="only a completed one"):
        requests.extension(body, task(State.PROCESSING))


def test_an_error_can_be_read_by_both_kinds_of_clients():
    """An error has `error.message` and `detail.reason`, and its trace id."""
    answer = json.loads(responses.write_error(NotFound(), "trace"))
    assert answer == {
        "error": {"code": "not_found", "message": "No such task.", "type": "not_found_error"},
        "detail": {"reason": "No such task.", "code": 1},
        "trace_id": "trace",
    }
    types = {
        json.loads(responses.write_error(error, "t"))["error"]["type"]
        for error in (Unauthorized(), TooManyRequests(), PayloadTooLarge())
    }
    assert types == {"authentication_error", "rate_limit_error", "invalid_request_error"}


@given(tasks())
def test_a_webhook_gets_what_a_query_answers(some: Task):
    """The payload is the object of the single query."""
    assert DIALECT.webhook.one(some, None, BASE) == responses.FORM.one(some, None, BASE)


def test_uploads_are_pictures_unless_they_say_otherwise():
    """Only a data URI of a video is taken for one."""
    assert requests.upload_kind("data:video/mp4;base64,AAAA") is ReferenceKind.VIDEO
    assert requests.upload_kind("DATA:image/png;base64,AAAA") is ReferenceKind.IMAGE
    assert requests.upload_kind("https://example.com/a.mp4") is ReferenceKind.IMAGE
