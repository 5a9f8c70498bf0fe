"""Forms as clients write them: every part counts, files are known by what they are, and none is cut off."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filmgate.adapters.dialects.serving.forms import FormFile, form_object, parse_form
from filmgate.domain.errors import InvalidRequest

from .test_inputs import PNG, PNG_URI, form_of, request

KIND = "multipart/form-data; boundary=x"
JPEG, MP4 = b"\xff\xd8\xff\xe0" + b"\x80" * 30, b"\0\0\0\x18ftypmp42" + b"\0" * 20


def read(*parts: tuple[str, bytes], kind: str = KIND, end: bytes = b"--\r\n") -> dict[str, Any]:
    """Read a form into fields."""
    return form_object(parse_form(request(kind), form_of(parts, end)))


@pytest.mark.parametrize(
    "head",
    [
        'name="p"\r\nContent-Type: image/png',
        'name="p"\r\nContent-Type: application/octet-stream',
        'name="p"',
        "name=p",
        "name='p'; filename=''",
        'name="p"; filename=""',
        'name="p"; filename="a.png"',
        'name="p"; filename="a.png"\r\nContent-Type: text/plain',
        "name*=utf-8''p; filename*=utf-8''%e2%82%ac.png",
        'NAME="p"; FileName="a \\" b.png"\r\nCONTENT-TYPE: IMAGE/PNG; x=y',
        'name="p"; filename="\N{CLAPPER BOARD}.png"',
    ],
)
@pytest.mark.parametrize("data", [PNG, JPEG, MP4, PNG + b"\xff" * 90_000], ids=["png", "jpeg", "mp4", "large"])
def test_a_file_is_a_file_with_or_without_a_name(head: str, data: bytes) -> None:
    """By its type or its bytes, whatever else its part says, and none of its bytes are lost."""
    uri = read((head, data))["p"]["url"]
    assert base64.b64decode(uri.partition(",")[2]) == data


def test_a_file_in_base64_is_decoded() -> None:
    """Old clients write files so, and say it in the part."""
    head = 'name="p"; filename="a.png"\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: base64'
    assert read((head, base64.encodebytes(PNG)))["p"] == {"url": PNG_URI}
    with pytest.raises(InvalidRequest, match="p: this part is not valid base64"):
        read((head, b"AAAAA"))


@pytest.mark.parametrize(
    "text", ["BM", "BMW in the rain", "GIF89a dance", "II*", "a cat\N{PILE OF POO}", "ftyp ftyp", " "]
)
@pytest.mark.parametrize(
    "kind", ["", "\r\nContent-Type: text/plain; charset=utf-8", "\r\nContent-Type: application/octet-stream"]
)
def test_a_text_is_a_text(text: str, kind: str) -> None:
    """Also one that begins as a picture does."""
    assert read((f'name="prompt"{kind}', text.encode())) == {"prompt": text}


@given(st.binary(max_size=200))
def test_no_part_is_lost(data: bytes) -> None:
    """Any bytes in a file come out as they went in."""
    if not data or b"\r\n--x" in data:
        return
    assert read(('name="p"; filename="a"', data))["p"]["url"].endswith("," + base64.b64encode(data).decode())


@pytest.mark.parametrize("size", [3, 4, 5, 20, 60, 90, 120])
def test_a_form_that_is_cut_off_is_refused(size: int) -> None:
    """Wherever it ends before its closing boundary."""
    whole = form_of([('name="prompt"', b"cat"), ('name="image"; filename="a.png"', PNG)])
    with pytest.raises(InvalidRequest, match="cut off"):
        parse_form(request(KIND), whole[:-size])
    assert len(parse_form(request(KIND), whole[:-2])) == 2


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["image[]", "image[]"], {"image": ["0", "1"]}),
        (["image", "image"], {"image": ["0", "1"]}),
        (["image[1]", "image[0]"], {"image": ["1", "0"]}),
        (["image%5B%5D", "image[]"], {"image": ["0", "1"]}),
        (["video[id]"], {"video": {"id": "0"}}),
        (["input_reference[image_url]"], {"input_reference": {"image_url": "0"}}),
        (["a[0][url]", "a[1][url]"], {"a": [{"url": "0"}, {"url": "1"}]}),
        (["image[image_url][url]"], {"image": {"image_url": {"url": "0"}}}),
    ],
)
def test_names_with_brackets(names: list[str], expected: dict[str, Any]) -> None:
    """Lists and objects are what they would be in JSON, in order."""
    assert read(*((f'name="{name}"', str(index).encode()) for index, name in enumerate(names))) == expected


@pytest.mark.parametrize(
    ("parts", "field"),
    [
        ([("prompt", b"a"), ("prompt", b"b")], "prompt"),
        ([("video[id]", b"a"), ("video[id]", b"b")], "video"),
        ([("video[id]", b"a"), ("video", b"b")], "video"),
        ([("a[0][b]", b"a"), ("a[b]", b"b")], "a"),
        ([("video[a]", b"a"), ("video[a][b]", b"b")], "video"),
    ],
)
def test_two_values_that_differ_are_refused(parts: list[tuple[str, bytes]], field: str) -> None:
    """No later part takes the place of an earlier one."""
    with pytest.raises(InvalidRequest) as caught:
        read(*((f'name="{name}"', data) for name, data in parts))
    assert caught.value.field == field


def test_what_says_the_same_or_nothing_is_no_second_value() -> None:
    """Equal texts are one, empty texts and files that nobody chose are none."""
    assert read(('name="prompt"', b"a"), ('name="prompt"', b"a"), ('name="prompt"', b"")) == {"prompt": "a"}
    assert read(('name="image"; filename=""\r\nContent-Type: application/octet-stream', b"")) == {}
    with pytest.raises(InvalidRequest, match="image: the file is empty"):
        read(('name="image"; filename="a.png"', b""))


def test_json_in_the_place_of_a_picture_is_read() -> None:
    """Some clients write objects into a text; a prompt that looks like JSON stays a text."""
    assert read(('name="input_reference"', b'{"image_url": "u"}')) == {"input_reference": {"image_url": "u"}}
    assert read(('name="prompt"', b'{"a": 1}')) == {"prompt": '{"a": 1}'}


@pytest.mark.parametrize(
    ("parts", "kind", "words"),
    [
        ([(f'name="f{n}"', b"x") for n in range(51)], KIND, "at most 50"),
        ([('name="prompt"', b"x" * 70_000)], KIND, "prompt: a text in a form can have 65536 bytes"),
        ([('name="prompt"', b"\xff\xfe\xfd")], KIND, "prompt: this part is neither text"),
        ([('filename="a.png"', PNG)], KIND, "a part has no name"),
        ([('name="a"', b"x")], "multipart/form-data", "names no boundary"),
        ([('name="a"', b"x")], "multipart/form-data; boundary=" + "y" * 300, "valid form"),
        ([('name="a"', b"x")], "multipart/form-data; boundary=y", "valid form"),
    ],
)
def test_what_no_form_may_have(parts: list[tuple[str, bytes]], kind: str, words: str) -> None:
    """The bounds, and what is no form at all; the message says which part."""
    with pytest.raises(InvalidRequest, match=words):
        read(*parts, kind=kind)


def test_a_part_keeps_its_type() -> None:
    """A type that is none is that of any bytes."""
    [(_, part), (_, other)] = parse_form(
        request(KIND),
        form_of(
            [
                ('name="a"; filename="a"\r\nContent-Type: image/webp', b"x"),
                ('name="a"; filename="a"\r\nContent-Type: ?', b"x"),
            ]
        ),
    )
    assert (part, other) == (FormFile("image/webp", b"x"), FormFile("application/octet-stream", b"x"))
