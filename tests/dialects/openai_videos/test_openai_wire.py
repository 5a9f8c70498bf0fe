"""The wire format of the OpenAI videos API."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from filmgate.adapters.dialects.openai_videos import DIALECT, requests, responses
from filmgate.adapters.dialects.serving.codec import parse
from filmgate.domain.errors import FilmgateError, InvalidRequest, NotFound, TooManyRequests, Unauthorized
from filmgate.domain.generation import Generation, Kind, Operation, Reference, ReferenceKind
from filmgate.domain.media import Facts, Media, Output, Role
from filmgate.domain.states import State
from filmgate.domain.task import Task
from filmgate.ports.tasks import Page, TaskFilter

from ..examples import BASE, output, task, tasks

PUBLISHED = json.loads((Path(__file__).parents[2] / "fixtures/openai_video_schema.json").read_text())
PICTURE = "https://example.com/a.png"
PAINTED = task(
    generation=Generation("a cat", kind=Kind.IMAGE, aspect_ratio="1:1"),
    output=Output(
        thumbnail=output().thumbnail,
        image=Media("i" * 22, Role.IMAGE, "image.jpg", "task/image.jpg", 9, "0" * 64, Facts("image/jpeg", 1024, 1024)),
    ),
)


def written(of: Task) -> dict[str, Any]:
    """Return what a query answers."""
    return json.loads(responses.FORM.one(of, None, BASE))


def read(**body: Any) -> Generation:
    """Return what a submit asks for."""
    return parse(requests.CreateBody, json.dumps({"prompt": "cat", **body}).encode()).generation()


@given(tasks(), st.sampled_from(Kind), st.sampled_from([None, *Operation]))
def test_every_task_keeps_the_published_schema(some: Task, kind: Kind, named: Operation | None):
    """Whatever was asked for in whatever dialect, the schema holds in every state, with the same keys."""
    generation = msgspec.structs.replace(some.generation, kind=kind, named=named)
    answer = written(msgspec.structs.replace(some, generation=generation))
    jsonschema.validate(answer, PUBLISHED)
    assert set(answer) == set(PUBLISHED["required"])


@given(tasks())
def test_what_is_null_follows_from_the_state(some: Task):
    """An error is there if it failed, an end if it was completed, and nothing expires."""
    answer = written(some)
    assert (answer["error"] is not None) is (some.state is State.FAILED)
    assert (answer["completed_at"] is not None) is (some.state is State.COMPLETED)
    assert answer["expires_at"] is None
    assert answer["status"] in ("queued", "in_progress", "completed", "failed")


def test_a_completed_video_has_its_facts():
    """Size, length and times are those of the file."""
    assert written(task(generation=Generation("cat dance", duration=9, model="sora-2"))) == {
        "id": "01a20065-9a7a-7389-97f5-73ecdba1d376",
        "object": "video",
        "model": "sora-2",
        "status": "completed",
        "progress": 100,
        "created_at": 1_725_077_411,
        "completed_at": 1_725_077_566,
        "expires_at": None,
        "error": None,
        "prompt": "cat dance",
        "remixed_from_video_id": None,
        "seconds": "5",
        "size": "1360x752",
    }


def test_an_unfinished_video_has_what_it_is_made_in():
    """Before there is a file, size and length are those that it will have; without a model the engine is named."""
    answer = written(task(State.PROCESSING, generation=Generation("x", "9:16", "720p", 8)))
    assert (answer["size"], answer["seconds"], answer["progress"]) == ("720x1280", "8", 40)
    assert (answer["model"], answer["status"]) == ("studio", "in_progress")


def test_a_failed_video_says_why():
    """Code and sentence are those of the failure."""
    assert written(task(State.FAILED))["error"] == {"code": "moderated", "message": "Frame moderation failed"}


def test_a_picture_takes_no_time():
    """A task of another dialect that made a picture has the size of that, and no seconds."""
    answer = written(PAINTED)
    assert (answer["size"], answer["seconds"], answer["status"]) == ("1024x1024", "0", "completed")


def test_a_remix_says_what_of():
    """Only what was made out of an earlier video by its id has one."""
    earlier, address = Reference(ReferenceKind.TASK, "earlier"), Reference(ReferenceKind.VIDEO, "https://example.com/")
    for generation, of in (
        (Generation("x", start=earlier, named=Operation.MODIFY), "earlier"),
        (Generation("x", start=earlier), None),
        (Generation("x", start=address, named=Operation.MODIFY), None),
        (Generation("x", named=Operation.MODIFY), None),
    ):
        assert written(task(generation=generation))["remixed_from_video_id"] == of


def test_defaults_of_a_submit():
    """A prompt alone is an upright video of 4 s, as the API documents."""
    expected = Generation("cat", aspect_ratio="9:16", resolution="720p", duration=4)
    assert read() == expected
    assert read(seconds=None, size=None, input_reference=None, model=None) == expected
    assert read(seconds="", size="", input_reference="", model="") == expected


@pytest.mark.parametrize(
    ("seconds", "made"), [("4", 4), ("8", 8), ("12", 10), ("20", 10), (1, 1), (5.0, 5), ("999", 10)]
)
def test_more_seconds_than_can_be_made_are_cut(seconds: str | float, made: int):
    """Any whole number is understood; what is reported is what is made."""
    generation = read(seconds=seconds)
    assert generation.duration == made
    assert written(task(State.PENDING, generation=generation))["seconds"] == str(made)


@pytest.mark.parametrize(
    ("size", "made"),
    [
        ("1280x720", "1280x720"),
        ("720x1280", "720x1280"),
        ("1792x1024", "1920x1080"),
        ("1024x1792", "1080x1920"),
        ("1360x752", "1360x752"),
        ("1x1", "720x720"),
    ],
)
def test_sizes_are_made_as_near_as_can_be(size: str, made: str):
    """What is reported is the size that is made."""
    assert written(task(State.PENDING, generation=read(size=size)))["size"] == made


def test_a_picture_to_start_from():
    """A reference is an address, bare or in its object."""
    for value in (PICTURE, {"image_url": PICTURE}):
        assert read(input_reference=value).start == Reference(ReferenceKind.IMAGE, PICTURE)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"prompt": None}, "prompt"),
        ({"prompt": " "}, "prompt"),
        ({"prompt": "x" * 5_001}, "prompt"),
        ({"seconds": "0"}, "seconds"),
        ({"seconds": "4s"}, "seconds"),
        ({"seconds": 4.5}, "seconds"),
        ({"seconds": True}, "seconds"),
        ({"seconds": "1000"}, "seconds"),
        ({"size": "large"}, "size"),
        ({"size": "0x720"}, "size"),
        ({"size": "1280x720x1"}, "size"),
        ({"size": "123456x720"}, "size"),
        ({"size": 5}, "size"),
        ({"input_reference": {"file_id": "x"}}, "input_reference"),
        ({"input_reference": {"image_url": 5}}, "input_reference"),
    ],
)
def test_what_a_submit_may_not_say(body: dict[str, Any], field: str):
    """A wrong field is named."""
    with pytest.raises(InvalidRequest) as caught:
        read(**body)
    assert caught.value.field == field


def test_edits_and_extensions_keep_what_is_not_asked_for():
    """Size, length and model are those of the source; an extension is as long as it says."""
    source = task(generation=Generation("x", "1:1", "540p", 9, model="ray-v2", loop=True))
    edit = parse(requests.SourceBody, b'{"prompt":"blue","video":{"id":"x"}}')
    assert edit.source_id == "x"
    basis = Generation("blue", "1:1", "540p", 9, model="ray-v2", start=Reference(ReferenceKind.TASK, source.id))
    assert edit.to_edit(source) == msgspec.structs.replace(basis, named=Operation.MODIFY)
    extend = parse(requests.ExtendBody, b'{"prompt":"blue","seconds":"12","video":{"id":"x"},"model":"other"}')
    assert extend.to_extension(source) == msgspec.structs.replace(basis, duration=10, model="other")
    sent = parse(requests.ExtendBody, b'{"prompt":"blue","video":{"url":"data:video/mp4;base64,AAAA"}}')
    assert sent.source_id is None
    generation = sent.to_extension(None)
    assert (generation.operation, generation.duration) == (Operation.EXTEND, 4)
    for body in (b'{"prompt":"x"}', b'{"prompt":"x","video":{}}', b'{"prompt":"x","video":{"id":""}}'):
        with pytest.raises(InvalidRequest, match="video"):
            _ = parse(requests.SourceBody, body).source_id


def test_the_content_of_a_task():
    """It is the clip or the picture; a thumbnail on request; nothing before the end."""
    clip = task()
    assert clip.output is not None
    assert PAINTED.output is not None
    for variant in (None, "", "video"):
        assert responses.choose_content(clip, variant) == clip.output.video
        assert responses.choose_content(PAINTED, variant) == PAINTED.output.image
    assert responses.choose_content(clip, "thumbnail") == clip.output.thumbnail
    for state, word in ((State.PENDING, "queued"), (State.PROCESSING, "in_progress"), (State.FAILED, "failed")):
        with pytest.raises(NotFound, match=word):
            responses.choose_content(task(state), None)
    for variant in ("spritesheet", "film"):
        with pytest.raises(InvalidRequest):
            responses.choose_content(clip, variant)


def test_what_is_listed():
    """Twenty of the newest by default; behind a task, from its place in the order."""
    assert requests.parse_listing(None, None, None) == TaskFilter(limit=20)
    last = task()
    assert requests.parse_listing("5", "asc", last) == TaskFilter(
        newest=False, limit=5, after=(last.created_at, last.id)
    )
    for limit, order in (("0", None), ("101", None), ("x", None), ("-1", None), ("", None), (None, "up")):
        with pytest.raises(InvalidRequest):
            requests.parse_listing(limit, order, None)


def test_a_page_names_its_ends():
    """The last id is where the next page goes on; an empty page has none."""
    one, other = task(id="a"), task(id="b")
    answer = json.loads(responses.write_page(Page([one, other], more=True), responses.FORM.many([b"1", b"2"])))
    assert answer == {"object": "list", "data": [1, 2], "first_id": "a", "last_id": "b", "has_more": True}
    empty = json.loads(responses.write_page(Page([]), responses.FORM.many([])))
    assert empty == {"object": "list", "data": [], "first_id": None, "last_id": None, "has_more": False}


@pytest.mark.parametrize(
    ("error", "kind", "code"),
    [
        (InvalidRequest("x", field="size"), "invalid_request_error", "bad_request"),
        (Unauthorized(), "invalid_request_error", "invalid_api_key"),
        (NotFound(), "invalid_request_error", "not_found"),
        (TooManyRequests(), "rate_limit_error", "rate_limit_exceeded"),
        (FilmgateError(), "server_error", "api_error"),
    ],
)
def test_an_error_says_what_is_wrong(error: FilmgateError, kind: str, code: str):
    """Message, type, parameter and code stand where clients look for them."""
    answer = json.loads(responses.write_error(error, "trace"))
    assert answer == {"error": {"message": error.message, "type": kind, "param": error.field, "code": code}}


@given(tasks())
def test_a_payload_is_an_event_that_names_the_video(some: Task):
    """What is posted is OpenAI's event of the end; it has one id, whenever it is written."""
    event = json.loads(DIALECT.webhook.one(some, None, BASE))
    assert event == json.loads(DIALECT.webhook.one(some, None, BASE))
    assert event["type"] == ("video.completed" if some.state is State.COMPLETED else "video.failed")
    assert (event["object"], event["data"], event["id"][:4]) == ("event", {"id": some.id}, "evt_")
    assert event["created_at"] == int(some.finished_at or some.updated_at)
