"""What the scripted engine is told to do."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from filmgate.adapters.engines.scripted.script import Playbook


def test_the_prompt_is_the_script() -> None:
    """Directives in square brackets are read wherever they stand."""
    script = Playbook().script_for("a cat [delay=2.5] dances [steps=4] [fail=moderated: Not here.] [crash=1]")
    assert (script.delay, script.steps, script.crash, script.hang) == (2.5, 4, 1, False)
    assert script.fail == "moderated: Not here."


def test_words_alone_mean_the_obvious() -> None:
    """`[fail]`, `[crash]` and `[hang]` need no value."""
    script = Playbook().script_for("[fail] [crash] [hang]")
    assert (script.fail, script.hang) == ("generation_failed", True)
    assert script.crash > 3


@pytest.mark.parametrize(
    "text", ["[delay=soon]", "[delay=-1]", "[steps=0]", "[delay=nan]", "[delay=1e99]", "[speed=9]", "[delay"]
)
def test_what_is_no_directive_is_left_alone(text: str) -> None:
    """A mistyped directive changes nothing."""
    assert Playbook().script_for(text) == Playbook()


def test_the_operator_sets_scenarios() -> None:
    """The first scenario whose words are in the prompt is taken, and the prompt overrules it."""
    book = msgspec.convert(
        {"delay": 1, "scenarios": [{"match": "Violence", "fail": "moderated"}, {"match": "slow", "delay": 9}]}, Playbook
    )
    assert book.script_for("violence, slow").fail == "moderated"
    assert book.script_for("so slow").delay == 9
    assert book.script_for("so slow [delay=0]").delay == 0
    assert book.script_for("a cat").delay == 1


def test_a_misspelled_option_is_refused() -> None:
    """An operator learns at the start that an option is not known."""
    with pytest.raises(msgspec.ValidationError, match="dela"):
        msgspec.convert({"dela": 1}, Playbook)


@given(st.text(max_size=60) | st.from_regex(r"\[(delay|steps|crash)=.{0,12}\]", fullmatch=True))
def test_no_prompt_breaks_the_reader(prompt: str) -> None:
    """Every prompt gives a script that can be followed."""
    script = Playbook().script_for(prompt)
    assert script.delay >= 0
    assert script.steps >= 1
    assert script.crash >= 0
