"""The wire format of the Agents API."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from filmgate.adapters.dialects.agents import DIALECT, responses
from filmgate.adapters.dialects.agents.requests import files, vocabulary
from filmgate.adapters.dialects.agents.requests.bodies import GenerationBody, echo
from filmgate.adapters.dialects.serving.codec import parse
from filmgate.domain.errors import InvalidRequest, NotFound
from filmgate.domain.failures import Failure, FailureCode
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
from filmgate.domain.sizes import ASPECT_RATIOS, RESOLUTIONS
from filmgate.domain.states import State
from filmgate.domain.task import Task
from filmgate.ports.media import StoredMedia
from filmgate.ports.tasks import RawRequest

from ..examples import BASE, task, tasks

PUBLISHED = json.loads((Path(__file__).parents[2] / "fixtures/agents_generation_schema.json").read_text())
PICTURE = "https://example.com/a.png"
PAINTED = task(
    id="01a20065-9a7a-7389-97f5-73ecdba1d377",
    generation=Generation("a cat", kind=Kind.IMAGE),
    output=Output(
        thumbnail=task().output.thumbnail,  # type: ignore[union-attr]
        image=Media("i" * 22, Role.IMAGE, "image.jpg", "task/image.jpg", 9, "0" * 64, Facts("image/jpeg", 1360, 752)),
    ),
)

kinds = st.sampled_from(Kind)
names = st.sampled_from([None, *Operation])


def written(of: Task, body: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return what a query answers, after this submit."""
    sent = None if body is None else RawRequest(vocabulary.NAME, json.dumps(body).encode())
    return json.loads(responses.FORM.one(of, sent, BASE))


def read(found: dict[str, Task | StoredMedia] | None = None, **body: Any) -> Generation:
    """Return what a submit asks for."""
    return parse(GenerationBody, json.dumps({"prompt": "cat", **body}).encode()).generation(found or {}, BASE)


def upload(media_type: str = "image/png") -> StoredMedia:
    """Return a file that was uploaded."""
    name = "input.mp4" if media_type.startswith("video/") else "input.png"
    file = Media("u" * 22, Role.INPUT, name, "uploads/x", 9, "0" * 64, Facts(media_type, 64, 36))
    return StoredMedia(file, "application", None, 1_725_077_411.5)


@given(tasks(), kinds, names)
def test_every_task_keeps_the_published_schema(some: Task, kind: Kind, named: Operation | None):
    """Whatever was asked for in whatever dialect, the schema holds in every state, with the same keys."""
    generation = msgspec.structs.replace(some.generation, kind=kind, named=named)
    answer = written(msgspec.structs.replace(some, generation=generation))
    jsonschema.validate(answer, PUBLISHED)
    assert set(answer) == set(written(task()))


@given(tasks())
def test_what_is_null_follows_from_the_state(some: Task):
    """A failure is there if it failed, and a file only if it was completed."""
    answer = written(some)
    for name in ("failure_code", "failure_reason"):
        assert (answer[name] is not None) is (some.state is State.FAILED)
    assert bool(answer["output"]) is (some.state is State.COMPLETED)


def test_files_of_clips_and_pictures():
    """Each kind of task has its one file."""
    assert written(task())["output"] == [{"type": "video", "url": f"{BASE}/media/{'video'.ljust(22, '0')}/video.mp4"}]
    assert written(PAINTED)["output"] == [{"type": "image", "url": f"{BASE}/media/{'i' * 22}/image.jpg"}]


@pytest.mark.parametrize(
    ("generation", "kind", "model"),
    [
        (Generation("x"), "video", "ray-3.2"),
        (Generation("x", model="ray-v2"), "video", "ray-3.2"),
        (Generation("x", model="uni-1-max", kind=Kind.IMAGE), "image", "uni-1-max"),
        (Generation("x", named=Operation.MODIFY), "video_edit", "ray-3.2"),
        (Generation("x", named=Operation.REFRAME), "video_reframe", "ray-3.2"),
        (Generation("x", named=Operation.UPSCALE), "video", "ray-3.2"),
        (Generation("x", kind=Kind.IMAGE), "image", "uni-1"),
        (Generation("x", kind=Kind.IMAGE, named=Operation.REFRAME), "image_edit", "uni-1"),
        (Generation("x", kind=Kind.IMAGE, guides=(Guide(GuideRole.MODIFY, "u"),)), "image_edit", "uni-1"),
        (Generation("x", kind=Kind.IMAGE, guides=(Guide(GuideRole.STYLE, "u"),)), "image", "uni-1"),
    ],
)
def test_tasks_of_other_dialects_have_a_type_and_a_model(generation: Generation, kind: str, model: str):
    """What this API has no word for is told by what is made of what."""
    answer = written(task(generation=generation))
    assert (answer["type"], answer["model"]) == (kind, model)
    foreign = responses.FORM.one(task(generation=generation), RawRequest("native", b'{"type":"layering"}'), BASE)
    assert json.loads(foreign)["type"] == kind


def test_the_type_is_the_one_that_was_asked_for():
    """The body of the submit says what cannot be seen otherwise."""
    assert written(task(), {"type": "layering", "prompt": "x"})["type"] == "layering"


@pytest.mark.parametrize(
    ("code", "word"),
    [
        *((code, None) for code in FailureCode),
        ("moderated", "content_moderated"),
        ("content_moderated", "content_moderated"),
        ("rate_limited", "rate_limited"),
        ("something of an engine", "generation_failed"),
    ],
)
def test_failures_have_words_of_this_api(code: str, word: str | None):
    """Every code is one of the published ones, with the reason in full."""
    answer = written(task(State.FAILED, failure=Failure(code, "Why.")))
    jsonschema.validate(answer, PUBLISHED)
    assert answer["failure_reason"] == "Why."
    assert word is None or answer["failure_code"] == word


def test_defaults_of_a_submit():
    """A prompt alone is a picture; with the video model, or options of a clip, it is a clip."""
    assert read() == Generation("cat", kind=Kind.IMAGE)
    assert read(model="ray-3.2") == Generation("cat", model="ray-3.2")
    assert read(video={}) == Generation("cat")
    assert read(type="video", video=None, source=None, aspect_ratio=None, model=None) == Generation("cat")


def test_everything_a_clip_can_say():
    """Every field is understood."""
    assert read(
        type="video",
        model="ray-3.2",
        aspect_ratio="9:16",
        image_ref=[{"url": PICTURE}],
        user_id="somebody",
        web_search=True,
        video={
            "duration": "10s",
            "resolution": "1080p",
            "loop": True,
            "hdr": False,
            "start_frame": {"url": PICTURE, "media_type": "image/png"},
            "end_frame": {"data": "AAAA", "media_type": "image/jpeg"},
        },
    ) == Generation(
        "cat",
        aspect_ratio="9:16",
        resolution="1080p",
        duration=10,
        loop=True,
        model="ray-3.2",
        start=Reference(ReferenceKind.IMAGE, PICTURE),
        end=Reference(ReferenceKind.IMAGE, "data:image/jpeg;base64,AAAA"),
        guides=(Guide(GuideRole.IMAGE, PICTURE),),
    )


def test_everything_a_picture_can_say():
    """An edit works on its source, whatever else guides it."""
    guide = Guide(GuideRole.IMAGE, "https://example.com/b.png")
    assert read(type="image", image_ref=[{"url": guide.url}], output_format="png", aspect_ratio="1:1") == Generation(
        "cat", aspect_ratio="1:1", kind=Kind.IMAGE, guides=(guide,), image_format=ImageFormat.PNG
    )
    edited = read(type="image_edit", source={"url": PICTURE}, image_ref=[{"url": guide.url}])
    assert edited == Generation("cat", kind=Kind.IMAGE, guides=(Guide(GuideRole.MODIFY, PICTURE), guide))


def test_keyframes_at_the_ends_are_start_and_end():
    """Guide frames are understood where they are the first and the last one."""
    first, last = {"url": PICTURE}, {"url": "https://example.com/b.png"}
    start, end = (Reference(ReferenceKind.IMAGE, frame["url"]) for frame in (first, last))
    assert read(type="video", video={"keyframes": [first]}) == Generation("cat", start=start)
    both = read(type="video", video={"keyframes": [last, first], "keyframe_indexes": [120, 0]})
    assert both == Generation("cat", start=start, end=end)
    long = {"duration": "10s", "keyframes": [last], "keyframe_indexes": [240]}
    assert read(type="video", video=long) == Generation("cat", duration=10, end=end)


def test_earlier_generations_and_files():
    """A clip is extended or edited as a task, a picture and a file by its link."""
    clip, picture, film = task(), PAINTED, upload("video/mp4")
    found = {clip.id: clip, picture.id: picture, "file": film, "image": upload()}
    by_task = Reference(ReferenceKind.TASK, clip.id)
    by_link = Reference(ReferenceKind.VIDEO, f"{BASE}{film.media.path}")
    extended = read(found, type="video", video={"start_frame": {"generation_id": clip.id}})
    assert (extended.start, extended.operation) == (by_task, Operation.EXTEND)
    started = read(found, type="video", video={"start_frame": {"generation_id": picture.id}})
    assert started.start == Reference(ReferenceKind.IMAGE, f"{BASE}/media/{'i' * 22}/image.jpg")
    from_file = read(found, type="video", video={"end_frame": {"file_id": "file"}})
    assert from_file.end == by_link
    for kind, operation in (("video_edit", Operation.MODIFY), ("video_reframe", Operation.REFRAME)):
        changed = read(found, type=kind, source={"generation_id": clip.id}, aspect_ratio="1:1")
        assert (changed.start, changed.named, changed.aspect_ratio) == (by_task, operation, "1:1")
        assert read(found, type=kind, source={"file_id": "file"}).start == by_link
        address = read(type=kind, source={"url": "https://example.com/a.mp4", "media_type": "video/mp4"})
        assert address.start == Reference(ReferenceKind.VIDEO, "https://example.com/a.mp4")
    edit = read(found, type="image_edit", source={"generation_id": picture.id}, image_ref=[{"file_id": "image"}])
    assert [guide.role for guide in edit.guides] == [GuideRole.MODIFY, GuideRole.IMAGE]


def test_an_edit_keeps_the_size_and_length_of_its_source():
    """What is not asked for is as it was."""
    clip = task(generation=Generation("x", aspect_ratio="9:16", resolution="540p", duration=9))
    asked = {"source": {"generation_id": clip.id}, "type": "video_edit"}
    edit = read({clip.id: clip}, **asked, video={"edit": {"strength": "flex_1", "keyframes": [{"url": PICTURE}]}})
    assert (edit.aspect_ratio, edit.resolution, edit.duration) == ("9:16", "540p", 9)
    assert edit.guides == (Guide(GuideRole.FIRST_FRAME, PICTURE),)


@pytest.mark.parametrize(
    "body",
    [
        {"type": "layering", "source": {"url": PICTURE}, "layering": {"resolution": "1k"}},
        {"aspect_ratio": "3:1"},
        {"aspect_ratio": "2:3"},
        {"type": "video", "video": {"resolution": "360p"}},
        {"type": "video", "video": {"hdr": True}},
        {"type": "video", "video": {"exr_export": True}},
        {"type": "video", "video": {"keyframes": [{"url": PICTURE}], "keyframe_indexes": [60]}},
        {"type": "video_edit", "source": {"url": PICTURE}, "video": {"edit": {"keyframes": [{"url": PICTURE}],
                                                                             "keyframe_indexes": [3]}}},
        {"type": "video_reframe", "source": {"url": PICTURE}, "video": {"source_position": {"x_norm": 0}}},
    ],
    ids=str,
)  # fmt: skip
def test_what_nothing_here_can_make_is_accepted(body: dict[str, Any]):
    """It has a reason to fail for, and a size all the same."""
    generation = read(**body)
    assert generation.unsupported
    assert generation.aspect_ratio in ASPECT_RATIOS
    assert generation.resolution in (None, *RESOLUTIONS)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"prompt": None}, "prompt"),
        ({"prompt": " "}, "prompt"),
        ({"prompt": "x" * 5_001}, "prompt"),
        ({"type": "music"}, "type"),
        ({"aspect_ratio": "5:4"}, "aspect_ratio"),
        ({"video": {"resolution": "8k"}}, "video.resolution"),
        ({"video": {"duration": "11s"}}, "duration"),
        ({"type": "image_edit"}, "source"),
        ({"type": "video_edit"}, "source"),
        ({"type": "video_reframe"}, "source"),
        ({"type": "image_edit", "source": {}}, "source"),
        ({"type": "image_edit", "source": {"url": PICTURE, "file_id": "x"}}, "source"),
        ({"type": "image_edit", "source": {"data": "AAAA"}}, "source"),
        ({"type": "image_edit", "source": {"url": PICTURE, "media_type": "video/mp4"}}, "source"),
        ({"image_ref": [{"url": PICTURE}] * 10}, "image_ref"),
        ({"type": "video", "video": {"keyframes": [{"url": PICTURE}] * 2}}, "video.keyframe_indexes"),
        (
            {"type": "video", "video": {"keyframes": [{"url": PICTURE}], "keyframe_indexes": [-1]}},
            "video.keyframe_indexes",
        ),
        (
            {"type": "video", "video": {"keyframes": [{"url": PICTURE}], "end_frame": {"url": PICTURE}}},
            "video.keyframes",
        ),
    ],
)
def test_what_a_submit_may_not_say(body: dict[str, Any], field: str):
    """A wrong field is named."""
    with pytest.raises(InvalidRequest) as caught:
        read(**body)
    assert caught.value.field == field


def test_references_of_the_wrong_kind():
    """A clip is no picture, a picture is no clip, and an unfinished picture is nothing yet."""
    clip, waiting = task(), task(State.PROCESSING, generation=Generation("x", kind=Kind.IMAGE))
    for found, body in (
        ({clip.id: clip}, {"type": "image_edit", "source": {"generation_id": clip.id}}),
        ({PAINTED.id: PAINTED}, {"type": "video_edit", "source": {"generation_id": PAINTED.id}}),
        ({"f": upload()}, {"type": "video_reframe", "source": {"file_id": "f"}}),
        ({"f": upload("video/mp4")}, {"image_ref": [{"file_id": "f"}]}),
        ({waiting.id: waiting}, {"type": "image_edit", "source": {"generation_id": waiting.id}}),
    ):
        with pytest.raises(InvalidRequest, match=r"must be an? |has no image"):
            read(found, **body)


def test_inline_data_is_kept_where_a_link_can_take_its_place():
    """The body that is remembered has data URIs in place of data, and is understood alike."""
    body = {"prompt": "x", "type": "image_edit", "source": {"data": " AAAA\n", "media_type": "image/png", "url": None}}
    kept = echo({**body, "image_ref": [{"data": "BBBB", "media_type": "image/png"}], "other": {"data": 5}})
    assert kept["source"] == {"media_type": "image/png", "url": "data:image/png;base64,AAAA"}
    assert kept["image_ref"][0]["url"] == "data:image/png;base64,BBBB"
    assert kept["other"] == {"data": 5}
    assert read(**body).guides == read(**echo(body)).guides


@given(st.floats(0, 4e9), st.text("abcXYZ019_-", min_size=1, max_size=22))
def test_a_cursor_says_where_to_go_on(created_at: float, token: str):
    """The cursor of a page leads back to its last file."""
    file = upload()
    last = msgspec.structs.replace(file, created_at=created_at, media=msgspec.structs.replace(file.media, token=token))
    page = responses.write_files([last, file], 1)
    assert page["has_more"]
    assert files.parse_cursor(page["next_cursor"]) == (created_at, token)
    assert responses.write_files([last], 1)["next_cursor"] is None


@pytest.mark.parametrize("cursor", ["x", "~", "0x1p+0", "nan~a", "0x1p+99999~a", "~a"])
def test_cursors_that_are_none(cursor: str):
    """What no answer ever had is refused."""
    with pytest.raises(InvalidRequest):
        files.parse_cursor(cursor)
    assert files.parse_cursor("") is files.parse_cursor(None) is None


def test_an_error_says_what_is_wrong():
    """The sentence stands under `detail`."""
    answer = json.loads(responses.write_error(NotFound("no such file", field="source"), "trace"))
    assert answer == {"detail": "no such file", "code": "not_found", "field": "source", "trace_id": "trace"}


@given(tasks())
def test_several_are_an_array(some: Task):
    """Several generations are put together as they are."""
    one = responses.FORM.one(some, None, BASE)
    assert json.loads(responses.FORM.many([one, one])) == [written(some)] * 2
    assert DIALECT.webhook.one(some, None, BASE) == one
