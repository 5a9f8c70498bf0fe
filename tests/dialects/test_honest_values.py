"""A value of a request is used as it was asked for, or the task says what is used, or the request is refused."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filmgate.adapters.dialects.acedata import upstream as acedata
from filmgate.adapters.dialects.acedata.requests import VideosBody
from filmgate.adapters.dialects.agents import upstream as agents
from filmgate.adapters.dialects.agents.requests.bodies import GenerationBody
from filmgate.adapters.dialects.dream_machine.requests import bodies
from filmgate.adapters.dialects.dream_machine.requests.builder import body_of
from filmgate.adapters.dialects.gateway import requests as gateway_requests
from filmgate.adapters.dialects.gateway import upstream as gateway
from filmgate.adapters.dialects.native.requests import TaskBody
from filmgate.adapters.dialects.openai_videos import requests as openai_requests
from filmgate.adapters.dialects.openai_videos import upstream as openai_videos
from filmgate.adapters.dialects.serving.codec import Body, validate
from filmgate.adapters.engines.studio import StudioEngine
from filmgate.app.engines import upstream_types
from filmgate.domain.adjustments import KEPT, Adjustment, Terms, remaining_changes
from filmgate.domain.errors import InvalidRequest
from filmgate.domain.generation import Generation, Operation, Reference, ReferenceKind
from filmgate.domain.sizes import ASPECT_RATIOS, RESOLUTIONS
from filmgate.ports.provider import Submission
from filmgate.ports.transport import ProviderClient

NOWHERE = cast(ProviderClient, None)
VALUES = ("aspect_ratio", "resolution", "duration", "loop", "enhance")

_generations = st.builds(
    Generation,
    prompt=st.just("a cat"),
    aspect_ratio=st.sampled_from(ASPECT_RATIOS),
    resolution=st.sampled_from((None, *RESOLUTIONS)),
    duration=st.integers(1, 10),
    loop=st.booleans(),
    enhance=st.booleans(),
)


def told(terms: Terms, changes: list[Adjustment]) -> dict[str, Any]:
    """Return what is used of the values that are not used as asked for."""
    return {change.field: change.used for change in remaining_changes(terms, changes)}


@settings(max_examples=200)
@given(st.integers(1, 4000), st.integers(1, 4000), st.integers(1, 999), st.booleans())
def test_openai_sizes_and_lengths_are_told(width: int, height: int, seconds: int, text: bool) -> None:
    """Any size and length: the generation has it, or the terms say what it has."""
    sent = {"prompt": "x", "size": f"{width}x{height}", "seconds": str(seconds) if text else seconds}
    body = validate(openai_requests.CreateBody, sent)
    made, changes = body.generation(), told(body.terms(sent), [])
    assert "{}x{}".format(*made.size) == changes.get("size", sent["size"])
    assert made.duration == changes.get("duration", seconds)


UPSTREAMS: dict[str, Any] = {
    "acedata": lambda wanted: asyncio.run(acedata._body(wanted)),
    "agents": agents._body,
    "dream_machine": lambda wanted: body_of(wanted.generation, None),
    "gateway": lambda wanted: asyncio.run(gateway._body(wanted)),
}
PLACES = {
    "aspect_ratio": ("aspect_ratio",),
    "resolution": ("resolution",),
    "duration": ("duration",),
    "loop": ("loop",),
    "enhance": ("enhance", "enhancement", "expand_prompt"),
}


@pytest.mark.parametrize("name", UPSTREAMS)
@settings(max_examples=100)
@given(_generations)
def test_what_a_provider_is_not_asked_for_is_told(name: str, wanted: Generation) -> None:
    """Each value is in the request as it is, or told, or the generation is refused."""
    provider = upstream_types()[name](NOWHERE, {})
    if provider.refuse(wanted) is not None:
        return
    sent = UPSTREAMS[name](Submission("key", wanted))
    flat = {**sent, **sent.get("video", {})}
    changes = told(Terms(given=VALUES), provider.changes(wanted))
    for field, places in PLACES.items():
        asked = getattr(wanted, field)
        found = next((flat[place] for place in places if place in flat), None)
        plain = int(found.removesuffix("s")) if field == "duration" and isinstance(found, str) else found
        usual = {"loop": False, "enhance": True, "resolution": None, "duration": 5}.get(field, "nothing is usual")
        assert field in changes or plain == asked or (found is None and asked == usual), (field, sent)


@settings(max_examples=200)
@given(
    _generations,
    st.sets(st.sampled_from(["1280x720", "720x1280", "1024x1792", "1792x1024", "960x960"])),
    st.sets(st.integers(1, 20)),
)
def test_what_a_provider_with_few_sizes_makes_is_told(wanted: Generation, sizes: set[str], seconds: set[int]) -> None:
    """The size and length in the request are those that were asked for, or those that are told."""
    provider = openai_videos.OpenAIVideosUpstream(NOWHERE, {"sizes": sorted(sizes), "seconds": sorted(seconds)})
    if provider.refuse(wanted) is not None:
        return
    fields = provider._fields(Submission("key", wanted))
    changes = told(Terms(given=("size", "duration", "resolution")), provider.changes(wanted))
    size = "{}x{}".format(*wanted.size)
    assert fields["size"] == changes.get("size", size)
    assert int(fields["seconds"]) == changes.get("duration", wanted.duration)
    assert ("resolution" in changes) == (wanted.resolution is not None and fields["size"] != size)


def test_two_changes_that_cancel_each_other_are_none() -> None:
    """What the dialect has not but the provider has is made as asked for."""
    sent = {"prompt": "x", "seconds": "12", "size": "1792x1024"}
    body = validate(openai_requests.CreateBody, sent)
    options = {"sizes": ["1280x720", "1792x1024"], "seconds": [4, 8, 12]}
    provider = openai_videos.OpenAIVideosUpstream(NOWHERE, options)
    assert told(body.terms(sent), []) == {"duration": 10, "size": "1920x1080"}
    assert told(body.terms(sent), provider.changes(body.generation())) == {}
    assert told(
        body.terms(sent), openai_videos.OpenAIVideosUpstream(NOWHERE, {"seconds": [4, 8]}).changes(body.generation())
    ) == {"duration": 8, "size": "1920x1080"}


IMAGE = Reference(ReferenceKind.IMAGE, "https://a.example/b.png")
TASK = Reference(ReferenceKind.TASK, "01a10000")


@pytest.mark.parametrize(
    ("wanted", "used"),
    [
        (Generation("x", "1:1", "720p", 7, loop=True), {}),
        (Generation("x", loop=True, start=IMAGE), {}),
        (Generation("x", loop=True, start=IMAGE, end=IMAGE), {"loop": False}),
        (Generation("x", loop=True, end=IMAGE), {"loop": False}),
        (
            Generation("x", "1:1", "720p", loop=True, start=TASK),
            {"aspect_ratio": KEPT, "resolution": KEPT, "loop": False},
        ),
        (Generation("x", "1:1", end=TASK), {"aspect_ratio": KEPT}),
        (Generation("x", resolution="4k", start=TASK, named=Operation.UPSCALE), {}),
    ],
)
def test_what_the_studio_cannot_is_told(wanted: Generation, used: dict[str, Any]) -> None:
    """A loop that is none, and a size that follows from the clip."""
    changes = told(Terms(given=("aspect_ratio", "resolution", "duration", "loop")), StudioEngine().changes(wanted))
    assert {field: value for field, value in changes.items() if field != "resolution" or wanted.resolution} == used


def test_a_size_that_is_kept_is_compared_with_the_source() -> None:
    """Asking for the size that the source has is no change."""
    given = ("aspect_ratio", "resolution")
    changes = StudioEngine().changes(Generation("x", "1:1", "720p", start=TASK))
    assert told(Terms(given=given, source=("1:1", "720p")), changes) == {}
    assert told(Terms(given=given, source=("16:9", "720p")), changes) == {"aspect_ratio": "16:9"}


LEFT_UNUSED: list[tuple[Any, dict[str, Any], dict[str, Any]]] = [
    (TaskBody, {"prompt": "x", "fps": 30}, {"fps": None}),
    (TaskBody, {"prompt": "x", "fps": None, "seed": ""}, {}),
    (gateway_requests.CreateBody, {"user_prompt": "x", "prompt": "y"}, {"prompt": None}),
    (gateway_requests.CreateBody, {"user_prompt": "x", "prompt": "x", "model": "m"}, {}),
    (gateway_requests.ExtendBody, {"prompt": "x", "aspect_ratio": "1:1"}, {"aspect_ratio": None}),
    (bodies.VideoBody, {"prompt": "cat", "seed": 7}, {"seed": None}),
    (bodies.ModifyBody, {"mode": "flex_1", "media": {"url": "u"}}, {}),
    (bodies.ModifyBody, {"mode": "adhere_1", "media": {"url": "u", "x": 1}}, {"mode": "flex_1", "media.x": None}),
    (bodies.AudioBody, {"negative_prompt": "drums"}, {"negative_prompt": None}),
    (GenerationBody, {"prompt": "x", "type": "image", "video": {"loop": True}}, {"video": None}),
    (GenerationBody, {"prompt": "x", "type": "video", "output_format": "png"}, {"output_format": None}),
    (
        GenerationBody,
        {"prompt": "x", "type": "video_edit", "video": {"duration": "5s", "edit": {"strength": 1}}},
        {"video.duration": None, "video.edit.strength": None},
    ),
    (openai_requests.SourceBody, {"prompt": "x", "video": {"id": "a"}, "seconds": "4"}, {"seconds": None}),
]


@pytest.mark.parametrize(("model", "sent", "used"), LEFT_UNUSED)
def test_a_field_that_is_left_unused_is_told(model: type[Body], sent: dict[str, Any], used: dict[str, Any]) -> None:
    """An unknown field, one that another wins over, one that no engine gets: each is named, null says nothing."""
    body: Any = validate(model, sent)
    assert told(body.terms(sent), []) == used


def test_acedata_refuses_inputs_that_it_would_leave_unused() -> None:
    """A picture beside a video to extend, a video beside a picture to start from, two videos."""
    extend = {"action": "extend", "prompt": "x", "video_url": "https://a.example/v.mp4"}
    for sent, field in (
        (extend | {"image_url": "https://a.example/i"}, "image_url"),
        (extend | {"video_id": "a"}, "video_url"),
        ({"prompt": "x", "video_id": "a", "duration": 9}, "video_id"),
    ):
        with pytest.raises(InvalidRequest, match=field) as caught:
            validate(VideosBody, sent).terms(sent, None)
        assert caught.value.field == field


def test_values_are_shown_again_in_part() -> None:
    """What is told of a field is short, and there are few of them."""
    sent = {"prompt": "x", "big": "y" * 5000, "deep": {"a": [1]}, **{f"f{number}": number for number in range(50)}}
    terms = validate(TaskBody, sent).terms(sent)
    assert len(terms.changed) == 20
    assert terms.changed[0].asked == "y" * 199 + "…"
    assert terms.changed[1].asked == "…"


@pytest.mark.parametrize("value", [3, "maybe", []])
def test_strict_is_true_or_false(value: object) -> None:
    """Nothing else is taken for either."""
    sent = {"prompt": "x", "strict": value}
    with pytest.raises(InvalidRequest, match="strict must be true or false"):
        validate(TaskBody, sent).terms(sent)
