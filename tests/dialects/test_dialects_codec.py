"""What all wire formats are read and written with."""

from __future__ import annotations

import datetime
from typing import Any

import jsonschema
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from filmgate.adapters.dialects.serving.codec import (
    Body,
    Callback,
    Picture,
    Seconds,
    array,
    first_given,
    parse,
    parse_object,
    parse_whole,
    rfc3339,
    validate,
)
from filmgate.domain.errors import InvalidRequest


class Everything(Body):
    """A body with a field of each kind that has a schema of its own."""

    seconds: Seconds = 5
    source: Picture = None
    callback: Callback = None
    flag: bool | None = None


SCHEMA = Everything.model_json_schema()


@pytest.mark.parametrize(
    "body", [b"", b"{", b"\xff", b"[1]", b"null", b'"x"', b"{'a': 1}", b"[" * 100_000, b"\xef\xbb\xbf{}"]
)
def test_what_is_no_json_object_is_refused(body: bytes):
    """Anything but a JSON object raises InvalidRequest, however deep it is nested."""
    with pytest.raises(InvalidRequest):
        parse_object(body)


def test_a_wrong_type_names_its_field():
    """JSON types are not converted, and the error names the field."""
    with pytest.raises(InvalidRequest, match=r"^flag: ") as caught:
        parse(Everything, b'{"flag": "yes"}')
    assert caught.value.field == "flag"


def test_unknown_fields_are_ignored():
    """A field nobody knows changes nothing."""
    assert parse(Everything, b'{"unknown": [1, {"deep": null}], "flag": true}').flag is True


@given(
    st.one_of(st.none(), st.integers(), st.floats(allow_nan=False), st.text(), st.from_regex(r"\s*\d{1,3}\s*[sS]?\s*"))
)
def test_the_schema_of_a_duration_is_what_is_accepted(value: Any):
    """A duration is accepted exactly if the published schema allows it."""
    allowed = jsonschema.Draft202012Validator(SCHEMA).is_valid({"seconds": value})
    try:
        seconds = validate(Everything, {"seconds": value}).seconds
    except InvalidRequest as error:
        assert not allowed
        assert error.field == "duration"
    else:
        assert allowed
        assert 1 <= seconds <= 10


@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        "https://example.com/a.png?x=1#y",
        "HTTP://EXAMPLE.com:8080",
        "http://localhost/a.png",
        "http://192.0.2.1/a.png",
        "http://[2001:db8::1]:80/a.png",
        "https://b\u00fccher.example/a.png",
        " https://1.example/a.png ",
        "data:image/png;base64,AAAA",
        "data:image/svg+xml;base64,AA==",
    ],
)
def test_the_schema_of_a_picture_allows_what_is_sent(value: str | None):
    """Addresses, data URIs, null and the empty string are allowed, by the schema and by us."""
    jsonschema.validate({"source": value}, SCHEMA)
    assert validate(Everything, {"source": value}).source == value


@pytest.mark.parametrize("value", ["ftp://example.com/", "a.png", "data", "//example.com/a.png", " ", 5])
def test_what_is_no_address_is_refused(value: Any):
    """What is no address at all is refused, by the schema and by us, for callbacks too."""
    for name in ("source", "callback"):
        assert not jsonschema.Draft202012Validator(SCHEMA).is_valid({name: value})
        with pytest.raises(InvalidRequest) as caught:
            validate(Everything, {name: value})
        assert caught.value.field == name


def test_empty_words_say_nothing():
    """The first value that says something is given; null and the empty string say nothing."""
    assert first_given(None, "", "a", "b") == "a"
    assert first_given(None, "") is None


@given(st.floats(0, 4e9))
def test_times_are_rfc3339_with_microseconds(seconds: float):
    """A time is written with microseconds and a Z, and read back to within one of them."""
    text = rfc3339(seconds)
    assert text.endswith("Z")
    assert len(text) == len("2026-11-21T21:00:00.123456Z")
    assert abs(datetime.datetime.fromisoformat(text).timestamp() - seconds) < 2e-6


def test_an_array_is_put_together_from_what_is_written():
    """Written values become one JSON array, in their order."""
    assert msgspec.json.decode(array([])) == []
    assert msgspec.json.decode(array([b"1", b'{"a":2}'])) == [1, {"a": 2}]


@pytest.mark.parametrize(("text", "number"), [(None, 10), ("1", 1), ("100", 100), ("0042", 42)])
def test_a_parameter_is_a_whole_number(text: str | None, number: int) -> None:
    """The default counts where none is given."""
    assert parse_whole(text, "limit", 10, 1, 100) == number


@pytest.mark.parametrize("text", ["", "0", "101", "-1", "1.0", " 1", "1e1", "٣", "9" * 5_000])
def test_another_parameter_is_refused_with_its_range(text: str) -> None:
    """Whatever is no number, or is outside, is refused by name; a very long one is not even read."""
    with pytest.raises(InvalidRequest, match="limit must be a whole number from 1 to 100") as caught:
        parse_whole(text, "limit", 10, 1, 100)
    assert caught.value.field == "limit"
