"""A picture or clip under any name, in JSON or a form, is used or refused by name: none is dropped."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from starlette.requests import Request

from filmgate.adapters.dialects.acedata import requests as acedata
from filmgate.adapters.dialects.agents.requests import bodies as agents
from filmgate.adapters.dialects.dream_machine.requests import bodies as dream_machine
from filmgate.adapters.dialects.gateway import requests as gateway
from filmgate.adapters.dialects.native import requests as native
from filmgate.adapters.dialects.openai_videos import requests as openai_videos
from filmgate.adapters.dialects.serving.codec import validate
from filmgate.adapters.dialects.serving.forms import read_inputs
from filmgate.adapters.dialects.serving.inputs import ExtractedInputs, InputFields
from filmgate.domain.adjustments import Terms
from filmgate.domain.errors import InvalidRequest
from filmgate.domain.generation import Generation, Reference, ReferenceKind
from filmgate.domain.media_fields import END_NAMES, LIST_NAMES, MAX_VALUES, START_NAMES, VIDEO_NAMES

from .examples import task

A, B, C = "https://a.example/a.png", "https://b.example/b.png?size=2", "https://c.example/c.png"
CLIP = "https://v.example/v.mp4"
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 20
PNG_URI = "data:image/png;base64," + base64.b64encode(PNG).decode()
Understood = tuple[Generation | None, Terms]


class Api(NamedTuple):
    """One request of a dialect: what it needs, its places, and how it is understood; `made` needs no generation."""

    base: dict[str, Any]
    inputs: InputFields | Callable[[dict[str, Any]], InputFields]
    understand: Callable[[dict[str, Any]], Understood]


def _gateway(sent: dict[str, Any]) -> Understood:
    body = validate(gateway.CreateBody, sent)
    return body.generation(), body.terms(sent)


def _gateway_extend(sent: dict[str, Any]) -> Understood:
    body = validate(gateway.ExtendBody, sent)
    return gateway.extension(body, task()), body.terms(sent)


def _acedata(sent: dict[str, Any]) -> Understood:
    body = validate(acedata.VideosBody, sent)
    return body.generation(), body.terms(sent, None)


def _native(sent: dict[str, Any]) -> Understood:
    body = validate(native.TaskBody, sent)
    return body.generation(), body.terms(sent)


def _agents(sent: dict[str, Any]) -> Understood:
    sent = agents.echo(sent)
    body = validate(agents.GenerationBody, sent)
    return body.generation({}, ""), body.terms(sent)


def _plain(model: Any) -> Callable[[dict[str, Any]], Understood]:
    def understand(sent: dict[str, Any]) -> Understood:
        body = validate(model, sent)
        return body.generation(), body.terms(sent)

    return understand


def _upscale(sent: dict[str, Any]) -> Understood:
    body = validate(dream_machine.UpscaleBody, sent)
    return body.generation(task()), body.terms(sent)


def _edit(sent: dict[str, Any]) -> Understood:
    body = validate(openai_videos.SourceBody, sent)
    assert body.source_id is None
    return body.to_edit(None), body.terms(sent)


def _remix(sent: dict[str, Any]) -> Understood:
    return None, validate(openai_videos.PromptBody, sent).terms(sent)


PROMPT = {"prompt": "a cat"}
DM, AG = dream_machine, agents.inputs_of
MEDIA = {"media": {"url": CLIP}}
APIS = {
    "native": Api(PROMPT, native.INPUTS, _native),
    "gateway": Api({"user_prompt": "a cat"}, gateway.CREATE_INPUTS, _gateway),
    "gateway extend": Api({"user_prompt": "a cat"}, gateway.EXTEND_INPUTS, _gateway_extend),
    "acedata": Api(PROMPT, acedata.inputs_of, _acedata),
    "acedata extend": Api(PROMPT | {"action": "extend", "video_url": CLIP}, acedata.inputs_of, _acedata),
    "dream machine": Api(PROMPT, DM.VideoBody.INPUTS, _plain(DM.VideoBody)),
    "dream machine image": Api(PROMPT, DM.ImageBody.INPUTS, _plain(DM.ImageBody)),
    "dream machine modify": Api(PROMPT | MEDIA | {"mode": "flex_1"}, DM.ModifyBody.INPUTS, _plain(DM.ModifyBody)),
    "dream machine reframe": Api(
        PROMPT | MEDIA | {"aspect_ratio": "1:1"}, DM.ReframeImageBody.INPUTS, _plain(DM.ReframeImageBody)
    ),
    "dream machine upscale": Api({}, DM.UpscaleBody.INPUTS, _upscale),
    "agents image": Api(PROMPT | {"type": "image"}, AG, _agents),
    "agents video": Api(PROMPT | {"type": "video"}, AG, _agents),
    "agents edit": Api(PROMPT | {"type": "video_edit", "source": {"url": CLIP}}, AG, _agents),
    "agents reframe": Api(PROMPT | {"type": "video_reframe", "source": {"url": CLIP}}, AG, _agents),
    "openai": Api(PROMPT, openai_videos.CreateBody.INPUTS, _plain(openai_videos.CreateBody)),
    "openai edit": Api(PROMPT | {"video": {"url": CLIP}}, openai_videos.SourceBody.INPUTS, _edit),
    "openai remix": Api(PROMPT, openai_videos.PromptBody.INPUTS, _remix),
}
FRAMED = ("native", "gateway", "acedata", "dream machine", "agents video", "openai")
"""The requests that make a clip between two frames."""

ODD_NAMES = (
    *("image[]", "input_reference[]", "imageUrl", "lastFrame", "promptImage", "key_frames", "mask", "mask_url"),
    *("source", "reference_images", "referenceImages", "style_reference", "image_1_url", "subject_reference"),
    *("init_image_b64", "control_image", "upload", "attachment", "cover", "whatever", "imageurl", "ref_images_url"),
)
NAMES = sorted({*START_NAMES, *END_NAMES, *LIST_NAMES, *VIDEO_NAMES, *ODD_NAMES})


def request(kind: str = "application/json") -> Request:
    """Return a request with a content type."""
    return Request({"type": "http", "headers": [(b"content-type", kind.encode())]})


def form_of(parts: Iterable[tuple[str, bytes]], end: bytes = b"--\r\n") -> bytes:
    """Return a form of parts, each with its headers behind `form-data;`."""
    written = [b"--x\r\nContent-Disposition: form-data; " + head.encode() + b"\r\n\r\n" + data for head, data in parts]
    return b"\r\n".join(written) + b"\r\n--x" + end


def taken(api: Api, data: bytes, kind: str = "application/json") -> ExtractedInputs:
    """Read a body as the routes do."""
    return read_inputs(request(kind), data, api.inputs)


def read(api: Api, **fields: Any) -> Generation | None:
    """Understand a JSON body with these fields."""
    return api.understand(taken(api, json.dumps(api.base | fields).encode()).body)[0]


def read_form(api: Api, *parts: tuple[str, bytes]) -> Generation | None:
    """Understand a form with these parts beside what the request needs."""
    plain = [(f'name="{name}"', str(value).encode()) for name, value in api.base.items() if isinstance(value, str)]
    nested = [
        (f'name="{name}[url]"', value["url"].encode()) for name, value in api.base.items() if isinstance(value, dict)
    ]
    body = form_of([*plain, *nested, *parts])
    return api.understand(taken(api, body, "multipart/form-data; boundary=x").body)[0]


def used(generation: Generation | None, address: str) -> bool:
    """Return whether a generation refers to an address."""
    return generation is not None and any(reference.value == address for reference in generation.references)


def used_or_refused(name: str, address: str, read: Callable[[], Generation | None]) -> None:
    """Check that an address is used, or its field is named in the refusal, with what is accepted."""
    try:
        assert used(read(), address), "it was dropped"
    except InvalidRequest as error:
        bare = name.removesuffix("[]")
        assert bare in error.message
        assert bare in str(error.field)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("api", APIS.values(), ids=APIS)
def test_an_input_under_any_name_is_used_or_refused(api: Api, name: str) -> None:
    """In JSON as a text, in objects and in a list; in a form as a text, as a file and as a part of a list."""
    address = CLIP if name in VIDEO_NAMES else A
    if name in api.base:
        return
    for value in (address, {"url": address}, {"type": "image_url", "image_url": {"url": address}}, [address]):
        used_or_refused(name, address, lambda value=value: read(api, **{name: value}))
    used_or_refused(name, address, lambda: read_form(api, (f'name="{name}"', address.encode())))
    file = (f'name="{name}"; filename="a.png"\r\nContent-Type: image/png', PNG)
    used_or_refused(name, PNG_URI, lambda: read_form(api, file))


@pytest.mark.parametrize("name", [*START_NAMES, *LIST_NAMES, "image[]", "input_reference[]"])
@pytest.mark.parametrize("api", [APIS[name] for name in FRAMED], ids=FRAMED)
def test_two_are_the_first_and_the_last_frame_in_order(api: Api, name: str) -> None:
    """As a list, as two parts of one name, and as parts with indexes in any order; three are refused."""
    one, two = (Reference(ReferenceKind.IMAGE, address) for address in (A, B))
    parts = (f'name="{name}"', A.encode()), (f'name="{name}"', B.encode())
    bare = name.removesuffix("[]")
    indexed = (f'name="{bare}[1]"', B.encode()), (f'name="{bare}[0]"', A.encode())
    for made in (read(api, **{name: [A, B]}), read_form(api, *parts), read_form(api, *indexed)):
        assert made is not None
        assert (made.start, made.end) == (one, two)
    for many in (lambda: read(api, **{name: [A, B, C]}), lambda: read_form(api, *parts, parts[0])):
        with pytest.raises(InvalidRequest, match="there can be 2, the first frame and the last frame") as caught:
            many()
        assert caught.value.field == name.removesuffix("[]") or caught.value.field == name


@pytest.mark.parametrize("api", [APIS[name] for name in FRAMED], ids=FRAMED)
def test_two_names_of_one_frame_must_agree(api: Api) -> None:
    """The same picture under two names is one; two pictures are refused with both names."""
    made = read(api, image=A, first_frame_url=A, last_frame=B)
    assert made is not None
    assert (made.start, made.end) == (Reference(ReferenceKind.IMAGE, A), Reference(ReferenceKind.IMAGE, B))
    with pytest.raises(InvalidRequest, match=r"image and first_frame_url .* differ"):
        read(api, image=A, first_frame_url=B)
    with pytest.raises(InvalidRequest, match=r"last_frame and images\[1\] .* differ|images\[1\] and last_frame"):
        read(api, images=[A, B], last_frame=C)


@pytest.mark.parametrize("nothing", [None, "", [], [None], [""]])
@pytest.mark.parametrize("api", APIS.values(), ids=APIS)
def test_nothing_is_no_input(api: Api, nothing: Any) -> None:
    """Null, "" and [] say that there is none, under every name."""
    made, terms = api.understand(
        taken(api, json.dumps({"images": nothing, "mask": nothing, "last_frame": nothing} | api.base).encode()).body
    )
    assert made is None or not used(made, A)
    assert not [change for change in terms.changed if change.asked not in (None, "…")]


WORDS = ("image", "video", "frame", "mask", "first", "last", "source", "url", "x", "ref", "data", "file", "size", "id")
media_names = st.lists(st.sampled_from(WORDS), min_size=1, max_size=4).map("_".join)
wraps = st.recursive(
    st.sampled_from([A, CLIP, PNG_URI]),
    lambda inner: st.one_of(
        st.dictionaries(st.sampled_from(["url", "image", "a", "file", "input"]), inner, min_size=1, max_size=1),
        inner.map(lambda value: [value]),
    ),
    max_leaves=4,
)


@pytest.mark.parametrize("api", APIS.values(), ids=APIS)
@settings(max_examples=60, deadline=None)
@given(st.one_of(media_names, st.text("abcXY_-", min_size=1, max_size=8)), wraps)
@example("video_size", {"a": [{"url": A}]})
@example("metadata", [{"image": PNG_URI}])
def test_no_picture_is_ever_dropped(api: Api, name: str, value: Any) -> None:
    """Whatever the name and however it is wrapped: what is plainly a picture or clip is used or refused by name."""
    held = value
    while not isinstance(held, str):
        held = next(iter(held.values())) if isinstance(held, dict) else held[0]
    if name in api.base or name in ("callback_url", "strict"):
        return
    used_or_refused(name, held, lambda: read(api, **{name: value}))


@pytest.mark.parametrize(
    ("name", "sent", "field"),
    [
        ("dream machine", {"keyframes": {"frame0": {"type": "image", "url": A}, "frame2": {"url": B}}}, "frame2"),
        ("dream machine", {"keyframes": {"frame0": {"type": "image", "url": A, "id": "g"}}}, "keyframes.frame0.id"),
        ("dream machine", {"keyframes": {"frame0": {"type": "image", "url": A, "mask": B}}}, "keyframes.frame0.mask"),
        ("dream machine image", {"image_ref": [{"url": A}, {"image": B}]}, "image_ref[1].image"),
        ("dream machine image", {"image_ref": [{"id": "9d3e"}]}, "image_ref[0].id"),
        ("dream machine image", {"character_ref": {"identity1": {"images": [A]}}}, "character_ref.identity1"),
        ("agents image", {"source": {"url": A}}, "source"),
        ("agents image", {"video": {"start_frame": {"url": A}}}, "video.start_frame"),
        ("agents reframe", {"video": {"start_frame": {"generation_id": "x"}}}, "video.start_frame"),
        ("agents edit", {"video": {"end_frame": {"url": A}}}, "video.end_frame"),
        ("acedata extend", {"image_url": A}, "image_url"),
        ("acedata extend", {"video_id": "v"}, "video_url"),
        ("acedata", {"video_id": "v"}, "video_id"),
        ("gateway extend", {"image_url": A}, "image_url"),
        ("openai", {"input_reference": {"file_id": "file-1"}}, "input_reference"),
        ("openai", {"input_reference": {"image_url": A, "file_id": "file-1"}}, "input_reference"),
        ("openai", {"input_reference": [{"image_url": A, "role": "last_frame"}, B]}, "input_reference[0]"),
        ("openai remix", {"video": {"id": "x"}}, "video"),
        ("openai edit", {"video": {"id": "x", "url": CLIP}}, "video"),
        ("native", {"image": "photo"}, "image"),
        ("gateway", {"content": [{"type": "image_url", "image_url": {"url": "https://a.example/x"}}]}, "content[0]"),
        ("gateway", {"source": "https://a.example/picture"}, "source"),
        ("gateway", {"images": ["", A]}, "images[0]"),
        ("gateway", {"mask": [None] * 200 + [A]}, "mask"),
        ("gateway", {"images": [None] * 200 + [A]}, "images"),
    ],
)
def test_what_stands_in_an_odd_place_is_refused(name: str, sent: dict[str, Any], field: str) -> None:
    """Beside the places of a dialect and within them; the refusal says where."""
    with pytest.raises(InvalidRequest) as caught:
        read(APIS[name], **sent)
    assert str(caught.value.field).startswith(field) or field in str(caught.value.field)


@pytest.mark.parametrize(
    "sent",
    [
        {"image_size": "landscape_16_9", "video_quality": "high", "num_frames": 81, "frame_rate": "24"},
        {"source": "web", "reference": "order 66", "video": True, "frames": "121", "media_type": "mp4"},
        {"seed": 7, "style": "anime", "metadata": {"user": "u1", "site": "https://shop.example/"}},
    ],
)
@pytest.mark.parametrize("name", ["native", "gateway", "acedata", "openai"])
def test_other_unknown_fields_are_told_as_before(name: str, sent: dict[str, Any]) -> None:
    """What only says something about pictures, or nothing of them, follows the contract of the dialect."""
    _, terms = APIS[name].understand(APIS[name].base | sent)
    assert {change.field for change in terms.changed} == set(sent)


def test_a_body_of_the_dialect_is_kept_as_it_was_sent() -> None:
    """Nothing is written anew unless an input was moved; then the place shows it."""
    for name, field in (("gateway", "image_url"), ("acedata", "image_url"), ("acedata", "start_image_url")):
        data = json.dumps(APIS[name].base | {field: A}).encode()
        assert taken(APIS[name], data).encode(data) is data
    data = json.dumps(PROMPT | {"images": [A]}).encode()
    kept = json.loads(taken(APIS["dream machine"], data).encode(data))
    assert kept == PROMPT | {"keyframes": {"frame0": {"type": "image", "url": A}}}


def test_looking_through_unknown_fields_is_bounded() -> None:
    """A body of a million values, or of very many fields, is refused after the first thousands."""
    deep: Any = A
    for _ in range(400):
        deep = {"image": deep}
    with pytest.raises(InvalidRequest, match="image"):
        read(APIS["gateway"], image=deep)
    for sent in ({"junk": [[{}] * 300] * 300}, {"junk": [0] * (MAX_VALUES + 1)}, {f"f{n}": 1 for n in range(2_000)}):
        with pytest.raises(InvalidRequest, match="at most"):
            read(APIS["gateway"], **sent)
