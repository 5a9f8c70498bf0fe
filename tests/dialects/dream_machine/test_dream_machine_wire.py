"""The wire format of Dream Machine v1."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lumaai.types import Generation as SdkGeneration
from pydantic import TypeAdapter

from filmgate.adapters.dialects.dream_machine import DIALECT, responses
from filmgate.adapters.dialects.dream_machine.requests import bodies, vocabulary
from filmgate.adapters.dialects.dream_machine.responses import DreamMachineGeneration
from filmgate.adapters.dialects.serving.codec import parse
from filmgate.adapters.dialects.serving.openapi import schema_of
from filmgate.domain.errors import InvalidRequest, NotFound
from filmgate.domain.failures import Failure
from filmgate.domain.generation import (
    Generation,
    Guide,
    GuideRole,
    ImageFormat,
    Kind,
    Operation,
    Reference,
    ReferenceKind,
)
from filmgate.domain.media import Facts, Media, Output, Role
from filmgate.domain.sizes import ASPECT_RATIOS
from filmgate.domain.states import State
from filmgate.domain.task import Task
from filmgate.ports.tasks import RawRequest

from ..examples import BASE, output, task, tasks

PUBLISHED = TypeAdapter(DreamMachineGeneration).json_schema()
CAPTURED = json.loads((Path(__file__).parents[2] / "fixtures/dream_machine_requests.json").read_text())["requests"]
BODIES: dict[str, Any] = {
    "/generations/video": bodies.VideoBody,
    "/generations/image": bodies.ImageBody,
    "/generations/video/modify": bodies.ModifyBody,
    "/generations/video/reframe": bodies.ReframeVideoBody,
    "/generations/image/reframe": bodies.ReframeImageBody,
    "/generations/{id}/upscale": bodies.UpscaleBody,
    "/generations/{id}/audio": bodies.AudioBody,
}

_images = st.builds(
    Reference, st.just(ReferenceKind.IMAGE), st.sampled_from(["https://example.com/a.jpg", "media:" + "t" * 22])
)
_videos = st.builds(Reference, st.just(ReferenceKind.VIDEO), st.just("https://example.com/a.mp4"))
_earlier = st.builds(Reference, st.just(ReferenceKind.TASK), st.uuids().map(str))
_guides = st.lists(
    st.builds(
        Guide,
        st.sampled_from(GuideRole),
        st.sampled_from(["https://example.com/g.png", "media:" + "g" * 22]),
        st.one_of(st.none(), st.floats(0, 1)),
    ),
    max_size=6,
).map(tuple)


@st.composite
def generations(draw: st.DrawFn) -> Generation:
    """Draw any generation that any dialect can ask for."""
    kind = draw(st.sampled_from(Kind))
    named = draw(st.sampled_from([None, Operation.REFRAME]))
    if kind is Kind.VIDEO:
        named = draw(st.sampled_from([None, *list(Operation)[4:]]))
    by_name = {
        None: st.one_of(st.none(), _images, _earlier, _videos),
        Operation.UPSCALE: _earlier,
        Operation.ADD_AUDIO: _earlier,
        Operation.MODIFY: _videos,
        Operation.REFRAME: _images if kind is Kind.IMAGE else _videos,
    }
    return Generation(
        prompt=draw(st.text(st.characters(exclude_categories=["Cs"]), max_size=20)),
        aspect_ratio=draw(st.sampled_from(ASPECT_RATIOS)),
        resolution=draw(st.sampled_from([None, "540p", "4k"])),
        duration=draw(st.integers(1, 10)),
        loop=draw(st.booleans()),
        model=draw(st.sampled_from([None, "ray-2", "ray-v2", "studio", "photon-1", "photon-flash-1", ""])),
        start=draw(by_name[named]),
        end=draw(st.one_of(st.none(), _images, _earlier, _videos)) if named is None else None,
        kind=kind,
        named=named,
        concepts=tuple(draw(st.lists(st.sampled_from(["zoom_in", "other"]), max_size=2))),
        guides=draw(_guides),
        image_format=draw(st.sampled_from(ImageFormat)),
        unsupported=draw(st.sampled_from([None, "This cannot be made."])),
    )


@st.composite
def any_tasks(draw: st.DrawFn) -> Task:
    """Draw a task in any state, of any kind and dialect."""
    some, generation = draw(tasks()), draw(generations())
    changes: dict[str, Any] = {
        "generation": generation,
        "callback_url": draw(st.sampled_from([None, "https://example.com/cb"])),
        "dialect": draw(st.sampled_from(["gateway", "native", vocabulary.NAME])),
    }
    if some.state is State.COMPLETED and generation.kind is Kind.IMAGE:
        thumbnail = output().thumbnail
        file = Media("i" * 22, Role.IMAGE, "image.jpg", "task/image.jpg", 9, "0" * 64, Facts("image/jpeg", 8, 8))
        changes["output"] = Output(thumbnail=thumbnail, image=file)
    return msgspec.structs.replace(some, **changes)


def written(of: Task, echo: RawRequest | None = None) -> dict[str, Any]:
    """Return what a query answers."""
    return json.loads(responses.FORM.one(of, echo, BASE))


def read(path: str, **body: Any) -> Generation:
    """Return what a submit asks for."""
    return parse(BODIES[path], json.dumps(body).encode()).generation()  # type: ignore[no-any-return]


@given(any_tasks())
def test_every_generation_keeps_the_schema_and_the_sdks_types(some: Task):
    """Whatever the task and its dialect, the answer is what is published, and what the SDK reads without a doubt."""
    answer = written(some)
    jsonschema.validate(answer, PUBLISHED)
    assert set(answer) == set(DreamMachineGeneration.__annotations__)
    seen = SdkGeneration.model_validate(answer)
    assert type(seen.request).__name__.startswith("Request")
    assert (seen.state, seen.generation_type) == (answer["state"], some.generation.kind)


@given(any_tasks())
def test_what_is_null_when(some: Task):
    """The assets come with the completed state, the reason with the failed one, and nothing else is ever null."""
    answer = written(some)
    assert (answer["assets"] is not None) is (some.state is State.COMPLETED)
    assert (answer["failure_reason"] is not None) is (some.state is State.FAILED)
    assert answer["failure_reason"] != ""
    for name in ("id", "generation_type", "state", "created_at", "model", "request"):
        assert answer[name]
    assert all(value is not None for value in answer["request"].values())
    if answer["assets"]:
        assert (answer["assets"]["video"] is None) is (some.generation.kind is Kind.IMAGE)
        assert answer["assets"]["image"].startswith(f"{BASE}/media/")
        assert answer["assets"]["progress_video"] is None


@given(any_tasks(), st.dictionaries(st.text(max_size=5), st.one_of(st.none(), st.integers(), st.text())))
def test_a_body_is_shown_as_it_was_sent(some: Task, sent: dict[str, Any]):
    """What was sent comes back; type, model and prompt are added only where nothing was said."""
    shown = written(some, RawRequest(vocabulary.NAME, json.dumps(sent).encode()))["request"]
    added = {"generation_type", "model", "prompt"}
    assert set(shown) == set(sent) | added
    assert {name: value for name, value in shown.items() if name in sent and name not in added} == {
        name: value for name, value in sent.items() if name not in added
    }
    assert all(shown[name] is not None for name in added)


@pytest.mark.parametrize(
    ("state", "word"), list(zip(State, ["queued", "dreaming", "completed", "failed"], strict=True))
)
def test_the_states_have_words_of_their_own(state: State, word: str):
    """Only the four words of this API are used."""
    assert written(task(state))["state"] == word


def test_the_files_of_a_completed_task():
    """A video comes with its thumbnail."""
    answer = written(task())
    files = output()
    assert answer["assets"] == {
        "video": BASE + str(files.video and files.video.path),
        "image": BASE + files.thumbnail.path,
        "progress_video": None,
    }
    assert answer["created_at"] == "2024-08-31T04:10:11.961000Z"


def test_a_failure_without_words():
    """The reason is always a sentence."""
    assert written(task(State.FAILED, failure=Failure("x", "")))["failure_reason"] == "The generation failed."


@pytest.mark.parametrize(
    "asked",
    [
        Generation("abc", model="ray-2"),
        Generation("abc", model="ray-flash-2", aspect_ratio="9:21", resolution="4k", duration=9, loop=True),
        Generation("abc", model="ray-2", concepts=("zoom_in", "x"), start=Reference(ReferenceKind.TASK, "t")),
        Generation(
            "",
            model="ray-2",
            start=Reference(ReferenceKind.IMAGE, "https://example.com/a"),
            end=Reference(ReferenceKind.TASK, "t"),
        ),
        Generation(
            "abc",
            model="photon-flash-1",
            kind=Kind.IMAGE,
            image_format=ImageFormat.PNG,
            guides=(
                Guide(GuideRole.IMAGE, "https://example.com/1", 0.5),
                Guide(GuideRole.STYLE, "https://example.com/2"),
                Guide(GuideRole.CHARACTER, "https://example.com/3"),
                Guide(GuideRole.MODIFY, "https://example.com/4", 1.0),
            ),
        ),
        Generation(
            "abc",
            model="ray-2",
            named=Operation.MODIFY,
            start=Reference(ReferenceKind.VIDEO, "https://example.com/v"),
            guides=(Guide(GuideRole.FIRST_FRAME, "https://example.com/f"),),
        ),
        Generation(
            "",
            model="ray-2",
            aspect_ratio="1:1",
            named=Operation.REFRAME,
            start=Reference(ReferenceKind.VIDEO, "https://example.com/v"),
        ),
        Generation(
            "",
            model="photon-1",
            kind=Kind.IMAGE,
            aspect_ratio="1:1",
            named=Operation.REFRAME,
            start=Reference(ReferenceKind.IMAGE, "https://example.com/v"),
        ),
    ],
)
def test_a_request_that_is_made_up_asks_for_the_same(asked: Generation):
    """The request of another dialect's task, sent here, is the same generation."""
    request = written(task(generation=asked))["request"]
    path = {
        "video": "/generations/video",
        "image": "/generations/image",
        "modify_video": "/generations/video/modify",
        "reframe_video": "/generations/video/reframe",
        "reframe_image": "/generations/image/reframe",
    }[request["generation_type"]]
    assert read(path, **request) == asked


def test_a_file_of_our_own_keeps_its_name():
    """A link is found again in the body that was sent; without one it has the name of an upload."""
    token = "t" * 22
    start = Reference(ReferenceKind.IMAGE, f"media:{token}")
    some = task(generation=Generation("abc", start=start))
    sent = RawRequest("gateway", json.dumps({"image_url": f"{BASE}/media/{token}/last_frame.jpg"}).encode())
    for echo, name in ((None, "input.png"), (sent, "last_frame.jpg")):
        frame = written(some, echo)["request"]["keyframes"]["frame0"]
        assert frame == {"type": "image", "url": f"{BASE}/media/{token}/{name}"}


def test_the_published_bodies_allow_what_the_sdk_sends():
    """Every captured body keeps the schema of its path."""
    for captured in CAPTURED:
        if captured["body"] is None:
            continue
        path = captured["path"].removeprefix("/dream-machine/v1")
        text = json.dumps(captured["body"]).replace("{files}", "https://example.com").replace("{id}", "x")
        jsonschema.validate(json.loads(text), schema_of(BODIES[path]))


def test_how_long_an_image_is_waited_for():
    """A client's own clock of the same length must not run out first; there is an end to patience."""
    for body, seconds in (
        ({}, 0),
        ({"sync": False, "sync_timeout": 9}, 0),
        ({"sync": True}, 59),
        ({"sync": True, "sync_timeout": 5}, 5),
        ({"sync": True, "sync_timeout": 60}, 59),
        ({"sync": True, "sync_timeout": 1e9}, 299),
        ({"sync": True, "sync_timeout": -1}, 0),
    ):
        assert parse(bodies.ImageBody, json.dumps({"prompt": "abc", **body}).encode()).patience == seconds


def test_what_is_left_out():
    """A body of three letters is a video of 5 s, or an image; which model makes it, the service decides."""
    assert read("/generations/video", prompt="abc") == Generation("abc")
    assert read("/generations/image", prompt="abc") == Generation("abc", kind=Kind.IMAGE)
    nothing = dict.fromkeys(bodies.VideoBody.model_fields)
    assert read("/generations/video", **nothing | {"prompt": "abc"}) == Generation("abc")
    assert read("/generations/video", prompt="abc", duration="", resolution="") == Generation("abc")
    assert read("/generations/video", prompt="abc", resolution="4K").resolution == "4k"
    assert read("/generations/image", image_ref=[{"weight": 1}], prompt="abc").guides == ()
    with pytest.raises(InvalidRequest, match="Prompt is required"):
        read("/generations/image", image_ref=[{"weight": 1}])


def test_an_error():
    """`detail` is the sentence, in this API's own words for a task that is not there."""
    assert json.loads(responses.write_error(NotFound(), "trace")) == {
        "detail": "Generation not found",
        "code": "not_found",
        "trace_id": "trace",
    }
    wrong = json.loads(responses.write_error(InvalidRequest("No.", field="loop"), "trace"))
    assert wrong == {"detail": "No.", "code": "bad_request", "trace_id": "trace", "field": "loop"}


@given(any_tasks())
def test_a_callback_brings_what_a_query_answers(some: Task):
    """The payload is the object of the query; the service gives it the body that was sent, too."""
    assert DIALECT.webhook.one(some, None, BASE) == responses.FORM.one(some, None, BASE)
    assert DIALECT.webhook is responses.FORM


def test_pictures_by_the_names_of_the_ai_sdk():
    """It leaves `_ref` out of each name; pictures under both names are all used, of one picture there is one name."""
    url = "https://example.com/{}".format
    one, two = [{"url": url("a"), "weight": 0.5}], [{"url": url("b"), "weight": 0.5}]
    faces = {"identity0": {"images": [url("a")]}}
    for name, value in {"image": one, "style": one, "character": faces, "modify_image": one[0]}.items():
        assert read("/generations/image", prompt="abc", **{name: value}) == read(
            "/generations/image", prompt="abc", **{f"{name}_ref": value}
        )
        assert read("/generations/image", **{name: value}).guides
    both = read("/generations/image", image_ref=one, image=two, character_ref=faces, character=faces)
    assert [guide.url for guide in both.guides] == [url("a"), url("b"), url("a"), url("a")]
    with pytest.raises(InvalidRequest, match="another name"):
        read("/generations/image", modify_image_ref=one[0], modify_image=two[0])
