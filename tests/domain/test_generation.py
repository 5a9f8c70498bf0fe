"""The rules of what can be asked for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filmgate.domain.errors import InvalidRequest
from filmgate.domain.generation import Generation, Operation, Reference, ReferenceKind, check, parse_duration

IMAGE = Reference(ReferenceKind.IMAGE, "https://example.com/a.png")
CLIP = Reference(ReferenceKind.TASK, "4665a07c-7641-4809-a133-10786201bb56")


@pytest.mark.parametrize(
    ("start", "end", "operation"),
    [
        (None, None, Operation.GENERATE),
        (IMAGE, IMAGE, Operation.GENERATE),
        (CLIP, None, Operation.EXTEND),
        (CLIP, IMAGE, Operation.EXTEND),
        (None, CLIP, Operation.REVERSE_EXTEND),
        (CLIP, CLIP, Operation.INTERPOLATE),
    ],
)
def test_references_decide_the_operation(start: Reference | None, end: Reference | None, operation: Operation) -> None:
    """What has to be done follows from what stands at either end."""
    assert Generation("x", start=start, end=end).operation is operation


@pytest.mark.parametrize("value", [5, 5.0, "5", "5s", " 5 S ", None, ""])
def test_durations_are_read_leniently(value: object) -> None:
    """All spellings of five seconds mean five seconds, and so does none at all."""
    assert parse_duration(value) == 5


@pytest.mark.parametrize(
    "value", [0, 11, -1, 2.5, "2.5s", "five", "5 minutes", True, [], {}, float("nan"), float("inf"), "９s", "9" * 99]
)
def test_other_durations_are_refused(value: object) -> None:
    """What is not a whole number of seconds from 1 to 10 is refused, with what is allowed."""
    with pytest.raises(InvalidRequest, match="1 to 10 whole seconds"):
        parse_duration(value)


@given(st.text(max_size=20) | st.integers() | st.floats() | st.none() | st.lists(st.integers(), max_size=2))
def test_no_duration_breaks_the_reader(value: object) -> None:
    """Whatever is sent as a duration is either a length or a clear error."""
    try:
        assert 1 <= parse_duration(value) <= 10
    except InvalidRequest as error:
        assert error.field == "duration"


@pytest.mark.parametrize(
    ("generation", "field"),
    [
        (Generation(""), "user_prompt"),
        (Generation("   "), "user_prompt"),
        (Generation("x" * 5_001), "user_prompt"),
        (Generation("x", aspect_ratio="17:9"), "aspect_ratio"),
        (Generation("x", resolution="8k"), "resolution"),
        (Generation("x", duration=11), "duration"),
    ],
)
def test_broken_rules_name_the_field(generation: Generation, field: str) -> None:
    """An error names the field in the words of the dialect that asked."""
    with pytest.raises(InvalidRequest) as caught:
        check(generation, prompt_field="user_prompt")
    assert caught.value.field == field


def test_a_picture_can_stand_for_the_prompt() -> None:
    """An empty prompt is allowed with an image, and 5,000 characters are allowed always."""
    assert check(Generation("", start=IMAGE))
    assert check(Generation("x" * 5_000))
