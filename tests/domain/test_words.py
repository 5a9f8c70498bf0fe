"""The words of a prompt, as they were written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filmgate.domain.words import MAX_LENGTH, MAX_WORDS, STOP_WORDS, bounded_list, words_in


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("A Zebra, in the rain!", ["A", "Zebra", "in", "the", "rain"]),
        ("the wolf's neon-lit den", ["the", "wolf's", "neon", "lit", "den"]),
        ("don\u2019t 'quote' 3 cats in 1920s", ["don\u2019t", "quote", "3", "cats", "in", "1920s"]),
        ("<b>bold</b> \x1b[31mred\u202e", ["b", "bold", "b", "31mred"]),
        ("हिन्दी, 日落", ["हिन्दी", "日落"]),
        ("... --- !!!", []),
    ],
)
def test_words_are_as_they_were_written(text: str, words: list[str]) -> None:
    """Case, apostrophes, marks and digits stay; punctuation, symbols and control characters go."""
    assert list(words_in(text)) == words


def test_a_list_has_each_word_once_and_no_stop_words() -> None:
    """The first spelling of a word is listed; what says nothing is not, but a negation is."""
    words = ["The", "Cat", "cat", "it's", "in", "no", "not", "without", "Octopus"]
    assert bounded_list(words) == ["Cat", "no", "not", "without", "Octopus"]


@given(st.text(max_size=300))
def test_a_list_is_bounded_harmless_and_out_of_the_text(text: str) -> None:
    """Whatever is written, what is listed is short, printable, and stands in the text as it is listed."""
    found = bounded_list(words_in(text * 3))
    assert len(found) <= MAX_WORDS
    for word in found:
        assert 0 < len(word) <= MAX_LENGTH
        assert word.removesuffix("…") in text * 3
        assert word.lower() not in STOP_WORDS
        assert not set("<>&[]\x1b\n") & set(word)


def test_a_list_is_cut() -> None:
    """A thousand words and a word of a thousand letters are cut."""
    assert len(bounded_list(f"w{number}" for number in range(1000))) == MAX_WORDS
    assert bounded_list(["x" * 1000]) == ["x" * (MAX_LENGTH - 1) + "…"]
