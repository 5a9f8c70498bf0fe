"""The Retry-After header, as it is read and written."""

from __future__ import annotations

import pytest

from filmgate.domain.retry_after import parse_http_date, parse_retry_after, retry_after_header

NOW = 1_800_000_000.0
"""Fri, 15 Jan 2027 08:00:00 GMT."""


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0.0),
        ("120", 120.0),
        (" 1.5 ", 1.5),
        ("7.", 7.0),
        ("Fri, 15 Jan 2027 08:01:00 GMT", 60.0),
        ("Fri, 15 Jan 2027 08:01:00", 60.0),
        ("Fri, 15 Jan 2027 09:01:00 +0100", 60.0),
        ("Fri, 15 Jan 2027 07:59:00 GMT", 0.0),
    ],
)
def test_numbers_and_dates_are_read(value: str, seconds: float):
    """A number counts from now, a date is compared with now, and one that has passed means at once."""
    assert parse_retry_after(value, NOW) == seconds


@pytest.mark.parametrize("value", ["", " ", "-1", "inf", "nan", "1e3", "٣", "soon", "Fri, 99 Foo 2027", "1" * 301])
def test_what_is_no_number_and_no_date_says_nothing(value: str):
    """Other values are None, never an error and never for ever."""
    assert parse_retry_after(value, NOW) is None


def test_a_number_above_the_limit_says_nothing():
    """A caller may take a number that is far too large for nonsense."""
    assert parse_retry_after("60", NOW, most=60) == 60
    assert parse_retry_after("61", NOW, most=60) is None


def test_a_date_is_in_unix_seconds():
    """A date of HTTP is read into the time it names."""
    assert parse_http_date("Fri, 15 Jan 2027 08:00:00 GMT") == NOW
    assert parse_http_date("") is None


@pytest.mark.parametrize(("seconds", "written"), [(1, b"1"), (0.2, b"1"), (59.01, b"60"), (60, b"60")])
def test_whole_seconds_are_written(seconds: float, written: bytes):
    """The header has whole seconds, rounded up: a client that comes too early is refused again."""
    assert retry_after_header(seconds) == (b"retry-after", written)
